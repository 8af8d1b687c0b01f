/**
 * A head from outcomes: logistic regression over the head's inputs towards what it starts from (`logistic.ts`). Held
 * transfers with an outcome count fully; sampled ones that were not held count a part as ordinary, because what nobody
 * looked at is mostly ordinary, and not surely.
 */
import { HeadByHand, type Head, type Layer } from '../head/head.ts'
import { HEAD_INPUTS, standardized } from '../head/inputs.ts'
import { MAX_FLAG_RATE } from '../model/model-spec.ts'
import { packed, type Example, type LabelledExample, type PackedExamples } from './examples.ts'
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
  readonly labelled: PackedExamples
  /** 1: laundering. */
  readonly labels: Uint8Array
  /** Not held. */
  readonly ordinary: PackedExamples
  /** A sample of all transfers, for the threshold. */
  readonly population: PackedExamples
}

export function materialOf(
  labelled: readonly LabelledExample[],
  ordinary: readonly Example[],
  population: readonly Example[],
): Material {
  return {
    labelled: packed(labelled),
    labels: Uint8Array.from(labelled, ({ laundering }) => (laundering ? 1 : 0)),
    ordinary: packed(ordinary),
    population: packed(population),
  }
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

/** What there is to learn, from where. */
export interface Lesson {
  readonly material: Material
  readonly start: Start
}

/** Some tenths of a second: for a thread of its own. */
export function teach({ material, start }: Lesson): Taught {
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

function unlearned(population: PackedExamples, start: Start): Fitted {
  const { means, deviations } = start.network ?? statisticsOf(population)
  const weights = Float64Array.from([start.bias, start.weight, ...new Float64Array(INPUTS)])
  const fitted = { means, deviations, weights, threshold: 0 }
  return { ...fitted, threshold: thresholdOf(population, fitted, start) }
}

/** Mean loss on outcomes. */
export function trialLoss(examples: readonly LabelledExample[], fitted: Fitted, start: Start): number {
  return meanLoss(weighted(materialOf(examples, [], []), fitted, start), fitted.weights)
}

/** The same as a head for the model. */
export function headOf({ means, deviations, weights, threshold }: Fitted, { network }: Start): Head {
  const [bias, weight] = [weights[0] as number, weights[1] as number]
  const direct = Float32Array.from({ length: INPUTS }, (_, i) => weights[i + 2] as number)
  if (network === null)
    return {
      means,
      deviations,
      layers: [],
      direct,
      bias,
      tailWeight: weight,
      threshold,
      lowestThreshold: null,
    }
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
    lowestThreshold: network.lowestThreshold,
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
  { labelled, labels, ordinary }: Material,
  statistics: Pick<Fitted, 'means' | 'deviations'>,
  start: Start,
): WeightedExamples {
  const width = INPUTS + 2
  const count = labelled.count + ordinary.count
  const inputs = new Float64Array(count * width)
  writeRows(labelled, { statistics, start, into: inputs, firstRow: 0 })
  writeRows(ordinary, { statistics, start, into: inputs, firstRow: labelled.count })
  return {
    inputs,
    width,
    labels: Float64Array.from({ length: count }, (_, row) => labels[row] ?? 0),
    weights: new Float64Array(count).fill(1, 0, labelled.count).fill(UNLABELLED_WEIGHT, labelled.count),
  }
}

/** Rows of [1, start, inputs…]. */
function writeRows(
  examples: PackedExamples,
  {
    statistics: { means, deviations },
    start,
    into,
    firstRow,
  }: {
    readonly statistics: Pick<Fitted, 'means' | 'deviations'>
    readonly start: Start
    readonly into: Float64Array
    readonly firstRow: number
  },
): void {
  const starts = startsOf(examples, start)
  let at = firstRow * (INPUTS + 2)
  for (let row = 0; row < examples.count; row++) {
    into[at++] = 1
    into[at++] = starts[row] as number
    for (let i = 0; i < INPUTS; i++)
      into[at++] = standardized(
        examples.inputs[row * INPUTS + i] as number,
        means[i] as number,
        deviations[i] as number,
      )
  }
}

/** What the start says of each example: the tail's sum, or the logit of the network. */
function startsOf({ count, inputs, tails }: PackedExamples, { network }: Start): Float64Array {
  if (network === null) return tails
  const byHand = new HeadByHand(network)
  const { means, deviations, tailWeight } = network
  const own = new Float32Array(INPUTS)
  return Float64Array.from({ length: count }, (_, row) => {
    for (let i = 0; i < INPUTS; i++)
      own[i] = standardized(inputs[row * INPUTS + i] as number, means[i] as number, deviations[i] as number)
    return byHand.logitOfInputs(own) + tailWeight * (tails[row] as number)
  })
}

function thresholdOf(population: PackedExamples, fitted: Omit<Fitted, 'threshold'>, start: Start): number {
  const width = INPUTS + 2
  const rows = new Float64Array(population.count * width)
  writeRows(population, { statistics: fitted, start, into: rows, firstRow: 0 })
  const logits = Float64Array.from({ length: population.count }, (_, row) => {
    let logit = 0
    for (let i = 0; i < width; i++) logit += (fitted.weights[i] as number) * (rows[row * width + i] as number)
    return logit
  }).sort()
  return logits[Math.floor((1 - MAX_FLAG_RATE) * (logits.length - 1))] ?? 0
}

function statisticsOf({ count, inputs }: PackedExamples): Pick<Fitted, 'means' | 'deviations'> {
  const means = new Float32Array(INPUTS)
  const deviations = new Float32Array(INPUTS)
  for (let i = 0; i < INPUTS; i++) {
    let [sum, squares] = [0, 0]
    for (let row = 0; row < count; row++) {
      const value = inputs[row * INPUTS + i] as number
      sum += value
      squares += value ** 2
    }
    const mean = sum / Math.max(1, count)
    means[i] = mean
    deviations[i] = Math.max(
      SMALLEST_DEVIATION,
      Math.sqrt(Math.max(0, squares / Math.max(1, count) - mean * mean)),
    )
  }
  return { means, deviations }
}
