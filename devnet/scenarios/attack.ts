/** Labelled attacks: who pays whom, when and how much. Pure and seeded; `play-attack.ts` plays them. */
import { Random } from '../random.ts'
import { planBurst } from './burst.ts'
import { planDrain } from './drain.ts'
import type { AttackInput, AttackPayment } from './victim.ts'

export const ATTACK_PATTERNS = ['drain', 'burst'] as const
export type AttackPattern = (typeof ATTACK_PATTERNS)[number]

export interface AttackPlan {
  readonly pattern: AttackPattern
  /** Ascending by time. */
  readonly payments: readonly AttackPayment[]
}

const PLANS: Readonly<Record<AttackPattern, (input: AttackInput) => AttackPayment[]>> = {
  drain: planDrain,
  burst: planBurst,
}

/** The plan of one attack; the same for the same seed and number. */
export function planAttack(
  pattern: AttackPattern,
  options: { seed: string; attack: number; balanceUnits: bigint; feeUnits: bigint },
): AttackPlan {
  const random = new Random(`${options.seed}/attack/${pattern}/${options.attack}`)
  return {
    pattern,
    payments: PLANS[pattern]({ random, balanceUnits: options.balanceUnits, feeUnits: options.feeUnits }),
  }
}
