/**
 * Scores the transfers of a replay while learning from their labels, as a node does from the outcomes of holds
 * (`learning/learner.ts`). Once a day of the file the labels that are due are told, and the learner may change the head.
 *
 *     delayed    only a transfer that the model would have held gets a label, `delayMs` later: what reviews would give
 *     immediate  every transfer gets its label on the same day
 */
import type { Head } from '../head/head.ts'
import { exampleOf, type Example } from '../learning/examples.ts'
import { teach, type Start } from '../learning/fit.ts'
import { Learner } from '../learning/learner.ts'
import { createModel, type DirectionalModel } from '../model/model.ts'
import { FLAG_AT } from '../model/model-spec.ts'
import { FEATURE_COUNT } from '../schema.ts'
import type { LabelledRow } from './labelled-rows.ts'
import type { ScoredTransfers } from './metrics.ts'
import type { Judge, Stopwatch } from './replay.ts'
import { Scoring } from './scoring.ts'

export interface LearningOptions {
  readonly start: Start
  readonly labels: 'immediate' | 'delayed'
  readonly delayMs: number
  /** Scores count from this day on; earlier ones teach only. */
  readonly fromDay: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly stopwatch: Stopwatch
}

interface Due {
  readonly key: string
  readonly laundering: boolean
  readonly timeMs: number
}

/** A transfer whose score is still to come. */
interface Waiting {
  readonly row: LabelledRow
  readonly make: () => Example
}

export class LearningScoring implements Judge {
  readonly #options: LearningOptions
  readonly #learner: Learner
  #model: DirectionalModel
  #scoring: Scoring
  #waiting: Waiting[] = []
  #due: Due[] = []
  #day = 0
  readonly #scored: ScoredTransfers[] = []
  #heads = 0
  #judged = 0

  constructor(options: LearningOptions) {
    const { start, random, stopwatch } = options
    this.#options = options
    this.#learner = new Learner(start, random)
    this.#model = createModel(start.network)
    this.#scoring = new Scoring(this.#model, stopwatch)
  }

  /** How often the head changed. */
  get heads(): number {
    return this.#heads
  }

  /** Transfers judged, also those before `fromDay`. */
  get judged(): number {
    return this.#judged
  }

  judge(
    transfers: readonly LabelledRow[],
    rows: Float32Array,
    inputs: Float32Array,
    day: number,
  ): Head | undefined {
    const head = day === this.#day ? null : this.#closeDay(transfers[0] as LabelledRow, day)
    this.#judged += transfers.length
    const kept = inputs.slice()
    transfers.forEach((row, i) => {
      const own = rows.subarray(i * FEATURE_COUNT, (i + 1) * FEATURE_COUNT)
      this.#waiting.push({ row, make: () => this.#example(row, own, kept) })
    })
    this.#scoring.judge(transfers, rows, inputs)
    return head ?? undefined
  }

  /** All that was scored from `fromDay` on. */
  finish(): ScoredTransfers {
    this.#closeScores()
    this.#model.dispose()
    return {
      scores: this.#scored.flatMap(({ scores }) => scores),
      laundering: this.#scored.flatMap(({ laundering }) => laundering),
      values: this.#scored.flatMap(({ values }) => values),
      patternTypes: this.#scored.flatMap(({ patternTypes }) => patternTypes),
    }
  }

  #example(row: LabelledRow, features: Float32Array, inputs: Float32Array): Example {
    return exampleOf({ key: String(row.line), payer: row.from }, features, 0, inputs)
  }

  #closeDay({ timeMs }: LabelledRow, day: number): Head | null {
    this.#closeScores()
    this.#day = day
    const due = this.#due.filter((label) => label.timeMs <= timeMs)
    this.#due = this.#due.filter((label) => label.timeMs > timeMs)
    for (const { key, laundering } of due) this.#learner.outcome(key, laundering)
    const head = this.#learn()
    if (head !== null) {
      this.#heads++
      this.#model.dispose()
      this.#model = createModel(head)
    }
    this.#scoring = new Scoring(this.#model, this.#options.stopwatch)
    return head
  }

  #learn(): Head | null {
    const { head, lesson } = this.#learner.next()
    if (lesson === null) return head
    return this.#learner.learned(teach(lesson)) ?? head
  }

  /** Takes the scores that are out, and says which transfers would have been held. */
  #closeScores(): void {
    const scored = this.#scoring.finish()
    if (this.#day >= this.#options.fromDay) this.#scored.push(scored)
    const { labels, delayMs } = this.#options
    this.#waiting.forEach(({ row, make }, i) => {
      const { line, laundering, timeMs } = row
      const flagged = (scored.scores[i] as number) >= FLAG_AT
      const labelled = flagged || (labels === 'immediate' && laundering)
      this.#learner.transfer(make, labelled ? 'held' : 'ordinary')
      if (labelled)
        this.#due.push({
          key: String(line),
          laundering,
          timeMs: labels === 'delayed' ? timeMs + delayMs : timeMs,
        })
    })
    this.#waiting = []
  }
}
