/** A JSON-RPC server for tests: real sockets, scripted answers. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'

export interface Request {
  readonly id: number
  readonly method: string
  readonly params: Record<string, unknown>
}

export interface RpcFailure {
  readonly code: string
  readonly message: string
  readonly data?: Record<string, unknown>
}

export type Handler = (request: Request, socket: WebSocket | null) => unknown

export class FakeNode implements AsyncDisposable {
  readonly requests: Request[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #webSockets: WebSocketServer | null
  #handler: Handler

  private constructor(handler: Handler, webSocket: boolean) {
    this.#handler = handler
    this.#server = createServer((request, response) => void this.#onPost(request, response))
    this.#server.on('connection', (socket) => {
      if (this.isAway) socket.destroy()
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#webSockets = webSocket ? new WebSocketServer({ server: this.#server }) : null
    this.#webSockets?.on('connection', (socket) => {
      socket.on(
        'message',
        (data: Buffer) =>
          void this.#answer(data.toString()).then((text) => text !== null && socket.send(text)),
      )
    })
    this.#webSockets?.on('connection', (socket) => {
      this.lastSocket = socket
    })
    // A proxy that does not know WebSocket answers an upgrade like any other request.
    if (!webSocket)
      this.#server.on('upgrade', (_, socket) =>
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
      )
  }

  lastSocket: WebSocket | null = null
  /** It answers nobody, as if it did not run; its port stays its own, so that nobody else comes to answer there. */
  isAway = false

  static async start(handler: Handler, options: { webSocket?: boolean } = {}): Promise<FakeNode> {
    const node = new FakeNode(handler, options.webSocket ?? true)
    await new Promise<void>((resolve) => node.#server.listen(0, '127.0.0.1', resolve))
    return node
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  setHandler(handler: Handler): void {
    this.#handler = handler
  }

  /** Sends a notification to the newest connection. */
  notify(method: string, params: object): void {
    this.lastSocket?.send(JSON.stringify({ jsonrpc: '2.0', method, params }))
  }

  /** Breaks every connection, as a crash does. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async #onPost(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const answer = await this.#answer(body)
    response.setHeader('content-type', 'application/json')
    response.end(answer ?? '')
  }

  async #answer(text: string): Promise<string | null> {
    const request = JSON.parse(text) as Request
    this.requests.push(request)
    try {
      const result = await this.#handler(request, this.lastSocket)
      return result === NO_ANSWER ? null : JSON.stringify({ jsonrpc: '2.0', id: request.id, result })
    } catch (thrown) {
      const { code, message, data } = thrown as RpcFailure
      return JSON.stringify({
        jsonrpc: '2.0',
        id: request.id,
        error: { code: -32000, message, data: { code, ...data } },
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#webSockets?.clients ?? []) client.terminate()
    this.dropConnections()
    this.#webSockets?.close()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export const NO_ANSWER: unique symbol = Symbol('no answer')

/** Thrown by a handler to answer with an error. */
export function rpcFailure(
  code: string,
  message: string,
  data: Record<string, unknown> = {},
): RpcFailure & Error {
  return Object.assign(new Error(message), { code, data })
}
