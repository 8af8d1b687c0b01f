/**
 * Authorised push payment: the victim itself is talked into paying, an invoice that is none, a safe account, a great love.
 * One to three payments to one payee that nobody knows, often a large part of what there is. The payee takes it out soon.
 */
import { shareOf } from '../amounts.ts'
import { cashOut } from './cash-out.ts'
import {
  DAY_MS,
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

const MOST_PAYMENTS = 3
/** All payments together, as a part of the balance. */
const LEAST_TAKEN = 0.15
const MOST_TAKEN = 0.9
const SHORTEST_GAP_MS = 10 * MINUTE_MS
const LONGEST_GAP_MS = 2 * DAY_MS

export const scam: Pattern = { target: 'person', victims: one, plan: planScam }

function planScam(input: AttackInput): Move[] {
  const { random } = input
  const payments = random.whole(1, MOST_PAYMENTS)
  const taken = shareOf(payable(theVictim(input), payments, input), random.between(LEAST_TAKEN, MOST_TAKEN))
  const { moves } = instalments(random, {
    units: taken,
    count: payments,
    gapMs: () => random.scaled(SHORTEST_GAP_MS, LONGEST_GAP_MS),
    to: () => mule(0),
  })
  return [...moves, ...cashOut(random, moves)]
}
