/** By hand and with tensors it is the same number; an ensemble is the mean; training finds what is there. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import { chooseBackend } from '../../../fraud/model/backend.ts'
import { HeadByHand, ensembleOf, headId, inputsOf, type Head } from '../../../fraud/head/head.ts'
import { HEAD_INPUTS, encodedInput } from '../../../fraud/head/inputs.ts'
import { trainHead } from '../../../fraud/head/train.ts'
import { createModel } from '../../../fraud/model/model.ts'
import { COLUMN, FEATURES, FEATURE_COUNT } from '../../../fraud/schema.ts'
import { largestRule } from '../../../fraud/model/sum.ts'
import { BASELINE_INPUTS, INPUT } from '../../../fraud/model/tail.ts'
import { random } from '../play.ts'
import { someHead, someNetwork } from './some-head.ts'

/** Rows as the store makes them: flags are 0 or 1. */
function someRows(count: number, seed: number): Float32Array {
  const unit = random(seed)
  const flags = new Set(HEAD_INPUTS.flatMap(({ unknown }) => (unknown === null ? [] : [unknown.column])))
  return Float32Array.from({ length: count * FEATURE_COUNT }, (_, i) => {
    const name = FEATURES[i % FEATURE_COUNT]!
    return flags.has(name) ? Math.round(unit()) : 20 * unit()
  })
}

function baselineInputs(headThreshold: number): Float32Array {
  const inputs = new Float32Array(BASELINE_INPUTS).fill(0.7)
  inputs[INPUT.headThreshold] = headThreshold
  return inputs
}

describe('a head', () => {
  before(async () => {
    await chooseBackend(['wasm'])
  })

  test('with tensors and by hand is the same', () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.integer({ min: 1, max: 9 }), (seed, count) => {
        for (const head of [someNetwork(seed), someHead(seed), { ...someHead(seed), layers: [] }]) {
          const rows = someRows(count, seed)
          const inputs = baselineInputs(0.4)
          const model = createModel(head)
          const scores = model.score(rows, inputs)
          model.dispose()
          const byHand = new HeadByHand(head)
          for (let i = 0; i < count; i++) {
            const offset = i * FEATURE_COUNT
            const expected = Math.max(byHand.score(rows, offset, inputs), largestRule(rows, offset))
            assert.ok(
              Math.abs(scores[i]! - expected) < 1e-4,
              `row ${i}: ${scores[i]} by tensors, ${expected} by hand`,
            )
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  test('the part of an input is what the logit loses without it', () => {
    for (const head of [someNetwork(3), someHead(3), { ...someHead(3), layers: [] }]) {
      const rows = someRows(3, 3)
      const byHand = new HeadByHand({ ...head, tailWeight: 0 })
      const inputs = new Float32Array(HEAD_INPUTS.length)
      inputsOf(head, rows, FEATURE_COUNT, inputs, 0)
      const whole = byHand.logitOfInputs(inputs)
      const parts = byHand.parts(rows, FEATURE_COUNT, baselineInputs(0)).slice(0, HEAD_INPUTS.length)
      assert.ok(parts.some(({ part }) => part !== 0))
      for (const [i, { part }] of parts.entries()) {
        const without = Float32Array.from(inputs)
        without[i] = 0
        assert.ok(Math.abs(part - (whole - byHand.logitOfInputs(without))) < 1e-9, `input ${i}`)
      }
    }
  })

  test('at its threshold it flags, and a silent one never does', () => {
    const head = someNetwork(5)
    const row = new Float32Array(FEATURE_COUNT)
    const logit = new HeadByHand(head).logit(row, 0, baselineInputs(0))
    const model = createModel(head)
    assert.ok(Math.abs(model.score(row, baselineInputs(logit))[0]! - 0.5) < 1e-4)
    assert.equal(model.score(row, baselineInputs(1e6))[0], 0)
    model.dispose()
  })

  test('its id names every number of it', () => {
    const head = someHead(1)
    const ids = new Set(
      [
        headId(head),
        headId({ ...head, bias: 2 }),
        headId({ ...head, tailWeight: 2 }),
        headId({ ...head, threshold: 2 }),
        headId({ ...head, direct: head.direct.map((weight) => weight + 1) }),
        headId({ ...head, layers: head.layers.slice(1) }),
        headId({ ...head, means: head.means.map((mean) => mean + 1) }),
      ].map((id) => Buffer.from(id).toString('hex')),
    )
    assert.equal(ids.size, 7)
    assert.deepEqual(headId(someHead(1)), headId(head))
  })

  test('an ensemble says the mean of its members', () => {
    const { means, deviations } = someNetwork(1)
    const members = [1, 2, 3].map((seed) => ({ ...someNetwork(seed), means, deviations }))
    const together = new HeadByHand(ensembleOf(members, 0))
    const rows = someRows(20, 9)
    for (let i = 0; i < 20; i++) {
      const each = members.map((head) =>
        new HeadByHand(head).logit(rows, i * FEATURE_COUNT, baselineInputs(0)),
      )
      const mean = each.reduce((sum, logit) => sum + logit, 0) / each.length
      assert.ok(Math.abs(together.logit(rows, i * FEATURE_COUNT, baselineInputs(0)) - mean) < 1e-5)
    }
    assert.throws(() => ensembleOf([], 0), RangeError)
  })

  test('what is not known enters as such, not as zero', () => {
    const gap = HEAD_INPUTS.findIndex(({ feature }) => feature === 'out_gap_s')
    const row = new Float32Array(FEATURE_COUNT)
    const unknown = encodedInput(gap, row, 0)
    row[COLUMN.out_gap_known] = 1
    assert.equal(encodedInput(gap, row, 0), 0)
    row[COLUMN.out_gap_s] = 86_400
    assert.equal(encodedInput(gap, row, 0), 1)
    assert.ok(unknown > 5)
  })
})

describe('training', () => {
  /** Laundering: new pair and a large amount together; neither alone. */
  function lesson(count: number, seed: number): { rows: Float32Array; labels: Uint8Array } {
    const unit = random(seed)
    const rows = new Float32Array(count * FEATURE_COUNT)
    const labels = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      const isNew = unit() < 0.3
      const amount = unit() < 0.3 ? 1_000 : 10
      rows[i * FEATURE_COUNT + COLUMN.pair_new] = Number(isNew)
      rows[i * FEATURE_COUNT + COLUMN.amount] = amount * (0.5 + unit())
      labels[i] = Number(isNew && amount === 1_000)
    }
    return { rows, labels }
  }

  before(async () => {
    await chooseBackend(['wasm'])
  })

  test('finds what no single column says, and the same by the same chance', () => {
    const shares: number[] = []
    const train = (seed: number): Head =>
      trainHead(lesson(4_000, 1), {
        random: random(seed),
        members: 2,
        passes: 6,
        batchRows: 128,
        onProgress: (share) => shares.push(share),
      })
    const head = train(1)
    assert.equal(shares.at(-1), 1)
    assert.deepEqual(
      shares,
      shares.toSorted((a, b) => a - b),
    )
    assert.deepEqual(headId(train(1)), headId(head))
    assert.notDeepEqual(headId(train(2)), headId(head))
    const { rows, labels } = lesson(1_000, 2)
    const byHand = new HeadByHand(head)
    const wrong = labels.filter(
      (label, i) => byHand.logit(rows, i * FEATURE_COUNT, baselineInputs(0)) > 0 !== (label === 1),
    )
    assert.ok(wrong.length < 10, `${wrong.length} of 1000 wrong`)
  })

  test('says what it needs', () => {
    const { rows } = lesson(10, 1)
    const options = { random: random(1) }
    assert.throws(
      () => trainHead({ rows, labels: new Uint8Array(9) }, options),
      /a label per row, got 9 for 10/,
    )
    assert.throws(() => trainHead({ rows, labels: new Uint8Array(10) }, options), /got 0 laundering among 10/)
    assert.throws(() => trainHead({ rows, labels: new Uint8Array(10).fill(1) }, options), RangeError)
  })
})
