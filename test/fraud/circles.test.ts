/** Circles among recent payments, and the trail of the money. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FeatureStore } from '../../fraud/store/feature-store.ts'
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import { COLUMN, type FeatureName } from '../../fraud/schema.ts'
import { START_MS, account } from './play.ts'

const DAY = 86_400_000
let nextKey = 0

type Payment = readonly [from: string, to: string, atMs?: number, amount?: number]

/** What the last payment sees after the others were executed. */
function last(payments: readonly Payment[]): (name: FeatureName) => number {
  const store = new FeatureStore()
  const facts = payments.map(([from, to, atMs = 0, amount = 10]) => ({
    transaction: `${nextKey}`,
    key: `${nextKey++}`,
    payer: account(from),
    payee: account(to),
    amount: BigInt(amount * 1e6),
    payerBalance: 1_000_000_000n,
    timeMs: START_MS + atMs,
  }))
  store.executed(facts.slice(0, -1).map((fact) => ({ facts: fact, held: false })))
  const row = store.dryRow(facts.at(-1)!)
  return (name) => row[COLUMN[name]]!
}

function near(value: number, expected: number): void {
  assert.ok(Math.abs(value - expected) < 1e-4 * Math.max(1, expected), `${value}, expected ${expected}`)
}

describe('circles of four', () => {
  for (const first of [
    ['u', 'a'],
    ['a', 'u'],
  ] as const) {
    for (const second of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      for (const third of [
        ['v', 'b'],
        ['b', 'v'],
      ] as const) {
        const way = [first, second, third].map(([from, to]) => `${from} to ${to}`).join(', ')
        test(`in whatever direction: ${way}`, () => {
          const row = last([first, second, third, ['u', 'v']])
          near(row('circles_of_four'), 1)
        })
      }
    }
  }

  test('each payment weighs its freshness, shared among the payments of its pair', () => {
    const row = last([
      ['u', 'a', 0],
      ['u', 'a', 7 * DAY],
      ['a', 'b', 14 * DAY],
      ['b', 'v', 14 * DAY],
      ['u', 'v', 14 * DAY],
    ])
    near(row('circles_of_four'), Math.exp(-1) / 2)
    near(row('payer_ties'), Math.exp(-1) / 2)
    near(row('payee_ties'), 1)
  })

  test('the transfer itself, and its pair, close none', () => {
    assert.equal(
      last([
        ['u', 'v'],
        ['v', 'u'],
        ['u', 'v'],
        ['u', 'v'],
      ])('circles_of_four'),
      0,
    )
  })

  test('three weeks later there is none', () => {
    const old = [
      ['u', 'a'],
      ['a', 'b'],
      ['b', 'v'],
    ] as const
    assert.ok(last([...old, ['u', 'v', 20.9 * DAY]])('circles_of_four') > 0)
    assert.equal(last([...old, ['u', 'v', 21 * DAY]])('circles_of_four'), 0)
  })

  test('only the latest partners of an account count', () => {
    const count = FRAUD_LIMITS.tiesPerAccount
    const others = Array.from({ length: count }, (_, i): Payment => [`payer${i}`, 'u', 1_000 * (i + 2)])
    const closing: Payment[] = [
      ['u', 'a'],
      ['a', 'b'],
      ['b', 'v'],
    ]
    assert.ok(last([...closing, ...others.slice(1), ['u', 'v', 60_000]])('circles_of_four') > 0.99)
    assert.equal(last([...closing, ...others, ['u', 'v', 60_000]])('circles_of_four'), 0)
  })

  test('a partner that is forgotten closes none', () => {
    const store = new FeatureStore({ maxAccounts: 4 })
    const pay = (from: string, to: string, atMs: number) => ({
      transaction: `${nextKey}`,
      key: `${nextKey++}`,
      payer: account(from),
      payee: account(to),
      amount: 1_000_000n,
      payerBalance: 1_000_000n,
      timeMs: START_MS + atMs,
    })
    for (const [from, to] of [
      ['u', 'a'],
      ['a', 'b'],
      ['b', 'v'],
      ['u', 'x'],
      ['v', 'x'],
    ] as const)
      store.executed([{ facts: pay(from, to, 0), held: false }])
    assert.equal(store.dryRow(pay('u', 'v', 1))[COLUMN.circles_of_four], 0)
  })
})

test('circles of three do not count', () => {
  const row = last([
    ['u', 'a'],
    ['v', 'a'],
    ['u', 'v'],
  ])
  assert.equal(row('circles_of_four'), 0)
  near(row('payer_ties'), 1)
})

test('how busy the payers of the payer are', () => {
  const row = last([
    ['x', 'w'],
    ['y', 'w'],
    ['w', 'u'],
    ['u', 'v'],
  ])
  near(row('payers_received_7d'), 2)
})

describe('the trail', () => {
  test('hops grow with each step and fade', () => {
    near(
      last([
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'd'],
      ])('payer_hops'),
      2,
    )
    near(
      last([
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'd', 5 * DAY],
      ])('payer_hops'),
      2 * Math.exp(-1),
    )
    near(
      last([
        ['a', 'b'],
        ['b', 'c'],
        ['x', 'c'],
      ])('payee_hops'),
      2,
    )
  })

  test('the same amount again, and back', () => {
    assert.equal(
      last([
        ['a', 'b', 0, 12],
        ['a', 'b', 1, 12],
      ])('pair_same_amount'),
      1,
    )
    assert.equal(
      last([
        ['a', 'b', 0, 12],
        ['a', 'b', 1, 13],
      ])('pair_same_amount'),
      0,
    )
    const back = last([
      ['a', 'b', 0, 12],
      ['b', 'a', 60_000, 12],
    ])
    assert.equal(back('reciprocal_same_amount'), 1)
    assert.equal(back('reciprocal_gap_s'), 60)
  })

  test('what a mule passes on of its latest inflows is near', () => {
    const received: Payment[] = [
      ['a', 'm', 0, 400],
      ['b', 'm', 1_000, 600],
    ]
    near(last([...received, ['m', 'z', 2_000, 570]])('inflow_match_log2'), 0)
    near(last([...received, ['m', 'z', 2_000, 950]])('inflow_match_log2'), 0)
    near(last([...received, ['m', 'z', 11 * DAY, 950]])('inflow_match_log2'), 9)
  })
})
