/**
 * Tables keep a second name until LevelDB has merged them and they were checked after that. A merge does not look at
 * checksums: a bit that flipped in a table before ends in the next one under a right checksum, and nothing in the database
 * says so any more. The table it came from does.
 */
import { link, mkdir, readdir, readFile, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileDamage } from './damage.ts'
import { TABLE } from './file-names.ts'
import { indexesIn, tableDamage } from './table.ts'

/** In the directory of a database: whoever moves or deletes the one does so with the other. */
export const KEPT_FOLDER = 'kept'

/** What a file system says that has no second names, or not so many. */
const UNLINKABLE: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/** Gives all tables of a database that is not open a second name, in place of those from before. */
export async function keepTables(directory: string): Promise<void> {
  const folder = join(directory, KEPT_FOLDER)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await keepNew(directory)
}

/**
 * Gives tables that have come since a second name.
 * @returns whether the file system can do that.
 */
export async function keepNew(directory: string): Promise<boolean> {
  const [tables, kept] = await Promise.all([tablesIn(directory), tablesIn(join(directory, KEPT_FOLDER))])
  try {
    for (const name of tables)
      if (!kept.has(name))
        await link(join(directory, name), join(directory, KEPT_FOLDER, name)).catch(ifMissing)
    return true
  } catch (error) {
    if (UNLINKABLE.includes((error as NodeJS.ErrnoException).code)) return false
    throw error
  }
}

/** Names of kept tables that LevelDB has deleted, since it merged them. */
export async function mergedTables(directory: string): Promise<readonly string[]> {
  const kept = await tablesIn(join(directory, KEPT_FOLDER))
  const tables = await tablesIn(directory)
  return [...kept].filter((name) => !tables.has(name))
}

/** @returns what was wrong with a kept table when it was merged, or null. */
export async function damageOfKept(directory: string, name: string): Promise<FileDamage | null> {
  const file = join(KEPT_FOLDER, name)
  const bytes = await readFile(join(directory, file))
  // What a crash or a full disk left without its end was never part of the database: LevelDB opens no such table.
  if (indexesIn(bytes) === null) return null
  const what = await tableDamage(bytes)
  return what === null ? null : { file, what: `was damaged when it was merged: ${what}` }
}

/** Lets go of a merged table that was whole. */
export function forgetKept(directory: string, name: string): Promise<void> {
  return unlink(join(directory, KEPT_FOLDER, name))
}

async function tablesIn(folder: string): Promise<ReadonlySet<string>> {
  const names = (await readdir(folder).catch(ifMissing)) ?? []
  return new Set(names.filter((name) => TABLE.test(name)))
}

function ifMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
