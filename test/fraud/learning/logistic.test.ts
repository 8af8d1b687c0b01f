import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fitLogistic, meanLoss, type WeightedExamples } from '../../../fraud/learning/logistic.ts'
import { random } from '../play.ts'

function examplesOf(count: number, truth: readonly number[], seed: number): WeightedExamples {
  const unit = random(seed)
  const width = truth.length
  const inputs = Float64Array.from({ length: count * width }, (_, i) =>
    i % width === 0 ? 1 : 4 * unit() - 2,
  )
  const labels = Uint8Array.from({ length: count }, (_, row) => {
    const logit = truth.reduce((sum, weight, i) => sum + weight * inputs[row * width + i]!, 0)
    return unit() < 1 / (1 + Math.exp(-logit)) ? 1 : 0
  })
  return { inputs, width, labels, weights: new Float64Array(count).fill(1) }
}

const flat = (width: number, strength: number, weights = new Array<number>(width).fill(0)) => ({
  weights,
  strengths: new Array<number>(width).fill(strength),
})

test('finds the weights that made the labels', () => {
  const truth = [-1, 2, 0, -1.5]
  const weights = fitLogistic(examplesOf(20_000, truth, 1), flat(4, 1e-3))
  truth.forEach((weight, i) => assert.ok(Math.abs(weights[i]! - weight) < 0.12, `${i}: ${weights[i]}`))
})

test('without examples, or held strongly, it stays at the prior', () => {
  const prior = [0.5, -0.25]
  const none = { inputs: new Float64Array(0), width: 2, labels: [], weights: [] }
  assert.deepEqual([...fitLogistic(none, flat(2, 1, prior))], prior)
  const held = fitLogistic(examplesOf(1_000, [2, 3], 2), flat(2, 1e9, prior))
  prior.forEach((weight, i) => assert.ok(Math.abs(held[i]! - weight) < 1e-4))
})

test('at the minimum the slope is zero, even where all labels are alike or certain', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.constantFrom([0, 0], [40, 0], [0, 40], [-40, 3]), (seed, truth) => {
      const examples = examplesOf(200, truth, seed)
      const prior = flat(2, 0.5)
      const weights = fitLogistic(examples, prior)
      const loss = (at: Float64Array): number =>
        200 * meanLoss(examples, at) + 0.25 * at.reduce((sum, weight) => sum + weight * weight, 0)
      for (const [i, step] of [
        [0, 0.01],
        [0, -0.01],
        [1, 0.01],
        [1, -0.01],
      ] as const) {
        const beside = weights.slice()
        beside[i]! += step
        assert.ok(loss(beside) > loss(weights) - 1e-3)
      }
    }),
    { numRuns: 30 },
  )
})

test('an example of weight two counts like two', () => {
  const one = { inputs: Float64Array.of(1, 1, 1), width: 1, labels: [1, 1, 0], weights: [1, 1, 1] }
  const two = { inputs: Float64Array.of(1, 1), width: 1, labels: [1, 0], weights: [2, 1] }
  assert.ok(Math.abs(fitLogistic(one, flat(1, 1))[0]! - fitLogistic(two, flat(1, 1))[0]!) < 1e-9)
})
