/** Machine gun: one account pays many accounts that nobody paid before, several a second, a small amount each. */
import { shareOf } from '../amounts.ts'
import { mule, one, payable, theVictim, victim, type AttackInput, type Move, type Pattern } from './move.ts'

const PAYMENTS = 50
const DURATION_MS = 9_000
/** All payments together, as a part of the balance. */
const LEAST_TAKEN = 0.3
const MOST_TAKEN = 0.6

export const burst: Pattern = { target: 'person', victims: one, plan: planBurst }

function planBurst(input: AttackInput): Move[] {
  const { random } = input
  const taken = shareOf(payable(theVictim(input), PAYMENTS, input), random.between(LEAST_TAKEN, MOST_TAKEN))
  const gapMs = DURATION_MS / PAYMENTS
  return Array.from({ length: PAYMENTS }, (_, index) => ({
    atMs: gapMs * (index + random.between(0, 0.8)),
    from: victim(0),
    to: mule(index),
    amountUnits: shareOf(taken, random.between(0.8, 1.2) / PAYMENTS),
  }))
}
