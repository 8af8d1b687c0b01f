/** What mules do with what reached them: they take it to the exchange, less what they keep. */
import { shareOf } from '../amounts.ts'
import type { Random } from '../random.ts'
import { EXCHANGE, HOUR_MS, MINUTE_MS, mule, type Move, type Party } from './move.ts'

const SOONEST_MS = 10 * MINUTE_MS
const LATEST_MS = 12 * HOUR_MS
/** Part that a mule takes out; the rest is its share, or left for later. */
const LEAST_TAKEN = 0.85
const MOST_TAKEN = 0.98
const MOST_PIECES = 2

/** For each mule that the moves pay, in order of time: one or two payments to the exchange after the last one to it. */
export function cashOut(random: Random, moves: readonly Move[]): Move[] {
  const received = new Map<number, { units: bigint; lastMs: number }>()
  for (const { to, amountUnits, atMs } of moves) {
    if (to.kind !== 'mule') continue
    const before = received.get(to.index)?.units ?? 0n
    received.set(to.index, { units: before + amountUnits, lastMs: atMs })
  }
  return [...received].flatMap(([index, { units, lastMs }]) => pieces(random, mule(index), units, lastMs))
}

function pieces(random: Random, from: Party, units: bigint, afterMs: number): Move[] {
  const taken = shareOf(units, random.between(LEAST_TAKEN, MOST_TAKEN))
  const count = random.whole(1, MOST_PIECES)
  let atMs = afterMs
  return Array.from({ length: count }, () => {
    atMs += random.scaled(SOONEST_MS, LATEST_MS)
    return { atMs, from, to: EXCHANGE, amountUnits: shareOf(taken, 1 / count) }
  })
}
