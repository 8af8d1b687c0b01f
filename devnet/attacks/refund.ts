/**
 * Refunds that are none: a cashier, or somebody with the shop's key, pays money "back" to accounts that never bought
 * anything. Amounts are those of purchases; a few accounts get several each, over days.
 */
import { least, shareOf } from '../amounts.ts'
import { cashOut } from './cash-out.ts'
import {
  DAY_MS,
  HOUR_MS,
  mule,
  one,
  payable,
  theVictim,
  victim,
  type AttackInput,
  type Move,
  type Pattern,
} from './move.ts'

const FEWEST_REFUNDS = 10
const MOST_REFUNDS = 30
const FEWEST_MULES = 3
const MOST_MULES = 6
const SHORTEST_MS = 12 * HOUR_MS
const LONGEST_MS = 5 * DAY_MS
/** Of the shop's largest payment lately. */
const LEAST_OF_LARGEST = 0.05
const MOST_OF_LARGEST = 0.5

export const refund: Pattern = { target: 'shop', victims: one, plan: planRefund }

function planRefund(input: AttackInput): Move[] {
  const { random } = input
  const shop = theVictim(input)
  const refunds = random.whole(FEWEST_REFUNDS, MOST_REFUNDS)
  const mules = random.whole(FEWEST_MULES, MOST_MULES)
  const durationMs = random.scaled(SHORTEST_MS, LONGEST_MS)
  const most = shareOf(payable(shop, refunds, input), 1 / refunds)
  const moves = Array.from({ length: refunds }, (): Move => {
    const wanted = shareOf(shop.largestUnits, random.scaled(LEAST_OF_LARGEST, MOST_OF_LARGEST))
    return {
      atMs: random.between(0, durationMs),
      from: victim(0),
      to: mule(random.below(mules)),
      amountUnits: least(wanted, most),
    }
  })
  moves.sort((a, b) => a.atMs - b.atMs)
  return [...moves, ...cashOut(random, moves)]
}
