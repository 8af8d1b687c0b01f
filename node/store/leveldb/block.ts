/**
 * A block of a table of LevelDB (`doc/table_format.md` of LevelDB): its content, plain or compressed, and behind it
 * { compression u8, masked CRC-32C u32 }. LevelDB looks at these sums only when it is told to, and its binding has no way
 * to tell it; a compaction even copies what is wrong under a new sum.
 */
import { crc32c } from '../../../crypto/crc32c.ts'
import { maskSum } from './log.ts'
import { unsnap, varintAt } from './snappy.ts'

export const TRAILER_BYTES = 5
const COMPRESSION = { none: 0, snappy: 1 } as const

/** Where a block is in its file; the trailer comes behind it. */
export interface Extent {
  readonly offset: number
  readonly length: number
}

/** An entry of a block that names others. */
export interface IndexEntry {
  /** As LevelDB keeps it. Of data: not below any key of that block, and not above any of the next one. */
  readonly key: Uint8Array
  readonly extent: Extent
}

export function badBlock({ offset, length }: Extent): string {
  return `the block of ${length} bytes at byte ${offset} does not have its checksum`
}

export function extentAt(
  bytes: Uint8Array,
  at: number,
): { readonly extent: Extent; readonly end: number } | null {
  const offset = varintAt(bytes, at)
  const length = offset === null ? null : varintAt(bytes, offset.end)
  if (offset === null || length === null) return null
  return { extent: { offset: offset.value, length: length.value }, end: length.end }
}

/** Whether the block that lies at `extent` of these bytes, with its trailer, has its checksum. */
export function isWhole(bytes: Buffer, { offset, length }: Extent): boolean {
  const end = offset + length
  if (end + TRAILER_BYTES > bytes.length) return false
  return bytes.readUInt32LE(end + 1) === maskSum(crc32c(bytes, offset, end + 1))
}

/** The entries of a block that names others, or null if it is damaged. */
export function entriesOf(bytes: Buffer, extent: Extent): IndexEntry[] | null {
  const content = contentOf(bytes, extent)
  return content === null ? null : entriesIn(content)
}

function contentOf(bytes: Buffer, extent: Extent): Uint8Array | null {
  if (!isWhole(bytes, extent)) return null
  const end = extent.offset + extent.length
  const stored = bytes.subarray(extent.offset, end)
  switch (bytes[end]) {
    case COMPRESSION.none:
      return stored
    case COMPRESSION.snappy:
      return unsnap(stored)
    default:
      return null
  }
}

/** Entries { shared, unshared, length of value, rest of key, value }, then restart points. */
function entriesIn(content: Uint8Array): IndexEntry[] | null {
  const view = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  if (view.length < 4) return null
  const end = view.length - 4 - 4 * view.readUInt32LE(view.length - 4)
  const entries: IndexEntry[] = []
  let [at, key] = [0, Buffer.alloc(0)]
  while (at < end) {
    const shared = varintAt(view, at)
    const unshared = shared === null ? null : varintAt(view, shared.end)
    const value = unshared === null ? null : varintAt(view, unshared.end)
    if (shared === null || unshared === null || value === null) return null
    const valueAt = value.end + unshared.value
    const found = extentAt(view, valueAt)
    if (found === null) return null
    key = Buffer.concat([key.subarray(0, shared.value), view.subarray(value.end, valueAt)])
    entries.push({ key, extent: found.extent })
    at = valueAt + value.value
  }
  return entries
}
