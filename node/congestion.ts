/**
 * Whether this node takes anything in now (dissemination.md: nothing is accepted and dropped). What is accepted must end
 * within a few seconds, long before its batch is void and its payer gives up: so the number of transactions on their way
 * is held to what ended lately in that time (Little's law), besides bounds on each queue.
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
  /** Made once for all who come while it is valid: in a flood most of the cost would be its stack trace. */
  #refusal: CordonError | null = null
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

  /** What is said to those who bring something, or null: come in. @param nowMs monotonic. */
  refusal(nowMs: number): CordonError | null {
    if (nowMs >= this.#validUntilMs) {
      const reason = this.#find(nowMs)
      this.#refusal = reason === null ? null : busy(reason)
      this.#validUntilMs = nowMs + VALID_MS
    }
    return this.#refusal
  }

  #find(nowMs: number): string | null {
    const { pending, maxOpenBatches, load } = this.#options
    const { ownOpenBatches, queuedTxs, executionBacklogTxs, executionBacklogBlocks } = load()
    if (pending.full) return `${pending.size} transactions are on their way, the most this node takes`
    if (ownOpenBatches >= maxOpenBatches)
      return `${ownOpenBatches} batches of this validator wait to be ordered`
    if (queuedTxs > MAX_QUEUED_TXS) return `${queuedTxs} transactions wait for a batch`
    if (executionBacklogTxs > MAX_EXECUTION_BACKLOG_TXS)
      return `${executionBacklogTxs} ordered transactions wait to be executed`
    if (executionBacklogBlocks > MAX_EXECUTION_BACKLOG_BLOCKS)
      return `this node is ${executionBacklogBlocks} blocks behind`
    if (pending.size > this.#room(nowMs))
      return `${pending.size} transactions are on their way, more than lately ended in ${MAX_WAIT_MS / 1000} s`
    return null
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
