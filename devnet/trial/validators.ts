/**
 * The validators of a trial, equal in stake. Each payment goes to one of them, which puts it into its batch of the block;
 * each judges its own batch first and those of the others as they arrive, in an order of its own, with what it acked
 * before. What more than a third flags is held.
 */
import { DEFAULT_SETTINGS } from '../../config/node-settings.ts'
import type { TransferFacts, TransferOutcome } from '../../fraud/types.ts'
import { Random } from '../random.ts'
import { Validator, type Judge } from './validator.ts'

export interface ValidatorsOptions extends Judge {
  /** 1 unless given: all see the same then, so one stands for all. */
  readonly validators?: number
  /** They learn from the ends of holds, once a day. Not unless given. */
  readonly learns?: boolean
  /** Of arrivals, and of what they learn from. */
  readonly chance?: string
}

/** A transfer in the batch of a validator. */
export interface Batched {
  readonly facts: TransferFacts
  /** Number of the author. */
  readonly author: number
}

/** `alert`: not held, and a node would open a case, by the scores that are its defaults. */
export type Opinion = 'settled' | 'alert' | 'held'

/** Places of transfers in their block. */
interface Batch {
  readonly key: string
  readonly places: number[]
}

export class Validators {
  readonly #all: readonly Validator[]
  readonly #random: Random
  /** Batches of the block that is judged and not executed yet. */
  #open: readonly string[] = []

  constructor({ model, head, validators = 1, learns = false, chance = '' }: ValidatorsOptions) {
    this.#random = new Random(`${chance}/validators`)
    this.#all = Array.from(
      { length: validators },
      (_, v) => new Validator({ model, head }, learns ? new Random(`${chance}/validators/${v}`) : null),
    )
  }

  /** Outcomes of holds that the first has learned from. */
  get labels(): number {
    return this.#all[0]?.labels ?? 0
  }

  /** Whom a payment goes to when nobody chooses. */
  anyAuthor(): number {
    return this.#all.length === 1 ? 0 : this.#random.below(this.#all.length)
  }

  /** What becomes of each transfer; to be followed by `executed` or `forget`. */
  judge(block: readonly Batched[]): Opinion[] {
    const batches = batchesOf(block)
    this.#open = [...batches.values()].map(({ key }) => key)
    const scores = block.map((): number[] => [])
    this.#all.forEach((validator, v) => {
      for (const { key, places } of this.#arrivalAt(v, batches)) {
        const own = validator.scores(
          key,
          places.map((place) => (block[place] as Batched).facts),
        )
        places.forEach((place, i) => scores[place]?.push(own[i] as number))
      }
    })
    return scores.map(opinionOf)
  }

  executed(outcomes: readonly TransferOutcome[]): void {
    for (const validator of this.#all) validator.executed(outcomes)
    this.forget()
  }

  /** What was judged last does not come. */
  forget(): void {
    for (const validator of this.#all) validator.drop(this.#open)
    this.#open = []
  }

  released(facts: TransferFacts): void {
    for (const validator of this.#all) validator.released(facts)
  }

  outcome(key: string, fraud: boolean): void {
    for (const validator of this.#all) validator.outcome(key, fraud)
  }

  learn(): void {
    for (const validator of this.#all) validator.learn()
  }

  close(): void {
    for (const validator of this.#all) validator.close()
  }

  #arrivalAt(validator: number, batches: ReadonlyMap<number, Batch>): Batch[] {
    const own = batches.get(validator)
    const others = [...batches].flatMap(([author, batch]) => (author === validator ? [] : [batch]))
    return [...(own === undefined ? [] : [own]), ...this.#random.sample(others, others.length)]
  }
}

/** @param scores one of each validator. */
function opinionOf(scores: readonly number[]): Opinion {
  const { fraudHoldScore, fraudAlertScore } = DEFAULT_SETTINGS
  const flags = scores.filter((score) => score >= fraudHoldScore).length
  if (3 * flags > scores.length) return 'held'
  return scores.some((score) => score >= fraudAlertScore) ? 'alert' : 'settled'
}

/** By author. */
function batchesOf(block: readonly Batched[]): Map<number, Batch> {
  const batches = new Map<number, Batch>()
  block.forEach(({ facts, author }, place) => {
    const batch = batches.get(author)
    if (batch === undefined) batches.set(author, { key: `${author}/${facts.key}`, places: [place] })
    else batch.places.push(place)
  })
  return batches
}
