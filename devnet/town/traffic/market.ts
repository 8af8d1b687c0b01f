/**
 * A marketplace: sellers are paid by strangers all day long, take the takings out, and pay their suppliers. Much of what a
 * collector of stolen money looks like.
 */
import { unitsOf } from '../../amounts.ts'
import type { Random } from '../../random.ts'
import { DAY_MS, WEEK_DAYS, awake, dueDays, moments } from '../calendar.ts'
import type { OrdinaryPayment } from '../payment.ts'
import type { Town } from '../people.ts'

/** Some begin to sell while the town is watched. */
const OPENS_LATER_CHANCE = 0.4
const LEAST_SALES_PER_DAY = 0.3
const MOST_SALES_PER_DAY = 6
const LEAST_PRICE_CRD = 8
const MOST_PRICE_CRD = 150
/** Of the takings. */
const TAKEN_OUT = 0.5
const TO_SUPPLIERS = 0.35
const SUPPLIERS = 2
/** Of the seller's usual price. */
const LEAST_OF_USUAL = 0.5
const MOST_OF_USUAL = 2

export function market(town: Town, random: Random, days: number): OrdinaryPayment[] {
  return town.sellers.flatMap((seller) => {
    const opensDay = random.chance(OPENS_LATER_CHANCE) ? random.below(days) : 0
    const opensMs = opensDay * DAY_MS
    const payments = stall(seller, town, random, days - opensDay)
    return payments.map((payment) => ({ ...payment, atMs: payment.atMs + opensMs }))
  })
}

function stall(seller: number, town: Town, random: Random, days: number): OrdinaryPayment[] {
  const perDay = random.scaled(LEAST_SALES_PER_DAY, MOST_SALES_PER_DAY)
  const usualCrd = random.scaled(LEAST_PRICE_CRD, MOST_PRICE_CRD)
  const buyers = town.persons.filter(({ sleeper }) => !sleeper)
  const sales = moments(random, perDay, days).map((atMs): OrdinaryPayment => {
    const amountUnits = unitsOf(usualCrd * random.scaled(LEAST_OF_USUAL, MOST_OF_USUAL))
    return { atMs, kind: 'market', from: random.pick(buyers).account, to: seller, amountUnits }
  })
  const weekCrd = usualCrd * perDay * WEEK_DAYS
  const weekly = (to: number, amountCrd: number, kind: 'exchange' | 'supplies'): OrdinaryPayment[] =>
    dueDays(random, WEEK_DAYS, days).map((day) => ({
      atMs: awake(random, day),
      kind,
      from: seller,
      to,
      amountUnits: unitsOf(amountCrd * random.between(0.6, 1.4)),
    }))
  return [
    ...sales,
    ...weekly(town.exchange, weekCrd * TAKEN_OUT, 'exchange'),
    ...random
      .sample(town.employers, SUPPLIERS)
      .flatMap((supplier) => weekly(supplier, (weekCrd * TO_SUPPLIERS) / SUPPLIERS, 'supplies')),
  ]
}
