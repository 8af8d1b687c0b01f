/** Some people move money in and out through the exchange, now and then. */
import { unitsOf } from '../../amounts.ts'
import type { Random } from '../../random.ts'
import { moments } from '../calendar.ts'
import type { OrdinaryPayment } from '../payment.ts'
import type { Town } from '../people.ts'

const CUSTOMER_CHANCE = 0.12
const PER_DAY = 0.08
const LEAST_CRD = 20
const MOST_CRD = 800

export function exchange(town: Town, random: Random, days: number): OrdinaryPayment[] {
  return town.persons
    .filter(({ sleeper }) => !sleeper && random.chance(CUSTOMER_CHANCE))
    .flatMap(({ account }) =>
      moments(random, PER_DAY, days).map((atMs): OrdinaryPayment => {
        const [from, to] = random.chance(0.5) ? [account, town.exchange] : [town.exchange, account]
        return { atMs, kind: 'exchange', from, to, amountUnits: unitsOf(random.scaled(LEAST_CRD, MOST_CRD)) }
      }),
    )
}
