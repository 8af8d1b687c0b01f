/**
 * The model in TensorFlow.js: the label-free tail of `model-spec.ts`, or a head that learned from labels (`head/`), and
 * the rules beside either. Importing this loads TensorFlow.js; of a node's threads only the scoring worker does.
 *
 * All weights become constant tensors once. What a call costs is the number of its operations (some 20 µs each, whatever
 * the number of rows up to a few hundred), so there are few. The rules are products whose first factor is nearly always 0:
 * plain code is through with them before a tensor is made (`sum.ts`).
 */
import * as tf from '@tensorflow/tfjs-core'
import { headId, inputsOf, type Head } from '../head/head.ts'
import { HEAD_INPUTS } from '../head/inputs.ts'
import { TAIL, TAIL_COLUMNS, Z_MAX, modelIdOf } from './model-spec.ts'
import { FEATURE_COUNT } from '../schema.ts'
import { largestRule } from './sum.ts'
import { INPUT } from './tail.ts'

export interface DirectionalModel {
  /** 32 bytes. */
  readonly id: Uint8Array
  /**
   * Scores 0–1 of `rows.length / FEATURE_COUNT` rows. `inputs`: `Baseline.inputs`.
   * @throws RangeError if the rows are not whole.
   */
  score(rows: Float32Array, inputs: Float32Array): Float32Array
  dispose(): void
}

/**
 * Builds the model on the backend that is set (`backend.ts`).
 * @param head judges instead of the tail; null: without labels.
 */
export function createModel(head: Head | null): DirectionalModel {
  const population = head === null ? createTail() : createHead(head)
  return {
    id: modelIdOf(head === null ? null : headId(head)),
    score(rows, inputs) {
      const count = rows.length / FEATURE_COUNT
      if (!Number.isInteger(count))
        throw new RangeError(`expected rows of ${FEATURE_COUNT} numbers, got ${rows.length} numbers`)
      if (count === 0) return new Float32Array(0)
      const scores = tf.tidy(() => population.score(rows, inputs).dataSync<'float32'>())
      return scores.map((score, row) => Math.max(score, largestRule(rows, row * FEATURE_COUNT)))
    },
    dispose() {
      for (const tensor of population.tensors) tensor.dispose()
    },
  }
}

/** The part of the score that compares with the population. */
interface PopulationPart {
  readonly tensors: readonly tf.Tensor[]
  /** One score per row. */
  score(rows: Float32Array, inputs: Float32Array): tf.Tensor1D
}

function createTail(): PopulationPart {
  const tail = tailTensors()
  return {
    tensors: Object.values(tail) as tf.Tensor[],
    score(rows, inputs) {
      const sum = tailSumOf(rows, inputs, tail)
      return tf.div(sum, tf.add(sum, inputs[INPUT.tailThreshold] as number))
    },
  }
}

interface TailTensors {
  readonly scales: tf.Tensor1D
}

function tailTensors(): TailTensors {
  return { scales: tf.tensor1d(TAIL.map((term) => term.scale)) }
}

/** The tail's sum, one per row. */
function tailSumOf(rows: Float32Array, inputs: Float32Array, { scales }: TailTensors): tf.Tensor1D {
  const means = tf.tensor1d(inputs.slice(INPUT.means, INPUT.means + TAIL.length))
  const precisions = tf.tensor1d(inputs.slice(INPUT.precisions, INPUT.precisions + TAIL.length))
  const logs = tf.div(tf.log1p(tf.mul(tf.relu(columnsOf(rows, TAIL_COLUMNS)), scales)), Math.LN2)
  return tf.sum(tf.clipByValue(tf.mul(tf.sub(logs, means), precisions), 0, Z_MAX), 1)
}

/** Some columns of all rows: picking them here costs less than a tensor of all and an operation that gathers. */
function columnsOf(rows: Float32Array, columns: readonly number[]): tf.Tensor2D {
  const count = rows.length / FEATURE_COUNT
  const picked = new Float32Array(count * columns.length)
  let at = 0
  for (let offset = 0; offset < rows.length; offset += FEATURE_COUNT)
    for (const column of columns) picked[at++] = rows[offset + column] as number
  return tf.tensor2d(picked, [count, columns.length])
}

/** The inputs are encoded in plain code: a loop over some dozen numbers costs less than a tensor operation for each kind. */
function createHead(head: Head): PopulationPart {
  const layers = head.layers.map(({ inputs, outputs, weights, biases }) => ({
    weights: tf.tensor2d(weights, [inputs, outputs]),
    biases: tf.tensor1d(biases),
  }))
  const width = HEAD_INPUTS.length
  const direct = tf.tensor2d(head.direct, [width, 1])
  const tail = tailTensors()
  return {
    tensors: [...layers.flatMap(({ weights, biases }) => [weights, biases]), direct, tail.scales],
    score(rows, baseline) {
      const count = rows.length / FEATURE_COUNT
      const encoded = new Float32Array(count * width)
      for (let row = 0; row < count; row++) inputsOf(head, rows, row * FEATURE_COUNT, encoded, row * width)
      const inputs = tf.tensor2d(encoded, [count, width])
      let logits = tf.reshape<tf.Rank.R1>(tf.matMul(inputs, direct), [count])
      if (layers.length > 0) logits = tf.add(logits, networkOf(inputs, layers))
      if (head.tailWeight !== 0)
        logits = tf.add(logits, tf.mul(tailSumOf(rows, baseline, tail), head.tailWeight))
      return tf.sigmoid(tf.add(logits, head.bias - (baseline[INPUT.headThreshold] as number)))
    },
  }
}

function networkOf(
  inputs: tf.Tensor2D,
  layers: readonly { readonly weights: tf.Tensor2D; readonly biases: tf.Tensor1D }[],
): tf.Tensor1D {
  let layer = inputs
  layers.forEach(({ weights, biases }, l) => {
    const sum = tf.add<tf.Tensor2D>(tf.matMul(layer, weights), biases)
    layer = l === layers.length - 1 ? sum : tf.relu(sum)
  })
  return tf.squeeze(layer, [1])
}
