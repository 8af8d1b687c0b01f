/**
 * Checks a table file of LevelDB as a whole (`doc/table_format.md` of LevelDB): blocks of data, and at the end a footer
 * that says where the two index blocks are, of the data and of its filter.
 */
import { setImmediate } from 'node:timers/promises'
import { badBlock, entriesOf, extentAt, isWhole, TRAILER_BYTES, type Extent } from './block.ts'

export const FOOTER_BYTES = 48
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
  const indexes = indexesIn(file)
  if (indexes === null) return badFooter(file.length)
  return blocksDamage(file.subarray(0, -FOOTER_BYTES), [indexes.meta, indexes.data])
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

/** What the footer at the end of these bytes says, or null if there is none. */
export function indexesIn(bytes: Buffer): Indexes | null {
  if (bytes.length < FOOTER_BYTES) return null
  const footer = bytes.subarray(-FOOTER_BYTES)
  const meta = extentAt(footer, 0)
  const data = meta === null ? null : extentAt(footer, meta.end)
  if (footer.readBigUInt64LE(FOOTER_BYTES - 8) !== MAGIC || meta === null || data === null) return null
  return { meta: meta.extent, data: data.extent }
}

/** @param length of the table. */
export function badFooter(length: number): string {
  return length < FOOTER_BYTES
    ? `it has ${length} bytes, a table has ${FOOTER_BYTES} at least`
    : `its footer, at byte ${length - FOOTER_BYTES}, is no footer`
}
