/**
 * The label-free directional score as a TensorFlow.js model: the arithmetic of `model-spec.ts` on an [n × features]
 * tensor. Importing this loads TensorFlow.js; only the scoring worker does.
 *
 * All weights become constant tensors once. A call gathers the columns of the ramps of all rules at once, clips, and
 * multiplies rule by rule; the tail is one more gather, and the score the largest of all. What a call costs is the number
 * of its operations (some 20 µs each, whatever the number of rows up to a few hundred), so there are few.
 */
import * as tf from '@tensorflow/tfjs-core'
import { FLAG_AT, MODEL_ID, RULES, TAIL, TAIL_COLUMNS, Z_MAX, type Ramp, type Rule } from './model-spec.ts'
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
  const rules = ruleTensors(RULES)
  const tail = tailTensors()
  const tensors = [...tensorsOf(rules), ...tensorsOf(tail)]
  return {
    id: MODEL_ID,
    score(rows, inputs) {
      const count = rows.length / FEATURE_COUNT
      if (!Number.isInteger(count))
        throw new RangeError(`expected rows of ${FEATURE_COUNT} numbers, got ${rows.length} numbers`)
      if (count === 0) return new Float32Array(0)
      return tf.tidy(() => {
        const x = tf.tensor2d(rows, [count, FEATURE_COUNT])
        return tf.maximum(tailOf(x, inputs, tail), largestRule(x, rules)).dataSync<'float32'>()
      })
    },
    dispose() {
      for (const tensor of tensors) tensor.dispose()
    },
  }
}

function tensorsOf(group: RuleTensors | TailTensors): tf.Tensor[] {
  return Object.values(group) as tf.Tensor[]
}

/** The ramps of all rules, one rule after the other, each filled up to `RAMPS_PER_RULE`. */
interface RuleTensors {
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

const RAMPS_PER_RULE = Math.max(...RULES.map(({ ramps }) => ramps.length))

/** What one ramp adds to each of the tensors. */
type RampNumbers = Readonly<Record<keyof RuleTensors, number>>

/** Never known, and worth 1: a factor that changes no product. */
const FILLER: RampNumbers = { columns: 0, from: 0, slope: 0, knownColumns: 0, always: -Infinity, fallback: 1 }

function numbersOf({ feature, from, to, unknown }: Ramp): RampNumbers {
  return {
    columns: COLUMN[feature],
    from,
    slope: 1 / (to - from),
    knownColumns: COLUMN[unknown?.column ?? feature],
    always: unknown === null ? 1 : 0,
    fallback: unknown?.value ?? 0,
  }
}

function ruleTensors(rules: readonly Rule[]): RuleTensors {
  const filled = rules.flatMap(({ ramps }) =>
    Array.from({ length: RAMPS_PER_RULE }, (_, i) => {
      const ramp = ramps[i]
      return ramp === undefined ? FILLER : numbersOf(ramp)
    }),
  )
  const column = (name: keyof RuleTensors, type: 'int32' | 'float32' = 'float32'): tf.Tensor1D =>
    tf.tensor1d(
      filled.map((numbers) => numbers[name]),
      type,
    )
  return {
    columns: column('columns', 'int32'),
    from: column('from'),
    slope: column('slope'),
    knownColumns: column('knownColumns', 'int32'),
    always: column('always'),
    fallback: column('fallback'),
  }
}

/** The largest of the rules' products of ramps, [n]. */
function largestRule(x: tf.Tensor2D, rules: RuleTensors): tf.Tensor1D {
  const ramps = tf.clipByValue(tf.mul(tf.sub(tf.gather(x, rules.columns, 1), rules.from), rules.slope), 0, 1)
  const known = tf.clipByValue(tf.add(tf.gather(x, rules.knownColumns, 1), rules.always), 0, 1)
  const values = tf.add(tf.mul(known, ramps), tf.mul(tf.sub(1, known), rules.fallback))
  return tf.max(tf.prod(tf.reshape(values, [-1, RULES.length, RAMPS_PER_RULE]), 2), 1)
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
