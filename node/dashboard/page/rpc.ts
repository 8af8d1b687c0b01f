/**
 * The page's line to its node: JSON-RPC over one WebSocket, opened again whenever it breaks. Calls that are under way when
 * it breaks are refused; whoever made them asks again once the line is back.
 */
import type { BlockEvent, RpcErrorData, RpcMethods } from '../../../client/api.ts'
import type { OperatorMethods } from '../../../client/operator-api.ts'
import type { LineState } from './line-state.ts'

const CALL_TIMEOUT_MS = 15_000
const FIRST_RETRY_MS = 250
const LONGEST_RETRY_MS = 8_000

/** What the page may call; operator methods where they are, by those who are signed in. */
export interface PageMethods extends RpcMethods, OperatorMethods {}
export type PageMethod = keyof PageMethods
export type PageParams<Method extends PageMethod> = PageMethods[Method]['params']
export type PageResult<Method extends PageMethod> = PageMethods[Method]['result']

/** What names the sockets of this page: a token goes beside it, since a browser sets no header of a WebSocket. */
const SUBPROTOCOL = 'cordon'

/** What the node answered instead of a result. */
export class RpcError extends Error {
  readonly code: string

  constructor(message: string, code: string) {
    super(message)
    this.code = code
  }
}

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: number
}

/** One message of the node: an answer, or a notification. */
export interface Answer {
  readonly id?: number | null
  readonly method?: string
  readonly params?: { readonly event?: BlockEvent }
  readonly result?: unknown
  readonly error?: { readonly message: string; readonly data?: RpcErrorData }
}

export interface LineHandlers {
  readonly onState: (state: LineState) => void
  /** Blocks are told from the next one on, anew after each break. */
  readonly onBlock: (block: BlockEvent) => void
  /** The token does not count any more. */
  readonly onRefused: (error: RpcError) => void
}

export class Line {
  readonly #url: string
  readonly #handlers: LineHandlers
  readonly #waiting: Map<number, Waiting> = new Map()
  #socket: WebSocket | null = null
  #nextId = 1
  #retryMs = FIRST_RETRY_MS
  readonly #protocols: string[]
  #isClosed = false

  /** @param token of whoever is signed in; null: what is public needs none. */
  constructor(url: string, token: string | null, handlers: LineHandlers) {
    this.#url = url
    this.#protocols = token === null ? [] : [SUBPROTOCOL, token]
    this.#handlers = handlers
    this.#open()
  }

  /** @throws RpcError what the node refused, or `cannot-connect`. */
  call<Method extends PageMethod>(method: Method, params: PageParams<Method>): Promise<PageResult<Method>> {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN)
      return Promise.reject(new RpcError('the node does not answer', 'cannot-connect'))
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      const timer = window.setTimeout(() => {
        this.#waiting.delete(id)
        reject(new RpcError(`no answer to ${method} for ${CALL_TIMEOUT_MS / 1000} s`, 'cannot-connect'))
      }, CALL_TIMEOUT_MS)
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject, timer })
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  }

  close(): void {
    this.#isClosed = true
    this.#socket?.close()
  }

  #open(): void {
    this.#handlers.onState('connecting')
    const socket = new WebSocket(this.#url, this.#protocols)
    this.#socket = socket
    socket.onopen = () => {
      this.#retryMs = FIRST_RETRY_MS
      this.#handlers.onState('open')
      void this.call('blocks_subscribe', {}).catch(() => socket.close())
    }
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') this.#receive(JSON.parse(data) as Answer)
    }
    socket.onclose = () => {
      if (this.#isClosed) return
      this.#handlers.onState('lost')
      this.#refuseAll()
      window.setTimeout(() => {
        if (!this.#isClosed) this.#open()
      }, this.#retryMs)
      this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * this.#retryMs)
    }
  }

  #receive({ id, method, params, result, error }: Answer): void {
    if (method === 'blocks_event') {
      if (params?.event !== undefined) this.#handlers.onBlock(params.event)
      return
    }
    if (error?.data?.code === 'unauthorized')
      this.#handlers.onRefused(new RpcError(error.message, error.data.code))
    if (id === undefined || id === null) return
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    window.clearTimeout(waiting.timer)
    if (error === undefined) waiting.resolve(result)
    else waiting.reject(new RpcError(error.message, error.data?.code ?? 'unexpected'))
  }

  #refuseAll(): void {
    for (const { reject, timer } of this.#waiting.values()) {
      window.clearTimeout(timer)
      reject(new RpcError('the connection to the node was lost', 'cannot-connect'))
    }
    this.#waiting.clear()
  }
}
