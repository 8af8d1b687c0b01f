/**
 * A WebSocket that submits prepared payments in bundles and follows the blocks: what a client with much traffic would
 * use. It comes back after a break and goes on from the height where it stopped.
 */
import { WebSocket } from 'ws'
import type { BlockEvent } from '../../client/api.ts'
import { LIMITS } from '../../config/limits.ts'

const RECONNECT_MS = 200
/** Request id of the subscription; payments use their number plus one. */
const SUBSCRIBE_ID = 0

interface LoadSocketHandlers {
  /** `refusal` is the error code, or null: accepted. */
  onAnswer(payment: number, refusal: string | null): void
  onBlock(event: BlockEvent): void
  /** Payments without an answer when the connection broke. */
  onBreak(unanswered: readonly number[]): void
}

export class LoadSocket {
  readonly name: string
  readonly #url: string
  readonly #handlers: LoadSocketHandlers
  readonly #unanswered = new Set<number>()
  #socket: WebSocket | null = null
  #subscribed = false
  #nextHeight: number | null = null
  #closed = false
  #timer: NodeJS.Timeout | undefined

  constructor(name: string, rpc: string, handlers: LoadSocketHandlers) {
    this.name = name
    this.#url = rpc.replace(/^http/, 'ws')
    this.#handlers = handlers
  }

  /** Connects and subscribes. Resolves either way: a dead node is simply not `ready`. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      const socket = new WebSocket(this.#url, {
        perMessageDeflate: false,
        maxPayload: LIMITS.rpcAnswerBytes,
        skipUTF8Validation: true,
      })
      this.#socket = socket
      socket.once('open', () => {
        const params = this.#nextHeight === null ? {} : { fromHeight: this.#nextHeight }
        socket.send(JSON.stringify({ jsonrpc: '2.0', id: SUBSCRIBE_ID, method: 'blocks_subscribe', params }))
      })
      socket.on('message', (data: Buffer) => {
        this.#onMessage(JSON.parse(data.toString('utf8')))
        if (this.#subscribed) resolve()
      })
      socket.once('close', () => {
        this.#onClose()
        resolve()
      })
      socket.on('error', () => socket.terminate())
    })
  }

  get ready(): boolean {
    return this.#subscribed
  }

  /** Sends payments, bundled as JSON-RPC batches. Each entry: its number, and its request made by `requestOf`. */
  send(payments: readonly { readonly number: number; readonly request: string }[]): void {
    for (let start = 0; start < payments.length; start += LIMITS.rpcBatchRequests) {
      const bundle = payments.slice(start, start + LIMITS.rpcBatchRequests)
      for (const { number } of bundle) this.#unanswered.add(number)
      this.#socket?.send(`[${bundle.map(({ request }) => request).join(',')}]`)
    }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#socket?.terminate()
  }

  #onMessage(message: unknown): void {
    for (const part of Array.isArray(message) ? (message as unknown[]) : [message]) this.#onPart(part as Part)
  }

  #onPart(part: Part): void {
    if (part.method === 'blocks_event' && part.params !== undefined) {
      this.#nextHeight = part.params.event.height + 1
      this.#handlers.onBlock(part.params.event)
    } else if (part.id === SUBSCRIBE_ID) {
      this.#subscribed = part.error === undefined
    } else if (typeof part.id === 'number' && this.#unanswered.delete(part.id - 1)) {
      this.#handlers.onAnswer(
        part.id - 1,
        part.error === undefined ? null : (part.error.data?.code ?? 'unexpected'),
      )
    }
  }

  #onClose(): void {
    this.#subscribed = false
    const unanswered = [...this.#unanswered]
    this.#unanswered.clear()
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.open(), RECONNECT_MS)
    this.#handlers.onBreak(unanswered)
  }
}

/** The text of one submission. */
export function requestOf(number: number, txHex: string): string {
  return `{"jsonrpc":"2.0","id":${number + 1},"method":"tx_submit","params":{"tx":"${txHex}"}}`
}

interface Part {
  readonly id?: unknown
  readonly method?: unknown
  readonly params?: { readonly event: BlockEvent }
  readonly error?: { readonly data?: { readonly code?: string } }
}
