/**
 * The log format of LevelDB, in which its write-ahead logs and MANIFEST are (`doc/log_format.md` of LevelDB): blocks of
 * 32 KiB with records { masked CRC-32C u32, length u16, type u8, payload }, little-endian; the sum covers type and payload.
 *
 * LevelDB itself drops a record with a wrong sum, and what follows it in the block, and goes on: a committed write would
 * be gone without a word. So logs are read here before LevelDB opens them, and only a tail that a crash can have torn is
 * left for it to drop.
 */
import { crc32c } from '../../../crypto/crc32c.ts'

const BLOCK_BYTES = 32 * 1024
const HEAD_BYTES = 7
/** A record of one fragment, or the first, middle and last fragment of a longer one. */
const TYPE = { full: 1, first: 2, middle: 3, last: 4 } as const
const MASK_DELTA = 0xa282_ead8
/** A disk writes at least this much as one. */
const SECTOR_BYTES = 512

export interface LogDamage {
  /** Of the bad record in the file. */
  readonly offset: number
  /** Nothing that can be read comes after it. */
  readonly atEnd: boolean
}

/** @returns the first bad record, or null: all is well, or a crash tore the end. */
export function logDamage(bytes: Uint8Array): LogDamage | null {
  let offset = nextRecordAt(bytes, 0)
  while (offset < bytes.length) {
    const end = endOfFragment(bytes, offset)
    if (end === null) return damageAt(bytes, offset)
    offset = nextRecordAt(bytes, end)
  }
  return null
}

/** Every record that is whole, wherever it lies. LevelDB itself gives up a whole block for one bad record in it. */
export function* wholeRecords(bytes: Uint8Array): Generator<Uint8Array> {
  let fragments: Uint8Array[] = []
  let offset = nextRecordAt(bytes, 0)
  while (offset < bytes.length) {
    const end = endOfFragment(bytes, offset)
    const type = bytes[offset + 6]
    const begins = type === TYPE.full || type === TYPE.first
    if (end === null || begins) fragments = []
    if (end === null) {
      offset++
      continue
    }
    if (begins || fragments.length > 0) fragments.push(bytes.subarray(offset + HEAD_BYTES, end))
    const ends = type === TYPE.full || type === TYPE.last
    if (ends && fragments.length > 0) yield Buffer.concat(fragments)
    if (ends) fragments = []
    offset = nextRecordAt(bytes, end)
  }
}

/** Where the next record begins: what is left of a block and too short for a head is filled up. */
function nextRecordAt(bytes: Uint8Array, offset: number): number {
  const left = BLOCK_BYTES - (offset % BLOCK_BYTES)
  return left < HEAD_BYTES ? Math.min(offset + left, bytes.length) : offset
}

/** End of the record at `offset`, or null if it is not whole. */
function endOfFragment(bytes: Uint8Array, offset: number): number | null {
  if (offset + HEAD_BYTES > endOfBlock(bytes, offset)) return null
  const end = offset + HEAD_BYTES + lengthAt(bytes, offset)
  return isWhole(bytes, offset, end) ? end : null
}

function endOfBlock(bytes: Uint8Array, offset: number): number {
  return Math.min(offset - (offset % BLOCK_BYTES) + BLOCK_BYTES, bytes.length)
}

function lengthAt(bytes: Uint8Array, offset: number): number {
  return (bytes[offset + 4] as number) | ((bytes[offset + 5] as number) << 8)
}

/** Whether a record of this extent has the sum that its head names, whatever length that names. */
function isWhole(bytes: Uint8Array, offset: number, end: number): boolean {
  if (end > endOfBlock(bytes, offset)) return false
  const type = bytes[offset + 6] as number
  if (type < TYPE.full || type > TYPE.last) return false
  return maskedSumAt(bytes, offset) === maskSum(crc32c(bytes, offset + 6, end))
}

function maskedSumAt(bytes: Uint8Array, offset: number): number {
  const upper = ((bytes[offset + 3] as number) << 24) | ((bytes[offset + 2] as number) << 16)
  return (upper | ((bytes[offset + 1] as number) << 8) | (bytes[offset] as number)) >>> 0
}

/** LevelDB stores sums in this form, so that the sum of bytes that hold sums is not a special one. */
export function maskSum(sum: number): number {
  return (((sum >>> 15) | (sum << 17)) + MASK_DELTA) >>> 0
}

function damageAt(bytes: Uint8Array, offset: number): LogDamage | null {
  if (readableAfter(bytes, offset)) return { offset, atEnd: false }
  return isTorn(bytes, offset) ? null : { offset, atEnd: true }
}

/** Whether a whole record begins anywhere behind `offset`; where blocks begin it is likeliest. */
function readableAfter(bytes: Uint8Array, offset: number): boolean {
  for (let at = offset - (offset % BLOCK_BYTES) + BLOCK_BYTES; at < bytes.length; at += BLOCK_BYTES)
    if (endOfFragment(bytes, at) !== null) return true
  for (let at = offset + 1; at + HEAD_BYTES <= bytes.length; at++)
    if (endOfFragment(bytes, at) !== null) return true
  return false
}

/** Whether a crash leaves the last record like this: cut short, or with nothing but zeros where data had still to come. */
function isTorn(bytes: Uint8Array, offset: number): boolean {
  const isCut =
    offset + HEAD_BYTES > bytes.length || offset + HEAD_BYTES + lengthAt(bytes, offset) > bytes.length
  // Whole but for its length: not cut short, the length is wrong.
  if (isCut) return offset + HEAD_BYTES > bytes.length || !isWholeButForLength(bytes, offset)
  return endsInZeros(bytes, offset)
}

/** With the length that reaches to the end, or one that differs in a bit: then a torn record may come behind it. */
function isWholeButForLength(bytes: Uint8Array, offset: number): boolean {
  const named = lengthAt(bytes, offset)
  const ends = Array.from({ length: 16 }, (_, bit) => offset + HEAD_BYTES + (named ^ (1 << bit)))
  return [bytes.length, ...ends].some((end) => isWhole(bytes, offset, end))
}

/** Whether a file's last sector, as far as it lies behind `offset`, is zeros: the file grew and its data never came. */
export function endsInZeros(bytes: Uint8Array, offset: number): boolean {
  const lastSector = bytes.length - 1 - ((bytes.length - 1) % SECTOR_BYTES)
  return bytes.subarray(Math.max(offset, lastSector)).every((byte) => byte === 0)
}
