/** What LevelDB's errors mean for an operator. */
import { CordonError } from '../../config/errors.ts'

const DAMAGE_CODES: readonly unknown[] = ['LEVEL_CORRUPTION', 'LEVEL_DECODE_ERROR', 'LEVEL_IO_ERROR']

/** Code of an error of `level`, or of what it wraps. */
export function levelCode(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined
  const code: unknown = 'code' in error ? error.code : undefined
  return code === 'LEVEL_DATABASE_NOT_OPEN' && error.cause !== undefined ? levelCode(error.cause) : code
}

/** Reads from the database in `directory`. @throws CordonError `data-inconsistent` for a damaged record. */
export async function reading<T>(directory: string, read: Promise<T>): Promise<T> {
  try {
    return await read
  } catch (error) {
    throw readError(directory, error)
  }
}

/** What to throw for an error of `level` while it reads: unlike others, damage has a way out. */
export function readError(directory: string, error: unknown): unknown {
  if (!DAMAGE_CODES.includes(levelCode(error))) return error
  const { message, cause } = error as Error
  return new CordonError(
    'data-inconsistent',
    `${directory} has a damaged record (${cause instanceof Error ? cause.message : message}); move the data/ folder away, leave signer/ where it is, and start again: the node syncs from its peers`,
    { directory },
    { cause: error },
  )
}
