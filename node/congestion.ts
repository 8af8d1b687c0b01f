/**
 * Whether this node takes anything in now (dissemination.md: nothing is accepted and dropped). What is accepted must end
 * within a few seconds, long before its batch is void and its payer gives up: so the number of transactions on their way
 * is held to what ended lately in that time (Little's law), besides bounds on each queue.
 *
 * When there is no room left, those still come in who have less than an equal share of it (max-min fairness): a client
 * that offers most of the load takes no more from the others than it gets itself (adr 18).
 */
import { CordonError } from '../config/errors.ts'
import type { PendingTransactions } from './pending.ts'
import { holderOf, type Source } from './source.ts'

/** How long what was found is taken for true: it is not looked at for every transaction. */
const VALID_MS = 50
/** What an accepted transaction may have to wait for its end. */
const MAX_WAIT_MS = 3_000
/** The rate at which transactions end is a mean over about this time. */
const RATE_MS = 3_000
const RETRY_MS = 250
/** Full batches that are taken in whatever the rate: one that is being ordered, and one that fills meanwhile. */
const LEAST_BATCHES = 2
/** Transactions in final blocks not executed yet, above which nothing more is taken in. */
const MAX_EXECUTION_BACKLOG_TXS = 20_000
/** Transactions that wait for a batch, above which nothing more is taken in. */
const MAX_QUEUED_TXS = 2_000
/** Final blocks not executed yet, above which this node is too far behind to judge payments. */
const MAX_EXECUTION_BACKLOG_BLOCKS = 1_024
/** Those with less than their share are taken in up to so many times the room. */
const FAIR_FACTOR = 2
/** Sources that may fail while a shortage lasts, each at the cost of a signature check. */
const MOST_FAILED = 8

/** What of the transactions on their way is of one connection, or one account. */
export interface Share {
  readonly own: number
  /** Connections or accounts that have some on their way, this one counted. */
  readonly holders: number
}

/**
 * Why transactions are refused, for as long as what was found is taken for true. Those who come in all the same must not
 * make a flood expensive: who fails after that is not spared again, and after some failures nobody is.
 */
export class Shortage {
  /** One for all who come while it lasts: in a flood most of the cost would be its stack trace. */
  readonly refusal: CordonError
  /** What those on their way share, or null: nothing is taken in. */
  readonly #room: number | null
  readonly #failed = new Set<Source | string>()

  constructor(reason: string, room: number | null) {
    this.refusal = busy(reason)
    this.#room = room
  }

  /** Whether a source with these shares may come in all the same. */
  spares(source: Source, shares: readonly Share[]): boolean {
    const room = this.#room
    if (room === null || this.#failed.size >= MOST_FAILED || this.#failed.has(holderOf(source))) return false
    return shares.every(({ own, holders }) => own < room / holders)
  }

  /** What a source brought was no good. */
  failed(source: Source): void {
    this.#failed.add(holderOf(source))
  }
}

export interface Load {
  readonly ownOpenBatches: number
  /** Transactions that wait for a batch. */
  readonly queuedTxs: number
  readonly executionBacklogTxs: number
  readonly executionBacklogBlocks: number
}

export interface CongestionOptions {
  readonly pending: Pick<PendingTransactions, 'size' | 'full'>
  readonly maxOpenBatches: number
  readonly batchMaxTxs: number
  readonly load: () => Load
}

export class Congestion {
  readonly #options: CongestionOptions
  #shortage: Shortage | null = null
  #validUntilMs = -Infinity
  /** Transactions that ended, each counted less the longer ago. */
  #ended = 0
  #endedMs = 0

  constructor(options: CongestionOptions) {
    this.#options = options
  }

  /** Of those that were on their way here. @param nowMs monotonic. */
  ended(txs: number, nowMs: number): void {
    this.#ended = this.#endedAt(nowMs) + txs
    this.#endedMs = nowMs
  }

  /** What there is too little of for those who bring something, or null: come in. @param nowMs monotonic. */
  shortage(nowMs: number): Shortage | null {
    if (nowMs >= this.#validUntilMs) {
      this.#shortage = this.#find(nowMs)
      this.#validUntilMs = nowMs + VALID_MS
    }
    return this.#shortage
  }

  #find(nowMs: number): Shortage | null {
    const { pending, maxOpenBatches, load } = this.#options
    const { ownOpenBatches, queuedTxs, executionBacklogTxs, executionBacklogBlocks } = load()
    if (pending.full)
      return new Shortage(`${pending.size} transactions are on their way, the most this node takes`, null)
    if (ownOpenBatches >= maxOpenBatches)
      return new Shortage(`${ownOpenBatches} batches of this validator wait to be ordered`, null)
    if (executionBacklogTxs > MAX_EXECUTION_BACKLOG_TXS)
      return new Shortage(`${executionBacklogTxs} ordered transactions wait to be executed`, null)
    if (executionBacklogBlocks > MAX_EXECUTION_BACKLOG_BLOCKS)
      return new Shortage(`this node is ${executionBacklogBlocks} blocks behind`, null)
    const room = this.#room(nowMs)
    const shared = [
      { taken: queuedTxs, room: MAX_QUEUED_TXS, what: `${queuedTxs} transactions wait for a batch` },
      {
        taken: pending.size,
        room,
        what: `${pending.size} transactions are on their way, more than lately ended in ${MAX_WAIT_MS / 1000} s`,
      },
    ].filter((each) => each.taken > each.room)
    const [first] = shared
    if (first === undefined) return null
    const isOver = shared.some((each) => each.taken > FAIR_FACTOR * each.room)
    return new Shortage(first.what, isOver ? null : Math.min(...shared.map((each) => each.room)))
  }

  #room(nowMs: number): number {
    return Math.max(LEAST_BATCHES * this.#options.batchMaxTxs, (this.#endedAt(nowMs) / RATE_MS) * MAX_WAIT_MS)
  }

  #endedAt(nowMs: number): number {
    return this.#ended * Math.exp((this.#endedMs - nowMs) / RATE_MS)
  }
}

function busy(reason: string): CordonError {
  return new CordonError('busy', `${reason}; try again in ${RETRY_MS} ms`, { retryAfterMs: RETRY_MS })
}
