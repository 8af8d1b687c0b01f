/** Rent and bills: the same payee every month, the same or nearly the same amount. */
import { unitsOf } from '../../amounts.ts'
import type { Random } from '../../random.ts'
import { MONTH_DAYS, awake, dueDays } from '../calendar.ts'
import type { OrdinaryPayment } from '../payment.ts'
import type { Person, Town } from '../people.ts'

export function household(town: Town, random: Random, days: number): OrdinaryPayment[] {
  return town.persons.filter(({ sleeper }) => !sleeper).flatMap((person) => monthly(person, random, days))
}

function monthly(
  { account, landlord, rentCrd, bills }: Person,
  random: Random,
  days: number,
): OrdinaryPayment[] {
  const rents = dueDays(random, MONTH_DAYS, days).map((day): OrdinaryPayment => {
    const atMs = awake(random, day)
    return { atMs, kind: 'rent', from: account, to: landlord, amountUnits: unitsOf(rentCrd) }
  })
  const sent = bills.flatMap(({ payee, amountCrd }) =>
    dueDays(random, MONTH_DAYS, days).map((day): OrdinaryPayment => {
      const amountUnits = unitsOf(amountCrd * random.between(0.9, 1.1))
      return { atMs: awake(random, day), kind: 'bill', from: account, to: payee, amountUnits }
    }),
  )
  return [...rents, ...sent]
}
