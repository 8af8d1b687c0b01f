/**
 * Scores the transfers of a replay. The model gets them in larger batches than they are executed in, with the baseline as
 * it was at the first of them, because a call costs the same for one row as for some hundred. A node under load does the
 * same.
 */
import type { DirectionalModel } from '../model/model.ts'
import { FEATURE_COUNT } from '../schema.ts'
import { toCrd } from '../units.ts'
import type { LabelledRow } from './labelled-rows.ts'
import type { ScoredTransfers } from './metrics.ts'
import type { Judge, Stopwatch } from './replay.ts'

export const SCORED_TOGETHER = 500

export class Scoring implements Judge {
  readonly #model: Pick<DirectionalModel, 'score'>
  readonly #stopwatch: Stopwatch
  readonly #rows: Float32Array = new Float32Array(SCORED_TOGETHER * FEATURE_COUNT)
  #waiting = 0
  #inputs: Float32Array = new Float32Array(0)

  readonly #scores: number[] = []
  readonly #laundering: boolean[] = []
  readonly #values: number[] = []
  readonly #patternTypes: (string | null)[] = []

  constructor(model: Pick<DirectionalModel, 'score'>, stopwatch: Stopwatch) {
    this.#model = model
    this.#stopwatch = stopwatch
  }

  judge(transfers: readonly LabelledRow[], rows: Float32Array, inputs: Float32Array): undefined {
    for (const { laundering, amount, patternType } of transfers) {
      this.#laundering.push(laundering)
      this.#values.push(toCrd(amount))
      this.#patternTypes.push(patternType)
    }
    this.#stopwatch.measured(() => {
      for (let at = 0; at < rows.length; at += FEATURE_COUNT) {
        if (this.#waiting === SCORED_TOGETHER) this.#score()
        if (this.#waiting === 0) this.#inputs = inputs.slice()
        this.#rows.set(rows.subarray(at, at + FEATURE_COUNT), this.#waiting++ * FEATURE_COUNT)
      }
    })
  }

  /** All scored transfers, after the last. */
  finish(): ScoredTransfers {
    this.#stopwatch.measured(() => this.#score())
    return {
      scores: this.#scores,
      laundering: this.#laundering,
      values: this.#values,
      patternTypes: this.#patternTypes,
    }
  }

  #score(): void {
    const rows = this.#rows.subarray(0, this.#waiting * FEATURE_COUNT)
    this.#scores.push(...this.#model.score(rows, this.#inputs))
    this.#waiting = 0
  }
}
