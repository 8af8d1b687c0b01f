/**
 * What people pay once in years: a car, a holiday, a deposit, work on the house. Much of what they have, to somebody they
 * never paid: a dealer, another person, a craftsman whose account is new. Sometimes in two payments, the small one first.
 * From outside, most of these cannot be told from a scam.
 */
import { shareOf } from '../../amounts.ts'
import type { Random } from '../../random.ts'
import { moments } from '../calendar.ts'
import type { OrdinaryPayment } from '../payment.ts'
import type { Town } from '../people.ts'

const PER_DAY = 0.003
/** Of the opening balance: what somebody can afford. */
const LEAST_SHARE = 0.15
const MOST_SHARE = 0.7
const DEALER_CHANCE = 0.55
const PERSON_CHANCE = 0.3
const DOWN_PAYMENT_CHANCE = 0.3
const DOWN_PAYMENT_SHARE = 0.1
const SOONEST_REST_MS = 30 * 60_000
const LATEST_REST_MS = 5 * 86_400_000

/** @param open makes an account that nobody has seen before. */
export function largePurchases(
  town: Town,
  random: Random,
  days: number,
  open: () => number,
): OrdinaryPayment[] {
  const buyers = town.persons.filter(({ sleeper }) => !sleeper)
  return buyers.flatMap(({ account }) =>
    moments(random, PER_DAY, days).flatMap((atMs): OrdinaryPayment[] => {
      const to = payee(town, random, account, open)
      const priceUnits = shareOf(town.openingUnits[account] ?? 0n, random.between(LEAST_SHARE, MOST_SHARE))
      const pays = (paidMs: number, amountUnits: bigint): OrdinaryPayment => ({
        atMs: paidMs,
        kind: 'large',
        from: account,
        to,
        amountUnits,
      })
      if (!random.chance(DOWN_PAYMENT_CHANCE)) return [pays(atMs, priceUnits)]
      const down = shareOf(priceUnits, DOWN_PAYMENT_SHARE)
      return [
        pays(atMs, down),
        pays(atMs + random.scaled(SOONEST_REST_MS, LATEST_REST_MS), priceUnits - down),
      ]
    }),
  )
}

function payee(town: Town, random: Random, buyer: number, open: () => number): number {
  const draw = random.unit()
  if (draw < DEALER_CHANCE) return random.pick(town.dealers)
  const others = town.persons.filter(({ account }) => account !== buyer)
  return draw < DEALER_CHANCE + PERSON_CHANCE ? random.pick(others).account : open()
}
