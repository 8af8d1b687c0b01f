/** One validator of a trial: its feature store, the model that it votes with, and what it learns. */
import type { Head } from '../../fraud/head/head.ts'
import { toByte } from '../../fraud/model/model-spec.ts'
import { createModel, type DirectionalModel } from '../../fraud/model/model.ts'
import { FeatureStore } from '../../fraud/store/feature-store.ts'
import type { TransferFacts, TransferOutcome } from '../../fraud/types.ts'
import type { Random } from '../random.ts'
import { Lessons } from './lessons.ts'

/** What judges. */
export interface Judge {
  readonly model: Pick<DirectionalModel, 'score'>
  /** The one that `model` was made with. */
  readonly head: Head | null
}

export class Validator {
  readonly #store: FeatureStore
  readonly #lessons: Lessons | null
  #model: Judge['model']
  /** Made from what was learned; to be disposed of. */
  #learned: DirectionalModel | null = null

  /** @param random of what it learns from; null: it does not learn. */
  constructor({ model, head }: Judge, random: Random | null) {
    this.#store = new FeatureStore({ head })
    this.#model = model
    this.#lessons = random === null ? null : new Lessons(head, random)
  }

  /** Outcomes of holds that it has learned from. */
  get labels(): number {
    return this.#lessons?.labels ?? 0
  }

  /** Scores of the transfers of a batch, 0–255. They count for later batches until they are executed or dropped. */
  scores(batchKey: string, transfers: readonly TransferFacts[]): number[] {
    const rows = this.#store.rows(transfers, batchKey)
    const inputs = this.#store.baseline.inputs.slice()
    this.#lessons?.judged(transfers, rows, inputs)
    const scores = this.#model.score(rows, inputs)
    return transfers.map((_, i) => toByte(scores[i] ?? 0))
  }

  /** What is left of these batches does not come. */
  drop(batchKeys: readonly string[]): void {
    for (const key of batchKeys) this.#store.dropBatch(key)
    this.#lessons?.forget()
  }

  executed(outcomes: readonly TransferOutcome[]): void {
    this.#store.executed(outcomes)
    this.#lessons?.executed(outcomes)
  }

  released(facts: TransferFacts): void {
    this.#store.released([facts])
  }

  /** What the end of a hold says of it. */
  outcome(key: string, fraud: boolean): void {
    this.#lessons?.outcome(key, fraud)
  }

  /** Judges with what it has learned from now on. */
  learn(): void {
    const head = this.#lessons?.learn() ?? null
    if (head === null) return
    this.close()
    this.#learned = createModel(head)
    this.#model = this.#learned
    this.#store.useHead(head)
  }

  /** It judges no more. */
  close(): void {
    this.#learned?.dispose()
    this.#learned = null
  }
}
