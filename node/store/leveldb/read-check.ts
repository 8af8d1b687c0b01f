/**
 * What `verify_checksums` does in LevelDB, for a database that is in use: a read that met a damaged block lacks records or
 * has others, without a word. Who has to know that nothing is missing asks here after the read, not before: what is whole
 * now was whole when it was read.
 */
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { compareBytes } from '../../../crypto/bytes.ts'
import { readManifest, type Manifest } from './check.ts'
import type { FileDamage } from './damage.ts'
import { tableName } from './file-names.ts'
import type { TableEntry, Version } from './manifest.ts'
import { isEndWhole, rangeDamage, readEnd, type KeyRange, type TableEnd } from './table-end.ts'

/** What is wrong with a table: it is not there. */
const MISSING = 'is missing'

/** Some 100 KB of memory each. */
const ENDS_IN_MEMORY = 64

type NumberedTable = readonly [number: number, entry: TableEntry]

/** A MANIFEST as read last, with its tables by level, each level in the order of its keys. */
interface KnownManifest extends Manifest {
  readonly levels: ReadonlyMap<number, readonly NumberedTable[]>
}

export class ReadCheck {
  readonly #directory: string
  readonly #ends: Map<number, TableEnd> = new Map()
  #manifest: KnownManifest | null = null

  /** @param directory of a database that is open. */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** @returns damage that looking for this key may have met, or null. */
  damageAt(key: Uint8Array): Promise<FileDamage | null> {
    return this.#damage({ from: key, to: Buffer.concat([key, Uint8Array.of(0)]) }, 0)
  }

  /** @returns damage that an iterator over this range may have met, or null. */
  damageIn(range: KeyRange): Promise<FileDamage | null> {
    return this.#damage(range, 1)
  }

  async #damage(range: KeyRange, beside: number): Promise<FileDamage | null> {
    const manifest = await this.#newestManifest()
    if (!('levels' in manifest)) return manifest
    for (const table of tablesFor(manifest, range, beside)) {
      const damage = await this.#damageOfTable(table, range)
      if (damage === null) continue
      const isMerged = damage.what === MISSING && (await this.#newestManifest()) !== manifest
      return isMerged ? this.#damage(range, beside) : damage
    }
    return null
  }

  /** Read again when it has grown; LevelDB begins a new one only when it opens. */
  async #newestManifest(): Promise<KnownManifest | FileDamage> {
    const known = this.#manifest
    if (known !== null && (await stat(join(this.#directory, known.file))).size === known.bytes) return known
    const manifest = await readManifest(this.#directory)
    if (!('version' in manifest)) return manifest
    this.#manifest = { ...manifest, levels: levelsOf(manifest.version) }
    return this.#manifest
  }

  async #damageOfTable([number, { length }]: NumberedTable, range: KeyRange): Promise<FileDamage | null> {
    const file = tableName(number)
    try {
      await using handle = await open(join(this.#directory, file))
      const end = await this.#endOf(handle, number, length)
      const what = typeof end === 'string' ? end : await rangeDamage(handle, end, range)
      return what === null ? null : { file, what: `is damaged: ${what}` }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { file, what: MISSING }
      throw error
    }
  }

  async #endOf(file: FileHandle, number: number, length: number): Promise<TableEnd | string> {
    const known = this.#ends.get(number)
    // One that is not what it was is read anew, which says where it is damaged.
    const isKnown = known !== undefined && (await isEndWhole(file, length, known))
    const end = isKnown ? known : await readEnd(file, length)
    this.#ends.delete(number)
    if (typeof end !== 'string') this.#keep(number, end)
    return end
  }

  #keep(number: number, end: TableEnd): void {
    this.#ends.set(number, end)
    for (const oldest of this.#ends.keys()) {
      if (this.#ends.size <= ENDS_IN_MEMORY) return
      this.#ends.delete(oldest)
    }
  }
}

function levelsOf({ tables }: Version): Map<number, NumberedTable[]> {
  const levels = Map.groupBy(tables, ([, { level }]) => level)
  for (const ofLevel of levels.values()) ofLevel.sort(([, a], [, b]) => compareBytes(a.smallest, b.smallest))
  return levels
}

/**
 * The tables that LevelDB looks into for keys of the range. Of level 0 these are all; of a level above, whose tables follow
 * one another, those that can hold such a key, and as many `beside` them on either side.
 */
function* tablesFor(
  { levels }: KnownManifest,
  { from, to }: KeyRange,
  beside: number,
): Generator<NumberedTable> {
  for (const [level, tables] of levels) {
    if (level === 0) {
      yield* tables
      continue
    }
    const below = tables.filter(([, { largest }]) => compareBytes(largest, from) < 0).length
    const above = tables.filter(([, { smallest }]) => compareBytes(smallest, to) >= 0).length
    yield* tables.slice(Math.max(0, below - beside), tables.length - Math.max(0, above - beside))
  }
}
