/**
 * `payments_follow`: what happens to payments, page by page, from a cursor on. A cursor is a height and how many events
 * of it were seen. Which events a block has, and in which order, follows from the block alone, and they are counted
 * before any account is singled out: so a cursor means the same at every node, for every account. Between two calls
 * nothing is kept.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PaymentEvent, PaymentEvents, RpcParams } from '../client/api.ts'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { decodeAddress, encodeAddress } from '../crypto/address.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { END_STATUS, formatCursor, parseCursor, type HistoryCursor } from '../ledger/history.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { decodeTransaction } from '../ledger/transaction.ts'
import type { Hold, Receipt } from '../ledger/types.ts'
import { transfersOf } from './transfers.ts'

const DEFAULT_ITEMS = 100
/** When to come back if too many wait. */
const RETRY_MS = 1_000

type FollowedLedger = Pick<Ledger, 'height' | 'result' | 'transactionsOf' | 'holdsEndedBetween' | 'heightsOf'>

/** An event as the ledger has it: most are looked at and not told, and writing addresses takes its time. */
interface LedgerEvent {
  readonly event: PaymentEvent['event']
  readonly txId: Uint8Array
  readonly payer: Uint8Array
  readonly payee: Uint8Array
  readonly amount: bigint
  readonly memo: Uint8Array | null
  readonly holdId: Uint8Array | null
  readonly failure: string | null
}

export class PaymentFollower {
  readonly #ledger: FollowedLedger
  readonly #onExecuted: (listener: () => void) => () => void
  readonly #prefix: string
  #waiting = 0

  /**
   * @param onExecuted calls a listener after each executed block; returns how to stop it.
   * @param prefix of addresses.
   */
  constructor(ledger: FollowedLedger, onExecuted: (listener: () => void) => () => void, prefix: string) {
    this.#ledger = ledger
    this.#onExecuted = onExecuted
    this.#prefix = prefix
  }

  /**
   * One page. It has no events if the time was up, `signal` aborted, or there are more blocks to look into.
   * @throws CordonError `rpc-invalid` for a wrong cursor, `address-invalid`, or `busy` if too many wait.
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
  ): Promise<{ readonly items: readonly PaymentEvent[]; readonly next: HistoryCursor }> {
    const items: PaymentEvent[] = []
    const { heights, beyond } = await this.#heights(account, from.height, top)
    let transactions = 0
    for (const height of heights) {
      const result = await this.#ledger.result(height)
      if (result?.hadWork !== true) continue
      if (transactions >= LIMITS.rpcFollowedTxs) return { items, next: { height, skip: 0 } }
      transactions += result.receipts
      for (const [index, event] of (await this.#eventsOf(height)).entries()) {
        const isSeen = height === from.height && index < from.skip
        if (isSeen || (account !== null && !concerns(event, account))) continue
        const next = { height, skip: index + 1 }
        items.push(this.#told(event, next, result.timeMs))
        if (items.length === limit) return { items, next }
      }
    }
    return { items, next: beyond > from.height ? { height: beyond, skip: 0 } : from }
  }

  /** Which heights to look into, and the first one that is left for later. */
  async #heights(
    account: Uint8Array | null,
    from: number,
    top: number,
  ): Promise<{ readonly heights: readonly number[]; readonly beyond: number }> {
    const most = LIMITS.rpcFollowedBlocks
    if (from > top) return { heights: [], beyond: from }
    if (account === null) {
      const count = Math.min(most, top + 1 - from)
      return { heights: Array.from({ length: count }, (_, index) => from + index), beyond: from + count }
    }
    const heights = (await this.#ledger.heightsOf(account, from, most)).filter((height) => height <= top)
    const last = heights.at(-1)
    return { heights, beyond: heights.length === most && last !== undefined ? last + 1 : top + 1 }
  }

  /** All events of an executed block: its transfers in the order of execution, then the holds that ended. */
  async #eventsOf(height: number): Promise<LedgerEvent[]> {
    const events: LedgerEvent[] = []
    const transactions = (await this.#ledger.transactionsOf(height)) ?? []
    for (const [index, { receipt, bytes }] of transactions.entries()) {
      events.push(...transferEvents(receipt, bytes))
      if ((index + 1) % LIMITS.txsPerTurn === 0) await nextTurn()
    }
    return [...events, ...(await this.#ledger.holdsEndedBetween(height, height)).map(endEvent)]
  }

  #told(
    { event, txId, payer, payee, amount, memo, holdId, failure }: LedgerEvent,
    next: HistoryCursor,
    timeMs: number,
  ): PaymentEvent {
    return {
      event,
      cursor: formatCursor(next),
      height: next.height,
      timeMs,
      txId: toHex(txId),
      payer: encodeAddress(this.#prefix, payer),
      payee: encodeAddress(this.#prefix, payee),
      amount: String(amount),
      memo: memo === null ? null : Buffer.from(memo).toString('utf8'),
      holdId: holdId === null ? null : toHex(holdId),
      failure,
    }
  }

  /** Resolves when a block above `height` is executed, the time is up, or `signal` aborts. */
  async #nextBlock(height: number, waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#waiting >= LIMITS.rpcFollowers)
      throw new CordonError(
        'busy',
        `${this.#waiting} calls wait for payments already, as many as the node takes; come back later, or ask another node`,
        { retryAfterMs: RETRY_MS },
      )
    this.#waiting++
    const stop = new AbortController()
    try {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs)
        const stopListening = this.#onExecuted(resolve)
        signal.addEventListener('abort', () => resolve(), { signal: stop.signal })
        stop.signal.addEventListener('abort', () => {
          clearTimeout(timer)
          stopListening()
        })
        if (this.#ledger.height > height || signal.aborted) resolve()
      })
    } finally {
      stop.abort()
      this.#waiting--
    }
  }
}

function transferEvents({ txId, outcome, failure, holds }: Receipt, bytes: Uint8Array): LedgerEvent[] {
  const { transaction } = decodeTransaction(bytes)
  return transfersOf(transaction).map(({ action, transfer }) => {
    const hold = holds.find((made) => made.action === action)
    return {
      event: outcome === 'failed' ? 'failed' : hold === undefined ? 'settled' : 'held',
      txId,
      payer: transaction.sender,
      payee: transfer.to,
      amount: transfer.amount,
      memo: transfer.memo,
      holdId: hold?.holdId ?? null,
      failure,
    }
  })
}

function endEvent({ id, txId, payer, payee, amount, end }: Hold): LedgerEvent {
  if (end === null) throw new Error(`hold ${toHex(id)} is listed as ended and is open`)
  return { event: END_STATUS[end.how], txId, payer, payee, amount, memo: null, holdId: id, failure: null }
}

/** A payment that failed never reached its payee, so it is none of theirs. */
function concerns({ event, payer, payee }: LedgerEvent, account: Uint8Array): boolean {
  return equalBytes(payer, account) || (equalBytes(payee, account) && event !== 'failed')
}
