/**
 * Learns from the outcomes of holds and of reviewed alerts, with a champion and a challenger.
 *
 *     transfers ─▶ sample ───────┐
 *     holds, alerts ─▶ outcomes ─┴─▶ lesson ─▶ challenger ── some outcomes later, unseen by both ──▶ the better one is champion
 *
 * Both are heads that learned from outcomes up to some moment, the challenger from more of them. When enough new ones have
 * come, which neither has seen, the one with the lower loss on them is champion, and a new challenger learns from
 * everything. While challengers win, the newest one judges; after one that lost, the champion does until one has won
 * again: to wait with each for its trial would cost a good part of what is learned (`docs/adr/0011`).
 *
 * A lesson takes some tenths of a second, so it is handed out: whoever has a thread for it calls `teach` and brings back
 * what came of it.
 *
 * Poisoning: recall and expiry are no outcomes (spec/ledger.md, Hold); alerts wait in places of their own, and a payer
 * teaches a few examples only (`examples.ts`); what the learner starts from is left only as far as the outcomes say so
 * (`logistic.ts`).
 */
import type { Head } from '../head/head.ts'
import { Outcomes, Sample, type Example, type LabelledExample } from './examples.ts'
import { headOf, materialOf, trialLoss, type Fitted, type Lesson, type Start, type Taught } from './fit.ts'
import { LEARNING_LIMITS } from './limits.ts'

/** All that a learner has to remember. */
export interface LearnerState {
  readonly sample: readonly Example[]
  readonly waiting: readonly Example[]
  readonly waitingAlerts: readonly Example[]
  readonly labelled: readonly LabelledExample[]
  readonly champion: Fitted | null
  readonly challenger: Fitted | null
  /** Null: what the learner starts from. */
  readonly judge: 'champion' | 'challenger' | null
  /** Whether the challenger before this one won its trial. */
  readonly wins: boolean
  /** Outcomes that came since the challenger learned. */
  readonly unseen: number
}

export const NOTHING_LEARNED: LearnerState = {
  sample: [],
  waiting: [],
  waitingAlerts: [],
  labelled: [],
  champion: null,
  challenger: null,
  judge: null,
  wins: false,
  unseen: 0,
}

/** What became of a transfer that was judged. */
export type Fate = 'held' | 'alert' | 'ordinary'

export interface LearnerStep {
  /** Is to judge from now on; null: no change. */
  readonly head: Head | null
  /** To be taught (`teach`), and brought back by `learned` or `notLearned`; null: nothing to learn now. */
  readonly lesson: Lesson | null
}

const NOTHING: LearnerStep = { head: null, lesson: null }

export class Learner {
  readonly #start: Start
  readonly #sample: Sample
  readonly #outcomes: Outcomes
  #champion: Fitted | null
  #challenger: Fitted | null
  #judge: LearnerState['judge']
  #wins: boolean
  #unseen: number
  /** A lesson is out. */
  #learning = false

  /**
   * @param random uniform in [0, 1).
   * @param state of an earlier learner with the same start.
   */
  constructor(start: Start, random: () => number, state: LearnerState = NOTHING_LEARNED) {
    this.#start = start
    this.#sample = new Sample(random, state.sample)
    this.#outcomes = new Outcomes(state.waiting, state.waitingAlerts, state.labelled)
    this.#champion = state.champion
    this.#challenger = state.challenger
    this.#judge = state.judge
    this.#wins = state.wins
    this.#unseen = state.unseen
  }

  get start(): Start {
    return this.#start
  }

  /** Outcomes that are remembered, in the order in which they came. */
  get labelled(): readonly LabelledExample[] {
    return this.#outcomes.labelled
  }

  /** A copy. */
  get state(): LearnerState {
    return {
      sample: [...this.#sample.examples],
      waiting: this.#outcomes.waiting,
      waitingAlerts: this.#outcomes.waitingAlerts,
      labelled: [...this.#outcomes.labelled],
      champion: this.#champion,
      challenger: this.#challenger,
      judge: this.#judge,
      wins: this.#wins,
      unseen: this.#unseen,
    }
  }

  /**
   * A transfer was judged.
   * @param make makes its example, or null if there is none; called only if it is kept.
   * @param fate `alert`: it was suspicious here and not held, and a reviewer may still say what it was.
   */
  transfer(make: () => Example | null, fate: Fate): void {
    if (fate === 'ordinary') {
      this.#sample.offer(make)
      return
    }
    const example = make()
    if (example === null) return
    if (fate === 'held') this.#outcomes.hold(example)
    else this.#outcomes.alert(example)
    this.#sample.offer(() => example)
  }

  /**
   * The outcome of a transfer is known.
   * @returns whether it teaches something: one of an unknown transfer, or a second one, does not.
   */
  outcome(key: string, laundering: boolean): boolean {
    const teaches = this.#outcomes.label(key, laundering)
    if (teaches) this.#unseen++
    return teaches
  }

  /** Decides the trial that is due, and says what there is to learn. */
  next(): LearnerStep {
    if (this.#learning) return NOTHING
    if (this.#challenger === null) return this.#mayBegin() ? { head: null, lesson: this.#lesson() } : NOTHING
    if (this.#unseen < LEARNING_LIMITS.trialLabels) return NOTHING
    const trial = this.#outcomes.labelled.slice(-this.#unseen)
    const champion = this.#champion as Fitted
    this.#wins = this.#lossOn(trial, this.#challenger) < this.#lossOn(trial, champion)
    if (this.#wins) this.#champion = this.#challenger
    this.#challenger = null
    const head = this.#wins ? null : this.#judgedBy('champion', champion)
    return { head, lesson: this.#lesson() }
  }

  /** @returns the head that is to judge from now on; null: no change. */
  learned({ challenger, unlearned }: Taught): Head | null {
    this.#learning = false
    this.#champion ??= unlearned
    this.#challenger = challenger
    return this.#wins ? this.#judgedBy('challenger', challenger) : null
  }

  /** It could not be taught; `next` hands it out again. */
  notLearned(): void {
    this.#learning = false
  }

  #mayBegin(): boolean {
    if (this.#champion !== null) return true
    const { labelled } = this.#outcomes
    const laundering = labelled.filter((example) => example.laundering).length
    return labelled.length >= LEARNING_LIMITS.labelsNeeded && laundering >= LEARNING_LIMITS.launderingNeeded
  }

  #lesson(): Lesson {
    const population = this.#sample.examples
    const held = this.#outcomes.keys()
    const ordinary = population.filter(({ key }) => !held.has(key))
    this.#learning = true
    this.#unseen = 0
    return { material: materialOf(this.#outcomes.labelled, ordinary, population), start: this.#start }
  }

  #lossOn(trial: readonly LabelledExample[], fitted: Fitted): number {
    return trialLoss(trial, fitted, this.#start)
  }

  #judgedBy(who: 'champion' | 'challenger', fitted: Fitted): Head | null {
    if (who === 'champion' && this.#judge === 'champion') return null
    this.#judge = who
    return headOf(fitted, this.#start)
  }
}
