/**
 * Reads the files of a database before LevelDB does and checks every sum in them. Once LevelDB is open it looks at the
 * sums of a table no more, and a bad log it shortens by itself.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileDamage } from './damage.ts'
import { FIRST_MANIFEST, LOG, numbered, TABLE, tableName } from './file-names.ts'
import { damageOfKept, keptTables } from './kept-tables.ts'
import { logDamage, wholeRecords } from './log.ts'
import { versionOf, type Version } from './manifest.ts'
import { tableDamage } from './table.ts'

export interface CheckOptions {
  /**
   * Whether the last record of a log may be lost: so if the database is written without sync, and what it lost comes
   * again. Else it may only be one that a crash tore.
   */
  readonly mayLoseLast: boolean
  /** Bytes of tables to read at most, the newest first. The logs are read in any case. */
  readonly maxTableBytes: number
}

export interface Checked {
  readonly damage: readonly FileDamage[]
  /** Whether there are tables that were not read. */
  readonly incomplete: boolean
}

/** The MANIFEST of a database, and how much of it was read. */
export interface Manifest {
  readonly file: string
  readonly bytes: number
  readonly version: Version
}

/** Checks the database in `directory`; one that does not exist has no damage. */
export async function checkDatabaseFiles(directory: string, options: CheckOptions): Promise<Checked> {
  const names = await namesIn(directory)
  if (!names.includes('CURRENT')) {
    const orphans = names.filter(
      (name) =>
        TABLE.test(name) || LOG.test(name) || (name.startsWith('MANIFEST-') && name !== FIRST_MANIFEST),
    )
    const what = 'is missing, but the files that it belongs to are there'
    return { damage: orphans.length === 0 ? [] : [{ file: 'CURRENT', what }], incomplete: false }
  }
  const manifest = await readManifest(directory)
  if (!('version' in manifest)) return { damage: [manifest], incomplete: false }
  const logs = await damagedLogs(directory, names, manifest.version, options.mayLoseLast)
  const tables = await checkTables(directory, names, manifest.version, options.maxTableBytes)
  const merged = await damagedMerged(directory, manifest.version)
  return { damage: [...logs, ...tables.damage, ...merged], incomplete: tables.incomplete }
}

/**
 * Checks the tables of a database that is in use, with a pause after each. One that LevelDB has replaced meanwhile is gone,
 * which is no damage; one that it is writing is not in the MANIFEST yet.
 */
export async function* damagedTables(
  directory: string,
  pause: () => Promise<unknown>,
): AsyncGenerator<FileDamage> {
  const names = await namesIn(directory)
  const manifest = await readManifest(directory)
  if (!('version' in manifest)) {
    yield manifest
    return
  }
  for (const { number, name } of numbered(names, TABLE)) {
    const entry = manifest.version.tables.get(number)
    if (entry === undefined) continue
    const what = await damageOfTable(directory, name, entry.length).catch(ifGone)
    if (what !== null) yield { file: name, what }
    await pause()
  }
}

function ifGone(error: unknown): null {
  if (isMissing(error)) return null
  throw error
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** @returns the MANIFEST that CURRENT names, or what is wrong with either. */
export async function readManifest(directory: string): Promise<Manifest | FileDamage> {
  const current = (await contentOf(directory, 'CURRENT'))?.toString('latin1')
  if (current === undefined) return { file: 'CURRENT', what: 'is missing' }
  const file = /^(MANIFEST-\d+)\n$/.exec(current)?.[1]
  const bytes = file === undefined ? null : await contentOf(directory, file)
  if (file === undefined || bytes === null)
    return { file: 'CURRENT', what: `names ${JSON.stringify(current.slice(0, 40))}, which is not there` }
  const damage = logDamage(bytes)
  if (damage !== null) return { file, what: `is damaged at byte ${damage.offset}` }
  const version = versionOf(wholeRecords(bytes))
  return version === null
    ? { file, what: 'does not say what belongs to the database' }
    : { file, bytes: bytes.length, version }
}

async function contentOf(directory: string, name: string): Promise<Buffer | null> {
  try {
    return await readFile(join(directory, name))
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

async function damagedLogs(
  directory: string,
  names: readonly string[],
  { firstLog }: Version,
  mayLoseLast: boolean,
): Promise<FileDamage[]> {
  const logs = numbered(names, LOG).filter(({ number }) => number >= firstLog)
  const damaged: FileDamage[] = []
  for (const [index, { name }] of logs.entries()) {
    const isLast = index === logs.length - 1
    const damage = logDamage(await readFile(join(directory, name)))
    if (damage === null || (mayLoseLast && isLast && damage.atEnd)) continue
    damaged.push({ file: name, what: `is damaged at byte ${damage.offset}` })
  }
  return damaged
}

/** Checks what the last process on the database merged and had no time to check. */
async function damagedMerged(directory: string, { merged }: Version): Promise<FileDamage[]> {
  const damaged: FileDamage[] = []
  for (const { number, name } of numbered(await keptTables(directory), TABLE)) {
    const damage = merged.has(number) ? await damageOfKept(directory, name) : null
    if (damage !== null) damaged.push(damage)
  }
  return damaged
}

/** Names of the tables that belong to the database; what an unfinished merge left does not. */
export async function liveTables(directory: string): Promise<readonly string[]> {
  const names = await namesIn(directory)
  if (!names.includes('CURRENT')) return []
  const manifest = await readManifest(directory)
  if (!('version' in manifest)) return []
  return numbered(names, TABLE).flatMap(({ number, name }) =>
    manifest.version.tables.has(number) ? [name] : [],
  )
}

async function checkTables(
  directory: string,
  names: readonly string[],
  { tables }: Version,
  maxTableBytes: number,
): Promise<Checked> {
  const found = new Map(numbered(names, TABLE).map(({ number, name }) => [number, name]))
  const damage: FileDamage[] = []
  let bytes = 0
  for (const [number, { length }] of [...tables].sort(([a], [b]) => b - a)) {
    const name = found.get(number)
    if (name === undefined) {
      damage.push({ file: tableName(number), what: 'is missing' })
      continue
    }
    bytes += length
    if (bytes > maxTableBytes) return { damage, incomplete: true }
    const what = await damageOfTable(directory, name, length)
    if (what !== null) damage.push({ file: name, what })
  }
  return { damage, incomplete: false }
}

/** @param length as the MANIFEST has it. */
async function damageOfTable(directory: string, name: string, length: number): Promise<string | null> {
  const bytes = await readFile(join(directory, name))
  if (bytes.length !== length) return `is damaged: it has ${bytes.length} bytes, expected ${length}`
  const what = await tableDamage(bytes)
  return what === null ? null : `is damaged: ${what}`
}
