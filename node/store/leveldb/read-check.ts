/**
 * What `verify_checksums` does in LevelDB, for a database that is in use: a read that met a damaged block lacks records or
 * has others, without a word. Who has to know that nothing is missing asks here after the read, not before: what is whole
 * now was whole when it was read.
 */
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { compareBytes } from '../../../crypto/bytes.ts'
import { readManifest, tableName, type FileDamage, type Manifest } from './check.ts'
import type { TableEntry, Version } from './manifest.ts'
import { rangeDamage } from './table.ts'

/** What is wrong with a table: it is not there. */
const MISSING = 'is missing'

type NumberedTable = readonly [number: number, entry: TableEntry]

/** A MANIFEST as read last, with its tables by level, each level in the order of its keys. */
interface KnownManifest extends Manifest {
  readonly levels: ReadonlyMap<number, readonly NumberedTable[]>
}

export class ReadCheck {
  readonly #directory: string
  #manifest: KnownManifest | null = null

  /** @param directory of a database that is open. */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** @returns damage that a read of the keys from `from` up to `to` may have met, or null. */
  async damage(from: Uint8Array, to: Uint8Array): Promise<FileDamage | null> {
    const manifest = await this.#newestManifest()
    if (!('levels' in manifest)) return manifest
    for (const [number, entry] of tablesFor(manifest, from, to)) {
      const what = await this.#damageOfTable(number, entry, from, to)
      if (what === null) continue
      const isMerged = what === MISSING && (await this.#newestManifest()) !== manifest
      return isMerged ? this.damage(from, to) : { file: tableName(number), what }
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

  async #damageOfTable(
    number: number,
    { length }: TableEntry,
    from: Uint8Array,
    to: Uint8Array,
  ): Promise<string | null> {
    try {
      await using file = await open(join(this.#directory, tableName(number)))
      const { size } = await file.stat()
      const what =
        size === length
          ? await rangeDamage(file, length, from, to)
          : `it has ${size} bytes, expected ${length}`
      return what === null ? null : `is damaged: ${what}`
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return MISSING
      throw error
    }
  }
}

function levelsOf({ tables }: Version): Map<number, NumberedTable[]> {
  const levels = Map.groupBy(tables, ([, { level }]) => level)
  for (const ofLevel of levels.values()) ofLevel.sort(([, a], [, b]) => compareBytes(a.smallest, b.smallest))
  return levels
}

/**
 * The tables that LevelDB looks into for the range. Of level 0 these are all; of a level above, whose tables follow one
 * another, those that can hold such a key, and the one before and behind, where an iterator finds its end.
 */
function* tablesFor({ levels }: KnownManifest, from: Uint8Array, to: Uint8Array): Generator<NumberedTable> {
  for (const [level, tables] of levels) {
    if (level === 0) {
      yield* tables
      continue
    }
    const below = tables.filter(([, { largest }]) => compareBytes(largest, from) < 0).length
    const above = tables.filter(([, { smallest }]) => compareBytes(smallest, to) >= 0).length
    yield* tables.slice(Math.max(0, below - 1), tables.length - Math.max(0, above - 1))
  }
}
