/**
 * People who move in: an account that did not exist gets its money from elsewhere, then pays a deposit, a first rent, a
 * mobile contract and furniture within days, all to payees that it never paid.
 */
import { unitsOf } from '../../amounts.ts'
import type { Random } from '../../random.ts'
import { DAY_MS, awake, moments } from '../calendar.ts'
import type { OrdinaryPayment } from '../payment.ts'
import { popular, type Town } from '../people.ts'

/** Per inhabitant. */
const ARRIVALS_PER_DAY = 0.0006
const LEAST_BROUGHT_CRD = 1_500
const MOST_BROUGHT_CRD = 9_000
/** Of what was brought. */
const LEAST_RENT = 0.08
const MOST_RENT = 0.2
const MOST_DEPOSIT_RENTS = 3
const SETTLING_DAYS = 5
const PURCHASES_PER_DAY = 1.5

/** @param open makes an account that nobody has seen before. */
export function newcomers(town: Town, random: Random, days: number, open: () => number): OrdinaryPayment[] {
  return moments(random, ARRIVALS_PER_DAY * town.persons.length, days).flatMap((atMs) =>
    arrival(open(), atMs, town, random, days),
  )
}

function arrival(account: number, atMs: number, town: Town, random: Random, days: number): OrdinaryPayment[] {
  const broughtCrd = random.scaled(LEAST_BROUGHT_CRD, MOST_BROUGHT_CRD)
  const rentCrd = broughtCrd * random.between(LEAST_RENT, MOST_RENT)
  const landlord = random.pick(town.landlords)
  const day = Math.floor(atMs / DAY_MS)
  const soon = (): number => awake(random, day + random.whole(1, SETTLING_DAYS))
  const pays = (to: number, amountCrd: number, paidMs: number): OrdinaryPayment => ({
    atMs: paidMs,
    kind: 'newcomer',
    from: account,
    to,
    amountUnits: unitsOf(amountCrd),
  })
  const depositMs = soon()
  const shopping = moments(random, PURCHASES_PER_DAY, days - day).map((sinceMs) =>
    pays(popular(random, town.shops), random.scaled(5, 70), day * DAY_MS + sinceMs + DAY_MS),
  )
  return [
    { atMs, kind: 'newcomer', from: town.exchange, to: account, amountUnits: unitsOf(broughtCrd) },
    pays(landlord, rentCrd * random.whole(1, MOST_DEPOSIT_RENTS), depositMs),
    pays(landlord, rentCrd, depositMs + random.between(60_000, DAY_MS)),
    pays(random.pick(town.billers), random.scaled(12, 120), soon()),
    pays(random.pick(town.dealers), broughtCrd * random.between(0.03, 0.2), soon()),
    ...shopping,
  ]
}
