/**
 * Trains the supervised head with TensorFlow.js, on the backend that is set (`model/backend.ts`). The recipe and how it was
 * chosen: docs/adr/0010.
 *
 * Binary cross-entropy, Adam with a cosine decay of its rate, a few passes over shuffled batches. Members of the ensemble
 * differ by their first weights and by the order of the batches. Chance comes in as an argument.
 */
import * as tf from '@tensorflow/tfjs-core'
import { MAX_FLAG_RATE } from '../model/model-spec.ts'
import { FEATURE_COUNT } from '../schema.ts'
import { HeadByHand, ensembleOf, networkHead, type Head, type Layer } from './head.ts'
import { HEAD_INPUTS, encodedInput, standardized } from './inputs.ts'

const INPUTS = HEAD_INPUTS.length

export interface TrainingRows {
  /** Whole rows of the feature store. */
  readonly rows: Float32Array
  /** 1: laundering. */
  readonly labels: Uint8Array
}

export interface TrainingOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Told after each batch, from 0 to 1. */
  readonly onProgress?: (share: number) => void
  readonly hidden?: readonly number[]
  readonly members?: number
  readonly passes?: number
  readonly batchRows?: number
  readonly learningRate?: number
}

const DEFAULTS = { hidden: [32, 16], members: 3, passes: 5, batchRows: 512, learningRate: 0.004 } as const
/** A logit of 0: more likely laundering than not, by what it learned from. */
const LOWEST_THRESHOLD = 0
const SMALLEST_DEVIATION = 1e-3

/** @throws RangeError unless there are rows of both labels, one label per row. */
export function trainHead({ rows, labels }: TrainingRows, options: TrainingOptions): Head {
  const recipe = { ...DEFAULTS, ...options }
  const count = rows.length / FEATURE_COUNT
  const positives = labels.reduce((sum, label) => sum + label, 0)
  if (count !== labels.length)
    throw new RangeError(`expected a label per row, got ${labels.length} for ${count}`)
  if (positives === 0 || positives === count) {
    throw new RangeError(`expected rows of both labels, got ${positives} laundering among ${count}`)
  }
  const { means, deviations, inputs } = standardizedInputs(rows, count)
  const members = Array.from({ length: recipe.members }, (_, member) => {
    const onProgress = (share: number): void => recipe.onProgress?.((member + share) / recipe.members)
    const layers = trainLayers(inputs, labels, { ...recipe, onProgress })
    return networkHead({ means, deviations }, layers)
  })
  const head = ensembleOf(members, 0)
  return { ...head, threshold: thresholdOf(head, inputs), lowestThreshold: LOWEST_THRESHOLD }
}

/** All rows as inputs, with mean and deviation of each. */
function standardizedInputs(
  rows: Float32Array,
  count: number,
): { means: Float32Array; deviations: Float32Array; inputs: Float32Array } {
  const inputs = new Float32Array(count * INPUTS)
  const means = new Float32Array(INPUTS)
  const deviations = new Float32Array(INPUTS)
  for (let i = 0; i < INPUTS; i++) {
    let [sum, squares] = [0, 0]
    for (let row = 0; row < count; row++) {
      const value = encodedInput(i, rows, row * FEATURE_COUNT)
      inputs[row * INPUTS + i] = value
      sum += value
      squares += value * value
    }
    const mean = sum / count
    const deviation = Math.sqrt(Math.max(0, squares / count - mean * mean))
    means[i] = mean
    deviations[i] = Math.max(SMALLEST_DEVIATION, deviation)
    for (let at = i; at < inputs.length; at += INPUTS)
      inputs[at] = standardized(inputs[at] as number, means[i] as number, deviations[i] as number)
  }
  return { means, deviations, inputs }
}

type Recipe = Required<Omit<TrainingOptions, 'members'>>

function trainLayers(inputs: Float32Array, labels: Uint8Array, recipe: Recipe): Layer[] {
  const { random, passes, batchRows } = recipe
  const count = labels.length
  const network = new Network(recipe, labels.reduce((sum, label) => sum + label, 0) / count)
  const steps = passes * Math.ceil(count / batchRows)
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  try {
    let step = 0
    for (let pass = 0; pass < passes; pass++) {
      shuffle(order, random)
      for (let first = 0; first < count; first += batchRows) {
        network.learn(inputs, labels, order.subarray(first, first + batchRows), step / steps)
        recipe.onProgress(++step / steps)
      }
    }
    return network.layers()
  } finally {
    network.dispose()
  }
}

/** Adam whose rate can be lowered as it goes. */
class DecayingAdam extends tf.AdamOptimizer {
  set rate(value: number) {
    this.learningRate = value
  }
}

class Network {
  readonly #rate: number
  readonly #shape: readonly number[]
  readonly #weights: readonly tf.Variable<tf.Rank.R2>[]
  readonly #biases: readonly tf.Variable<tf.Rank.R1>[]
  readonly #adam: DecayingAdam

  constructor({ hidden, learningRate, random }: Recipe, prior: number) {
    this.#rate = learningRate
    this.#shape = [INPUTS, ...hidden, 1]
    const sizes = this.#shape.slice(1).map((outputs, l) => [this.#shape[l] as number, outputs] as const)
    this.#weights = sizes.map(([from, to]) =>
      tf.variable(tf.tensor2d(normals(from * to, Math.sqrt((to === 1 ? 1 : 2) / from), random), [from, to])),
    )
    this.#biases = sizes.map(([, to]) =>
      tf.variable(tf.fill<tf.Rank.R1>([to], to === 1 ? Math.log(prior / (1 - prior)) : 0)),
    )
    this.#adam = new DecayingAdam(learningRate, 0.9, 0.999, 1e-8)
  }

  /** One step on the rows named by `order`. `progress`: from 0 to 1 over the whole training. */
  learn(inputs: Float32Array, labels: Uint8Array, order: Uint32Array, progress: number): void {
    const batch = new Float32Array(order.length * INPUTS)
    order.forEach((row, i) => batch.set(inputs.subarray(row * INPUTS, (row + 1) * INPUTS), i * INPUTS))
    const wanted = Float32Array.from(order, (row) => labels[row] as number)
    this.#adam.rate = (this.#rate * (1 + Math.cos(Math.PI * progress))) / 2
    tf.tidy(() => {
      const x = tf.tensor2d(batch, [order.length, INPUTS])
      const y = tf.tensor2d(wanted, [order.length, 1])
      this.#adam.applyGradients(this.#gradients(x, y))
    })
  }

  /**
   * Of the mean cross-entropy, by hand: TensorFlow.js brings its gradients only to programs that are bundled. Its slope
   * by the logit is sigmoid − label; backwards through a layer it meets the transposed weights and the step of the ramp.
   */
  #gradients(x: tf.Tensor2D, y: tf.Tensor2D): { name: string; tensor: tf.Tensor }[] {
    const last = this.#weights.length - 1
    const layers: tf.Tensor2D[] = [x]
    this.#weights.forEach((weights, l) => {
      const sum = tf.add<tf.Tensor2D>(
        tf.matMul(layers[l] as tf.Tensor2D, weights),
        this.#biases[l] as tf.Tensor1D,
      )
      layers.push(l === last ? sum : tf.relu(sum))
    })
    const gradients: { name: string; tensor: tf.Tensor }[] = []
    const [rows] = y.shape
    let slope = tf.div<tf.Tensor2D>(tf.sub(tf.sigmoid(layers[last + 1] as tf.Tensor2D), y), rows)
    for (let l = last; l >= 0; l--) {
      const weights = this.#weights[l] as tf.Variable<tf.Rank.R2>
      const below = layers[l] as tf.Tensor2D
      const biases = this.#biases[l] as tf.Variable<tf.Rank.R1>
      gradients.push({ name: weights.name, tensor: tf.matMul(below, slope, true, false) })
      gradients.push({ name: biases.name, tensor: tf.sum(slope, 0) })
      if (l > 0) slope = tf.mul(tf.matMul(slope, weights, false, true), tf.step(below))
    }
    return gradients
  }

  layers(): Layer[] {
    return this.#weights.map((weights, l) => ({
      inputs: this.#shape[l] as number,
      outputs: this.#shape[l + 1] as number,
      weights: Float32Array.from(weights.dataSync<'float32'>()),
      biases: Float32Array.from((this.#biases[l] as tf.Tensor1D).dataSync<'float32'>()),
    }))
  }

  dispose(): void {
    for (const variable of [...this.#weights, ...this.#biases]) variable.dispose()
    this.#adam.dispose()
  }
}

/** Normally distributed (Box and Muller). */
function normals(count: number, deviation: number, random: () => number): Float32Array {
  return Float32Array.from(
    { length: count },
    () => deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  )
}

/** Fisher and Yates. */
function shuffle(order: Uint32Array, random: () => number): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const swapped = order[i] as number
    order[i] = order[j] as number
    order[j] = swapped
  }
}

function thresholdOf(head: Head, inputs: Float32Array): number {
  const byHand = new HeadByHand(head)
  const logits = Float64Array.from({ length: inputs.length / INPUTS }, (_, row) =>
    byHand.logitOfInputs(inputs.subarray(row * INPUTS, (row + 1) * INPUTS)),
  ).sort()
  return logits[Math.floor((1 - MAX_FLAG_RATE) * (logits.length - 1))] as number
}
