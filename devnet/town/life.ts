/** The life of a town over weeks: all its ordinary payments, in order of time. Pure, and the same for the same seed. */
import { Random } from '../random.ts'
import { DAY_MS } from './calendar.ts'
import type { OrdinaryPayment } from './payment.ts'
import type { Town } from './people.ts'
import { exchange } from './traffic/exchange.ts'
import { friends } from './traffic/friends.ts'
import { household } from './traffic/household.ts'
import { largePurchases } from './traffic/large.ts'
import { market } from './traffic/market.ts'
import { newcomers } from './traffic/newcomers.ts'
import { savings } from './traffic/savings.ts'
import { shops } from './traffic/shops.ts'
import { wages } from './traffic/wages.ts'

/** Payments of a kind of traffic. `open` makes an account that nobody has seen before. */
type Traffic = (town: Town, random: Random, days: number, open: () => number) => OrdinaryPayment[]

const TRAFFIC: Readonly<Record<string, Traffic>> = {
  wages,
  household,
  shops,
  friends,
  market,
  exchange,
  newcomers,
  largePurchases,
  savings,
}

interface Life {
  readonly payments: readonly OrdinaryPayment[]
  /** Accounts of the town with those that appear on the way: numbers below this are taken. */
  readonly accounts: number
}

/** @param days how long, in days. Each kind of traffic has chances of its own, so that one does not disturb another. */
export function townLife(town: Town, days: number): Life {
  let accounts = town.openingUnits.length
  const open = (): number => accounts++
  const planned = Object.entries(TRAFFIC).flatMap(([name, traffic]) =>
    traffic(town, new Random(`${town.seed}/town/${name}`), days, open),
  )
  const inTime = planned.filter(({ atMs }) => atMs < days * DAY_MS).sort((a, b) => a.atMs - b.atMs)
  return { payments: affordable(town, inTime), accounts }
}

/** Without those that the payer cannot pay by then, as if everything settled at once. */
function affordable(town: Town, payments: readonly OrdinaryPayment[]): OrdinaryPayment[] {
  const balances = new Map(town.openingUnits.entries())
  return payments.filter(({ from, to, amountUnits }) => {
    const before = balances.get(from) ?? 0n
    if (from === to || amountUnits <= 0n || amountUnits > before) return false
    balances.set(from, before - amountUnits)
    balances.set(to, (balances.get(to) ?? 0n) + amountUnits)
    return true
  })
}
