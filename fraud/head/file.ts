/**
 * A head as a file: JSON with a card that says what it learned from, and its numbers as base64 of little-endian 32-bit
 * floating-point numbers. A head fits one list of inputs: the file names them, and another list is refused.
 */
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import { HEAD_LIMITS } from './limits.ts'
import { HEAD_INPUTS, HEAD_INPUTS_ID } from './inputs.ts'
import type { Head, Layer } from './head.ts'

const FORMAT = 'cordon-head'
const VERSION = 2
const BYTES_PER_NUMBER = 4

/** What a head learned from: for people. */
export interface HeadCard {
  readonly name: string
  /** ISO day. */
  readonly trainedOn: string
  /** Files, with rows and laundering among them. */
  readonly data: readonly string[]
}

export function encodeHead(head: Head, card: HeadCard): string {
  const { means, deviations, direct, bias, tailWeight, threshold, lowestThreshold, layers } = head
  const file = {
    format: FORMAT,
    version: VERSION,
    card,
    inputs: toHex(HEAD_INPUTS_ID),
    means: toBase64(means),
    deviations: toBase64(deviations),
    direct: toBase64(direct),
    bias,
    tailWeight,
    threshold,
    lowestThreshold,
    layers: layers.map((layer) => ({
      outputs: layer.outputs,
      weights: toBase64(layer.weights),
      biases: toBase64(layer.biases),
    })),
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** @throws CordonError `model-invalid`, with what was expected and what came. */
export function decodeHead(text: string): { readonly head: Head; readonly card: HeadCard } {
  const file = fieldsOf(parsed(text), 'the file')
  if (file.format !== FORMAT) throw invalid(`format ${JSON.stringify(FORMAT)}`, file.format)
  if (file.version !== VERSION)
    throw invalid(`version ${VERSION}, the one that this build knows`, file.version)
  if (file.inputs !== toHex(HEAD_INPUTS_ID))
    throw invalid(
      `a head for the ${HEAD_INPUTS.length} inputs of this build; train it again with 'cordon fraud train'`,
      file.inputs,
    )
  const width = HEAD_INPUTS.length
  const deviations = numbersOf(file.deviations, width, 'deviations')
  if (!deviations.every((deviation) => deviation > 0)) throw invalid('deviations above 0', 'others')
  return {
    card: cardOf(file.card),
    head: {
      means: numbersOf(file.means, width, 'means'),
      deviations,
      direct: numbersOf(file.direct, width, 'direct'),
      bias: numberOf(file.bias, 'bias'),
      tailWeight: numberOf(file.tailWeight, 'tailWeight'),
      threshold: numberOf(file.threshold, 'threshold'),
      lowestThreshold:
        file.lowestThreshold === null ? null : numberOf(file.lowestThreshold, 'lowestThreshold'),
      layers: layersOf(file.layers, width),
    },
  }
}

type Fields = Readonly<Record<string, unknown>>

function parsed(text: string): unknown {
  if (text.length > HEAD_LIMITS.fileCharacters)
    throw invalid(`at most ${HEAD_LIMITS.fileCharacters} characters`, text.length)
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('JSON', text.slice(0, HEAD_LIMITS.shownCharacters))
  }
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`an object as ${what}`, value)
  return value as Fields
}

function cardOf(value: unknown): HeadCard {
  const { name, trainedOn, data } = fieldsOf(value, 'card')
  if (typeof name !== 'string' || typeof trainedOn !== 'string')
    throw invalid('name and trainedOn in the card', { name, trainedOn })
  if (!Array.isArray(data) || !data.every((line) => typeof line === 'string'))
    throw invalid('a list of texts as data in the card', data)
  return { name, trainedOn, data }
}

function layersOf(value: unknown, width: number): Layer[] {
  if (!Array.isArray(value) || value.length > HEAD_LIMITS.layers)
    throw invalid(`at most ${HEAD_LIMITS.layers} layers`, value)
  let inputs = width
  const layers = value.map((entry: unknown, l): Layer => {
    const { outputs, weights, biases } = fieldsOf(entry, 'layer')
    const isLast = l === value.length - 1
    const most = isLast ? 1 : HEAD_LIMITS.layerOutputs
    if (typeof outputs !== 'number' || !Number.isInteger(outputs) || outputs < 1 || outputs > most)
      throw invalid(isLast ? '1 output of the last layer' : `1 to ${most} outputs of a layer`, outputs)
    const layer = {
      inputs,
      outputs,
      weights: numbersOf(weights, inputs * outputs, 'weights'),
      biases: numbersOf(biases, outputs, 'biases'),
    }
    inputs = outputs
    return layer
  })
  return layers
}

function numberOf(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid(`a number as ${what}`, value)
}

function numbersOf(value: unknown, count: number, what: string): Float32Array {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : null
  if (bytes?.length !== BYTES_PER_NUMBER * count)
    throw invalid(`${count} numbers as ${what}`, bytes === null ? value : `${bytes.length} bytes`)
  const numbers = Float32Array.from({ length: count }, (_, i) => bytes.readFloatLE(BYTES_PER_NUMBER * i))
  if (!numbers.every(Number.isFinite)) throw invalid(`finite numbers as ${what}`, 'others')
  return numbers
}

function toBase64(numbers: Float32Array): string {
  const bytes = Buffer.alloc(BYTES_PER_NUMBER * numbers.length)
  numbers.forEach((number, i) => bytes.writeFloatLE(number, BYTES_PER_NUMBER * i))
  return bytes.toString('base64')
}

function invalid(expected: string, got: unknown): CordonError {
  const shown = (JSON.stringify(got) ?? 'nothing').slice(0, HEAD_LIMITS.shownCharacters)
  return new CordonError(
    'model-invalid',
    `the model file is not usable: expected ${expected}, got ${shown}`,
    {
      expected,
    },
  )
}
