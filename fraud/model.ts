/**
 * The label-free directional score as a TensorFlow.js model: the arithmetic of `model-spec.ts` on an [n × features]
 * tensor. Importing this loads TensorFlow.js; only the scoring worker does.
 *
 * All weights become constant tensors once. A call gathers the columns of the ramps of all rules at once, clips, and
 * multiplies rule by rule; the tail is one more gather, and the score the largest of all. What a call costs is the number
 * of its operations (some 20 µs each, whatever the number of rows up to a few hundred), so there are few.
 */
import * as tf from '@tensorflow/tfjs-core'
import { headId, inputsOf, type Head } from './head/head.ts'
import { HEAD_INPUTS } from './head/inputs.ts'
import { RULES, TAIL, TAIL_COLUMNS, Z_MAX, modelIdOf, type Ramp, type Rule } from './model-spec.ts'
import { COLUMN, FEATURE_COUNT } from './schema.ts'
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
  const rules = ruleTensors(RULES)
  const population = head === null ? createTail() : createHead(head)
  const tensors = [...(Object.values(rules) as tf.Tensor[]), ...population.tensors]
  return {
    id: modelIdOf(head === null ? null : headId(head)),
    score(rows, inputs) {
      const count = rows.length / FEATURE_COUNT
      if (!Number.isInteger(count))
        throw new RangeError(`expected rows of ${FEATURE_COUNT} numbers, got ${rows.length} numbers`)
      if (count === 0) return new Float32Array(0)
      return tf.tidy(() => {
        const x = tf.tensor2d(rows, [count, FEATURE_COUNT])
        const score = population.score(x, rows, inputs)
        return tf.maximum(score, largestRule(x, rules)).dataSync<'float32'>()
      })
    },
    dispose() {
      for (const tensor of tensors) tensor.dispose()
    },
  }
}

/** The part of the score that compares with the population. */
interface PopulationPart {
  readonly tensors: readonly tf.Tensor[]
  /** [n], from the rows as a tensor and as they came. */
  score(x: tf.Tensor2D, rows: Float32Array, inputs: Float32Array): tf.Tensor1D
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

function createTail(): PopulationPart {
  const tail = tailTensors()
  return {
    tensors: Object.values(tail) as tf.Tensor[],
    score(x, _, inputs) {
      const sum = tailSumOf(x, inputs, tail)
      return tf.div(sum, tf.add(sum, inputs[INPUT.tailThreshold] as number))
    },
  }
}

interface TailTensors {
  readonly columns: tf.Tensor1D
  readonly scales: tf.Tensor1D
}

function tailTensors(): TailTensors {
  return {
    columns: tf.tensor1d([...TAIL_COLUMNS], 'int32'),
    scales: tf.tensor1d(TAIL.map((term) => term.scale)),
  }
}

/** The tail's sum, [n]. */
function tailSumOf(x: tf.Tensor2D, inputs: Float32Array, { columns, scales }: TailTensors): tf.Tensor1D {
  const means = tf.tensor1d(inputs.slice(INPUT.means, INPUT.means + TAIL.length))
  const precisions = tf.tensor1d(inputs.slice(INPUT.precisions, INPUT.precisions + TAIL.length))
  const values = tf.mul(tf.relu(tf.gather(x, columns, 1)), scales)
  const logs = tf.div(tf.log1p(values), Math.LN2)
  return tf.sum(tf.clipByValue(tf.mul(tf.sub(logs, means), precisions), 0, Z_MAX), 1)
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
    tensors: [
      ...layers.flatMap(({ weights, biases }) => [weights, biases]),
      direct,
      tail.columns,
      tail.scales,
    ],
    score(x, rows, baseline) {
      const count = rows.length / FEATURE_COUNT
      const encoded = new Float32Array(count * width)
      for (let row = 0; row < count; row++) inputsOf(head, rows, row * FEATURE_COUNT, encoded, row * width)
      const inputs = tf.tensor2d(encoded, [count, width])
      let logits = tf.reshape<tf.Rank.R1>(tf.matMul(inputs, direct), [count])
      if (layers.length > 0) logits = tf.add(logits, networkOf(inputs, layers))
      if (head.tailWeight !== 0)
        logits = tf.add(logits, tf.mul(tailSumOf(x, baseline, tail), head.tailWeight))
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
