/** The tail: silent on a new chain, calibrated on an old one, hard to poison. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Reader, Writer } from '../../crypto/codec.ts'
import { Baseline } from '../../fraud/model/baseline.ts'
import { HeadByHand, networkHead, type Head } from '../../fraud/head/head.ts'
import { HEAD_INPUTS } from '../../fraud/head/inputs.ts'
import { MAX_FLAG_RATE, TAIL } from '../../fraud/model/model-spec.ts'
import { COLUMN, FEATURE_COUNT } from '../../fraud/schema.ts'
import { INPUT, tailSum } from '../../fraud/model/tail.ts'
import { START_MS, random } from './play.ts'

const HOUR = 3_600_000

function ordinaryRow(unit: () => number): Float32Array {
  const row = new Float32Array(FEATURE_COUNT)
  row[COLUMN.new_payees_1d] = 1 + Math.floor(-Math.log(1 - unit()))
  row[COLUMN.payee_new_payers_1d] = 1 + Math.floor(-Math.log(1 - unit()))
  row[COLUMN.payer_new_payers_7d] = Math.floor(-2 * Math.log(1 - unit()))
  row[COLUMN.pair_new] = unit() < 0.2 ? 1 : 0
  row[COLUMN.amount] = 10 + 20 * unit()
  return row
}

function aged(samples: number, stepMs: number, seed = 1): Baseline {
  const baseline = new Baseline()
  const unit = random(seed)
  for (let i = 0; i < samples; i++) baseline.sample(ordinaryRow(unit), 0, START_MS + i * stepMs)
  return baseline
}

describe('baseline', () => {
  test('a busy day is not enough: no deviation counts', () => {
    const extreme = new Float32Array(FEATURE_COUNT).fill(50)
    assert.equal(tailSum(extreme, 0, aged(5_000, 10_000).inputs), 0)
    assert.equal(tailSum(extreme, 0, aged(500, HOUR).inputs), 0)
  })

  test('after a week, about the allowed share of the ordinary is above the threshold', () => {
    const baseline = aged(20_000, HOUR / 10)
    assert.ok(baseline.ready)
    const unit = random(2)
    const threshold = baseline.inputs[INPUT.tailThreshold]!
    const rows = Array.from({ length: 20_000 }, () => ordinaryRow(unit))
    const share = rows.filter((row) => tailSum(row, 0, baseline.inputs) >= threshold).length / rows.length
    assert.ok(share <= 1.5 * MAX_FLAG_RATE, `${share} flagged`)
    const busy = ordinaryRow(unit)
    busy[COLUMN.new_payees_1d] = 40
    busy[COLUMN.payee_new_payers_1d] = 40
    busy[COLUMN.payer_new_payers_7d] = 60
    busy[COLUMN.pair_new] = 1
    assert.ok(tailSum(busy, 0, baseline.inputs) > threshold)
  })

  test('one absurd sample moves no mean by more than its weight', () => {
    const baseline = aged(5_000, HOUR)
    const before = baseline.inputs.slice()
    const absurd = new Float32Array(FEATURE_COUNT).fill(1e9)
    baseline.sample(absurd, 0, START_MS + 6_000 * HOUR)
    for (let i = 0; i < TAIL.length; i++) assert.ok(Math.abs(baseline.inputs[i]! - before[i]!) < 0.01)
  })

  test('the usual amount is known after a few', () => {
    assert.equal(aged(19, HOUR).usualAmountLog2, null)
    const usual = aged(100, HOUR).usualAmountLog2
    assert.ok(usual !== null && usual > Math.log2(10) && usual < Math.log2(30))
  })

  describe('a head', () => {
    const width = HEAD_INPUTS.length
    const direct = new Float32Array(width)
    direct[HEAD_INPUTS.findIndex(({ feature }) => feature === 'new_payees_1d')] = 3
    const head: Head = {
      ...networkHead({ means: new Float32Array(width), deviations: new Float32Array(width).fill(1) }, []),
      direct,
      threshold: 77,
    }
    const learned = (samples: number, judge: Head = head): Baseline => {
      const baseline = new Baseline(judge)
      const unit = random(1)
      for (let i = 0; i < samples; i++) baseline.sample(ordinaryRow(unit), 0, START_MS + (i * HOUR) / 4)
      return baseline
    }
    const thresholdOf = (baseline: Baseline): number => baseline.inputs[INPUT.headThreshold]!

    test('is silent at first, then stands at its own threshold, then at that of this chain', () => {
      assert.ok(thresholdOf(learned(500)) > 1_000)
      assert.equal(thresholdOf(learned(2_000)), 77)
      const baseline = learned(20_000)
      assert.notEqual(thresholdOf(baseline), 77)
      const byHand = new HeadByHand(head)
      const unit = random(2)
      const logits = Array.from({ length: 20_000 }, () => byHand.logit(ordinaryRow(unit), 0, baseline.inputs))
      const share = logits.filter((logit) => logit >= thresholdOf(baseline)).length / logits.length
      assert.ok(share <= 1.5 * MAX_FLAG_RATE, `${share} flagged`)
    })

    test('never goes below its lowest threshold, nor beyond it where more is flagged', () => {
      const own = thresholdOf(learned(20_000))
      const at = (lowestThreshold: number, samples: number): number =>
        thresholdOf(learned(samples, { ...head, lowestThreshold }))
      assert.equal(at(own + 1, 20_000), own + 1)
      assert.equal(at(own - 1, 20_000), own)
      assert.equal(at(100, 2_000), 100)
      assert.equal(at(0, 2_000), 77)
    })

    test('another one starts with its own threshold, also from a snapshot', () => {
      // Between two calibrations: a restored one must not be ahead of it.
      const baseline = learned(20_017)
      const other = { ...head, threshold: 55 }
      const writer = new Writer()
      baseline.write(writer)
      const bytes = writer.finish()
      assert.deepEqual(Baseline.read(new Reader(bytes), head).inputs, baseline.inputs)
      assert.equal(thresholdOf(Baseline.read(new Reader(bytes), other)), 55)
      assert.ok(thresholdOf(Baseline.read(new Reader(bytes), null)) > 1_000)
      baseline.useHead(other)
      assert.equal(thresholdOf(baseline), 55)
    })
  })

  test('goes through bytes', () => {
    const baseline = aged(3_000, HOUR)
    const writer = new Writer()
    baseline.write(writer)
    const copy = Baseline.read(new Reader(writer.finish()), null)
    const [a, b] = [random(9), random(9)]
    for (let i = 0; i < 200; i++) {
      baseline.sample(ordinaryRow(a), 0, START_MS + (3_000 + i) * HOUR)
      copy.sample(ordinaryRow(b), 0, START_MS + (3_000 + i) * HOUR)
    }
    assert.deepEqual(copy.inputs, baseline.inputs)
  })
})
