/**
 * Many victims, one collector: a shop that never ships, a fund that does not exist. Each pays about the same once, within
 * some days; the collector takes out what has come together.
 */
import { least, shareOf, unitsOf } from '../amounts.ts'
import { cashOut } from './cash-out.ts'
import { DAY_MS, HOUR_MS, mule, victim, type AttackInput, type Move, type Pattern } from './move.ts'

const FEWEST_VICTIMS = 8
const MOST_VICTIMS = 20
const PRICE_LEAST_CRD = 30
const PRICE_MOST_CRD = 400
const SHORTEST_MS = 6 * HOUR_MS
const LONGEST_MS = 5 * DAY_MS
/** Collectors take out what has come so often in an attack. */
const MOST_ROUNDS = 3
/** Nobody pays more than this part of the balance. */
const MOST_OF_BALANCE = 0.8

export const fanIn: Pattern = {
  target: 'person',
  victims: (random) => random.whole(FEWEST_VICTIMS, MOST_VICTIMS),
  plan: planFanIn,
}

function planFanIn({ random, victims }: AttackInput): Move[] {
  const price = random.scaled(PRICE_LEAST_CRD, PRICE_MOST_CRD)
  const durationMs = random.scaled(SHORTEST_MS, LONGEST_MS)
  const payments = victims.map(({ balanceUnits }, index): Move => {
    const asked = unitsOf(price * random.between(0.8, 1.3))
    const most = shareOf(balanceUnits, MOST_OF_BALANCE)
    return {
      atMs: random.between(0, durationMs),
      from: victim(index),
      to: mule(0),
      amountUnits: least(asked, most),
    }
  })
  payments.sort((a, b) => a.atMs - b.atMs)
  const rounds = random.whole(1, MOST_ROUNDS)
  const each = Math.ceil(payments.length / rounds)
  const out = Array.from({ length: rounds }, (_, round) =>
    cashOut(random, payments.slice(round * each, (round + 1) * each)),
  )
  return [...payments, ...out.flat()]
}
