/**
 * Logistic regression towards a prior: what is known beforehand is left only as far as the examples say so.
 *
 *     minimise Σ weight · log(1 + exp(−s · x·w)) + ½ Σ strength · (w − prior)²,   s = 1 for label 1, −1 for label 0
 *
 * Newton's method; each step is halved until the sum falls (damped Newton: Nocedal and Wright, Numerical Optimization,
 * ch. 3). The sum is convex and the second term strictly so, so there is one minimum.
 */

const MOST_STEPS = 25
const SMALLEST_STEP = 1e-3
/** The sum falls by less than this share: done. */
const TOLERANCE = 1e-5
/** Keeps the matrix invertible where all examples are certain. */
const SMALLEST_CURVATURE = 1e-6

export interface WeightedExamples {
  /** Whole rows of `width` numbers. */
  readonly inputs: Float64Array
  readonly width: number
  readonly labels: ArrayLike<number>
  readonly weights: ArrayLike<number>
}

export interface Prior {
  readonly weights: ArrayLike<number>
  /** How strongly each weight is held; above 0. */
  readonly strengths: ArrayLike<number>
}

/** @returns the weights at the minimum. */
export function fitLogistic(examples: WeightedExamples, prior: Prior): Float64Array {
  const { width } = examples
  let weights = Float64Array.from(prior.weights)
  let loss = lossOf(examples, prior, weights)
  for (let step = 0; step < MOST_STEPS; step++) {
    const direction = newtonDirection(examples, prior, weights)
    let share = 1
    let next = weights
    let nextLoss = Infinity
    while (share >= SMALLEST_STEP) {
      next = Float64Array.from(
        { length: width },
        (_, i) => (weights[i] as number) + share * (direction[i] as number),
      )
      nextLoss = lossOf(examples, prior, next)
      if (nextLoss < loss) break
      share /= 2
    }
    if (nextLoss >= loss) return weights
    const fell = loss - nextLoss
    weights = next
    loss = nextLoss
    if (fell < TOLERANCE * loss) return weights
  }
  return weights
}

/** Mean weighted loss of given weights on examples, without the prior. */
export function meanLoss(examples: WeightedExamples, weights: Float64Array): number {
  let [sum, total] = [0, 0]
  for (let row = 0; row < examples.labels.length; row++) {
    const weight = examples.weights[row] as number
    sum += weight * rowLoss(examples, row, weights)
    total += weight
  }
  return sum / total
}

function lossOf(examples: WeightedExamples, prior: Prior, weights: Float64Array): number {
  let loss = 0
  for (let row = 0; row < examples.labels.length; row++)
    loss += (examples.weights[row] as number) * rowLoss(examples, row, weights)
  for (let i = 0; i < weights.length; i++)
    loss +=
      ((prior.strengths[i] as number) * ((weights[i] as number) - (prior.weights[i] as number)) ** 2) / 2
  return loss
}

function rowLoss(examples: WeightedExamples, row: number, weights: Float64Array): number {
  const logit = dot(examples, row, weights)
  const signed = examples.labels[row] === 1 ? logit : -logit
  return signed > 0 ? Math.log1p(Math.exp(-signed)) : Math.log1p(Math.exp(signed)) - signed
}

function dot({ inputs, width }: WeightedExamples, row: number, weights: Float64Array): number {
  let sum = 0
  for (let i = 0; i < width; i++) sum += (inputs[row * width + i] as number) * (weights[i] as number)
  return sum
}

function newtonDirection(examples: WeightedExamples, prior: Prior, weights: Float64Array): Float64Array {
  const { inputs, width, labels } = examples
  const gradient = new Float64Array(width)
  const matrix = new Float64Array(width * width)
  for (let i = 0; i < width; i++) {
    const strength = prior.strengths[i] as number
    gradient[i] = strength * ((prior.weights[i] as number) - (weights[i] as number))
    matrix[i * width + i] = strength
  }
  for (let row = 0; row < labels.length; row++) {
    const weight = examples.weights[row] as number
    const probability = 1 / (1 + Math.exp(-dot(examples, row, weights)))
    const missing = weight * ((labels[row] as number) - probability)
    const curvature = weight * probability * (1 - probability) + SMALLEST_CURVATURE
    const base = row * width
    for (let i = 0; i < width; i++) {
      const value = inputs[base + i] as number
      if (value === 0) continue
      gradient[i] = (gradient[i] as number) + missing * value
      const scaled = curvature * value
      for (let j = 0; j <= i; j++)
        matrix[i * width + j] = (matrix[i * width + j] as number) + scaled * (inputs[base + j] as number)
    }
  }
  return solve(matrix, gradient, width)
}

/** Solves a symmetric positive definite system by Cholesky's method; overwrites both, uses the lower half of the matrix. */
function solve(matrix: Float64Array, right: Float64Array, width: number): Float64Array {
  const at = (i: number, j: number): number => matrix[i * width + j] as number
  for (let j = 0; j < width; j++) {
    for (let i = j; i < width; i++) {
      let sum = at(i, j)
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k)
      matrix[i * width + j] = i === j ? Math.sqrt(sum) : sum / at(j, j)
    }
  }
  for (let i = 0; i < width; i++) {
    for (let k = 0; k < i; k++) right[i] = (right[i] as number) - at(i, k) * (right[k] as number)
    right[i] = (right[i] as number) / at(i, i)
  }
  for (let i = width - 1; i >= 0; i--) {
    for (let k = i + 1; k < width; k++) right[i] = (right[i] as number) - at(k, i) * (right[k] as number)
    right[i] = (right[i] as number) / at(i, i)
  }
  return right
}
