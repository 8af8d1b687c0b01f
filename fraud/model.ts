/**
 * The label-free directional score as a TensorFlow.js model: the arithmetic of `model-spec.ts` on an [n × features]
 * tensor. Importing this loads TensorFlow.js; only the scoring worker does.
 *
 * All weights become constant tensors once. A call gathers the columns of all ramps at once, clips, and multiplies per
 * rule; the tail is one more gather, and the score the largest of all.
 */
import * as tf from '@tensorflow/tfjs-core'
import { FLAG_AT, MODEL_ID, RULES, TAIL, TAIL_COLUMNS, Z_MAX, type Ramp } from './model-spec.ts'
import { COLUMN, FEATURE_COUNT } from './schema.ts'

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

/** Builds the model on the backend that is set (`backend.ts`). */
export function createModel(): DirectionalModel {
  const rules = RULES.map(({ ramps }) => rampTensors(ramps))
  const tail = tailTensors()
  const tensors = [...rules.flatMap(tensorsOf), ...tensorsOf(tail)]
  return {
    id: MODEL_ID,
    score(rows, inputs) {
      const count = rows.length / FEATURE_COUNT
      if (!Number.isInteger(count))
        throw new RangeError(`expected rows of ${FEATURE_COUNT} numbers, got ${rows.length} numbers`)
      if (count === 0) return new Float32Array(0)
      return tf.tidy(() => {
        const x = tf.tensor2d(rows, [count, FEATURE_COUNT])
        const parts = [tailOf(x, inputs, tail), ...rules.map((rule) => ruleOf(x, rule))]
        return parts.reduce((a, b) => tf.maximum(a, b)).dataSync<'float32'>()
      })
    },
    dispose() {
      for (const tensor of tensors) tensor.dispose()
    },
  }
}

function tensorsOf(group: RampTensors | TailTensors): tf.Tensor[] {
  return Object.values(group) as tf.Tensor[]
}

interface RampTensors {
  readonly columns: tf.Tensor1D
  readonly from: tf.Tensor1D
  /** 1 / (to − from). */
  readonly slope: tf.Tensor1D
  /** Column of `known`; any column where the ramp has none. */
  readonly knownColumns: tf.Tensor1D
  /** 1 where the ramp has no `known`, so that it always counts as known. */
  readonly always: tf.Tensor1D
  readonly fallback: tf.Tensor1D
}

function rampTensors(ramps: readonly Ramp[]): RampTensors {
  const numbers = (of: (ramp: Ramp) => number): tf.Tensor1D => tf.tensor1d(ramps.map(of))
  return {
    columns: tf.tensor1d(
      ramps.map((ramp) => COLUMN[ramp.feature]),
      'int32',
    ),
    from: numbers((ramp) => ramp.from),
    slope: numbers((ramp) => 1 / (ramp.to - ramp.from)),
    knownColumns: tf.tensor1d(
      ramps.map((ramp) => COLUMN[ramp.unknown?.column ?? ramp.feature]),
      'int32',
    ),
    always: numbers((ramp) => (ramp.unknown === null ? 1 : 0)),
    fallback: numbers((ramp) => ramp.unknown?.value ?? 0),
  }
}

/** Product of a rule's ramps, [n]. */
function ruleOf(x: tf.Tensor2D, rule: RampTensors): tf.Tensor1D {
  const ramps = tf.clipByValue(tf.mul(tf.sub(tf.gather(x, rule.columns, 1), rule.from), rule.slope), 0, 1)
  const known = tf.clipByValue(tf.add(tf.gather(x, rule.knownColumns, 1), rule.always), 0, 1)
  const values = tf.add(tf.mul(known, ramps), tf.mul(tf.sub(1, known), rule.fallback))
  return tf.prod(values, 1)
}

interface TailTensors {
  readonly columns: tf.Tensor1D
  readonly directions: tf.Tensor1D
  readonly weights: tf.Tensor1D
  readonly knownColumns: tf.Tensor1D
  readonly always: tf.Tensor1D
}

function tailTensors(): TailTensors {
  return {
    columns: tf.tensor1d([...TAIL_COLUMNS], 'int32'),
    directions: tf.tensor1d(TAIL.map((term) => term.direction)),
    weights: tf.tensor1d(TAIL.map((term) => term.weight)),
    knownColumns: tf.tensor1d(
      TAIL.map((term) => COLUMN[term.known ?? term.feature]),
      'int32',
    ),
    always: tf.tensor1d(TAIL.map((term) => (term.known === null ? 1 : 0))),
  }
}

/** The tail's score, [n]. */
function tailOf(x: tf.Tensor2D, inputs: Float32Array, tail: TailTensors): tf.Tensor1D {
  const means = tf.tensor1d(inputs.slice(0, TAIL.length))
  const precisions = tf.tensor1d(inputs.slice(TAIL.length, 2 * TAIL.length))
  const threshold = inputs[2 * TAIL.length] ?? 1
  const logs = tf.div(tf.log1p(tf.relu(tf.gather(x, tail.columns, 1))), Math.LN2)
  const z = tf.clipByValue(tf.mul(tf.sub(tf.mul(logs, tail.directions), means), precisions), 0, Z_MAX)
  const known = tf.clipByValue(tf.add(tf.gather(x, tail.knownColumns, 1), tail.always), 0, 1)
  const sum = tf.sum(tf.mul(tf.mul(z, known), tail.weights), 1)
  return tf.clipByValue(tf.mul(sum, FLAG_AT / threshold), 0, 1)
}
