import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Baseline } from '../../fraud/model/baseline.ts'
import { HeadByHand, networkHead } from '../../fraud/head/head.ts'
import { HEAD_INPUTS } from '../../fraud/head/inputs.ts'
import { TAIL } from '../../fraud/model/model-spec.ts'
import { REASON, explain, reasonNames } from '../../fraud/reasons/reasons.ts'
import { COLUMN, FEATURE_COUNT, type FeatureName } from '../../fraud/schema.ts'
import { sentence } from '../../fraud/reasons/sentences.ts'
import { INPUT } from '../../fraud/model/tail.ts'
import { usualOf } from '../../fraud/reasons/usual.ts'
import { TOPICS } from '../../fraud/reasons/topics.ts'

function rowOf(values: Partial<Record<FeatureName, number>>): Float32Array {
  const row = new Float32Array(FEATURE_COUNT)
  for (const [name, value] of Object.entries(values)) row[COLUMN[name as FeatureName]] = value
  return row
}

const HOUR_MS = 3_600_000

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
    const { reasons, details } = explain(rowOf(TAKEOVER), 0, new Baseline(), null)
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
    const { reasons, details } = explain(rowOf(shots), 0, new Baseline(), null)
    assert.ok((reasons & REASON.burst) !== 0)
    assert.equal(details[0]?.text, '18 payments in 10 minutes, usually 1')
    assert.equal(details[0].usual, 1)
    const unknown = explain(rowOf({ ...shots, out_usual_known: 0 }), 0, new Baseline(), null)
    assert.equal(unknown.details[0]?.usual, null)
    assert.equal(unknown.details[0].text, '18 payments in 10 minutes, no earlier habit known')
  })

  test('an amount has the range of the account beside it', () => {
    const { details } = explain(rowOf({ ...TAKEOVER, own_spread_log2: 1 }), 0, new Baseline(), null)
    const amount = details.find(({ feature }) => feature === 'own_ratio_log2')
    assert.equal(amount?.text, '640.00 CRD where this account usually pays 20.00 CRD, from 10.00 to 40.00')
    assert.deepEqual([amount.usual, amount.usualRange], [0, { from: -1, to: 1, of: 'account' }])
    const unknown = usualOf('own_ratio_log2', () => 0, new Baseline())
    assert.deepEqual(unknown, { usual: null, usualRange: null })
  })

  test('what compares with everybody has the range of the network, once it is known', () => {
    const baseline = new Baseline()
    const usual = rowOf({ new_payees_1d: 1 })
    const busy = rowOf({ new_payees_1d: 3 })
    const samples = 2_000
    for (let i = 0; i < samples; i++) baseline.sample(i % 2 === 0 ? usual : busy, 0, i * HOUR_MS)
    const { details } = explain(rowOf({ new_payees_1d: 40 }), 0, baseline, null)
    const [detail] = details
    assert.equal(detail?.feature, 'new_payees_1d')
    const { usual: middle, usualRange } = detail
    assert.ok(middle !== null && usualRange !== null)
    // log2(1 + x) is 1 and 2 by turns: 1.5 in the middle, and half of one away from it.
    assert.ok(Math.abs(middle - (2 ** 1.5 - 1)) < 0.05, `${middle}`)
    assert.ok(Math.abs(usualRange.from - 1) < 0.1 && Math.abs(usualRange.to - 3) < 0.1)
    assert.equal(usualRange.of, 'network')
    const young = explain(rowOf({ ...TAKEOVER }), 0, new Baseline(), null)
    assert.equal(young.details.find(({ feature }) => feature === 'drain_new_10m')?.usualRange, null)
  })

  test('the row at an offset is the one explained', () => {
    const rows = new Float32Array(2 * FEATURE_COUNT)
    rows.set(rowOf(TAKEOVER), FEATURE_COUNT)
    assert.deepEqual(
      explain(rows, FEATURE_COUNT, new Baseline(), null),
      explain(rowOf(TAKEOVER), 0, new Baseline(), null),
    )
  })
})

describe('topics', () => {
  test('every feature of tail and head has one, and every topic a sentence', () => {
    for (const feature of [...HEAD_INPUTS.map((input) => input.feature), ...TAIL.map((term) => term.feature)])
      assert.ok(TOPICS[feature] !== undefined, feature)
    for (const { feature } of Object.values(TOPICS))
      for (const value of [0, 1, 7.6]) {
        const text = sentence(feature, value, null, () => 12)
        assert.ok(!text.includes('_') && !/NaN|undefined/.test(text), text)
      }
  })

  test('a head says what raised its logit most', () => {
    const width = HEAD_INPUTS.length
    const direct = new Float32Array(width)
    const at = (feature: FeatureName): number => HEAD_INPUTS.findIndex((input) => input.feature === feature)
    direct[at('circles_of_four')] = 2
    direct[at('payee_new_payers_1d')] = 1
    direct[at('pair_count')] = -3
    const standard = { means: new Float32Array(width), deviations: new Float32Array(width).fill(1) }
    const head = { ...networkHead(standard, []), direct }
    const row = rowOf({ circles_of_four: 1, payee_new_payers_1d: 3, pair_count: 1, pair_new: 1 })
    // The chain's own threshold, as of a head that speaks.
    const baseline = new Baseline(head)
    baseline.inputs[INPUT.headThreshold] = 0
    const { reasons, details } = explain(row, 0, baseline, new HeadByHand(head))
    assert.deepEqual(reasonNames(reasons), ['fanIn', 'circle'])
    assert.deepEqual(
      details.map(({ feature }) => feature),
      ['circles_of_four', 'payee_new_payers_1d'],
    )
    assert.ok(details[0]!.share > details[1]!.share)
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
