/**
 * Checks a table file of LevelDB (`doc/table_format.md` of LevelDB): blocks of data, and at the end a footer that says
 * where the two index blocks are, of the data and of its filter.
 */
import type { FileHandle } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { compareBytes } from '../../../crypto/bytes.ts'
import {
  badBlock,
  entriesOf,
  extentAt,
  isWhole,
  TRAILER_BYTES,
  type Extent,
  type IndexEntry,
} from './block.ts'
import { keyOf } from './manifest.ts'

const FOOTER_BYTES = 48
const MAGIC = 0xdb47_7524_8b80_fb57n
/** Checked in one turn of the event loop. */
const BYTES_PER_TURN = 2 * 1024 * 1024

interface Indexes {
  /** Names the filter. */
  readonly meta: Extent
  /** Names the blocks of data. */
  readonly data: Extent
}

/** @returns what is wrong in the table of these bytes, with the offset, or null. */
export async function tableDamage(bytes: Uint8Array): Promise<string | null> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (file.length < FOOTER_BYTES) return tooShort(file.length)
  const indexes = indexesIn(file.subarray(file.length - FOOTER_BYTES))
  if (indexes === null) return badFooter(file.length)
  return blocksDamage(file.subarray(0, file.length - FOOTER_BYTES), [indexes.meta, indexes.data])
}

/** Checks the blocks that the two index blocks name, and that there is nothing between blocks that none names. */
async function blocksDamage(file: Buffer, indexes: readonly Extent[]): Promise<string | null> {
  const blocks: Extent[] = []
  for (const extent of indexes) {
    const named = entriesOf(file, extent)
    if (named === null) return badBlock(extent)
    blocks.push(...named.map((entry) => entry.extent), extent)
  }
  blocks.sort((a, b) => a.offset - b.offset)
  let [end, turnEnd] = [0, BYTES_PER_TURN]
  for (const block of blocks) {
    if (block.offset !== end) return `its index does not name what is at byte ${end}`
    if (!isWhole(file, block)) return badBlock(block)
    end = block.offset + block.length + TRAILER_BYTES
    if (end < turnEnd) continue
    turnEnd = end + BYTES_PER_TURN
    await setImmediate()
  }
  return end === file.length ? null : `its index does not name what is at byte ${end}`
}

/**
 * Checks what LevelDB looks at in a table of `length` bytes when it reads the keys from `from` up to `to`, in either
 * direction: the footer, the indexes, the filter, and the blocks of data that can hold such a key. It may look into the
 * block before and the one behind as well, where the range ends.
 * @returns what is wrong, with the offset, or null.
 */
export async function rangeDamage(
  file: FileHandle,
  length: number,
  from: Uint8Array,
  to: Uint8Array,
): Promise<string | null> {
  if (length < FOOTER_BYTES) return tooShort(length)
  const indexes = indexesIn(await readAt(file, length - FOOTER_BYTES, FOOTER_BYTES))
  if (indexes === null) return badFooter(length)
  const end = length - FOOTER_BYTES
  const [meta, data] = await Promise.all([namedBy(file, end, indexes.meta), namedBy(file, end, indexes.data)])
  if (meta === null) return badBlock(indexes.meta)
  if (data === null) return badBlock(indexes.data)
  for (const { extent } of [...meta, ...blocksFor(data, from, to)])
    if (!isWhole(await readBlock(file, end, extent), atStart(extent))) return badBlock(extent)
  return null
}

function blocksFor(entries: readonly IndexEntry[], from: Uint8Array, to: Uint8Array): readonly IndexEntry[] {
  const firstNotBelow = (key: Uint8Array): number => {
    const index = entries.findIndex((entry) => compareBytes(keyOf(entry.key), key) >= 0)
    return index === -1 ? entries.length - 1 : index
  }
  return entries.slice(Math.max(0, firstNotBelow(from) - 1), firstNotBelow(to) + 2)
}

async function namedBy(file: FileHandle, end: number, index: Extent): Promise<IndexEntry[] | null> {
  return entriesOf(await readBlock(file, end, index), atStart(index))
}

/** A block with its trailer; shorter if it would not end before `end`. */
function readBlock(file: FileHandle, end: number, { offset, length }: Extent): Promise<Buffer> {
  return readAt(file, offset, Math.max(0, Math.min(length + TRAILER_BYTES, end - offset)))
}

function atStart({ length }: Extent): Extent {
  return { offset: 0, length }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
  return buffer.subarray(0, bytesRead)
}

function indexesIn(footer: Buffer): Indexes | null {
  const meta = extentAt(footer, 0)
  const data = meta === null ? null : extentAt(footer, meta.end)
  if (footer.readBigUInt64LE(FOOTER_BYTES - 8) !== MAGIC || meta === null || data === null) return null
  return { meta: meta.extent, data: data.extent }
}

function badFooter(length: number): string {
  return `its footer, at byte ${length - FOOTER_BYTES}, is no footer`
}

function tooShort(length: number): string {
  return `it has ${length} bytes, a table has ${FOOTER_BYTES} at least`
}
