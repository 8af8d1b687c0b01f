/**
 * Tables keep a second name until LevelDB has merged them and they were checked after that. A merge does not look at
 * checksums: a bit that flipped in a table before ends in the next one under a right checksum, and nothing in the database
 * says so any more. The table it came from does.
 */
import { link, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileDamage } from './damage.ts'
import { TABLE } from './file-names.ts'
import { indexesIn, tableDamage } from './table.ts'

/** In the directory of a database: whoever moves or deletes the one does so with the other. */
export const KEPT_FOLDER = 'kept'

/** What a file system says that has no second names, or not so many. */
const UNLINKABLE: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/**
 * Gives the tables of a database that is not open a second name, in place of those from before.
 * @param tables their names: what an unfinished merge left is none, and its name will be used again.
 */
export async function keepTables(directory: string, tables: readonly string[]): Promise<void> {
  await rm(join(directory, KEPT_FOLDER), { recursive: true, force: true })
  await keep(directory, tables)
}

/**
 * Gives tables that have come since a second name.
 * @returns whether the file system can do that.
 */
export async function keepNew(directory: string): Promise<boolean> {
  const kept = new Set(await keptTables(directory))
  return keep(
    directory,
    (await tablesIn(directory)).filter((name) => !kept.has(name)),
  )
}

async function keep(directory: string, tables: readonly string[]): Promise<boolean> {
  const folder = join(directory, KEPT_FOLDER)
  await mkdir(folder, { recursive: true })
  try {
    for (const name of tables)
      await link(join(directory, name), join(folder, name)).catch(unless('ENOENT', 'EEXIST'))
    return true
  } catch (error) {
    if (UNLINKABLE.includes(codeOf(error))) return false
    throw error
  }
}

/** Names of the tables that have a second name. */
export function keptTables(directory: string): Promise<readonly string[]> {
  return tablesIn(join(directory, KEPT_FOLDER))
}

/** Names of kept tables that LevelDB has deleted, since it merged them. */
export async function mergedTables(directory: string): Promise<readonly string[]> {
  const kept = await keptTables(directory)
  const tables = new Set(await tablesIn(directory))
  return kept.filter((name) => !tables.has(name))
}

/** @returns what was wrong with a kept table when it was merged, or null. */
export async function damageOfKept(directory: string, name: string): Promise<FileDamage | null> {
  const file = join(KEPT_FOLDER, name)
  const bytes = await readFile(join(directory, file)).catch(unless('ENOENT'))
  // What a full disk left without its end was never part of the database: LevelDB opens no such table.
  if (bytes === undefined || indexesIn(bytes) === null) return null
  const what = await tableDamage(bytes)
  return what === null ? null : { file, what: `was damaged when it was merged: ${what}` }
}

/** Lets go of a merged table that was whole. */
export function forgetKept(directory: string, name: string): Promise<void> {
  return rm(join(directory, KEPT_FOLDER, name), { force: true })
}

async function tablesIn(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder).catch(unless('ENOENT'))) ?? []
  return names.filter((name) => TABLE.test(name))
}

/** For `catch`: undefined in place of an error with one of these codes. */
function unless(...codes: readonly unknown[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error))) throw error
  }
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code
}
