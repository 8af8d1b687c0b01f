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
  const inputs = new Float32Array(INPUTS)
  for (let i = 0; i < INPUTS; i++) inputs[i] = encodedInput(i, rows, offset)
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

  /** Makes and takes the example of one more transfer, or passes it over. @param make null: there is none. */
  offer(make: () => Example | null): void {
    const full = this.#examples.length >= LEARNING_LIMITS.sampledTransfers
    if (full && this.#random() >= LEARNING_LIMITS.sampledShare) return
    const example = make()
    if (example === null) return
    if (full) this.#examples[Math.floor(this.#random() * this.#examples.length)] = example
    else this.#examples.push(example)
  }
}

/** Examples that wait for their outcome. When there are too many, the oldest go. */
class Waiting {
  readonly #max: number
  readonly #examples: Map<string, Example>

  constructor(max: number, examples: readonly Example[]) {
    this.#max = max
    this.#examples = new Map(examples.slice(-max).map((example) => [example.key, example]))
  }

  /** Oldest first. */
  get examples(): readonly Example[] {
    return [...this.#examples.values()]
  }

  add(example: Example): void {
    this.#examples.set(example.key, example)
    if (this.#examples.size <= this.#max) return
    const [oldest] = this.#examples.keys()
    if (oldest !== undefined) this.#examples.delete(oldest)
  }

  /** Undefined: it does not wait here. */
  take(key: string): Example | undefined {
    const example = this.#examples.get(key)
    this.#examples.delete(key)
    return example
  }
}

/** Transfers that wait for their outcome, and those that have one. */
export class Outcomes {
  readonly #holds: Waiting
  /** Apart from the holds: any number of alerts must not push one of those out. */
  readonly #alerts: Waiting
  #labelled: LabelledExample[]

  /** With what earlier ones had; the oldest go, if they are too many. */
  constructor(
    waiting: readonly Example[] = [],
    waitingAlerts: readonly Example[] = [],
    labelled: readonly LabelledExample[] = [],
  ) {
    this.#holds = new Waiting(LEARNING_LIMITS.waitingHolds, waiting)
    this.#alerts = new Waiting(LEARNING_LIMITS.waitingAlerts, waitingAlerts)
    this.#labelled = labelled.slice(-LEARNING_LIMITS.labels)
  }

  /** Holds, oldest first. */
  get waiting(): readonly Example[] {
    return this.#holds.examples
  }

  /** Suspicious transfers that were not held, oldest first. */
  get waitingAlerts(): readonly Example[] {
    return this.#alerts.examples
  }

  /** In the order in which the outcomes came. */
  get labelled(): readonly LabelledExample[] {
    return this.#labelled
  }

  /** Keys of what was held or has an outcome. An alert that nobody looked at is a transfer like any other. */
  keys(): Set<string> {
    return new Set([...this.waiting, ...this.#labelled].map(({ key }) => key))
  }

  hold(example: Example): void {
    this.#holds.add(example)
  }

  alert(example: Example): void {
    this.#alerts.add(example)
  }

  /** @returns whether the outcome taught something: one of an unknown transfer, or a second one, does not. */
  label(key: string, laundering: boolean): boolean {
    const example = this.#holds.take(key) ?? this.#alerts.take(key)
    if (example === undefined) return false
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
