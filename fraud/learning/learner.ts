/**
 * Learns from the outcomes of holds, with a champion and a challenger.
 *
 *     transfers ─▶ sample ─┐
 *     holds ─▶ outcomes ───┴─▶ challenger ── some outcomes later, unseen by both ──▶ the better one is champion
 *
 * Both are heads that learned from outcomes up to some moment, the challenger from more of them. When enough new ones have
 * come, which neither has seen, the one with the lower loss on them is champion, and a new challenger learns from
 * everything. While challengers win, the newest one judges; after one that lost, the champion does until one has won
 * again: to wait with each for its trial would cost a good part of what is learned (`docs/adr/0011`).
 *
 * Poisoning: recall and expiry are no outcomes (spec/ledger.md, Hold); a payer teaches a few examples only
 * (`examples.ts`); what the learner starts from is left only as far as the outcomes say so (`logistic.ts`).
 */
import type { Head } from '../head/head.ts'
import { Outcomes, Sample, type Example } from './examples.ts'
import { fit, headOf, trialLoss, unlearned, type Fitted, type Start } from './fit.ts'
import { LEARNING_LIMITS } from './limits.ts'

export class Learner {
  readonly #start: Start
  readonly #sample: Sample
  readonly #outcomes: Outcomes = new Outcomes()
  #champion: Fitted | null = null
  #challenger: Fitted | null = null
  /** Null: what the learner starts from. */
  #judging: Fitted | null = null
  /** Outcomes that came since the challenger learned. */
  #unseen = 0

  /** @param random uniform in [0, 1). */
  constructor(start: Start, random: () => number) {
    this.#start = start
    this.#sample = new Sample(random)
  }

  /** A transfer was judged. @param make makes its example; called only if it is kept. */
  transfer(make: () => Example, held: boolean): void {
    if (held) {
      const example = make()
      this.#outcomes.hold(example)
      this.#sample.offer(() => example)
    } else {
      this.#sample.offer(make)
    }
  }

  /** The outcome of a hold is known. */
  outcome(key: string, laundering: boolean): void {
    if (this.#outcomes.label(key, laundering)) this.#unseen++
  }

  /** The head that is to judge from now on, or null: no change. Takes some tenths of a second when it learns. */
  learn(): Head | null {
    const { labelled } = this.#outcomes
    if (this.#challenger === null) {
      const laundering = labelled.filter((example) => example.laundering).length
      if (labelled.length < LEARNING_LIMITS.labelsNeeded || laundering < LEARNING_LIMITS.launderingNeeded)
        return null
      this.#champion ??= unlearned(this.#sample.examples, this.#start)
      this.#challenge()
      return null
    }
    if (this.#unseen < LEARNING_LIMITS.trialLabels) return null
    const trial = labelled.slice(-this.#unseen)
    const champion = this.#champion as Fitted
    const better = trialLoss(trial, this.#challenger) < trialLoss(trial, champion)
    if (better) this.#champion = this.#challenger
    this.#challenge()
    const judge = better ? this.#challenger : (this.#champion as Fitted)
    if (judge === this.#judging) return null
    this.#judging = judge
    return headOf(judge, this.#start)
  }

  #challenge(): void {
    const population = this.#sample.examples
    const held = this.#outcomes.keys()
    const ordinary = population.filter(({ key }) => !held.has(key))
    this.#challenger = fit({ labelled: this.#outcomes.labelled, ordinary, population }, this.#start)
    this.#unseen = 0
  }
}
