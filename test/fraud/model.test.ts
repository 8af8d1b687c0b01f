/** The tensor model and the plain sum compute the same; backends give the same scores; ids name weights. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { BACKENDS, chooseBackend, type BackendName } from '../../fraud/model/backend.ts'
import { BASELINE_INPUTS } from '../../fraud/model/tail.ts'
import { FLAG_SCORE, modelIdOf, RULES, TAIL, toByte } from '../../fraud/model/model-spec.ts'
import { createModel } from '../../fraud/model/model.ts'
import { COLUMN, FEATURES, FEATURE_COUNT, type FeatureName } from '../../fraud/schema.ts'
import { cheapScore } from '../../fraud/model/sum.ts'

const known = new Set<number>([
  ...FEATURES.filter((name) => name.endsWith('_known')).map((name) => COLUMN[name]),
  COLUMN.pair_new,
])

const row = fc
  .array(fc.oneof(fc.float({ min: 0, max: 2, noNaN: true }), fc.float({ min: 0, max: 60, noNaN: true })), {
    minLength: FEATURE_COUNT,
    maxLength: FEATURE_COUNT,
  })
  .map((values) => values.map((value, column) => (known.has(column) ? Number(value > 0.7) : value)))

const inputs = fc
  .tuple(
    fc.array(fc.float({ min: 0, max: 4, noNaN: true }), { minLength: TAIL.length, maxLength: TAIL.length }),
    fc.array(fc.float({ min: 0, max: 4, noNaN: true }), { minLength: TAIL.length, maxLength: TAIL.length }),
    fc.float({ min: 4, max: 16, noNaN: true }),
  )
  .map(([means, precisions, threshold]) => Float32Array.from([...means, ...precisions, threshold]))

for (const name of ['wasm', 'cpu'] as const satisfies readonly BackendName[]) {
  test(`the model on ${name} agrees with the cheap sum`, async () => {
    assert.deepEqual(await chooseBackend([name]), { name, problem: null })
    const model = createModel(null)
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), inputs, (rows, baseline) => {
        const flat = Float32Array.from(rows.flat())
        const scores = model.score(flat, baseline)
        assert.equal(scores.length, rows.length)
        scores.forEach((score, i) => {
          const expected = cheapScore(flat, i * FEATURE_COUNT, baseline)
          assert.ok(
            Math.abs(score - expected) < 2e-4,
            `row ${i}: ${score} by tensors, ${expected} by the sum`,
          )
        })
      }),
    )
    const baseline = new Float32Array(BASELINE_INPUTS)
    assert.equal(model.score(new Float32Array(0), baseline).length, 0)
    assert.throws(() => model.score(new Float32Array(FEATURE_COUNT + 1), baseline), RangeError)
    model.dispose()
  })
}

describe('backend chooser', () => {
  const fails = (): Promise<never> => Promise.reject(new Error('broken here'))
  const missing = (): Promise<never> =>
    Promise.reject(Object.assign(new Error('no such package'), { code: 'ERR_MODULE_NOT_FOUND' }))
  const nothing = (): Promise<void> => Promise.resolve()

  test('prefers the native one, then wasm, then cpu', () => {
    assert.deepEqual(BACKENDS, ['tensorflow', 'wasm', 'cpu'])
  })

  test('a missing native package is nothing to tell, a broken one is', async () => {
    const cpu = (): Promise<unknown> => import('@tensorflow/tfjs-backend-cpu')
    assert.deepEqual(await chooseBackend(['tensorflow', 'cpu'], { tensorflow: missing, wasm: fails, cpu }), {
      name: 'cpu',
      problem: null,
    })
    const chosen = await chooseBackend(['tensorflow', 'cpu'], { tensorflow: fails, wasm: fails, cpu })
    assert.deepEqual(chosen, { name: 'cpu', problem: 'tensorflow: broken here' })
  })

  test('none works: says why for each', async () => {
    await assert.rejects(
      chooseBackend(['wasm', 'cpu'], { tensorflow: nothing, wasm: fails, cpu: fails }),
      /wasm: broken here; cpu: broken here/,
    )
  })
})

describe('specification', () => {
  test('the id is 32 bytes and names exactly these weights', () => {
    assert.equal(modelIdOf(null).length, 32)
  })

  test('every feature of tail and rules exists, every ramp rises or falls', () => {
    for (const { ramps } of RULES) {
      for (const { feature, from, to } of ramps) {
        assert.ok(COLUMN[feature] !== undefined, feature)
        assert.notEqual(from, to)
      }
    }
    assert.equal(new Set<FeatureName>(FEATURES).size, FEATURES.length)
  })

  test('half of the scale flags', () => {
    assert.equal(toByte(0.5), FLAG_SCORE)
    assert.ok(toByte(0.499) < FLAG_SCORE)
    assert.equal(toByte(1), 255)
    assert.equal(toByte(0), 0)
  })
})
