/**
 * A head from outcomes: logistic regression over the head's inputs towards what it starts from (`logistic.ts`). Held
 * transfers with an outcome count fully; sampled ones that were not held count a part as ordinary, because what nobody
 * looked at is mostly ordinary, and not surely.
 */
import { HeadByHand, type Head, type Layer } from '../head/head.ts'
import { HEAD_INPUTS, standardized } from '../head/inputs.ts'
import { MAX_FLAG_RATE } from '../model/model-spec.ts'
import type { Example, LabelledExample } from './examples.ts'
import { fitLogistic, meanLoss, type WeightedExamples } from './logistic.ts'

const INPUTS = HEAD_INPUTS.length
const UNLABELLED_WEIGHT = 0.3
const SMALLEST_DEVIATION = 0.01

/** What learning starts from: the label-free tail, or a network. */
export interface Start {
  readonly network: Head | null
  /** Prior of bias and weight of the start, and how strongly they are held. */
  readonly bias: number
  readonly weight: number
}

/** The tail's sum becomes a logit: about one in a thousand is laundering where the sum is 0, one in two at 14. */
export const FROM_TAIL: Start = { network: null, bias: -6.5, weight: 0.45 }

export function fromNetwork(network: Head): Start {
  return { network, bias: 0, weight: 1 }
}

const BIAS_STRENGTH = 1
const START_STRENGTH = 30
const INPUT_STRENGTH = 8

export interface Material {
  readonly labelled: readonly LabelledExample[]
  /** Not held. */
  readonly ordinary: readonly Example[]
  /** A sample of all transfers, for the threshold. */
  readonly population: readonly Example[]
}

/** What was learned: weights of [1, start, inputs…] behind a standardization. */
export interface Fitted {
  readonly means: Float32Array
  readonly deviations: Float32Array
  readonly weights: Float64Array
  /** Logit that `MAX_FLAG_RATE` of the population exceed. */
  readonly threshold: number
}

/** What a lesson gives. */
export interface Taught {
  readonly challenger: Fitted
  /** What the start says of the same population: the first champion. */
  readonly unlearned: Fitted
}

/** Some tenths of a second: for a thread of its own. */
export function teach(material: Material, start: Start): Taught {
  return { challenger: fit(material, start), unlearned: unlearned(material.population, start) }
}

function fit(material: Material, start: Start): Fitted {
  const { means, deviations } = start.network ?? statisticsOf(material.population)
  const weights = fitLogistic(weighted(material, { means, deviations }, start), {
    weights: [start.bias, start.weight, ...new Float64Array(INPUTS)],
    strengths: [BIAS_STRENGTH, START_STRENGTH, ...new Float64Array(INPUTS).fill(INPUT_STRENGTH)],
  })
  const fitted = { means, deviations, weights, threshold: 0 }
  return { ...fitted, threshold: thresholdOf(material.population, fitted, start) }
}

function unlearned(population: readonly Example[], start: Start): Fitted {
  const { means, deviations } = start.network ?? statisticsOf(population)
  const weights = Float64Array.from([start.bias, start.weight, ...new Float64Array(INPUTS)])
  const fitted = { means, deviations, weights, threshold: 0 }
  return { ...fitted, threshold: thresholdOf(population, fitted, start) }
}

/** Mean loss on outcomes. */
export function trialLoss(examples: readonly LabelledExample[], fitted: Fitted, start: Start): number {
  const material = { labelled: examples, ordinary: [], population: [] }
  return meanLoss(weighted(material, fitted, start), fitted.weights)
}

/** The same as a head for the model. */
export function headOf({ means, deviations, weights, threshold }: Fitted, { network }: Start): Head {
  const [bias, weight] = [weights[0] as number, weights[1] as number]
  const direct = Float32Array.from({ length: INPUTS }, (_, i) => weights[i + 2] as number)
  if (network === null) return { means, deviations, layers: [], direct, bias, tailWeight: weight, threshold }
  return {
    means,
    deviations,
    layers: network.layers.map((layer, l) =>
      l === network.layers.length - 1 ? scaled(layer, weight) : layer,
    ),
    direct: direct.map((own, i) => own + weight * (network.direct[i] as number)),
    bias: bias + weight * network.bias,
    tailWeight: weight * network.tailWeight,
    threshold,
  }
}

function scaled(layer: Layer, by: number): Layer {
  return {
    ...layer,
    weights: layer.weights.map((weight) => by * weight),
    biases: layer.biases.map((bias) => by * bias),
  }
}

function weighted(
  { labelled, ordinary }: Material,
  { means, deviations }: Pick<Fitted, 'means' | 'deviations'>,
  start: Start,
): WeightedExamples {
  const examples: readonly Example[] = [...labelled, ...ordinary]
  const said = new Starting(start)
  const width = INPUTS + 2
  const inputs = new Float64Array(examples.length * width)
  examples.forEach((example, row) => {
    inputs[row * width] = 1
    inputs[row * width + 1] = said.of(example)
    for (let i = 0; i < INPUTS; i++)
      inputs[row * width + 2 + i] = standardized(
        example.inputs[i] as number,
        means[i] as number,
        deviations[i] as number,
      )
  })
  return {
    inputs,
    width,
    labels: [...labelled.map(({ laundering }) => (laundering ? 1 : 0)), ...ordinary.map(() => 0)],
    weights: [...labelled.map(() => 1), ...ordinary.map(() => UNLABELLED_WEIGHT)],
  }
}

/** What the start says of an example: the tail's sum, or the logit of the network. */
class Starting {
  readonly #network: Head | null
  readonly #byHand: HeadByHand | null
  readonly #inputs: Float32Array = new Float32Array(INPUTS)

  constructor({ network }: Start) {
    this.#network = network
    this.#byHand = network === null ? null : new HeadByHand(network)
  }

  of({ inputs, tail }: Example): number {
    if (this.#network === null || this.#byHand === null) return tail
    const { means, deviations, tailWeight } = this.#network
    for (let i = 0; i < INPUTS; i++)
      this.#inputs[i] = standardized(inputs[i] as number, means[i] as number, deviations[i] as number)
    return this.#byHand.logitOfInputs(this.#inputs) + tailWeight * tail
  }
}

function thresholdOf(
  population: readonly Example[],
  fitted: Omit<Fitted, 'threshold'>,
  start: Start,
): number {
  const said = new Starting(start)
  const logits = population
    .map((example) => logitOf(example.inputs, said.of(example), fitted))
    .sort((a, b) => a - b)
  return logits[Math.floor((1 - MAX_FLAG_RATE) * (logits.length - 1))] ?? 0
}

function logitOf(
  inputs: Float32Array,
  start: number,
  { means, deviations, weights }: Omit<Fitted, 'threshold'>,
): number {
  let logit = (weights[0] as number) + (weights[1] as number) * start
  for (let i = 0; i < INPUTS; i++) {
    const value = standardized(inputs[i] as number, means[i] as number, deviations[i] as number)
    logit += (weights[i + 2] as number) * value
  }
  return logit
}

function statisticsOf(examples: readonly Example[]): Pick<Fitted, 'means' | 'deviations'> {
  const means = new Float32Array(INPUTS)
  const deviations = new Float32Array(INPUTS)
  for (let i = 0; i < INPUTS; i++) {
    let [sum, squares] = [0, 0]
    for (const { inputs } of examples) {
      sum += inputs[i] as number
      squares += (inputs[i] as number) ** 2
    }
    const mean = sum / examples.length
    means[i] = mean
    deviations[i] = Math.max(
      SMALLEST_DEVIATION,
      Math.sqrt(Math.max(0, squares / examples.length - mean * mean)),
    )
  }
  return { means, deviations }
}
