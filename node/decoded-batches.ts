/**
 * Transactions of assessed batches, decoded, until their block is executed: so that a node decodes and hashes each
 * transaction once. What is not here is decoded again.
 */
import type { DecodedTransaction } from '../ledger/transaction.ts'

/** Transactions kept: some seconds of load. A decoded one takes about 1 KiB. */
const MOST_TXS = 8_192

export class DecodedBatches {
  /** By the array of encoded transactions itself: who has the same array has the same batch. Oldest first. */
  readonly #batches = new Map<readonly Uint8Array[], readonly DecodedTransaction[]>()
  #txs = 0

  /** @param decoded of each of `txs`, in order. */
  remember(txs: readonly Uint8Array[], decoded: readonly DecodedTransaction[]): void {
    this.take(txs)
    this.#batches.set(txs, decoded)
    this.#txs += decoded.length
    for (const oldest of this.#batches.keys()) {
      if (this.#txs <= MOST_TXS) return
      this.take(oldest)
    }
  }

  /** What is known of these, which is forgotten with that. */
  take(txs: readonly Uint8Array[]): readonly DecodedTransaction[] | null {
    const decoded = this.#batches.get(txs)
    if (decoded === undefined) return null
    this.#batches.delete(txs)
    this.#txs -= decoded.length
    return decoded
  }
}
