/**
 * The supervised head: a small network over `HEAD_INPUTS`, as data. `model.ts` computes it with tensors; `HeadByHand`
 * computes one row in plain TypeScript, for calibration and for explanations. A test holds the two together.
 *
 *     logit = network(inputs) + direct · inputs + tailWeight · tail + bias
 *
 * A head that was trained on labelled files is a network alone; one that learns from the outcomes of holds adds the
 * direct part to what it started from, be that a network or the label-free tail (`learning/`).
 */
import { TAIL } from '../model/model-spec.ts'
import type { FeatureName } from '../schema.ts'
import { INPUT, tailSum, tailTerm } from '../model/tail.ts'
import { HEAD_INPUTS, encodedInput, standardized } from './inputs.ts'
import { hash } from '../../crypto/hash.ts'
import { utf8 } from '../../crypto/bytes.ts'

/** y = x · weights + biases; all layers but the last are followed by max(0, ·). */
export interface Layer {
  readonly inputs: number
  readonly outputs: number
  /** [inputs × outputs], row by row. */
  readonly weights: Float32Array
  readonly biases: Float32Array
}

export interface Head {
  /** Of the encoded inputs, over the transfers it learned from. */
  readonly means: Float32Array
  readonly deviations: Float32Array
  /** The last one has one output. Empty: no network. */
  readonly layers: readonly Layer[]
  /** Weights of the inputs themselves. */
  readonly direct: Float32Array
  readonly bias: number
  /** Weight of the label-free tail's sum. */
  readonly tailWeight: number
  /** Logit that `MAX_FLAG_RATE` of the transfers it learned from exceed: stands in until this chain's own is known. */
  readonly threshold: number
  /** Below this logit it flags nothing, however few transfers are above. Null: its logits are no probabilities. */
  readonly lowestThreshold: number | null
}

/** Where a head begins to flag. @param ownThreshold logit that `MAX_FLAG_RATE` of this chain's transfers exceed, if known. */
export function flagThreshold(
  { threshold, lowestThreshold }: Pick<Head, 'threshold' | 'lowestThreshold'>,
  ownThreshold: number | null,
): number {
  return Math.max(lowestThreshold ?? -Infinity, ownThreshold ?? threshold)
}

/** Name of a head: 32 bytes. */
export function headId(head: Head): Uint8Array {
  const { means, deviations, direct, bias, tailWeight, layers, threshold, lowestThreshold } = head
  const outputs = layers.map((layer) => layer.outputs)
  const shape = utf8(JSON.stringify({ HEAD_INPUTS, bias, tailWeight, threshold, lowestThreshold, outputs }))
  const arrays = [means, deviations, direct, ...layers.flatMap(({ weights, biases }) => [weights, biases])]
  const bytes = arrays.map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  return hash('model', Buffer.concat([shape, ...bytes]))
}

/** The inputs of a row as the network takes them. */
export function inputsOf(
  { means, deviations }: Head,
  rows: Float32Array,
  offset: number,
  into: Float32Array,
  at: number,
): void {
  for (let i = 0; i < HEAD_INPUTS.length; i++) {
    const encoded = encodedInput(i, rows, offset)
    into[at + i] = standardized(encoded, means[i] as number, deviations[i] as number)
  }
}

/** Logit of one row, by hand. */
export class HeadByHand {
  readonly #head: Head
  readonly #inputs: Float32Array = new Float32Array(HEAD_INPUTS.length)
  readonly #activations: readonly Float64Array[]

  constructor(head: Head) {
    this.#head = head
    this.#activations = head.layers.map(({ outputs }) => new Float64Array(outputs))
  }

  /** @param baseline `Baseline.inputs`. */
  logit(rows: Float32Array, offset: number, baseline: Float32Array): number {
    inputsOf(this.#head, rows, offset, this.#inputs, 0)
    const { tailWeight } = this.#head
    const tail = tailWeight === 0 ? 0 : tailWeight * tailSum(rows, offset, baseline)
    return this.logitOfInputs(this.#inputs) + tail
  }

  /** Score as the model gives it, 0–1. */
  score(rows: Float32Array, offset: number, baseline: Float32Array): number {
    return 1 / (1 + Math.exp((baseline[INPUT.headThreshold] as number) - this.logit(rows, offset, baseline)))
  }

  /**
   * What each input adds to the logit: by how much it would be lower if that input alone were at its mean. A simple answer
   * among several (occlusion: Zeiler and Fergus, ECCV 2014); what inputs do together counts for each of them.
   */
  parts(
    rows: Float32Array,
    offset: number,
    baseline: Float32Array,
  ): { readonly feature: FeatureName; readonly part: number }[] {
    const inputs = this.#inputs
    inputsOf(this.#head, rows, offset, inputs, 0)
    const { tailWeight, direct, layers } = this.#head
    const [first] = layers
    // What the first layer makes of all inputs; without one of them it is less by that input's own share of it.
    const sums = first === undefined ? NOTHING : new Float64Array(first.outputs)
    if (first !== undefined) apply(first, inputs, sums)
    const whole = first === undefined ? 0 : this.#networkWithout(first, sums, 0, 0)
    const parts = HEAD_INPUTS.map(({ feature }, i) => {
      const own = inputs[i] as number
      if (own === 0) return { feature, part: 0 }
      const without = first === undefined ? 0 : this.#networkWithout(first, sums, i, own)
      return { feature, part: whole - without + own * (direct[i] ?? 0) }
    })
    const terms = TAIL.map(({ feature }, i) => ({
      feature,
      part: tailWeight * tailTerm(i, rows, offset, baseline),
    }))
    return [...parts, ...terms]
  }

  /** Without the tail. @param inputs as `inputsOf` makes them. */
  logitOfInputs(inputs: Float32Array): number {
    const { direct, bias } = this.#head
    let logit = bias + this.#network(inputs)
    for (let i = 0; i < direct.length; i++) logit += (direct[i] as number) * (inputs[i] as number)
    return logit
  }

  #network(inputs: Float32Array): number {
    const [first] = this.#head.layers
    if (first === undefined) return 0
    apply(first, inputs, this.#activations[0] as Float64Array)
    return this.#afterFirst()
  }

  /** With one input at its mean, which is 0. @param sums of the first layer with all inputs. */
  #networkWithout({ weights, outputs }: Layer, sums: Float64Array, input: number, value: number): number {
    const to = this.#activations[0] as Float64Array
    for (let j = 0; j < outputs; j++)
      to[j] = (sums[j] as number) - value * (weights[input * outputs + j] as number)
    return this.#afterFirst()
  }

  /** From the sums of the first layer, which stand in its activations, to the output. */
  #afterFirst(): number {
    const { layers } = this.#head
    let from = this.#activations[0] as Float64Array
    for (let l = 1; l < layers.length; l++) {
      for (let j = 0; j < from.length; j++) from[j] = Math.max(0, from[j] as number)
      const to = this.#activations[l] as Float64Array
      apply(layers[l] as Layer, from, to)
      from = to
    }
    return from[0] as number
  }
}

const NOTHING = new Float64Array(0)

function apply(
  { weights, biases, outputs }: Layer,
  from: Float32Array | Float64Array,
  to: Float64Array,
): void {
  for (let j = 0; j < outputs; j++) to[j] = biases[j] as number
  for (let i = 0; i < from.length; i++) {
    const value = from[i] as number
    if (value === 0) continue
    for (let j = 0; j < outputs; j++) to[j] = (to[j] as number) + value * (weights[i * outputs + j] as number)
  }
}

/** A head that is a network alone. */
export function networkHead(
  { means, deviations }: Pick<Head, 'means' | 'deviations'>,
  layers: readonly Layer[],
): Head {
  const direct = new Float32Array(HEAD_INPUTS.length)
  return { means, deviations, layers, direct, bias: 0, tailWeight: 0, threshold: 0, lowestThreshold: null }
}

/**
 * Several networks with the same inputs as one network whose logit is the mean of theirs.
 * @throws RangeError without heads, or if their shapes differ.
 */
export function ensembleOf(heads: readonly Head[], threshold: number): Head {
  const [first] = heads
  if (first === undefined) throw new RangeError('expected at least one head')
  const depth = first.layers.length
  if (heads.some((head) => head.layers.length !== depth)) throw new RangeError('expected heads of one shape')
  const layers = first.layers.map((_, l) => {
    const parts = heads.map((head) => head.layers[l] as Layer)
    return l === 0 ? sideBySide(parts) : l === depth - 1 ? meanOf(parts) : blockDiagonal(parts)
  })
  return { ...first, layers, threshold }
}

function sideBySide(parts: readonly Layer[]): Layer {
  const inputs = (parts[0] as Layer).inputs
  return place(parts, inputs, total(parts, 'outputs'), () => 0)
}

function blockDiagonal(parts: readonly Layer[]): Layer {
  return place(parts, total(parts, 'inputs'), total(parts, 'outputs'), (before) => total(before, 'inputs'))
}

/** One output: the mean. */
function meanOf(parts: readonly Layer[]): Layer {
  const scale = 1 / parts.length
  const weights = parts.flatMap((part) => Array.from(part.weights, (weight) => scale * weight))
  const bias = parts.reduce((sum, part) => sum + scale * (part.biases[0] as number), 0)
  return {
    inputs: total(parts, 'inputs'),
    outputs: 1,
    weights: Float32Array.from(weights),
    biases: Float32Array.of(bias),
  }
}

/** Copies layers into a larger one, outputs after outputs; `firstInput` says at which input each starts. */
function place(
  parts: readonly Layer[],
  inputs: number,
  outputs: number,
  firstInput: (before: readonly Layer[]) => number,
): Layer {
  const weights = new Float32Array(inputs * outputs)
  const biases = new Float32Array(outputs)
  let column = 0
  parts.forEach((part, p) => {
    const row = firstInput(parts.slice(0, p))
    for (let i = 0; i < part.inputs; i++) {
      for (let j = 0; j < part.outputs; j++)
        weights[(row + i) * outputs + column + j] = part.weights[i * part.outputs + j] as number
    }
    biases.set(part.biases, column)
    column += part.outputs
  })
  return { inputs, outputs, weights, biases }
}

function total(parts: readonly Layer[], side: 'inputs' | 'outputs'): number {
  return parts.reduce((sum, part) => sum + part[side], 0)
}
