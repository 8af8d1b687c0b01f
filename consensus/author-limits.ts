/**
 * What one author may occupy at a receiver with batches that are not ordered (dissemination.md, Back pressure and
 * bounds). The limits are those of the sender with some slack, since the sender may know of an ordered batch earlier.
 */
import { LIMITS } from '../config/limits.ts'
import type { PoolEntry } from './batch-pool.ts'
import type { SignedBatch } from './types.ts'

const SLACK = 2

export class AuthorLimits {
  readonly #maxBatches: number
  readonly #occupied: { batches: number; bytes: number }[]
  readonly #occupying = new WeakSet<PoolEntry>()

  constructor(authors: number, maxOpenBatches: number) {
    this.#maxBatches = SLACK * maxOpenBatches
    this.#occupied = Array.from({ length: authors }, () => ({ batches: 0, bytes: 0 }))
  }

  hasRoom({ batch: { author } }: SignedBatch): boolean {
    const occupied = this.#occupied[author]
    return (
      occupied !== undefined &&
      occupied.batches < this.#maxBatches &&
      occupied.bytes < SLACK * LIMITS.openBatchBytes
    )
  }

  /** Counts an entry as long as it is open and its body is here, being assessed, or refused; to be called when that changes. */
  review(entry: PoolEntry): void {
    const here = entry.assessing !== null || entry.body !== 'none'
    if (entry.order !== 'open' || !here) this.leave(entry)
    else if (!this.#occupying.has(entry)) {
      this.#occupying.add(entry)
      this.#add(entry, 1)
    }
  }

  /** The entry is forgotten. */
  leave(entry: PoolEntry): void {
    if (this.#occupying.delete(entry)) this.#add(entry, -1)
  }

  #add(entry: PoolEntry, sign: 1 | -1): void {
    const occupied = this.#occupied[entry.ref.author]
    if (occupied === undefined) return
    occupied.batches += sign
    occupied.bytes += sign * entry.fields.bytes
  }
}
