/** A store in memory: for simulators and tests. It outlives the ledgers over it, like a directory. */
import { compareBytes, toHex } from '../../crypto/bytes.ts'
import type { LedgerStore, RangeQuery, StoreChange, StoreRow } from './store.ts'

export class MemoryStore implements LedgerStore {
  readonly #rows = new Map<string, StoreRow>()
  /** Rows in order, or null after a change of keys. */
  #sorted: StoreRow[] | null = null

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#rows.get(toHex(key))?.[1])
  }

  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return Promise.resolve(keys.map((key) => this.#rows.get(toHex(key))?.[1]))
  }

  range({ from, to, newestFirst, limit }: RangeQuery): Promise<readonly StoreRow[]> {
    this.#sorted ??= [...this.#rows.values()].sort((a, b) => compareBytes(a[0], b[0]))
    const start = lowerBound(this.#sorted, from)
    const end = Math.max(start, lowerBound(this.#sorted, to))
    if (newestFirst === true)
      return Promise.resolve(this.#sorted.slice(Math.max(start, end - limit), end).reverse())
    return Promise.resolve(this.#sorted.slice(start, Math.min(end, start + limit)))
  }

  write(changes: Iterable<StoreChange>): Promise<void> {
    // All of them first: one that cannot be made leaves everything as it is.
    for (const { key, value } of [...changes]) {
      if (value === null) this.#rows.delete(toHex(key))
      else this.#rows.set(toHex(key), [key, value])
    }
    this.#sorted = null
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** Position of the first row whose key is not below `key`. */
function lowerBound(rows: readonly StoreRow[], key: Uint8Array): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareBytes((rows[middle] as StoreRow)[0], key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
