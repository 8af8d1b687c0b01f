/**
 * A large sum in pieces: somebody has the key of a well filled account and believes that payments from some round amount
 * on are looked at. Pieces just below it leave over hours or days, to few payees, each of which gets several.
 */
import { shareOf, unitsOf } from '../amounts.ts'
import { cashOut } from './cash-out.ts'
import {
  HOUR_MS,
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

/** Believed limits, the largest first; the smallest for whoever has little. */
const LIMITS_CRD = [1_000, 500, 200] as const
const SMALLEST_LIMIT_CRD = 100
const FEWEST_PIECES = 5
const MOST_PIECES = 12
const MOST_MULES = 3
const SHORTEST_GAP_MS = 15 * MINUTE_MS
const LONGEST_GAP_MS = 8 * HOUR_MS
const LEAST_BELOW = 0.85
const MOST_BELOW = 0.99

export const structuring: Pattern = { target: 'person', victims: one, plan: planStructuring }

function planStructuring(input: AttackInput): Move[] {
  const { random } = input
  const most = payable(theVictim(input), MOST_PIECES, input)
  const limit = LIMITS_CRD.find((crd) => unitsOf(crd * FEWEST_PIECES) <= most) ?? SMALLEST_LIMIT_CRD
  const mules = random.whole(1, MOST_MULES)
  const moves: Move[] = []
  let atMs = 0
  let left = most
  const pieces = random.whole(FEWEST_PIECES, MOST_PIECES)
  for (let piece = 0; piece < pieces; piece++) {
    const amountUnits = shareOf(unitsOf(limit), random.between(LEAST_BELOW, MOST_BELOW))
    if (amountUnits > left) break
    left -= amountUnits
    moves.push({ atMs, from: victim(0), to: mule(piece % mules), amountUnits })
    atMs += random.scaled(SHORTEST_GAP_MS, LONGEST_GAP_MS)
  }
  return [...moves, ...cashOut(random, moves)]
}
