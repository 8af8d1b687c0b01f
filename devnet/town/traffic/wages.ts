/** Payroll: an employer pays everybody within seconds, from a list. Some do it every week, most once a month. */
import { unitsOf } from '../../amounts.ts'
import type { Random } from '../../random.ts'
import { DAY_MS, MONTH_DAYS, WEEK_DAYS, dueDays } from '../calendar.ts'
import type { OrdinaryPayment } from '../payment.ts'
import type { Town } from '../people.ts'

const PERIODS_DAYS = [WEEK_DAYS, 2 * WEEK_DAYS, MONTH_DAYS, MONTH_DAYS] as const
const EARLIEST_MS = 6 * 3_600_000
const LATEST_MS = 12 * 3_600_000
const SHORTEST_GAP_MS = 20
const LONGEST_GAP_MS = 300

export function wages(town: Town, random: Random, days: number): OrdinaryPayment[] {
  return town.employers.flatMap((employer) => {
    const period = random.pick(PERIODS_DAYS)
    const staff = town.persons.filter((person) => person.employer === employer && !person.sleeper)
    return dueDays(random, period, days).flatMap((day) => {
      let atMs = day * DAY_MS + random.between(EARLIEST_MS, LATEST_MS)
      return staff.map(({ account, salaryCrd }): OrdinaryPayment => {
        atMs += random.between(SHORTEST_GAP_MS, LONGEST_GAP_MS)
        const amountUnits = unitsOf((salaryCrd * period) / MONTH_DAYS)
        return { atMs, kind: 'wages', from: employer, to: account, amountUnits }
      })
    })
  })
}
