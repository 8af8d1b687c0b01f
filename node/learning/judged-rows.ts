/**
 * The rows of judged transfers until they are executed: what is learned from a transfer is what was known when it was
 * judged. Bounded: when there are too many, the oldest batch is forgotten, and nothing is learned from its transfers.
 */
import { exampleOf, type Example } from '../../fraud/learning/examples.ts'
import { LEARNING_LIMITS } from '../../fraud/learning/limits.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'
import type { TransferFacts } from '../../fraud/types.ts'

interface JudgedBatch {
  readonly transfers: readonly TransferFacts[]
  readonly rows: Float32Array
  /** `Baseline.inputs` of that moment. */
  readonly baseline: Float32Array
}

export class JudgedRows {
  readonly #max: number
  readonly #batches: Map<string, JudgedBatch> = new Map()
  /** Where the transfers of a transaction begin: one that lies in several batches is where it was judged last. */
  readonly #places: Map<string, { readonly batch: JudgedBatch; readonly first: number }> = new Map()
  #size = 0

  constructor(max: number = LEARNING_LIMITS.judgedRows) {
    this.#max = max
  }

  /** Rows that are kept. */
  get size(): number {
    return this.#size
  }

  add(
    batchKey: string,
    transfers: readonly TransferFacts[],
    rows: Float32Array,
    baseline: Float32Array,
  ): void {
    this.drop(batchKey)
    const batch = { transfers, rows, baseline }
    this.#batches.set(batchKey, batch)
    this.#size += transfers.length
    for (const [first, { transaction }] of transfers.entries())
      if (isFirst(transfers, first)) this.#places.set(transaction, { batch, first })
    while (this.#size > this.#max) {
      const [oldest] = this.#batches.keys()
      if (oldest === undefined) return
      this.drop(oldest)
    }
  }

  /** Of a judged transfer; null: it was not judged here, or is forgotten. */
  example({ key, transaction, payer }: TransferFacts): Example | null {
    const place = this.#places.get(transaction)
    if (place === undefined) return null
    const { transfers, rows, baseline } = place.batch
    for (let row = place.first; transfers[row]?.transaction === transaction; row++)
      if (transfers[row]?.key === key) return exampleOf({ key, payer }, rows, row * FEATURE_COUNT, baseline)
    return null
  }

  /** The batch is executed, skipped or given up. */
  drop(batchKey: string): void {
    const batch = this.#batches.get(batchKey)
    if (batch === undefined) return
    this.#batches.delete(batchKey)
    this.#size -= batch.transfers.length
    for (const [first, { transaction }] of batch.transfers.entries())
      if (isFirst(batch.transfers, first) && this.#places.get(transaction)?.batch === batch)
        this.#places.delete(transaction)
  }
}

/** Whether a transaction begins there: its transfers lie one behind the other. */
function isFirst(transfers: readonly TransferFacts[], place: number): boolean {
  return transfers[place - 1]?.transaction !== transfers[place]?.transaction
}
