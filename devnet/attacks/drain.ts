/**
 * Account takeover in a hurry: somebody has the victim's key and empties the account to new payees within seconds, in a
 * few transfers of uneven size that look like payments.
 */
import { shareOf } from '../amounts.ts'
import {
  mule,
  one,
  payable,
  theVictim,
  unevenShares,
  victim,
  type AttackInput,
  type Move,
  type Pattern,
} from './move.ts'

const TRANSFERS = 8
const LEAST_TAKEN = 0.92
const MOST_TAKEN = 0.99

export const drain: Pattern = { target: 'person', victims: one, plan: planDrain }

function planDrain(input: AttackInput): Move[] {
  const { random } = input
  const loot = shareOf(payable(theVictim(input), TRANSFERS, input), random.between(LEAST_TAKEN, MOST_TAKEN))
  let atMs = 0
  return unevenShares(random, TRANSFERS).map((share, index): Move => {
    const move = { atMs, from: victim(0), to: mule(index), amountUnits: shareOf(loot, share) }
    atMs += random.between(200, 600)
    return move
  })
}
