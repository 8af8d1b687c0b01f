/** What is demanded of a decoder for one input, and what was new about it. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import type { Decoder } from './decoder.ts'

/** An input that takes longer, three times in a row, is a finding. Far above what any takes on a loaded machine. */
export const SLOW_MS = 1_000
/** Memory that one input may make the process reserve, three times in a row. What it holds in vain counts too. */
export const ALLOCATED_BYTES = 64 * 1024 * 1024
const TRIES = 3

export interface Judgement {
  /** What is wrong, or null. */
  readonly fault: string | null
  readonly accepted: boolean
  /** Inputs of the same fate have the same: an error without its numbers, or the shape of what was decoded. */
  readonly fate: string
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function memoryBytes(): number {
  const { total_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

/** Decodes and looks whether everything holds. */
export async function judge(decoder: Decoder, bytes: Uint8Array): Promise<Judgement> {
  let judgement = await judgeOnce(decoder, bytes)
  // The machine may have been busy, or the heap due to grow: what is the input's fault comes again.
  for (let again = 1; again < TRIES && judgement.costly !== null; again++) {
    collectGarbage()
    judgement = await judgeOnce(decoder, bytes)
  }
  const { fault, costly, accepted, fate } = judgement
  return { fault: fault ?? costly, accepted, fate }
}

async function judgeOnce(
  decoder: Decoder,
  bytes: Uint8Array,
): Promise<Judgement & { readonly costly: string | null }> {
  const given = Uint8Array.from(bytes)
  const beforeBytes = memoryBytes()
  const startMs = performance.now()
  const outcome = await decoded(decoder, given)
  const tookMs = performance.now() - startMs
  const allocatedBytes = memoryBytes() - beforeBytes
  const costly =
    tookMs > SLOW_MS
      ? `took ${Math.round(tookMs)} ms, at most ${SLOW_MS} are allowed`
      : allocatedBytes > ALLOCATED_BYTES
        ? `reserved ${allocatedBytes} bytes for ${bytes.length} of input, at most ${ALLOCATED_BYTES} are allowed`
        : null
  const changed = equalBytes(given, bytes) ? null : 'changed its input'
  return { ...outcome, fault: outcome.fault ?? changed, costly }
}

async function decoded(decoder: Decoder, bytes: Uint8Array): Promise<Judgement> {
  let value: unknown
  try {
    value = await decoder.decode(bytes)
  } catch (error) {
    const fate = `refused: ${describe(error)}`
    return { fault: decoder.refuses(error) ? null : `threw ${stackOf(error)}`, accepted: false, fate }
  }
  const fate = `accepted: ${shapeOf(value)}`
  return { fault: respelled(decoder, value, bytes), accepted: true, fate }
}

function respelled(decoder: Decoder, value: unknown, bytes: Uint8Array): string | null {
  if (decoder.encode === undefined) return null
  try {
    const encoded = decoder.encode(value, bytes)
    return equalBytes(encoded, bytes) ? null : `accepted another spelling of ${toHex(encoded)}`
  } catch (error) {
    return `accepted what cannot be encoded: ${stackOf(error)}`
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error)
}

const FATE_CHARACTERS = 120

/** The kind of an error: its message with numbers, hex and quotations masked. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const code = 'code' in error ? String(error.code) : ''
  const message = error.message
    .replaceAll(/"(?:[^"\\]|\\.)*"?|'[^']*'/gs, '"…"')
    .replaceAll(/\S*\/\S+/g, '…')
    .replaceAll(/[0-9a-f]{8,}/g, '#')
    .replaceAll(/-?\d+/g, '#')
  return `${error.name} ${code} ${message}`.slice(0, FATE_CHARACTERS)
}

const SHAPE_DEPTH = 5

/** Kinds and sizes, not values: lengths by their order of magnitude, short words as they are. */
function shapeOf(value: unknown, depth = 0): string {
  if (value instanceof Uint8Array) return `b${magnitude(value.length)}`
  if (typeof value === 'string') return /^[a-z-]{1,16}$/.test(value) ? value : `s${magnitude(value.length)}`
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value) === 0 ? '0' : 'n'
  if (typeof value !== 'object' || value === null || depth === SHAPE_DEPTH) return (typeof value)[0]!
  const inner = Array.isArray(value)
    ? [magnitude(value.length), ...new Set(value.slice(0, 8).map((item) => shapeOf(item, depth + 1)))]
    : Object.entries(value).map(([name, item]) => `${name}:${shapeOf(item, depth + 1)}`)
  return `(${inner.join(' ')})`
}

function magnitude(count: number): number {
  return Math.ceil(Math.log2(count + 1))
}
