/** A real RPC server on a free port with a service made of plain functions, and a raw WebSocket client. */
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'
import type { BlockEvent } from '../../client/api.ts'
import type { OperatorServerOptions } from '../../node/rpc/operator-server.ts'
import {
  startRpcServer,
  type RpcServer,
  type RpcServerOptions,
  type RpcService,
} from '../../node/rpc/server.ts'

export interface LogLine {
  readonly level: string
  readonly fields: Record<string, unknown>
  readonly message: string
}

export interface Harness {
  readonly server: RpcServer
  readonly log: LogLine[]
  /** Executes blocks up to this height. */
  execute(height: number): void
  post(body: unknown, headers?: Record<string, string>): Promise<{ status: number; body: Answer }>
  connect(): Promise<Client>
}

export interface Answer {
  readonly jsonrpc?: string
  readonly id?: unknown
  readonly result?: unknown
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data: Record<string, unknown> & { readonly code: string }
  }
  readonly method?: string
  readonly params?: { readonly subscription: string; readonly event: BlockEvent }
}

export function blockEvent(height: number): BlockEvent {
  return { height, hash: 'ab'.repeat(32), timeMs: 1_000 * height, results: [], expired: [] }
}

/** What an operator port needs beside its own methods, for tests in which nobody calls any of it. */
export const NO_PUBLIC_SIDE: Pick<OperatorServerOptions, 'reads' | 'status' | 'events'> = {
  reads: {} as RpcService,
  status: { problems: () => [] },
  events: {
    executedHeight: () => 0,
    at: (height) => Promise.resolve(blockEvent(height)),
    onExecuted: () => () => undefined,
  },
}

export async function startHarness(
  t: TestContext,
  service: { readonly [Method in keyof RpcService]?: RpcService[Method] } = {},
  overrides: Partial<RpcServerOptions> = {},
): Promise<Harness> {
  const log: LogLine[] = []
  const listeners = new Set<() => void>()
  let executedHeight = 0
  const write =
    (level: string) =>
    (fields: object, message: string): void => {
      log.push({ level, fields: fields as Record<string, unknown>, message })
    }
  const server = await startRpcServer({
    host: '127.0.0.1',
    port: 0,
    service: service as RpcService,
    status: { problems: () => [], obstacles: () => [] },
    metrics: () => Promise.resolve('# TYPE up gauge\nup 1\n'),
    events: {
      executedHeight: () => executedHeight,
      at: (height) => Promise.resolve(blockEvent(height)),
      onExecuted: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    log: { debug: write('debug'), warn: write('warn'), error: write('error') },
    ...overrides,
  })
  t.after(() => server.close())
  return {
    server,
    log,
    execute: (height) => {
      executedHeight = height
      for (const listener of listeners) listener()
    },
    post: async (body, headers = {}) => {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      const text = await response.text()
      return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as Answer }
    },
    connect: () => Client.open(server.url),
  }
}

/** Sends texts and hands out what comes, in order. */
export class Client {
  readonly socket: WebSocket
  readonly #messages: Answer[] = []
  #wake: () => void = () => undefined
  #nextId = 1

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      this.#messages.push(JSON.parse(data.toString('utf8')) as Answer)
      this.#wake()
    })
    socket.on('close', () => this.#wake())
  }

  static async open(
    url: string,
    headers: Record<string, string> = {},
    protocols: readonly string[] = [],
  ): Promise<Client> {
    const socket = new WebSocket(url.replace('http:', 'ws:'), [...protocols], { headers })
    const client = new Client(socket)
    await once(socket, 'open')
    return client
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** The next message; fails when the socket closes first. */
  async next(): Promise<Answer> {
    for (;;) {
      const message = this.#messages.shift()
      if (message !== undefined) return message
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('the socket closed')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Calls a method and takes the next message as its answer. */
  async call(method: string, params: object = {}): Promise<Answer> {
    this.send({ jsonrpc: '2.0', id: this.#nextId++, method, params })
    return this.next()
  }

  async closed(): Promise<number> {
    const [code] = (await once(this.socket, 'close')) as [number]
    return code
  }
}
