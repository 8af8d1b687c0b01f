/**
 * The storage a ledger needs: an ordered map of byte strings that takes a batch of changes as one. `level.ts` keeps it
 * in a LevelDB directory, `memory.ts` in memory; both pass `test/ledger/store-contract.ts`.
 */
export interface StoreChange {
  readonly key: Uint8Array
  /** Null: delete. */
  readonly value: Uint8Array | null
}

export interface RangeQuery {
  /** First key that may be returned. */
  readonly from: Uint8Array
  /** First key beyond the range. */
  readonly to: Uint8Array
  readonly newestFirst?: boolean
  readonly limit: number
}

export type StoreRow = readonly [key: Uint8Array, value: Uint8Array]

export interface LedgerStore {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** In the order of `keys`. */
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  /** Rows with `from` ≤ key < `to`, by key in byte order. */
  range(query: RangeQuery): Promise<readonly StoreRow[]>
  /** All changes or none; later reads see them. What is written must not be changed afterwards. */
  write(changes: Iterable<StoreChange>): Promise<void>
  close(): Promise<void>
}
