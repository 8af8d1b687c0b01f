/**
 * A model in the shadow of the one that votes: it scores the same transfers, and what it would have flagged is counted
 * beside what was flagged. The outcomes of holds say who was right, of what the voting model let be held.
 */
import { FLAG_AT, MAX_FLAG_RATE } from '../model/model-spec.ts'
import { INPUT } from '../model/tail.ts'
import { RunningQuantile } from '../model/running-quantile.ts'
import { flagThreshold, type Head } from '../head/head.ts'
import { LEARNING_LIMITS } from './limits.ts'

/** Logits beyond these are as good as certain. */
const LOGITS = [-24, 8] as const
/** This chain's own threshold stands from so many logits on, as for the model that votes. */
const LOGITS_NEEDED = 1_000

export interface Flags {
  readonly voting: number
  readonly shadow: number
  readonly both: number
}

export interface ComparisonReport {
  /** Executed transfers that both have scored. */
  readonly transfers: number
  readonly flagged: Flags
  /** Holds whose outcome is known, and how many of them each model would have flagged. */
  readonly fraud: Flags & { readonly holds: number }
  readonly legitimate: Flags & { readonly holds: number }
}

interface Verdict {
  readonly voting: boolean
  readonly shadow: boolean
  /** Of the shadow; null: it has none, or is silent. */
  readonly logit: number | null
}

class Tally {
  holds = 0
  voting = 0
  shadow = 0
  both = 0

  add({ voting, shadow }: Verdict): void {
    this.holds++
    if (voting) this.voting++
    if (shadow) this.shadow++
    if (voting && shadow) this.both++
  }

  get flags(): Flags {
    return { voting: this.voting, shadow: this.shadow, both: this.both }
  }
}

export class Comparison {
  readonly #head: Head | null
  readonly #logits: RunningQuantile = new RunningQuantile(...LOGITS)
  readonly #all: Tally = new Tally()
  readonly #fraud: Tally = new Tally()
  readonly #legitimate: Tally = new Tally()
  /** What each model said of transfers that are not executed, or held. */
  readonly #waiting: Map<string, Verdict> = new Map()

  /** @param head of the shadow; null: the label-free tail. */
  constructor(head: Head | null) {
    this.#head = head
  }

  /** What the shadow needs beside the rows: the voting model's inputs with a threshold of its own. */
  inputs(voting: Float32Array): Float32Array<ArrayBuffer> {
    const inputs = Float32Array.from(voting)
    if (this.#head !== null && this.#speaks(voting)) inputs[INPUT.headThreshold] = this.#threshold
    return inputs
  }

  /** Both have judged a transfer. It counts once it is executed. @param inputs those that the shadow was given. */
  scored(
    key: string,
    scores: { readonly voting: number; readonly shadow: number },
    inputs: Float32Array,
  ): void {
    const voting = scores.voting >= FLAG_AT
    const shadow = scores.shadow >= FLAG_AT
    const logit = this.#head !== null && this.#speaks(inputs) ? logitOf(scores.shadow, inputs) : null
    this.#waiting.delete(key)
    this.#waiting.set(key, { voting, shadow, logit })
    if (this.#waiting.size <= LEARNING_LIMITS.comparedTransfers) return
    const [oldest] = this.#waiting.keys()
    if (oldest !== undefined) this.#waiting.delete(oldest)
  }

  /** A held one waits for its outcome. */
  executed(key: string, held: boolean): void {
    const verdict = this.#waiting.get(key)
    if (verdict === undefined) return
    this.#all.add(verdict)
    if (verdict.logit !== null) this.#logits.add(verdict.logit)
    if (!held) this.#waiting.delete(key)
  }

  /** The outcome of a hold is known. */
  outcome(key: string, fraud: boolean): void {
    const verdict = this.#waiting.get(key)
    if (verdict === undefined) return
    this.#waiting.delete(key)
    if (fraud) this.#fraud.add(verdict)
    else this.#legitimate.add(verdict)
  }

  get report(): ComparisonReport {
    return {
      transfers: this.#all.holds,
      flagged: this.#all.flags,
      fraud: { holds: this.#fraud.holds, ...this.#fraud.flags },
      legitimate: { holds: this.#legitimate.holds, ...this.#legitimate.flags },
    }
  }

  get #threshold(): number {
    if (this.#head === null) return 0
    const known = this.#logits.count >= LOGITS_NEEDED
    return flagThreshold(this.#head, known ? this.#logits.exceededBy(MAX_FLAG_RATE) : null)
  }

  /** The tail's terms are silent on a young chain, and so are heads. */
  #speaks(inputs: Float32Array): boolean {
    return inputs[INPUT.precisions] !== 0
  }
}

/** Scores of rules are no logits, and where they are larger they hide one: those count as the largest. */
function logitOf(score: number, inputs: Float32Array): number {
  const logit = Math.log(score / (1 - score)) + (inputs[INPUT.headThreshold] as number)
  return Math.min(LOGITS[1], Math.max(LOGITS[0], logit))
}
