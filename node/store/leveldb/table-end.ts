/**
 * Checks of a table what LevelDB looks at for one read: its end, which is the filter, the indexes and the footer, and some
 * blocks of data. The end of a table is checked block by block once; from then on one fast sum over it says whether it is
 * still what it was, and its index need not be read again.
 */
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { compareBytes } from '../../../crypto/bytes.ts'
import { badBlock, entriesOf, isWhole, TRAILER_BYTES, type Extent, type IndexEntry } from './block.ts'
import { keyOf } from './manifest.ts'
import { badFooter, FOOTER_BYTES, indexesIn } from './table.ts'

/** Keys from `from` up to `to`, which is not one of them. */
export interface KeyRange {
  readonly from: Uint8Array
  readonly to: Uint8Array
}

/** The end of a table, found whole. */
export interface TableEnd {
  /** Where it begins. */
  readonly offset: number
  /** CRC-32, which Node has in native code. */
  readonly sum: number
  /** The blocks of data, in order. */
  readonly blocks: readonly IndexEntry[]
}

/** @returns the end of a table of `length` bytes, or what is wrong with it. */
export async function readEnd(file: FileHandle, length: number): Promise<TableEnd | string> {
  const offset = await offsetOfEnd(file, length)
  if (typeof offset === 'string') return offset
  // Once more and as a whole: the bytes that are checked are those whose sum is kept.
  const bytes = await readAt(file, offset, length - offset)
  const indexes = indexesIn(bytes)
  if (indexes === null) return badFooter(length)
  const filters = entriesOf(bytes, within(offset, indexes.meta))
  if (filters === null) return badBlock(indexes.meta)
  for (const { extent } of filters) if (!isWhole(bytes, within(offset, extent))) return badBlock(extent)
  const blocks = entriesOf(bytes, within(offset, indexes.data))
  return blocks === null ? badBlock(indexes.data) : { offset, sum: crc32(bytes), blocks }
}

async function offsetOfEnd(file: FileHandle, length: number): Promise<number | string> {
  const indexes = indexesIn(await readAt(file, Math.max(0, length - FOOTER_BYTES), FOOTER_BYTES))
  if (indexes === null) return badFooter(length)
  const { meta } = indexes
  const filters = entriesOf(await readAt(file, meta.offset, bytesOf(meta, length)), within(meta.offset, meta))
  if (filters === null) return badBlock(indexes.meta)
  const extents = [indexes.meta, indexes.data, ...filters.map(({ extent }) => extent)]
  return Math.min(...extents.map(({ offset }) => offset))
}

/** Whether the end of a table of `length` bytes is still what it was. */
export async function isEndWhole(
  file: FileHandle,
  length: number,
  { offset, sum }: TableEnd,
): Promise<boolean> {
  return crc32(await readAt(file, offset, length - offset)) === sum
}

/**
 * Checks the blocks of data that can hold keys of the range, and the one before and the one behind, into which an iterator
 * looks to find that the range is over.
 * @returns what is wrong, with the offset, or null.
 */
export async function rangeDamage(
  file: FileHandle,
  { offset: end, blocks }: TableEnd,
  { from, to }: KeyRange,
): Promise<string | null> {
  const looked = blocks.slice(Math.max(0, firstNotBelow(blocks, from) - 1), firstNotBelow(blocks, to) + 2)
  const [first, last] = [looked[0], looked.at(-1)]
  if (first === undefined || last === undefined) return null
  const { offset } = first.extent
  const bytes = await readAt(file, offset, bytesOf(last.extent, end) + last.extent.offset - offset)
  const damaged = looked.find(({ extent }) => !isWhole(bytes, within(offset, extent)))
  return damaged === undefined ? null : badBlock(damaged.extent)
}

/** The index of the first block that does not end below `key`. */
function firstNotBelow(blocks: readonly IndexEntry[], key: Uint8Array): number {
  let [low, high] = [0, blocks.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareBytes(keyOf((blocks[middle] as IndexEntry).key), key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Length of a block with its trailer; less if that would not end before `end`. */
function bytesOf({ offset, length }: Extent, end: number): number {
  return Math.max(0, Math.min(length + TRAILER_BYTES, end - offset))
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset)
  return buffer.subarray(0, bytesRead)
}

/** Where a block is in bytes that begin at `offset` of its file. */
function within(offset: number, extent: Extent): Extent {
  return { offset: extent.offset - offset, length: extent.length }
}
