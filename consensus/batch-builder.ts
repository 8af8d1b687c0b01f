/**
 * The open batch of a validator: collects transactions until there are enough of them or they have waited long enough
 * (dissemination.md, Life of a batch 2). Nothing that was taken in is dropped; what does not fit waits for the next one.
 */

export interface BatchBuilderParameters {
  readonly batchMaxTxs: number
  readonly batchMaxBytes: number
}

export class BatchBuilder {
  readonly #parameters: BatchBuilderParameters
  #queue: Uint8Array[] = []
  #bytes = 0
  /** When the oldest waiting transaction came. */
  #firstMs = 0

  constructor(parameters: BatchBuilderParameters) {
    this.#parameters = parameters
  }

  get txs(): number {
    return this.#queue.length
  }

  get bytes(): number {
    return this.#bytes
  }

  add(txs: readonly Uint8Array[], nowMs: number): void {
    for (const tx of txs) {
      if (tx.length > this.#parameters.batchMaxBytes) {
        throw new RangeError(
          `a transaction of ${tx.length} bytes fits in no batch of at most ${this.#parameters.batchMaxBytes}`,
        )
      }
      if (this.#queue.length === 0) this.#firstMs = nowMs
      this.#queue.push(tx)
      this.#bytes += tx.length
    }
  }

  /** When the open batch closes if nothing more comes and it may wait `waitMs`: now if it is full, never if it is empty. */
  closesAtMs(waitMs: number): number {
    if (this.#queue.length === 0) return Infinity
    const { batchMaxTxs, batchMaxBytes } = this.#parameters
    return this.#queue.length >= batchMaxTxs || this.#bytes >= batchMaxBytes
      ? this.#firstMs
      : this.#firstMs + waitMs
  }

  /** Takes the transactions of the next batch, at least one. */
  take(): Uint8Array[] {
    const { batchMaxTxs, batchMaxBytes } = this.#parameters
    let count = 0
    let bytes = 0
    for (const tx of this.#queue) {
      if (count === batchMaxTxs || bytes + tx.length > batchMaxBytes) break
      count++
      bytes += tx.length
    }
    this.#bytes -= bytes
    return this.#queue.splice(0, count)
  }
}
