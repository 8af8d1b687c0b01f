/**
 * Account takeover in a hurry: somebody has the victim's key and empties the account to new payees within seconds, in a
 * few transfers of uneven size that look like payments.
 */
import { shareOf } from '../amounts.ts'
import {
  instalments,
  mule,
  one,
  payable,
  theVictim,
  type AttackInput,
  type Move,
  type Pattern,
} from './move.ts'

const TRANSFERS = 8
const LEAST_TAKEN = 0.92
const MOST_TAKEN = 0.99
const SHORTEST_GAP_MS = 200
const LONGEST_GAP_MS = 600

export const drain: Pattern = { target: 'person', victims: one, plan: planDrain }

function planDrain(input: AttackInput): Move[] {
  const { random } = input
  const loot = shareOf(payable(theVictim(input), TRANSFERS, input), random.between(LEAST_TAKEN, MOST_TAKEN))
  return instalments(random, {
    units: loot,
    count: TRANSFERS,
    gapMs: () => random.between(SHORTEST_GAP_MS, LONGEST_GAP_MS),
    to: mule,
  }).moves
}
