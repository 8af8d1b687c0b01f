/** The ordinary life of a town: affordable, in order, the same for the same seed, and in plausible proportions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS } from '../../devnet/town/calendar.ts'
import { townLife } from '../../devnet/town/life.ts'
import { ORDINARY_KINDS, type OrdinaryKind } from '../../devnet/town/payment.ts'
import { settleTown } from '../../devnet/town/people.ts'

const DAYS = 28
const PERSONS = 200
const town = settleTown('a', PERSONS)
const { payments, accounts } = townLife(town, DAYS)
const of = (kind: OrdinaryKind): typeof payments => payments.filter((payment) => payment.kind === kind)

test('in order of time, within the days, between accounts of the town', () => {
  payments.forEach(({ atMs, from, to, amountUnits }, i) => {
    assert.ok(atMs >= (payments[i - 1]?.atMs ?? 0) && atMs < DAYS * DAY_MS)
    assert.ok(from !== to && Math.max(from, to) < accounts)
    assert.ok(amountUnits > 0n && amountUnits % 10_000n === 0n)
  })
})

test('nobody pays more than there is', () => {
  const balances = new Map(town.openingUnits.entries())
  for (const { from, to, amountUnits } of payments) {
    const before = balances.get(from) ?? 0n
    assert.ok(amountUnits <= before, `account ${from} pays ${amountUnits} of ${before}`)
    balances.set(from, before - amountUnits)
    balances.set(to, (balances.get(to) ?? 0n) + amountUnits)
  }
})

test('the same for the same seed, another for another', () => {
  assert.deepEqual(townLife(settleTown('a', PERSONS), DAYS), { payments, accounts })
  assert.notDeepEqual(townLife(settleTown('b', PERSONS), DAYS).payments, payments)
})

test('every kind occurs; most payments are shopping; a person makes one or two a day', () => {
  for (const kind of ORDINARY_KINDS) assert.ok(of(kind).length > 0, kind)
  const shopping = of('shop').length / payments.length
  assert.ok(shopping > 0.5 && shopping < 0.8, `${shopping} of the payments`)
  const perDay = payments.length / PERSONS / DAYS
  assert.ok(perDay > 1 && perDay < 2.5, `${perDay} a day`)
})

test('payroll: one employer pays many within seconds', () => {
  const gaps = of('wages').flatMap(({ atMs, from }, i, all) =>
    all[i - 1]?.from === from ? [atMs - (all[i - 1]?.atMs ?? 0)] : [],
  )
  assert.ok(gaps.filter((gap) => gap < 1_000).length > PERSONS / 2)
})

test('sleepers pay in the first days only', () => {
  const sleepers = town.persons.filter(({ sleeper }) => sleeper).map(({ account }) => account)
  assert.ok(sleepers.length > 0)
  const theirs = payments.filter(({ from }) => sleepers.includes(from))
  assert.ok(theirs.length > 0 && theirs.every(({ atMs }) => atMs < 5 * DAY_MS))
})

test('goods that come back are paid back to whoever bought them', () => {
  for (const { from, to, atMs } of of('refund'))
    assert.ok(of('shop').some((bought) => bought.from === to && bought.to === from && bought.atMs < atMs))
})
