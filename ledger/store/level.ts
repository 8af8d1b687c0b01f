/** A store in a LevelDB directory, each value with its checksum. */
import { CordonError } from '../../config/errors.ts'
import { Database } from './database.ts'
import { levelCode, reading } from './level-errors.ts'
import type { LedgerStore, RangeQuery, StoreChange, StoreRow } from './store.ts'

/** Told of a write that is under way, and when it is done; so that a test can end the process there. */
export interface WriteWatch {
  readonly writing: () => void
  readonly written: () => void
}

/** Changes kept in memory before LevelDB writes a table: bigger means fewer rewrites of pages that change often. */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024

export class LevelStore implements LedgerStore {
  readonly #directory: string
  readonly #level: Database

  readonly #watch: WriteWatch | null

  private constructor(directory: string, level: Database, watch: WriteWatch | null) {
    this.#directory = directory
    this.#level = level
    this.#watch = watch
  }

  /**
   * Opens the directory, making it if need be.
   * @throws CordonError `directory-locked`, `data-inconsistent`.
   */
  static async open(directory: string, watch: WriteWatch | null = null): Promise<LevelStore> {
    const level = new Database(directory, { writeBufferSize: WRITE_BUFFER_BYTES })
    try {
      await level.open()
    } catch (error) {
      throw openError(directory, error)
    }
    return new LevelStore(directory, level, watch)
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return reading(this.#directory, this.#level.get(key))
  }

  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return reading(this.#directory, this.#level.getMany([...keys]))
  }

  range({ from, to, newestFirst = false, limit }: RangeQuery): Promise<readonly StoreRow[]> {
    const rows = this.#level.iterator({ gte: from, lt: to, reverse: newestFirst, limit }).all()
    return reading(this.#directory, rows)
  }

  /** Not synced: what a power cut takes away is executed again from the final blocks, which are. */
  async write(changes: Iterable<StoreChange>): Promise<void> {
    const written = this.#level.write(changes)
    this.#watch?.writing()
    await written
    this.#watch?.written()
  }

  close(): Promise<void> {
    return this.#level.close()
  }
}

function openError(directory: string, error: unknown): unknown {
  const code = levelCode(error)
  if (code === 'LEVEL_LOCKED') {
    return new CordonError(
      'directory-locked',
      `another process uses ${directory}; stop it, or start with another directory`,
      { directory },
      { cause: error },
    )
  }
  if (code === 'LEVEL_CORRUPTION' || code === 'LEVEL_IO_ERROR') {
    return new CordonError(
      'data-inconsistent',
      `the ledger in ${directory} does not open (${String((error as Error).cause)}); delete this directory and start again: it is rebuilt from the final blocks`,
      { directory },
      { cause: error },
    )
  }
  return error
}
