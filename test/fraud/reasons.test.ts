import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Baseline } from '../../fraud/baseline.ts'
import { REASON, explain, reasonNames } from '../../fraud/reasons.ts'
import { COLUMN, FEATURE_COUNT, type FeatureName } from '../../fraud/schema.ts'

function rowOf(values: Partial<Record<FeatureName, number>>): Float32Array {
  const row = new Float32Array(FEATURE_COUNT)
  for (const [name, value] of Object.entries(values)) row[COLUMN[name as FeatureName]] = value
  return row
}

const TAKEOVER = {
  drain_new_10m: 0.62,
  drained_new_10m: 0.4,
  new_payees_1h: 5,
  balance_share: 0.3,
  own_known: 1,
  own_excess_log2: 4,
  own_ratio_log2: 5,
  amount: 640,
} as const

describe('explanations', () => {
  test('a takeover in plain words with numbers', () => {
    const { reasons, details } = explain(rowOf(TAKEOVER), 0, new Baseline())
    assert.deepEqual(reasonNames(reasons), ['drain', 'newPayee', 'amount'])
    assert.deepEqual(
      details.map(({ text }) => text),
      [
        '62 % of the balance leaves for new payees within 10 minutes',
        '640.00 CRD where this account usually pays 20.00 CRD',
        '5 new payees within an hour',
      ],
    )
    assert.ok(Math.abs(details.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9)
  })

  test('a burst says how many, and what is usual', () => {
    const shots = {
      out_count_10m: 18.2,
      out_usual_10m: 1,
      out_usual_known: 1,
      new_payees_1m: 17.8,
      fresh_payees_1m: 17.8,
      drain_new_1h: 0.3,
    }
    const { reasons, details } = explain(rowOf(shots), 0, new Baseline())
    assert.ok((reasons & REASON.burst) !== 0)
    assert.equal(details[0]?.text, '18 payments in 10 minutes, usually 1')
    assert.equal(details[0].usual, 1)
    const unknown = explain(rowOf({ ...shots, out_usual_known: 0 }), 0, new Baseline())
    assert.equal(unknown.details[0]?.usual, null)
    assert.equal(unknown.details[0].text, '18 payments in 10 minutes, no earlier habit known')
  })

  test('the row at an offset is the one explained', () => {
    const rows = new Float32Array(2 * FEATURE_COUNT)
    rows.set(rowOf(TAKEOVER), FEATURE_COUNT)
    assert.deepEqual(
      explain(rows, FEATURE_COUNT, new Baseline()),
      explain(rowOf(TAKEOVER), 0, new Baseline()),
    )
  })
})

describe('bits', () => {
  test('are distinct, fit sixteen bits, and unknown ones are passed over', () => {
    const bits = Object.values(REASON)
    assert.equal(new Set(bits).size, bits.length)
    assert.ok(bits.every((bit) => bit > 0 && bit <= 0xffff))
    assert.deepEqual(reasonNames(0x8000 | REASON.fanIn), ['fanIn'])
  })
})
