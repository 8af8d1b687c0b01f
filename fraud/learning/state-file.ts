/** What a learner remembers, as bytes: it survives a restart. */
import { CordonError } from '../../config/errors.ts'
import { equalBytes, utf8 } from '../../crypto/bytes.ts'
import { DecodeError, Reader, Writer } from '../../crypto/codec.ts'
import { HEAD_INPUTS, HEAD_INPUTS_ID } from '../head/inputs.ts'
import type { Example, LabelledExample } from './examples.ts'
import type { Fitted } from './fit.ts'
import type { LearnerState } from './learner.ts'
import { LEARNING_LIMITS } from './limits.ts'

const VERSION = 2
const ID_BYTES = 32
const INPUTS = HEAD_INPUTS.length
const WEIGHTS = INPUTS + 2
const JUDGES = [null, 'champion', 'challenger'] as const
/** A transfer's key, and an account's id. */
const NAME_BYTES = 128

/** Examples written in one go: some milliseconds. */
const EXAMPLES_PER_PART = 500

/** The bytes in parts, so that whoever writes them can let others have their turn between two of them. */
export function* encodeLearnerState(state: LearnerState): Generator<Uint8Array, void> {
  const { sample, waiting, waitingAlerts, labelled } = state
  yield new Writer().u16(VERSION).raw(HEAD_INPUTS_ID).finish()
  yield* encodeExamples(sample, writeExample)
  yield* encodeExamples(waiting, writeExample)
  yield* encodeExamples(waitingAlerts, writeExample)
  yield* encodeExamples(labelled, writeLabelled)
  const writer = new Writer()
  writeFitted(writer, state.champion)
  writeFitted(writer, state.challenger)
  yield writer
    .u8(JUDGES.indexOf(state.judge))
    .u8(state.wins ? 1 : 0)
    .u32(state.unseen)
    .finish()
}

/**
 * @throws CordonError `format-version` for another version or other inputs, `data-inconsistent` for damaged bytes: the
 * learner begins anew then.
 */
export function decodeLearnerState(bytes: Uint8Array): LearnerState {
  try {
    const reader = new Reader(bytes)
    const version = reader.u16()
    const inputs = reader.fixed(ID_BYTES)
    if (version !== VERSION || !equalBytes(inputs, HEAD_INPUTS_ID))
      throw new CordonError('format-version', 'what was learned is of another build; learning begins anew', {
        version,
      })
    const state = readState(reader)
    reader.end()
    return state
  } catch (error) {
    if (error instanceof CordonError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new CordonError(
      'data-inconsistent',
      `what was learned is damaged (${why}); learning begins anew`,
      { why },
      { cause: error },
    )
  }
}

function readState(reader: Reader): LearnerState {
  const sample = readAll(reader, LEARNING_LIMITS.sampledTransfers, 'sampled transfers', readExample)
  const waiting = readAll(reader, LEARNING_LIMITS.waitingHolds, 'waiting holds', readExample)
  const waitingAlerts = readAll(reader, LEARNING_LIMITS.waitingAlerts, 'waiting alerts', readExample)
  const labelled = readAll(
    reader,
    LEARNING_LIMITS.labels,
    'outcomes',
    (from): LabelledExample => ({ ...readExample(from), laundering: from.u8() === 1 }),
  )
  const champion = readFitted(reader)
  const challenger = readFitted(reader)
  const judge = JUDGES[reader.u8()]
  if (judge === undefined) throw new DecodeError('expected a judge')
  const wins = reader.u8() === 1
  const unseen = reader.u32()
  if ((challenger !== null || judge !== null) && champion === null)
    throw new DecodeError('expected a champion beside a challenger')
  if (unseen > labelled.length) throw new DecodeError('expected at most as many unseen outcomes as outcomes')
  return { sample, waiting, waitingAlerts, labelled, champion, challenger, judge, wins, unseen }
}

function* encodeExamples<Item extends Example>(
  examples: readonly Item[],
  write: (to: Writer, item: Item) => void,
): Generator<Uint8Array, void> {
  yield new Writer().u32(examples.length).finish()
  for (let first = 0; first < examples.length; first += EXAMPLES_PER_PART) {
    const writer = new Writer()
    for (const example of examples.slice(first, first + EXAMPLES_PER_PART)) write(writer, example)
    yield writer.finish()
  }
}

function readAll<Item>(reader: Reader, max: number, what: string, read: (from: Reader) => Item): Item[] {
  return Array.from({ length: reader.count(max, what) }, () => read(reader))
}

function writeExample(writer: Writer, { key, payer, inputs, tail }: Example): void {
  writer
    .bytes(utf8(key))
    .bytes(utf8(payer))
    .raw(bytesOf(inputs))
    .raw(bytesOf(Float64Array.of(tail)))
}

function writeLabelled(writer: Writer, example: LabelledExample): void {
  writeExample(writer, example)
  writer.u8(example.laundering ? 1 : 0)
}

function readExample(reader: Reader): Example {
  const key = textOf(reader)
  const payer = textOf(reader)
  const inputs = new Float32Array(finite(new Float32Array(copyOf(reader, 4 * INPUTS))))
  const [tail] = finite(new Float64Array(copyOf(reader, 8)))
  return { key, payer, inputs, tail: tail as number }
}

function writeFitted(writer: Writer, fitted: Fitted | null): void {
  if (fitted === null) {
    writer.u8(0)
    return
  }
  const { means, deviations, weights, threshold } = fitted
  writer.u8(1).raw(bytesOf(means)).raw(bytesOf(deviations)).raw(bytesOf(weights))
  writer.raw(bytesOf(Float64Array.of(threshold)))
}

function readFitted(reader: Reader): Fitted | null {
  if (reader.u8() === 0) return null
  const means = finite(new Float32Array(copyOf(reader, 4 * INPUTS)))
  const deviations = finite(new Float32Array(copyOf(reader, 4 * INPUTS)))
  if (!deviations.every((deviation) => deviation > 0)) throw new DecodeError('expected deviations above 0')
  const weights = finite(new Float64Array(copyOf(reader, 8 * WEIGHTS)))
  const [threshold] = finite(new Float64Array(copyOf(reader, 8)))
  return { means, deviations, weights, threshold: threshold as number }
}

function textOf(reader: Reader): string {
  return Buffer.from(reader.bytes(NAME_BYTES)).toString('utf8')
}

/** Little-endian, as every platform that this runs on is. */
function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function copyOf(reader: Reader, length: number): ArrayBuffer {
  return Uint8Array.from(reader.fixed(length)).buffer
}

function finite<Numbers extends Float32Array | Float64Array>(numbers: Numbers): Numbers {
  if (!numbers.every(Number.isFinite)) throw new DecodeError('expected finite numbers')
  return numbers
}
