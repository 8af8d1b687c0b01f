/**
 * How many transactions a second are being ordered, by all validators together: how long a batch may wait for company goes by
 * it (docs/adr/0020). Counted from final blocks by their own times.
 */
import type { Block } from './types.ts'

/** A block that is this much older counts 1/e. */
const MEMORY_MS = 500

export class OrderedRate {
  /** Transactions, those of older blocks counting less. */
  #txs = 0
  #atMs = 0

  /** A block became final. */
  note({ timeMs, payload }: Block): void {
    this.#txs = this.#remembered(timeMs)
    this.#atMs = Math.max(this.#atMs, timeMs)
    for (const { txCount } of payload) this.#txs += txCount
  }

  perSecond(wallMs: number): number {
    return (1_000 * this.#remembered(wallMs)) / MEMORY_MS
  }

  #remembered(wallMs: number): number {
    return this.#txs * Math.exp(-Math.max(0, wallMs - this.#atMs) / MEMORY_MS)
  }
}
