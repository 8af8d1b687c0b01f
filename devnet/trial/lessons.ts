/** What a validator of a trial learns from the ends of holds: as on a node, but once a day and at once. */
import type { Head } from '../../fraud/head/head.ts'
import { exampleOf, type Example } from '../../fraud/learning/examples.ts'
import { FROM_TAIL, fromNetwork, teach } from '../../fraud/learning/fit.ts'
import { Learner } from '../../fraud/learning/learner.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'
import type { TransferFacts, TransferOutcome } from '../../fraud/types.ts'
import type { Random } from '../random.ts'

export class Lessons {
  readonly #learner: Learner
  /** Of transfers that are judged and not executed yet, by key. */
  readonly #examples: Map<string, () => Example> = new Map()

  /** @param head what learning starts from; null: the label-free tail. */
  constructor(head: Head | null, random: Random) {
    this.#learner = new Learner(head === null ? FROM_TAIL : fromNetwork(head), () => random.unit())
  }

  /** Outcomes that it remembers. */
  get labels(): number {
    return this.#learner.labelled.length
  }

  /** @param inputs `Baseline.inputs` of that moment, not to be changed later. */
  judged(transfers: readonly TransferFacts[], rows: Float32Array, inputs: Float32Array): void {
    transfers.forEach(({ key, payer }, i) => {
      this.#examples.set(key, () => exampleOf({ key, payer }, rows, i * FEATURE_COUNT, inputs))
    })
  }

  executed(outcomes: readonly TransferOutcome[]): void {
    for (const { facts, held } of outcomes) {
      const make = this.#examples.get(facts.key)
      if (make !== undefined) this.#learner.transfer(make, held ? 'held' : 'ordinary')
    }
  }

  /** What was judged and not executed does not come. */
  forget(): void {
    this.#examples.clear()
  }

  /** A hold has ended in a way that says something. */
  outcome(key: string, fraud: boolean): void {
    this.#learner.outcome(key, fraud)
  }

  /** @returns the head that is to judge from now on; null: no change. */
  learn(): Head | null {
    const { head, lesson } = this.#learner.next()
    return lesson === null ? head : (this.#learner.learned(teach(lesson)) ?? head)
  }
}
