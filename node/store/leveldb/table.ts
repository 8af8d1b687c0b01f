/**
 * Checks a table file of LevelDB (`doc/table_format.md` of LevelDB): blocks, each with { compression u8, masked CRC-32C
 * u32 } behind it, and at the end a footer that says where the two index blocks are. LevelDB looks at these sums only
 * when it is told to, and its binding has no way to tell it; a compaction even copies what is wrong under a new sum.
 */
import { setImmediate } from 'node:timers/promises'
import { crc32c } from '../../../crypto/crc32c.ts'
import { maskSum } from './log.ts'
import { unsnap, varintAt } from './snappy.ts'

const FOOTER_BYTES = 48
const TRAILER_BYTES = 5
const MAGIC = 0xdb47_7524_8b80_fb57n
/** Checked in one turn of the event loop. */
const BYTES_PER_TURN = 2 * 1024 * 1024
const COMPRESSION = { none: 0, snappy: 1 } as const

interface Extent {
  readonly offset: number
  readonly length: number
}

/** @returns what is wrong, with the offset, or null. */
export async function tableDamage(bytes: Uint8Array): Promise<string | null> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (file.length < FOOTER_BYTES) return `it has ${file.length} bytes, a table has ${FOOTER_BYTES} at least`
  const footer = file.subarray(file.length - FOOTER_BYTES)
  const meta = extentAt(footer, 0)
  const index = meta === null ? null : extentAt(footer, meta.end)
  if (footer.readBigUInt64LE(FOOTER_BYTES - 8) !== MAGIC || meta === null || index === null)
    return `its footer, at byte ${file.length - FOOTER_BYTES}, is no footer`
  return blocksDamage(file, [meta.extent, index.extent])
}

/** Checks the blocks that the two index blocks name, and that there is nothing between blocks that none names. */
async function blocksDamage(file: Buffer, indexes: readonly Extent[]): Promise<string | null> {
  const blocks: Extent[] = []
  for (const extent of indexes) {
    const content = contentOf(file, extent)
    const named = content === null ? null : extentsIn(content)
    if (named === null) return badBlock(extent)
    blocks.push(...named, extent)
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
  return end === file.length - FOOTER_BYTES ? null : `its index does not name what is at byte ${end}`
}

function badBlock({ offset, length }: Extent): string {
  return `the block of ${length} bytes at byte ${offset} does not have its checksum`
}

function extentAt(bytes: Uint8Array, at: number): { readonly extent: Extent; readonly end: number } | null {
  const offset = varintAt(bytes, at)
  const length = offset === null ? null : varintAt(bytes, offset.end)
  if (offset === null || length === null) return null
  return { extent: { offset: offset.value, length: length.value }, end: length.end }
}

function isWhole(file: Buffer, { offset, length }: Extent): boolean {
  const end = offset + length
  if (end + TRAILER_BYTES > file.length - FOOTER_BYTES) return false
  return file.readUInt32LE(end + 1) === maskSum(crc32c(file, offset, end + 1))
}

function contentOf(file: Buffer, extent: Extent): Uint8Array | null {
  if (!isWhole(file, extent)) return null
  const end = extent.offset + extent.length
  const stored = file.subarray(extent.offset, end)
  switch (file[end]) {
    case COMPRESSION.none:
      return stored
    case COMPRESSION.snappy:
      return unsnap(stored)
    default:
      return null
  }
}

/** The values of an index block: entries { shared, unshared, length of value, rest of key, value }, then restart points. */
function extentsIn(block: Uint8Array): Extent[] | null {
  const view = Buffer.from(block.buffer, block.byteOffset, block.byteLength)
  if (view.length < 4) return null
  const end = view.length - 4 - 4 * view.readUInt32LE(view.length - 4)
  const extents: Extent[] = []
  let at = 0
  while (at < end) {
    const shared = varintAt(view, at)
    const unshared = shared === null ? null : varintAt(view, shared.end)
    const value = unshared === null ? null : varintAt(view, unshared.end)
    if (unshared === null || value === null) return null
    const valueAt = value.end + unshared.value
    const found = extentAt(view, valueAt)
    if (found === null) return null
    extents.push(found.extent)
    at = valueAt + value.value
  }
  return extents
}
