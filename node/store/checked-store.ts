/**
 * The store of a ledger, whose answers are complete or none: that a key is not there, or nothing more in a range, is only
 * said once the blocks that LevelDB looked at have their checksums. A value that is found has a checksum of its own.
 */
import { LevelStore, type WriteWatch } from '../../ledger/store/level.ts'
import type { LedgerStore, RangeQuery, StoreChange, StoreRow } from '../../ledger/store/store.ts'
import { CompleteReads } from './complete-reads.ts'

export class CheckedStore implements LedgerStore {
  readonly #store: LevelStore
  readonly #reads: CompleteReads

  private constructor(store: LevelStore, reads: CompleteReads) {
    this.#store = store
    this.#reads = reads
  }

  /** @throws CordonError as `LevelStore.open`, and all methods here `data-inconsistent`. */
  static async open(directory: string, watch: WriteWatch | null = null): Promise<CheckedStore> {
    return new CheckedStore(await LevelStore.open(directory, watch), new CompleteReads(directory))
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#reads.get(key, this.#store.get(key))
  }

  /** Asked for pages of the state alone: one that is missing is noticed, because its hash is known. */
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#store.getMany(keys)
  }

  range(query: RangeQuery): Promise<readonly StoreRow[]> {
    return this.#reads.range(query, this.#store.range(query))
  }

  write(changes: Iterable<StoreChange>): Promise<void> {
    return this.#store.write(changes)
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
