/**
 * The rows of judged transfers until they are executed: what is learned from a transfer is what was known when it was
 * judged. Bounded: when there are too many, the oldest batch is forgotten, and nothing is learned from its transfers.
 */
import { exampleOf, type Example } from '../../fraud/learning/examples.ts'
import { LEARNING_LIMITS } from '../../fraud/learning/limits.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'
import type { TransferFacts } from '../../fraud/types.ts'

interface JudgedBatch {
  readonly keys: readonly string[]
  readonly rows: Float32Array
  /** `Baseline.inputs` of that moment. */
  readonly baseline: Float32Array
}

export class JudgedRows {
  readonly #max: number
  readonly #batches: Map<string, JudgedBatch> = new Map()
  /** Where each transfer is: a transfer that lies in several batches is where it was judged last. */
  readonly #places: Map<string, { readonly batch: JudgedBatch; readonly row: number }> = new Map()

  constructor(max: number = LEARNING_LIMITS.judgedRows) {
    this.#max = max
  }

  get size(): number {
    return this.#places.size
  }

  add(
    batchKey: string,
    transfers: readonly TransferFacts[],
    rows: Float32Array,
    baseline: Float32Array,
  ): void {
    this.drop(batchKey)
    const batch = { keys: transfers.map(({ key }) => key), rows, baseline }
    this.#batches.set(batchKey, batch)
    batch.keys.forEach((key, row) => this.#places.set(key, { batch, row }))
    while (this.#places.size > this.#max) {
      const [oldest] = this.#batches.keys()
      if (oldest === undefined) return
      this.drop(oldest)
    }
  }

  /** Of a judged transfer; null: it was not judged here, or is forgotten. */
  example({ key, payer }: TransferFacts): Example | null {
    const place = this.#places.get(key)
    if (place === undefined) return null
    const { rows, baseline } = place.batch
    return exampleOf({ key, payer }, rows, place.row * FEATURE_COUNT, baseline)
  }

  /** The batch is executed, skipped or given up. */
  drop(batchKey: string): void {
    const batch = this.#batches.get(batchKey)
    if (batch === undefined) return
    this.#batches.delete(batchKey)
    for (const key of batch.keys) if (this.#places.get(key)?.batch === batch) this.#places.delete(key)
  }
}
