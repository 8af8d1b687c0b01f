/** Labelled attacks by name: who pays whom, when and how much. Pure and seeded; `play.ts` plays them on a devnet. */
import { Random } from '../random.ts'
import { burst } from './burst.ts'
import { chain } from './chain.ts'
import { dormant } from './dormant.ts'
import { drain } from './drain.ts'
import { fanIn } from './fan-in.ts'
import type { Move, Pattern, Target, Victim } from './move.ts'
import { refund } from './refund.ts'
import { scam } from './scam.ts'
import { structuring } from './structuring.ts'
import { takeover } from './takeover.ts'

const PATTERNS = {
  drain,
  burst,
  takeover,
  scam,
  mule: chain,
  'fan-in': fanIn,
  structuring,
  dormant,
  refund,
} as const satisfies Readonly<Record<string, Pattern>>

export type AttackPattern = keyof typeof PATTERNS
export const ATTACK_PATTERNS: readonly AttackPattern[] = Object.keys(PATTERNS) as AttackPattern[]

/** An attack whose chances are drawn from a seed: whom it needs, and what they then do. */
export class Attack {
  readonly pattern: AttackPattern
  readonly target: Target
  /** How many victims it needs. */
  readonly victims: number
  readonly #random: Random

  /** @param number tells one attack of this pattern from another of the same seed. */
  constructor(pattern: AttackPattern, seed: string, number: number) {
    const { target, victims } = PATTERNS[pattern]
    this.pattern = pattern
    this.target = target
    this.#random = new Random(`${seed}/attack/${pattern}/${number}`)
    this.victims = victims(this.#random)
  }

  /** The payments, in order of time. To be asked once: it goes on drawing. @param feeUnits of one transfer. */
  plan(victims: readonly Victim[], feeUnits: bigint): Move[] {
    if (victims.length !== this.victims)
      throw new RangeError(`expected ${this.victims} victims, got ${victims.length}`)
    const moves = PATTERNS[this.pattern].plan({ random: this.#random, victims, feeUnits })
    return moves.sort((a, b) => a.atMs - b.atMs)
  }
}
