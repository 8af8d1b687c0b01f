/**
 * How much each pattern weighs when all are summed up: its share of stolen value. Chosen before anything was measured.
 *
 * The report on payment fraud of EBA and ECB (December 2025, figures of 2024) says that in more than half of the value of
 * fraudulent credit transfers the payer was manipulated into paying: here scams, fan-in and half of the mules' money, 0.525
 * together. The rest are payments that somebody else ordered; how it splits up is a guess, with the patient takeover as the
 * most frequent, because it is what works best.
 */
import type { AttackPattern } from '../attacks/attack.ts'
import { heldShare, type Tally } from './tally.ts'

export const MIX: Readonly<Record<AttackPattern, number>> = {
  scam: 0.3,
  'fan-in': 0.15,
  mule: 0.15,
  takeover: 0.15,
  drain: 0.1,
  dormant: 0.05,
  burst: 0.04,
  structuring: 0.03,
  refund: 0.03,
}

/** Held, of the value stolen in this mix of the patterns that were played: from 0 to 1. Null: nothing was stolen. */
export function heldShareOfMix({ patterns }: Pick<Tally, 'patterns'>): number | null {
  let held = 0
  let whole = 0
  for (const [pattern, count] of patterns) {
    const share = heldShare(count)
    if (share === null) continue
    held += MIX[pattern] * share
    whole += MIX[pattern]
  }
  return whole === 0 ? null : held / whole
}
