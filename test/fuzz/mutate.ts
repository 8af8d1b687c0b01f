/** Mutations: a few random changes to an input that was good, or to one that had a fate of its own. */
import type { Prng } from '../sim/prng.ts'
import { mutateText } from './mutate-text.ts'

/** Longest input that is made. */
export const INPUT_BYTES = 64 * 1024
const MOST_CHANGES = 4
const LONGEST_CHUNK_BYTES = 96

/** Where widths, signs and limits end. */
const INTERESTING = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0x7fffn,
  0xffffn,
  0x1_0000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  2n ** 25n,
  2n ** 48n - 1n,
  2n ** 48n,
  2n ** 63n,
  2n ** 64n - 1n,
]
const WIDTHS = [1, 2, 4, 8] as const

type Mutation = (bytes: Buffer, prng: Prng, other: Uint8Array) => Buffer

/** A range that is not longer than `LONGEST_CHUNK_BYTES`; empty for empty bytes. */
function chunk(bytes: Uint8Array, prng: Prng): [start: number, end: number] {
  const start = prng.below(bytes.length + 1)
  return [start, Math.min(bytes.length, start + 1 + prng.below(LONGEST_CHUNK_BYTES))]
}

function put(bytes: Buffer, at: number, width: (typeof WIDTHS)[number], value: bigint): Buffer {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt.asUintN(64, value))
  number.copy(bytes, at, 8 - width)
  return bytes
}

/** A place for a number of this width, or null if there is none. */
function placeFor(bytes: Buffer, width: number, prng: Prng): number | null {
  return bytes.length < width ? null : prng.below(bytes.length - width + 1)
}

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, prng) {
    if (bytes.length > 0) bytes[prng.below(bytes.length)]! ^= 1 << prng.below(8)
    return bytes
  },
  function setByte(bytes, prng) {
    if (bytes.length > 0) bytes[prng.below(bytes.length)] = prng.below(256)
    return bytes
  },
  function interestingNumber(bytes, prng) {
    const width = prng.pick(WIDTHS)
    const at = placeFor(bytes, width, prng)
    return at === null ? bytes : put(bytes, at, width, prng.pick(INTERESTING))
  },
  function truncate(bytes, prng) {
    return bytes.subarray(0, prng.below(bytes.length + 1))
  },
  function extend(bytes, prng) {
    const more = Buffer.alloc(1 + prng.below(LONGEST_CHUNK_BYTES), prng.chance(0.5) ? 0 : prng.below(256))
    return Buffer.concat([bytes, more])
  },
  function splice(bytes, prng, other) {
    return Buffer.concat([
      bytes.subarray(0, prng.below(bytes.length + 1)),
      other.subarray(prng.below(other.length + 1)),
    ])
  },
  function duplicateChunk(bytes, prng) {
    const [start, end] = chunk(bytes, prng)
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)])
  },
  function removeChunk(bytes, prng) {
    const [start, end] = chunk(bytes, prng)
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
  },
  function moveChunk(bytes, prng) {
    const [start, end] = chunk(bytes, prng)
    const rest = Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
    const at = prng.below(rest.length + 1)
    return Buffer.concat([rest.subarray(0, at), bytes.subarray(start, end), rest.subarray(at)])
  },
  /** A small u32 is likely a length or a count: one more, one less, what is left, or far too much. */
  function lengthField(bytes, prng) {
    const places: number[] = []
    for (let at = 0; at + 4 <= bytes.length; at++) if (bytes.readUInt32BE(at) <= bytes.length) places.push(at)
    if (places.length === 0) return bytes
    const at = prng.pick(places)
    const value = BigInt(bytes.readUInt32BE(at))
    const left = BigInt(bytes.length - at - 4)
    return put(
      bytes,
      at,
      4,
      prng.pick([value + 1n, value - 1n, left, left + 1n, 2n ** 25n - 1n, 0xffff_ffffn]),
    )
  },
]

/** One to four changes. `other` is another input of the same decoder. */
export function mutate(input: Uint8Array, other: Uint8Array, text: boolean, prng: Prng): Uint8Array {
  let bytes: Buffer = Buffer.from(input)
  for (let left = prng.int(1, MOST_CHANGES); left > 0; left--) {
    bytes = text && prng.chance(0.6) ? mutateText(bytes, prng) : prng.pick(MUTATIONS)(bytes, prng, other)
  }
  return Uint8Array.from(bytes.subarray(0, INPUT_BYTES))
}
