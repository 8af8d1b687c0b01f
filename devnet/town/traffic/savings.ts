/** People who open a second account of their own, put a good part of their money there, and take some back later. */
import { shareOf } from '../../amounts.ts'
import type { Random } from '../../random.ts'
import { moments } from '../calendar.ts'
import type { OrdinaryPayment } from '../payment.ts'
import type { Town } from '../people.ts'

const PER_DAY = 0.001
/** Of the opening balance. */
const LEAST_SHARE = 0.1
const MOST_SHARE = 0.5
const TAKES_BACK_CHANCE = 0.4
const SOONEST_BACK_MS = 86_400_000
const LATEST_BACK_MS = 14 * 86_400_000

/** @param open makes an account that nobody has seen before. */
export function savings(town: Town, random: Random, days: number, open: () => number): OrdinaryPayment[] {
  const savers = town.persons.filter(({ sleeper }) => !sleeper)
  return savers.flatMap(({ account }) =>
    moments(random, PER_DAY, days).flatMap((atMs): OrdinaryPayment[] => {
      const own = open()
      const put = shareOf(town.openingUnits[account] ?? 0n, random.between(LEAST_SHARE, MOST_SHARE))
      const there: OrdinaryPayment = { atMs, kind: 'savings', from: account, to: own, amountUnits: put }
      if (!random.chance(TAKES_BACK_CHANCE)) return [there]
      const back: OrdinaryPayment = {
        atMs: atMs + random.scaled(SOONEST_BACK_MS, LATEST_BACK_MS),
        kind: 'savings',
        from: own,
        to: account,
        amountUnits: shareOf(put, random.between(0.2, 1)),
      }
      return [there, back]
    }),
  )
}
