/** A store in a LevelDB directory. */
import { Level } from 'level'
import { CordonError } from '../../config/errors.ts'
import type { LedgerStore, RangeQuery, StoreChange, StoreRow } from './store.ts'

/** Told of a write that is under way, and when it is done; so that a test can end the process there. */
export interface WriteWatch {
  readonly writing: () => void
  readonly written: () => void
}

/** Changes kept in memory before LevelDB writes a table: bigger means fewer rewrites of pages that change often. */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024

export class LevelStore implements LedgerStore {
  readonly #level: Level<Uint8Array, Uint8Array>

  readonly #watch: WriteWatch | null

  private constructor(level: Level<Uint8Array, Uint8Array>, watch: WriteWatch | null) {
    this.#level = level
    this.#watch = watch
  }

  /**
   * Opens the directory, making it if need be.
   * @throws CordonError `directory-locked`, `data-inconsistent`.
   */
  static async open(directory: string, watch: WriteWatch | null = null): Promise<LevelStore> {
    const level = new Level<Uint8Array, Uint8Array>(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      writeBufferSize: WRITE_BUFFER_BYTES,
    })
    try {
      await level.open()
    } catch (error) {
      throw openError(directory, error)
    }
    return new LevelStore(level, watch)
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#level.get(key)
  }

  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#level.getMany([...keys])
  }

  range({ from, to, newestFirst = false, limit }: RangeQuery): Promise<readonly StoreRow[]> {
    return this.#level.iterator({ gte: from, lt: to, reverse: newestFirst, limit }).all()
  }

  /** Not synced: what a power cut takes away is executed again from the final blocks, which are. */
  async write(changes: readonly StoreChange[]): Promise<void> {
    const written = this.#level.batch(
      changes.map(({ key, value }) =>
        value === null ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
      ),
    )
    this.#watch?.writing()
    await written
    this.#watch?.written()
  }

  close(): Promise<void> {
    return this.#level.close()
  }
}

function openError(directory: string, error: unknown): unknown {
  const cause: unknown = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'LEVEL_LOCKED') {
    return new CordonError(
      'directory-locked',
      `another process uses ${directory}; stop it, or start with another directory`,
      { directory },
      { cause: error },
    )
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new CordonError(
      'data-inconsistent',
      `the ledger in ${directory} is damaged; delete this directory and start again: it is rebuilt from the final blocks`,
      { directory },
      { cause: error },
    )
  }
  return error
}
