/** An evening together: one has paid for all, and the others settle up within hours or days; some forget. */
import { unitsOf } from '../../amounts.ts'
import type { Random } from '../../random.ts'
import { moments } from '../calendar.ts'
import type { OrdinaryPayment } from '../payment.ts'
import type { Person, Town } from '../people.ts'

const EVENINGS_PER_DAY = 0.05
const SOONEST_MS = 5 * 60_000
const LATEST_MS = 4 * 86_400_000
const FORGETS_CHANCE = 0.1

export function friends(town: Town, random: Random, days: number): OrdinaryPayment[] {
  const awake = town.persons.filter(({ sleeper }) => !sleeper)
  const payers = new Set(awake.map(({ account }) => account))
  return awake.flatMap((host) => {
    const company = host.friends.filter((friend) => payers.has(friend))
    return moments(random, EVENINGS_PER_DAY, days).flatMap((atMs) => evening(host, company, atMs, random))
  })
}

function evening(host: Person, company: readonly number[], atMs: number, random: Random): OrdinaryPayment[] {
  const eachCrd = random.scaled(6, 60)
  return random
    .sample(company, random.whole(1, Math.max(1, company.length)))
    .filter(() => !random.chance(FORGETS_CHANCE))
    .map((guest) => ({
      atMs: atMs + random.scaled(SOONEST_MS, LATEST_MS),
      kind: 'friends',
      from: guest,
      to: host.account,
      amountUnits: unitsOf(eachCrd),
    }))
}
