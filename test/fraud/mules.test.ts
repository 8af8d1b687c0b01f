/** The rules about mules, patience and sleepers: each catches what it is for, and lets its ordinary neighbour pass. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RULES } from '../../fraud/model/model-spec.ts'
import { ruleScore } from '../../fraud/model/sum.ts'
import { COLUMN, FEATURE_COUNT, type FeatureName } from '../../fraud/schema.ts'
import { account, play, type Payment } from './play.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const pay = (atMs: number, from: string, to: string, amount: number, fraud = false): Payment => ({
  atMs,
  from: account(from),
  to: account(to),
  amount,
  fraud,
})

/** Ten people who shop for some days, so that accounts have an age and amounts a usual size. */
function neighbours(days: number): Payment[] {
  return Array.from({ length: 10 * days * 2 }, (_, i) =>
    pay(((i + 0.5) / 20) * DAY, `person ${i % 10}`, `shop ${i % 3}`, 20 + (i % 7)),
  )
}

/** Which payments of `story` are held after `days` of the neighbours. Times count from then on. */
function heldAfter(days: number, story: readonly Payment[]): boolean[] {
  const later = story.map((payment) => ({ ...payment, atMs: payment.atMs + days * DAY }))
  const wanted = new Set(later)
  const played = play([...neighbours(days), ...later], { balanceOf: (id) => BALANCES.get(id) ?? 5_000 })
  return played.filter(({ payment }) => wanted.has(payment)).map(({ held }) => held)
}

/** Accounts that have nothing at first. */
const BALANCES = new Map(['mule', 'newcomer', 'savings'].map((name) => [account(name), 0]))

describe('relay', () => {
  const passedOn = [pay(0, 'person 1', 'mule', 900), pay(HOUR, 'mule', 'shop 0', 850)]

  test('a new account passes on what came within the hour', () => {
    assert.deepEqual(heldAfter(10, passedOn), [false, true])
  })

  test('on a young chain everybody is new', () => {
    assert.deepEqual(heldAfter(1, passedOn), [false, false])
  })

  test('money goes back to whoever paid it', () => {
    assert.deepEqual(
      heldAfter(10, [pay(0, 'person 1', 'savings', 900), pay(HOUR, 'savings', 'person 1', 850)]),
      [false, false],
    )
  })

  test('a newcomer pays a part of what it brought', () => {
    assert.deepEqual(
      heldAfter(10, [
        pay(0, 'person 1', 'newcomer', 2_000),
        pay(HOUR, 'newcomer', 'shop 0', 30),
        pay(2 * HOUR, 'newcomer', 'shop 1', 500),
      ]),
      [false, false, false],
    )
  })
})

describe('lending', () => {
  test("a stranger's money leaves through an account that usually pays little", () => {
    assert.deepEqual(
      heldAfter(10, [pay(0, 'person 1', 'person 2', 900), pay(HOUR, 'person 2', 'collector', 850)]),
      [false, true],
    )
  })

  test('the same amount out of savings passes', () => {
    assert.deepEqual(heldAfter(10, [pay(HOUR, 'person 2', 'collector', 850)]), [false])
  })
})

describe('conduit', () => {
  /** A week-old habit: strangers' money goes to the exchange, which has been paid before. */
  const HABIT: Partial<Record<FeatureName, number>> = {
    passed_on_known: 1,
    passed_on_1d: 0.9,
    inflow_match_log2: 0.05,
    payer_new_payers_7d: 2,
    payer_in_count_7d: 6,
    payer_worst_out: 2,
    balance_share: 0.3,
    payer_age_s: (30 * DAY) / 1_000,
    population_known: 1,
    population_ratio_log2: 4,
  }
  const scoreOf = (features: Partial<Record<FeatureName, number>>): number => {
    const row = new Float32Array(FEATURE_COUNT)
    for (const [feature, value] of Object.entries({ ...HABIT, ...features }))
      row[COLUMN[feature as FeatureName]] = value
    return ruleScore(RULES.find(({ name }) => name === 'conduit')!, row, 0)
  }

  test('money of strangers goes where such money has gone before', () => {
    assert.equal(scoreOf({}), 1)
  })

  test('sellers, who have many payers, the rent, and who has never surprised pass', () => {
    assert.equal(scoreOf({ payer_in_count_7d: 40 }), 0)
    assert.equal(scoreOf({ pair_same_amount: 1 }), 0)
    assert.equal(scoreOf({ payer_worst_out: 0 }), 0)
  })
})

describe('patience', () => {
  test('several large payments to new payees within hours', () => {
    const theft = [0, 1, 2, 3, 4, 5].map((i) => pay(i * 20 * MINUTE, 'person 3', `hired ${i % 3}`, 400))
    assert.ok(heldAfter(10, theft).slice(2).every(Boolean))
  })

  test('one large purchase in two payments passes', () => {
    assert.deepEqual(
      heldAfter(10, [pay(0, 'person 3', 'dealer', 200), pay(HOUR, 'person 3', 'dealer', 1_800)]),
      [false, false],
    )
  })
})

describe('awakening', () => {
  const sleep = 20 * DAY
  test('a sleeper pays much to somebody new', () => {
    assert.deepEqual(heldAfter(10, [pay(sleep, 'person 4', 'hired', 3_000)]), [true])
  })

  test('a sleeper goes shopping', () => {
    assert.deepEqual(heldAfter(10, [pay(sleep, 'person 4', 'butcher', 30)]), [false])
  })
})
