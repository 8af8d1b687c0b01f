/**
 * One connection to one node: JSON-RPC 2.0 over a WebSocket, or over HTTP where an upgrade is refused (a proxy in
 * between). Calls are pipelined; one timer watches over all that wait.
 */
import { WebSocket } from 'ws'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { errorOf, lost, messageOf, postRequest, reasonOf, type JsonRpcMessage } from './json-rpc.ts'

/** A request without an answer is noticed at most this much too late. */
const SWEEP_MS = 250
const HTTP_PROTOCOLS: Readonly<Record<string, string>> = {
  'http:': 'ws:',
  'https:': 'wss:',
  'ws:': 'ws:',
  'wss:': 'wss:',
}

type NotificationListener = (method: string, params: unknown) => void

export interface Connection {
  readonly url: string
  readonly kind: 'websocket' | 'http'
  /**
   * Sends one request.
   * @throws CordonError of the node's answer; `connection-lost` if there is none, by a break or within `timeoutMs`.
   */
  request(method: string, params: object, timeoutMs: number): Promise<unknown>
  /** @returns how to stop listening. WebSocket only; HTTP never calls. */
  onNotification(listener: NotificationListener): () => void
  /** Resolves when the connection is of no more use. */
  readonly closed: Promise<void>
  /** Hands over what was written, then ends. */
  close(): void
}

/**
 * Opens a connection.
 * @throws CordonError `usage` for what is no URL, `cannot-connect` with the reason.
 */
export async function openConnection(
  url: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Connection> {
  const target = parseUrl(url)
  const opened = await openWebSocket(target, url, timeoutMs, signal)
  if (opened !== 'refused-upgrade') return opened
  const http = new HttpConnection(url, target.href.replace(/^ws/, 'http'))
  await http.request('chain_info', {}, timeoutMs)
  return http
}

function parseUrl(url: string): URL {
  const target = URL.canParse(url) ? new URL(url) : null
  const protocol = target === null ? undefined : HTTP_PROTOCOLS[target.protocol]
  if (target === null || protocol === undefined) {
    throw new CordonError(
      'usage',
      `expected the URL of a node such as http://127.0.0.1:7300, got ${JSON.stringify(url)}`,
      { url },
    )
  }
  // The protocol setter refuses to move between special and other schemes, so the text is rewritten.
  return new URL(target.href.replace(/^[a-z]+:/, protocol))
}

function openWebSocket(
  target: URL,
  url: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Connection | 'refused-upgrade'> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(target, {
      perMessageDeflate: false,
      handshakeTimeout: timeoutMs,
      maxPayload: LIMITS.rpcAnswerBytes,
      followRedirects: false,
    })
    const abort = (): void => socket.terminate()
    signal?.addEventListener('abort', abort, { once: true })
    socket.once('open', () => {
      signal?.removeEventListener('abort', abort)
      resolve(new WebSocketConnection(url, socket))
    })
    socket.once('unexpected-response', (request) => {
      request.destroy()
      resolve('refused-upgrade')
    })
    socket.on('error', (error) =>
      reject(new CordonError('cannot-connect', `${url}: ${reasonOf(error)}`, { url })),
    )
  })
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: CordonError) => void
  readonly deadlineMs: number
}

class WebSocketConnection implements Connection {
  readonly url: string
  readonly kind = 'websocket'
  readonly closed: Promise<void>
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners = new Set<NotificationListener>()
  #nextId = 1
  #sweep: NodeJS.Timeout | undefined

  constructor(url: string, socket: WebSocket) {
    this.url = url
    this.#socket = socket
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#failAll('the connection broke')
        resolve()
      })
    })
    socket.on('message', (data: Buffer) => this.#onMessage(data))
    socket.on('error', () => socket.terminate()) // `close` follows and says the rest
  }

  request(method: string, params: object, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(lost(this.url, 'the connection is closed'))
        return
      }
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject, deadlineMs: performance.now() + timeoutMs })
      this.#sweep ??= setInterval(() => this.#rejectOverdue(), SWEEP_MS)
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  }

  onNotification(listener: NotificationListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#socket.close()
    // A node that hangs must not keep the process.
    setTimeout(() => this.#socket.terminate(), LIMITS.rpcCloseMs).unref()
    this.#failAll('the connection was closed')
  }

  #onMessage(data: Buffer): void {
    const message = messageOf(data.toString('utf8'))
    if (message === null) {
      this.#socket.terminate() // what answers there is no node
      return
    }
    if (typeof message.id === 'number') this.#onAnswer(message.id, message)
    else if (typeof message.method === 'string')
      for (const listener of this.#listeners) listener(message.method, message.params)
  }

  #onAnswer(id: number, message: JsonRpcMessage): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return // answered too late
    this.#waiting.delete(id)
    this.#stopSweepIfIdle()
    if (message.error === undefined) waiting.resolve(message.result)
    else waiting.reject(errorOf(message.error))
  }

  #rejectOverdue(): void {
    const nowMs = performance.now()
    for (const [id, { deadlineMs, reject }] of this.#waiting) {
      if (deadlineMs > nowMs) continue
      this.#waiting.delete(id)
      reject(lost(this.url, 'the node does not answer'))
    }
    this.#stopSweepIfIdle()
  }

  #failAll(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(lost(this.url, reason))
    this.#waiting.clear()
    this.#stopSweepIfIdle()
  }

  #stopSweepIfIdle(): void {
    if (this.#waiting.size > 0) return
    clearInterval(this.#sweep)
    this.#sweep = undefined
  }
}

class HttpConnection implements Connection {
  readonly url: string
  readonly kind = 'http'
  readonly closed: Promise<void> = new Promise(() => undefined)
  readonly #endpoint: string
  readonly #abort = new AbortController()

  constructor(url: string, endpoint: string) {
    this.url = url
    this.#endpoint = endpoint
  }

  request(method: string, params: object, timeoutMs: number): Promise<unknown> {
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(timeoutMs)])
    return postRequest({ url: this.url, endpoint: this.#endpoint, signal }, method, params)
  }

  onNotification(): () => void {
    return () => undefined
  }

  close(): void {
    this.#abort.abort()
  }
}
