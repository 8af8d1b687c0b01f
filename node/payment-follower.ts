/**
 * `payments_follow`: what happens to payments, page by page, from a cursor on. A cursor is a height and how many events
 * of it were seen. The events of a block are counted before any account is singled out: so a cursor means the same at
 * every node, for every account. Between two calls nothing is kept.
 */
import type { PaymentEvent, PaymentEvents, RpcParams } from '../client/api.ts'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { decodeAddress } from '../crypto/address.ts'
import { formatCursor, parseCursor, type HistoryCursor } from '../ledger/history.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { PaymentEventReader } from './payment-events.ts'

const DEFAULT_ITEMS = 100
/** When to come back if too many wait, or read old blocks. */
const RETRY_MS = 1_000

type FollowedLedger = Pick<Ledger, 'height' | 'result' | 'workOf' | 'heightsOf'>

/** Which heights to look into, and the first one that is left for later. */
interface Span {
  readonly heights: readonly number[]
  readonly beyond: number
}

interface FollowedPage {
  readonly items: readonly PaymentEvent[]
  readonly next: HistoryCursor
}

export class PaymentFollower {
  readonly #ledger: FollowedLedger
  readonly #onExecuted: (listener: () => void) => () => void
  readonly #prefix: string
  readonly #events: PaymentEventReader
  #waiting = 0
  /** Calls that read blocks older than those that are shared. */
  #behind = 0

  /**
   * @param onExecuted calls a listener after each executed block; returns how to stop it.
   * @param prefix of addresses.
   */
  constructor(ledger: FollowedLedger, onExecuted: (listener: () => void) => () => void, prefix: string) {
    this.#ledger = ledger
    this.#onExecuted = onExecuted
    this.#prefix = prefix
    this.#events = new PaymentEventReader(ledger, prefix)
  }

  /**
   * One page. It has no events if the time was up, `signal` aborted, or there are more blocks to look into.
   * @throws CordonError `rpc-invalid` for a wrong cursor, `address-invalid`, or `busy` if too many wait or read old
   *   blocks.
   */
  async follow(
    { address, cursor, limit = DEFAULT_ITEMS, timeoutMs = 0 }: RpcParams<'payments_follow'>,
    signal: AbortSignal,
  ): Promise<PaymentEvents> {
    const account = address === undefined ? null : decodeAddress(this.#prefix, address)
    const until = performance.now() + timeoutMs
    let from: HistoryCursor =
      cursor === undefined ? { height: this.#ledger.height + 1, skip: 0 } : parseCursor(cursor)
    for (;;) {
      const executedHeight = this.#ledger.height
      const page = await this.#page(account, from, limit, executedHeight)
      const waitMs = until - performance.now()
      const isDone = page.items.length > 0 || page.next.height <= executedHeight
      if (isDone || waitMs <= 0 || signal.aborted)
        return { items: page.items, cursor: formatCursor(page.next), executedHeight }
      from = page.next
      await this.#nextBlock(executedHeight, waitMs, signal)
    }
  }

  /** Events from a cursor on up to a height, as far as one call may go. */
  async #page(
    account: Uint8Array | null,
    from: HistoryCursor,
    limit: number,
    top: number,
  ): Promise<FollowedPage> {
    if (from.height > top) return { items: [], next: from }
    if (this.#events.isShared(from.height)) {
      const heights = heightsFrom(from.height, top)
      return this.#collect(account, from, limit, { heights, beyond: top + 1 })
    }
    if (this.#behind >= LIMITS.rpcFollowersBehind)
      throw tooMany(`${this.#behind} calls read payments of old blocks already`)
    this.#behind++
    try {
      return await this.#collect(account, from, limit, await this.#oldHeights(account, from.height, top))
    } finally {
      this.#behind--
    }
  }

  async #collect(
    account: Uint8Array | null,
    from: HistoryCursor,
    limit: number,
    { heights, beyond }: Span,
  ): Promise<FollowedPage> {
    const items: PaymentEvent[] = []
    let transactions = 0
    for (const height of heights) {
      const result = await this.#ledger.result(height)
      if (result?.hadWork !== true) continue
      if (transactions >= LIMITS.rpcFollowedTxs) return { items, next: { height, skip: 0 } }
      transactions += result.receipts
      const events = await this.#events.of(result)
      for (const index of events.concerning(account)) {
        if (height === from.height && index < from.skip) continue
        items.push(events.told(index))
        if (items.length === limit) return { items, next: { height, skip: index + 1 } }
      }
    }
    return { items, next: { height: beyond, skip: 0 } }
  }

  /** Where the blocks are not shared, the index of an account says which of them concern it. */
  async #oldHeights(account: Uint8Array | null, from: number, top: number): Promise<Span> {
    const most = LIMITS.rpcFollowedBlocks
    if (account === null) {
      const last = Math.min(top, from + most - 1)
      return { heights: heightsFrom(from, last), beyond: last + 1 }
    }
    const heights = (await this.#ledger.heightsOf(account, from, most)).filter((height) => height <= top)
    const last = heights.at(-1)
    return { heights, beyond: heights.length === most && last !== undefined ? last + 1 : top + 1 }
  }

  /** Resolves when a block above `height` is executed, the time is up, or `signal` aborts. */
  async #nextBlock(height: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting >= LIMITS.rpcFollowers)
      throw tooMany(`${this.#waiting} calls wait for payments already`)
    this.#waiting++
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const wake = (): void => {
      resolve(undefined)
    }
    const timer = setTimeout(wake, waitMs)
    const stopListening = this.#onExecuted(wake)
    signal.addEventListener('abort', wake)
    try {
      if (this.#ledger.height <= height && !signal.aborted) await promise
    } finally {
      clearTimeout(timer)
      stopListening()
      signal.removeEventListener('abort', wake)
      this.#waiting--
    }
  }
}

/** Both included. */
function heightsFrom(first: number, last: number): number[] {
  return Array.from({ length: last + 1 - first }, (_, index) => first + index)
}

function tooMany(what: string): CordonError {
  const message = `${what}, as many as the node takes; come back later, or ask another node`
  return new CordonError('busy', message, { retryAfterMs: RETRY_MS })
}
