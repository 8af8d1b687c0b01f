/**
 * Reads the files of a database before LevelDB does and checks every sum in them. Once LevelDB is open it looks at the
 * sums of a table no more, and a bad log it shortens by itself.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readLog } from './log.ts'
import { versionOf, type Version } from './manifest.ts'
import { tableDamage } from './table.ts'

export interface FileDamage {
  /** Name in the directory of the database. */
  readonly file: string
  readonly what: string
}

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
  /** Tables that were not read. */
  readonly unread: readonly string[]
}

const LOG = /^(\d+)\.log$/
const TABLE = /^(\d+)\.(?:ldb|sst)$/
/** While a database is made, this is there before CURRENT is. */
const FIRST_MANIFEST = 'MANIFEST-000001'

/** Checks the database in `directory`; one that does not exist has no damage. */
export async function checkDatabaseFiles(directory: string, options: CheckOptions): Promise<Checked> {
  const names = await namesIn(directory)
  if (!names.includes('CURRENT')) {
    const orphans = names.filter(
      (name) => TABLE.test(name) || LOG.test(name) || (name.startsWith('MANIFEST-') && name !== FIRST_MANIFEST),
    )
    const what = 'is missing, but the files that it belongs to are there'
    return { damage: orphans.length === 0 ? [] : [{ file: 'CURRENT', what }], unread: [] }
  }
  const manifest = await readManifest(directory, names)
  if (!('firstLog' in manifest)) return { damage: [manifest], unread: [] }
  const logs = await logDamage(directory, names, manifest, options.mayLoseLast)
  const tables = await checkTables(directory, names, manifest, options.maxTableBytes)
  return { damage: [...logs, ...tables.damage], unread: tables.unread }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function readManifest(directory: string, names: readonly string[]): Promise<Version | FileDamage> {
  const current = await readFile(join(directory, 'CURRENT'), 'latin1')
  const file = /^(MANIFEST-\d+)\n$/.exec(current)?.[1]
  if (file === undefined || !names.includes(file))
    return { file: 'CURRENT', what: `names ${JSON.stringify(current.slice(0, 40))}, which is not there` }
  const { records, damage } = readLog(await readFile(join(directory, file)))
  if (damage !== null) return { file, what: `is damaged at byte ${damage.offset}` }
  return versionOf(records) ?? { file, what: 'does not say what belongs to the database' }
}

async function logDamage(
  directory: string,
  names: readonly string[],
  { firstLog }: Version,
  mayLoseLast: boolean,
): Promise<FileDamage[]> {
  const logs = numbered(names, LOG).filter(({ number }) => number >= firstLog)
  const damaged: FileDamage[] = []
  for (const [index, { name }] of logs.entries()) {
    const isLast = index === logs.length - 1
    const { damage } = readLog(await readFile(join(directory, name)))
    if (damage === null || (mayLoseLast && isLast && damage.atEnd)) continue
    damaged.push({ file: name, what: `is damaged at byte ${damage.offset}` })
  }
  return damaged
}

async function checkTables(
  directory: string,
  names: readonly string[],
  { tables }: Version,
  maxTableBytes: number,
): Promise<Checked> {
  const found = new Map(numbered(names, TABLE).map(({ number, name }) => [number, name]))
  const damage: FileDamage[] = []
  const unread: string[] = []
  let bytes = 0
  for (const [number, length] of [...tables].sort(([a], [b]) => b - a)) {
    const name = found.get(number)
    if (name === undefined) {
      damage.push({ file: `${String(number).padStart(6, '0')}.ldb`, what: 'is missing' })
      continue
    }
    bytes += length
    if (bytes > maxTableBytes) {
      unread.push(name)
      continue
    }
    const what = await damageOfTable(directory, name, length)
    if (what !== null) damage.push({ file: name, what })
  }
  return { damage, unread }
}

/** @param length as the MANIFEST has it, or null if that is not known. */
export async function damageOfTable(
  directory: string,
  name: string,
  length: number | null = null,
): Promise<string | null> {
  const bytes = await readFile(join(directory, name))
  if (length !== null && bytes.length !== length)
    return `is damaged: it has ${bytes.length} bytes, expected ${length}`
  const what = tableDamage(bytes)
  return what === null ? null : `is damaged: ${what}`
}

function numbered(
  names: readonly string[],
  pattern: RegExp,
): readonly { readonly number: number; readonly name: string }[] {
  return names
    .flatMap((name) => {
      const match = pattern.exec(name)
      return match === null ? [] : [{ number: Number(match[1]), name }]
    })
    .sort((a, b) => a.number - b.number)
}
