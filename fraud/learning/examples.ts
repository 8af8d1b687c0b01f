/**
 * What the learner keeps, in bounded memory: a sample of all transfers, the latest with the best chance, and the held
 * ones whose outcome is known.
 *
 * The sample is a biased reservoir (Aggarwal, On Biased Reservoir Sampling, VLDB 2006): each transfer replaces a random
 * one with a fixed chance, so that the memory fades like `decay` does elsewhere, whatever the traffic.
 */
import { HEAD_INPUTS, encodedInput } from '../head/inputs.ts'
import { tailSum } from '../model/tail.ts'
import { LEARNING_LIMITS } from './limits.ts'

const INPUTS = HEAD_INPUTS.length

/** A transfer as the learner remembers it. */
export interface Example {
  /** As in `TransferFacts`. */
  readonly key: string
  readonly payer: string
  /** Inputs of the head, encoded, not yet compared with any mean. */
  readonly inputs: Float32Array
  /** Sum of the label-free tail. */
  readonly tail: number
}

export interface LabelledExample extends Example {
  readonly laundering: boolean
}

/** @param baseline `Baseline.inputs` at the time of the row. */
export function exampleOf(
  { key, payer }: Pick<Example, 'key' | 'payer'>,
  rows: Float32Array,
  offset: number,
  baseline: Float32Array,
): Example {
  const inputs = Float32Array.from({ length: INPUTS }, (_, i) => encodedInput(i, rows, offset))
  return { key, payer, inputs, tail: tailSum(rows, offset, baseline) }
}

/** Many examples side by side: quick to hand to another thread. */
export interface PackedExamples {
  readonly count: number
  /** [count × inputs]. */
  readonly inputs: Float32Array
  readonly tails: Float64Array
}

export function packed(examples: readonly Example[]): PackedExamples {
  const inputs = new Float32Array(examples.length * INPUTS)
  examples.forEach((example, i) => inputs.set(example.inputs, i * INPUTS))
  return { count: examples.length, inputs, tails: Float64Array.from(examples, ({ tail }) => tail) }
}

export class Sample {
  readonly #random: () => number
  readonly #examples: Example[]

  /**
   * @param random uniform in [0, 1).
   * @param examples what an earlier sample had, at most as many as one holds.
   */
  constructor(random: () => number, examples: readonly Example[] = []) {
    this.#random = random
    this.#examples = examples.slice(0, LEARNING_LIMITS.sampledTransfers)
  }

  get examples(): readonly Example[] {
    return this.#examples
  }

  /** Makes and takes the example of one more transfer, or passes it over. */
  offer(make: () => Example): void {
    if (this.#examples.length < LEARNING_LIMITS.sampledTransfers) {
      this.#examples.push(make())
    } else if (this.#random() < LEARNING_LIMITS.sampledShare) {
      this.#examples[Math.floor(this.#random() * this.#examples.length)] = make()
    }
  }
}

/** Holds that wait for their outcome, and those that have one. */
export class Outcomes {
  readonly #waiting: Map<string, Example>
  #labelled: LabelledExample[]

  /** With what earlier ones had; the oldest go, if they are too many. */
  constructor(waiting: readonly Example[] = [], labelled: readonly LabelledExample[] = []) {
    this.#waiting = new Map(
      waiting.slice(-LEARNING_LIMITS.waitingHolds).map((example) => [example.key, example]),
    )
    this.#labelled = labelled.slice(-LEARNING_LIMITS.labels)
  }

  /** Oldest first. */
  get waiting(): readonly Example[] {
    return [...this.#waiting.values()]
  }

  /** In the order in which the outcomes came. */
  get labelled(): readonly LabelledExample[] {
    return this.#labelled
  }

  /** Keys of all of them. */
  keys(): Set<string> {
    return new Set([...this.#waiting.keys(), ...this.#labelled.map(({ key }) => key)])
  }

  hold(example: Example): void {
    this.#waiting.set(example.key, example)
    if (this.#waiting.size <= LEARNING_LIMITS.waitingHolds) return
    const [oldest] = this.#waiting.keys()
    if (oldest !== undefined) this.#waiting.delete(oldest)
  }

  /** @returns whether the outcome taught something: one of an unknown hold does not. */
  label(key: string, laundering: boolean): boolean {
    const example = this.#waiting.get(key)
    if (example === undefined) return false
    this.#waiting.delete(key)
    this.#labelled.push({ ...example, laundering })
    this.#forget(example.payer)
    return true
  }

  /** One account teaches a few examples only, or who has many holds would decide what is suspicious. */
  #forget(payer: string): void {
    const own = this.#labelled.filter((example) => example.payer === payer)
    const [oldest] = own.length > LEARNING_LIMITS.labelsPerAccount ? own : this.#labelled
    if (own.length > LEARNING_LIMITS.labelsPerAccount || this.#labelled.length > LEARNING_LIMITS.labels)
      this.#labelled = this.#labelled.filter((example) => example !== oldest)
  }
}
