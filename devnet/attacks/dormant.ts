/** A sleeper wakes: nobody has paid from the account for long, so nobody looks when it is emptied in a few payments. */
import { shareOf } from '../amounts.ts'
import { cashOut } from './cash-out.ts'
import {
  HOUR_MS,
  MINUTE_MS,
  instalments,
  mule,
  one,
  payable,
  theVictim,
  type AttackInput,
  type Move,
  type Pattern,
} from './move.ts'

const MOST_PAYMENTS = 4
const LEAST_TAKEN = 0.8
const MOST_TAKEN = 0.99
const SHORTEST_GAP_MS = 3 * MINUTE_MS
const LONGEST_GAP_MS = 12 * HOUR_MS

export const dormant: Pattern = { target: 'sleeper', victims: one, plan: planDormant }

function planDormant(input: AttackInput): Move[] {
  const { random } = input
  const payments = random.whole(1, MOST_PAYMENTS)
  const taken = shareOf(payable(theVictim(input), payments, input), random.between(LEAST_TAKEN, MOST_TAKEN))
  const { moves } = instalments(random, {
    units: taken,
    count: payments,
    gapMs: () => random.scaled(SHORTEST_GAP_MS, LONGEST_GAP_MS),
    to: mule,
  })
  return [...moves, ...cashOut(random, moves)]
}
