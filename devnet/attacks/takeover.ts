/**
 * Account takeover with patience: a small payment first, to see whether the key works and nobody looks, then over hours
 * payments no larger than those the owner makes, to a few new payees, as long as there is something to take.
 */
import { least, shareOf, unitsOf } from '../amounts.ts'
import { cashOut } from './cash-out.ts'
import {
  MINUTE_MS,
  mule,
  one,
  payable,
  theVictim,
  victim,
  type AttackInput,
  type Move,
  type Pattern,
} from './move.ts'

const PROBE_LEAST_CRD = 1
const PROBE_MOST_CRD = 15
const MOST_TRANSFERS = 10
const LEAST_TRANSFERS = 4
const FEWEST_MULES = 2
const MOST_MULES = 4
const SHORTEST_GAP_MS = 4 * MINUTE_MS
const LONGEST_GAP_MS = 60 * MINUTE_MS
/** Of the owner's largest payment. */
const LEAST_OF_LARGEST = 0.4
const MOST_OF_LARGEST = 1
/** The rest of the balance is not worth another payment. */
const WORTH_TAKING = 0.95

export const takeover: Pattern = { target: 'person', victims: one, plan: planTakeover }

function planTakeover(input: AttackInput): Move[] {
  const { random } = input
  const owner = theVictim(input)
  const transfers = random.whole(LEAST_TRANSFERS, MOST_TRANSFERS)
  const mules = random.whole(FEWEST_MULES, MOST_MULES)
  const most = shareOf(payable(owner, transfers + 1, input), WORTH_TAKING)
  const probe = unitsOf(random.scaled(PROBE_LEAST_CRD, PROBE_MOST_CRD))
  const moves: Move[] = [{ atMs: 0, from: victim(0), to: mule(0), amountUnits: least(probe, most) }]
  let taken = probe
  let atMs = 0
  for (let i = 0; i < transfers && taken < most; i++) {
    atMs += random.scaled(SHORTEST_GAP_MS, LONGEST_GAP_MS)
    const wanted = shareOf(owner.largestUnits, random.between(LEAST_OF_LARGEST, MOST_OF_LARGEST))
    const amountUnits = least(wanted, most - taken)
    taken += amountUnits
    moves.push({ atMs, from: victim(0), to: mule(i % mules), amountUnits })
  }
  return [...moves, ...cashOut(random, moves)]
}
