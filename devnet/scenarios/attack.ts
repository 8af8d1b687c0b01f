/** Labelled attacks: who pays whom, when and how much. Pure and seeded; `play-attack.ts` plays them. */
import { Random } from '../random.ts'
import { planBurst } from './burst.ts'
import { planDrain } from './drain.ts'

export const ATTACK_PATTERNS = ['drain', 'burst'] as const
export type AttackPattern = (typeof ATTACK_PATTERNS)[number]

/** One transfer of the victim's account. */
export interface AttackPayment {
  /** Since the start, ms. */
  readonly atMs: number
  /** A mule: an account that nobody paid before. Or a citizen: somebody the victim really knows. */
  readonly to: { readonly kind: 'mule' | 'citizen'; readonly index: number }
  readonly amountUnits: bigint
  readonly memo: string
  /** The label. The victim's own earlier payments are ordinary. */
  readonly fraudulent: boolean
}

export interface AttackPlan {
  readonly pattern: AttackPattern
  /** Ascending by time. */
  readonly payments: readonly AttackPayment[]
}

export interface AttackInput {
  readonly random: Random
  /** What the victim has, in uCRD. */
  readonly balanceUnits: bigint
  /** Fee of one transfer, in uCRD. */
  readonly feeUnits: bigint
}

const PLANS: Readonly<Record<AttackPattern, (input: AttackInput) => AttackPayment[]>> = { drain: planDrain, burst: planBurst }

/** The plan of one attack; the same for the same seed and number. */
export function planAttack(pattern: AttackPattern, options: { seed: string; attack: number; balanceUnits: bigint; feeUnits: bigint }): AttackPlan {
  const random = new Random(`${options.seed}/attack/${pattern}/${options.attack}`)
  return { pattern, payments: PLANS[pattern]({ random, balanceUnits: options.balanceUnits, feeUnits: options.feeUnits }) }
}
