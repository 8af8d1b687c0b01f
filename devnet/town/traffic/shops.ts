/** Shopping: mostly where one always goes, now and then elsewhere; goods that come back; and what shops pay for them. */
import { shareOf, unitsOf } from '../../amounts.ts'
import type { Random } from '../../random.ts'
import { DAY_MS, WEEK_DAYS, awake, dueDays, moments } from '../calendar.ts'
import type { OrdinaryPayment } from '../payment.ts'
import { popular, type Person, type Town } from '../people.ts'

/** Sleepers have a few payments behind them. */
const SLEEPER_DAYS = 4
const FAVOURITE_CHANCE = 0.6
const ELSEWHERE_CHANCE = 0.07
const REFUND_CHANCE = 0.015
const MOST_REFUND_DAYS = 6
/** Of a week's takings. */
const LEAST_SUPPLIES_CRD = 150
const MOST_SUPPLIES_CRD = 2_500
const SUPPLIERS = 3

export function shops(town: Town, random: Random, days: number): OrdinaryPayment[] {
  const purchases = town.persons.flatMap((person) =>
    purchasesOf(person, town, random, person.sleeper ? SLEEPER_DAYS : days),
  )
  return [...purchases, ...refunds(purchases, random), ...supplies(town, random, days)]
}

function purchasesOf(person: Person, town: Town, random: Random, days: number): OrdinaryPayment[] {
  return moments(random, person.purchasesPerDay, days).map((atMs): OrdinaryPayment => {
    const { shop, usualCrd } = where(person, town, random)
    const amountUnits = unitsOf(usualCrd * random.scaled(0.4, 2.2))
    return { atMs, kind: 'shop', from: person.account, to: shop, amountUnits }
  })
}

function where(person: Person, town: Town, random: Random): Person['shops'][number] {
  if (random.chance(ELSEWHERE_CHANCE))
    return { shop: popular(random, town.shops), usualCrd: random.scaled(5, 70) }
  const [favourite] = person.shops
  return favourite !== undefined && random.chance(FAVOURITE_CHANCE) ? favourite : random.pick(person.shops)
}

/** Money back to whoever paid it: all of it, or for some of the goods. */
function refunds(purchases: readonly OrdinaryPayment[], random: Random): OrdinaryPayment[] {
  return purchases
    .filter(() => random.chance(REFUND_CHANCE))
    .map(({ atMs, from, to, amountUnits }) => ({
      atMs: awake(random, Math.floor(atMs / DAY_MS) + random.whole(1, MOST_REFUND_DAYS)),
      kind: 'refund',
      from: to,
      to: from,
      amountUnits: random.chance(0.5) ? amountUnits : shareOf(amountUnits, random.between(0.2, 0.9)),
    }))
}

/** A shop has a few suppliers, which are employers of the town, and pays each about once a week. */
function supplies(town: Town, random: Random, days: number): OrdinaryPayment[] {
  return town.shops.flatMap((shop) =>
    random.sample(town.employers, SUPPLIERS).flatMap((supplier) => {
      const usualCrd = random.scaled(LEAST_SUPPLIES_CRD, MOST_SUPPLIES_CRD)
      return dueDays(random, WEEK_DAYS, days).map((day): OrdinaryPayment => {
        const amountUnits = unitsOf(usualCrd * random.between(0.7, 1.3))
        return { atMs: awake(random, day), kind: 'supplies', from: shop, to: supplier, amountUnits }
      })
    }),
  )
}
