/**
 * Mules in a row: one or two payments out of the victim's account, which then pass through several hands within minutes
 * to hours, each of which keeps a little, and sometimes part ways, before they are taken out.
 */
import { shareOf } from '../amounts.ts'
import type { Random } from '../random.ts'
import {
  EXCHANGE,
  HOUR_MS,
  MINUTE_MS,
  instalments,
  mule,
  one,
  payable,
  theVictim,
  unevenShares,
  type AttackInput,
  type Move,
  type Pattern,
} from './move.ts'

const MOST_THEFTS = 2
const LEAST_TAKEN = 0.4
const MOST_TAKEN = 0.9
const FEWEST_HOPS = 2
const MOST_HOPS = 4
const SHORTEST_GAP_MS = 4 * MINUTE_MS
const LONGEST_GAP_MS = 4 * HOUR_MS
/** What a mule passes on. */
const LEAST_PASSED = 0.9
const MOST_PASSED = 0.98
const SPLIT_CHANCE = 0.3

export const chain: Pattern = { target: 'person', victims: one, plan: planChain }

function planChain(input: AttackInput): Move[] {
  const { random } = input
  const thefts = random.whole(1, MOST_THEFTS)
  const taken = shareOf(payable(theVictim(input), thefts, input), random.between(LEAST_TAKEN, MOST_TAKEN))
  const { moves, endMs } = instalments(random, {
    units: taken,
    count: thefts,
    gapMs: () => random.scaled(SHORTEST_GAP_MS, LONGEST_GAP_MS),
    to: () => mule(0),
  })
  const hops = random.whole(FEWEST_HOPS, MOST_HOPS)
  return [...moves, ...relay(random, { units: taken, atMs: endMs, hops })]
}

/** From mule to mule, and out. Numbers of mules go up as they are met. */
function relay(random: Random, start: { units: bigint; atMs: number; hops: number }): Move[] {
  const moves: Move[] = []
  let hands = [{ at: 0, ...start }]
  let met = 1
  for (let hop = 0; hop < start.hops; hop++) {
    hands = hands.flatMap(({ at, units, atMs, hops }) => {
      const passed = shareOf(units, random.between(LEAST_PASSED, MOST_PASSED))
      const parts = random.chance(SPLIT_CHANCE) ? 2 : 1
      return unevenShares(random, parts).map((share) => {
        const leg = { at: met++, units: shareOf(passed, share), atMs: later(random, atMs), hops }
        moves.push({ atMs: leg.atMs, from: mule(at), to: mule(leg.at), amountUnits: leg.units })
        return leg
      })
    })
  }
  for (const { at, units, atMs } of hands) {
    const amountUnits = shareOf(units, random.between(LEAST_PASSED, MOST_PASSED))
    moves.push({ atMs: later(random, atMs), from: mule(at), to: EXCHANGE, amountUnits })
  }
  return moves
}

function later(random: Random, atMs: number): number {
  return atMs + random.scaled(SHORTEST_GAP_MS, LONGEST_GAP_MS)
}
