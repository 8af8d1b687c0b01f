/**
 * The batches of this validator that are not ordered yet, and when to send them again (dissemination.md, Life of a
 * batch 3): the network promises nothing, so until it is ordered the author repeats a batch to those who have not acked
 * it, and its certificate to all validators.
 */
import { LIMITS } from '../config/limits.ts'
import type { PoolEntry } from './batch-pool.ts'
import type { SignedBatch } from './types.ts'

export interface OwnBatch {
  readonly entry: PoolEntry
  readonly signed: SignedBatch
  resendMs: number
}

export class OwnBatches {
  readonly #maxOpen: number
  readonly #retryMs: number
  readonly #open = new Map<string, OwnBatch>()
  #bytes = 0

  constructor(parameters: { readonly maxOpenBatches: number; readonly ackRetryMs: number }) {
    this.#maxOpen = parameters.maxOpenBatches
    this.#retryMs = parameters.ackRetryMs
  }

  get count(): number {
    return this.#open.size
  }

  /** Bytes of the transactions in them. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether another batch may be made: "at most maxOpenBatches uncertified plus unordered batches", and bytes. */
  hasRoom(): boolean {
    return this.#open.size < this.#maxOpen && this.#bytes < LIMITS.openBatchBytes
  }

  has(key: string): boolean {
    return this.#open.has(key)
  }

  add(entry: PoolEntry, signed: SignedBatch, resendMs: number): void {
    this.#open.set(entry.key, { entry, signed, resendMs })
    this.#bytes += entry.fields.bytes
  }

  /** The batch is ordered, void or expired. True if it was open. */
  close(entry: PoolEntry): boolean {
    if (!this.#open.delete(entry.key)) return false
    this.#bytes -= entry.fields.bytes
    return true
  }

  /** Batches to be sent again now. */
  takeDue(nowMs: number): OwnBatch[] {
    const due: OwnBatch[] = []
    for (const own of this.#open.values()) {
      if (own.resendMs > nowMs) continue
      own.resendMs = nowMs + this.#retryMs
      due.push(own)
    }
    return due
  }

  nextDeadlineMs(): number {
    let next = Infinity
    for (const { resendMs } of this.#open.values()) next = Math.min(next, resendMs)
    return next
  }
}
