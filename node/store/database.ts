/** Opening LevelDB databases of a node: one place for the errors that an operator can meet. Values have a checksum. */
import { mkdirSync } from 'node:fs'
import { CordonError } from '../../config/errors.ts'
import { equalBytes, toHex, utf8 } from '../../crypto/bytes.ts'
import { Database } from '../../ledger/store/database.ts'
import { levelCode, reading } from '../../ledger/store/level-errors.ts'

const META_FORMAT = utf8('!format')
const META_CHAIN = utf8('!chain')

/**
 * Opens or creates the database in `directory` and checks that it has this `format` and belongs to this chain.
 * @throws CordonError `directory-locked`, `format-version`, `other-chain`, `data-inconsistent`, `config-invalid`.
 */
export async function openDatabase(
  directory: string,
  format: string,
  genesisHash: Uint8Array,
): Promise<Database> {
  makeDirectory(directory)
  const database = new Database(directory)
  try {
    await database.open()
  } catch (error) {
    throw openError(directory, error)
  }
  try {
    await checkMeta(database, directory, format, genesisHash)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

/** @throws CordonError `config-invalid` */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new CordonError(
      'config-invalid',
      `${directory} cannot be made (${code}); check the data setting, and who may write there`,
      { directory },
      { cause: error },
    )
  }
}

async function checkMeta(
  database: Database,
  directory: string,
  format: string,
  genesisHash: Uint8Array,
): Promise<void> {
  await checkUnsealed(database, directory, format)
  const [storedFormat, storedChain] = await reading(
    directory,
    Promise.all([database.get(META_FORMAT), database.get(META_CHAIN)]),
  )
  if (storedFormat === undefined || storedChain === undefined) {
    await checkEmpty(database, directory)
    await database.write(
      [
        { key: META_FORMAT, value: utf8(format) },
        { key: META_CHAIN, value: genesisHash },
      ],
      { sync: true },
    )
    return
  }
  const found = Buffer.from(storedFormat).toString('utf8')
  if (found !== format) throw otherFormat(directory, found, format)
  if (!equalBytes(storedChain, genesisHash)) {
    throw new CordonError(
      'other-chain',
      `${directory} belongs to chain ${toHex(storedChain.subarray(0, 8))}, the genesis file is of chain ${toHex(genesisHash.subarray(0, 8))}; use the directory of this chain, or another one`,
      { directory },
    )
  }
}

/** Only a new database may lack what is written into it first: nothing else says whose records these are. */
async function checkEmpty(database: Database, directory: string): Promise<void> {
  const keys = await reading(directory, database.keys({ limit: 1 }).all())
  if (keys.length === 0) return
  throw new CordonError(
    'data-inconsistent',
    `${directory} has records, but not the one that says of which format and chain; move the data/ folder away, leave signer/ where it is, and start again: the node syncs from its peers`,
    { directory },
  )
}

/** Formats up to 1 had no checksums behind their values, so the record of their name does not have one either. */
async function checkUnsealed(database: Database, directory: string, format: string): Promise<void> {
  const raw = await reading(directory, database.get(META_FORMAT, { valueEncoding: 'view' }))
  const found = Buffer.from(raw ?? []).toString('utf8')
  if (/^cordon-[a-z]+\/1$/.test(found)) throw otherFormat(directory, found, format)
}

function otherFormat(directory: string, found: string, expected: string): CordonError {
  return new CordonError(
    'format-version',
    `${directory} has format ${found}, this build reads ${expected}; run the version that wrote it, or move data/ away and let the node sync again`,
    { directory, found, expected },
  )
}

/** The message for a database that does not open. */
export function openError(directory: string, error: unknown): CordonError {
  const cause = (error as Error).cause
  if (levelCode(error) === 'LEVEL_LOCKED') {
    return new CordonError(
      'directory-locked',
      `${directory} is in use by another process; stop that one first, or use another directory`,
      { directory },
    )
  }
  return new CordonError(
    'data-inconsistent',
    `${directory} does not open (${cause instanceof Error ? cause.message : String(error)}); move the data/ folder away, leave signer/ where it is, and start again: the node syncs from its peers`,
    { directory },
  )
}
