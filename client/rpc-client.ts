/** The typed RPC client: finds a node that answers, comes back after a break, and follows blocks by height. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import type { BlockEvent, RpcMethod, RpcParams, RpcResult } from './api.ts'
import { openConnection, type Connection } from './connection.ts'
import { isLost } from './reachable.ts'

export interface ConnectOptions {
  /** For the whole search. Default `LIMITS.rpcConnectMs`. */
  readonly timeoutMs?: number
}

export interface CallOptions {
  /** For the answer; default `LIMITS.rpcAnswerMs` beyond what the method itself is asked to wait. */
  readonly timeoutMs?: number
  /**
   * Whether to ask again after a break, maybe another node. Default true: every method may be repeated, `tx_submit`
   * too, since the same bytes again are the same payment.
   */
  readonly retry?: boolean
}

export class RpcClient implements AsyncDisposable {
  /** What to try, in order; one that failed goes to the end. */
  #urls: readonly string[]
  #connection: Connection
  #reconnecting: Promise<Connection> | null = null
  #alive = true
  #closed = false

  private constructor(urls: readonly string[], connection: Connection) {
    this.#urls = urls
    this.#connection = connection
    this.#watch(connection)
  }

  /**
   * Connects to the first of `urls` that answers; the next one is tried as soon as one refuses, or after a moment.
   * @throws CordonError `cannot-connect` naming what each of them said.
   */
  static async connect(urls: readonly string[], options: ConnectOptions = {}): Promise<RpcClient> {
    return new RpcClient(urls, await openFirst(urls, options.timeoutMs ?? LIMITS.rpcConnectMs))
  }

  /** The node that answers now. */
  get url(): string {
    return this.#connection.url
  }

  /**
   * Calls one method.
   * @throws CordonError: the node's own, or `connection-lost` / `cannot-connect` if no node answers any more.
   */
  async call<Method extends RpcMethod>(
    method: Method,
    params: RpcParams<Method>,
    options: CallOptions = {},
  ): Promise<RpcResult<Method>> {
    const timeoutMs = options.timeoutMs ?? waitOf(params) + LIMITS.rpcAnswerMs
    for (let attempts = this.#urls.length; ; attempts--) {
      const connection = this.#alive ? this.#connection : await this.#reconnect()
      try {
        return (await connection.request(method, params, timeoutMs)) as RpcResult<Method>
      } catch (error) {
        if (!isLost(error)) throw error
        this.#giveUp(connection)
        if (options.retry === false || attempts <= 0 || this.#closed) throw error
      }
    }
  }

  /**
   * Every executed block from `fromHeight` (default: the next one) on, without gaps: after a break it goes on, maybe at
   * another node, from the height where it stopped. Ends when `signal` aborts.
   */
  async *blocks(
    options: { readonly fromHeight?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<BlockEvent, void, undefined> {
    const { signal } = options
    let fromHeight = options.fromHeight
    while (!this.#closed && signal?.aborted !== true) {
      const connection = this.#alive ? this.#connection : await this.#reconnect()
      try {
        for await (const event of followBlocks(connection, fromHeight, signal)) {
          if (fromHeight !== undefined && event.height < fromHeight) continue
          fromHeight = event.height + 1
          yield event
        }
      } catch (error) {
        if (!isLost(error)) throw error
        this.#giveUp(connection)
      }
    }
  }

  /** Ends the connection; calls that wait fail. What was written is still handed over. */
  close(): void {
    this.#closed = true
    this.#connection.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return this.#connection.kind === 'http' ? Promise.resolve() : this.#connection.closed
  }

  #watch(connection: Connection): void {
    void connection.closed.then(() => this.#giveUp(connection))
  }

  #giveUp(connection: Connection): void {
    if (connection !== this.#connection || !this.#alive) return
    this.#alive = false
    const { url } = connection
    this.#urls = [...this.#urls.filter((other) => other !== url), url]
    connection.close()
  }

  #reconnect(): Promise<Connection> {
    this.#reconnecting ??= this.#search().finally(() => {
      this.#reconnecting = null
    })
    return this.#reconnecting
  }

  async #search(): Promise<Connection> {
    const deadlineMs = performance.now() + LIMITS.rpcReconnectMs
    for (;;) {
      if (this.#closed) throw new CordonError('cannot-connect', 'the client was closed')
      try {
        const connection = await openFirst(this.#urls, LIMITS.rpcConnectMs)
        this.#connection = connection
        this.#alive = true
        this.#watch(connection)
        if (this.#closed) connection.close()
        return connection
      } catch (error) {
        if (performance.now() >= deadlineMs) throw error
      }
      await sleep(LIMITS.rpcReconnectPauseMs)
    }
  }
}

/** See `RpcClient.connect`. */
export function connect(urls: readonly string[], options: ConnectOptions = {}): Promise<RpcClient> {
  return RpcClient.connect(urls, options)
}

/** What a method asks the node to wait. */
function waitOf(params: object): number {
  const { timeoutMs } = params as { readonly timeoutMs?: unknown }
  return typeof timeoutMs === 'number' ? timeoutMs : 0
}

/** Starts attempts one after the other, and early if one fails; the first that opens wins and ends the rest. */
function openFirst(urls: readonly string[], timeoutMs: number): Promise<Connection> {
  if (urls.length === 0)
    return Promise.reject(
      new CordonError('cannot-connect', 'there is no node to ask; give its URL with --rpc'),
    )
  return new Promise((resolve, reject) => {
    const rest = new AbortController()
    const failures: CordonError[] = []
    let next = 0
    let timer: NodeJS.Timeout | undefined
    const fail = (error: unknown): void => {
      if (rest.signal.aborted) return
      failures.push(error instanceof CordonError ? error : new CordonError('cannot-connect', String(error)))
      if (failures.length < urls.length) {
        startNext()
        return
      }
      const usage = failures.find(({ code }) => code === 'usage')
      reject(
        usage ??
          new CordonError(
            'cannot-connect',
            `no node answers: ${failures.map(({ message }) => message).join('; ')}`,
            { urls },
          ),
      )
    }
    const startNext = (): void => {
      clearTimeout(timer)
      const url = urls[next++]
      if (url === undefined) return
      if (next < urls.length) timer = setTimeout(startNext, LIMITS.rpcNextNodeMs)
      openConnection(url, timeoutMs, rest.signal).then((connection) => {
        if (rest.signal.aborted) {
          connection.close()
          return
        }
        clearTimeout(timer)
        rest.abort()
        resolve(connection)
      }, fail)
    }
    startNext()
  })
}

/** Events of one subscription, until the connection breaks (`connection-lost`) or the reader falls far behind (end). */
async function* followBlocks(
  connection: Connection,
  fromHeight: number | undefined,
  signal?: AbortSignal,
): AsyncGenerator<BlockEvent, void, undefined> {
  if (connection.kind === 'http')
    throw new CordonError(
      'rpc-method',
      `${connection.url} does not speak WebSocket, which following blocks needs`,
    )
  // Events may come before the answer that names the subscription, so listening starts first.
  const queue: { readonly subscription: string; readonly event: BlockEvent }[] = []
  let wake: () => void = () => undefined
  let ended: 'lost' | 'aborted' | 'behind' | null = null
  const end = (why: 'lost' | 'aborted' | 'behind'): void => {
    ended ??= why
    wake()
  }
  const onAbort = (): void => end('aborted')
  const stop = connection.onNotification((method, params) => {
    if (method !== 'blocks_event' || ended !== null) return
    queue.push(params as { subscription: string; event: BlockEvent })
    if (queue.length >= LIMITS.rpcWaitingEvents) end('behind')
    wake()
  })
  signal?.addEventListener('abort', onAbort, { once: true })
  void connection.closed.then(() => end('lost'))
  try {
    const params = fromHeight === undefined ? {} : { fromHeight }
    const { subscription } = (await connection.request(
      'blocks_subscribe',
      params,
      LIMITS.rpcAnswerMs,
    )) as RpcResult<'blocks_subscribe'>
    try {
      for (;;) {
        for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
          if (item.subscription === subscription) yield item.event
        }
        if (ended === 'lost')
          throw new CordonError('connection-lost', `${connection.url}: the connection broke`, {
            url: connection.url,
          })
        if (ended !== null) return
        await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      connection.request('blocks_unsubscribe', { subscription }, LIMITS.rpcAnswerMs).catch(() => undefined) // gone with the connection anyway
    }
  } finally {
    stop()
    signal?.removeEventListener('abort', onAbort)
  }
}
