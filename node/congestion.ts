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

/** What of the transactions on their way is of one connection, or one account. */
export interface Share {
  readonly own: number
  /** Connections or accounts that have some on their way, this one counted. */
  readonly holders: number
}

/** Why a transaction may be refused. */
export class Shortage {
  /** One for all who come while it lasts: in a flood most of the cost would be its stack trace. */
  readonly refusal: CordonError
  /** What those on their way share, or null: nothing is taken in. */
  readonly #room: number | null

  constructor(reason: string, room: number | null) {
    this.refusal = busy(reason)
    this.#room = room
  }

  /** Whether somebody with these shares may come in all the same. */
  spares(shares: readonly Share[]): boolean {
    const room = this.#room
    return room !== null && shares.every(({ own, holders }) => own < room / holders)
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
    if (queuedTxs > MAX_QUEUED_TXS)
      return shared(`${queuedTxs} transactions wait for a batch`, queuedTxs, MAX_QUEUED_TXS)
    const room = this.#room(nowMs)
    const why = `${pending.size} transactions are on their way, more than lately ended in ${MAX_WAIT_MS / 1000} s`
    return pending.size > room ? shared(why, pending.size, room) : null
  }

  #room(nowMs: number): number {
    return Math.max(LEAST_BATCHES * this.#options.batchMaxTxs, (this.#endedAt(nowMs) / RATE_MS) * MAX_WAIT_MS)
  }

  #endedAt(nowMs: number): number {
    return this.#ended * Math.exp((this.#endedMs - nowMs) / RATE_MS)
  }
}

/** Of a room that is taken, and shared by those who took it. */
function shared(reason: string, taken: number, room: number): Shortage {
  return new Shortage(reason, taken > FAIR_FACTOR * room ? null : room)
}

function busy(reason: string): CordonError {
  return new CordonError('busy', `${reason}; try again in ${RETRY_MS} ms`, { retryAfterMs: RETRY_MS })
}
