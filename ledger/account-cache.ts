/** Decoded accounts in memory, so that a payment does not read and hash for each of its parties. */
import { accountKey, type AccountEntry } from './entries.ts'
import type { Bytes32 } from './types.ts'

interface CachedAccount {
  /** Key in the state tree. */
  readonly key: Bytes32
  /** As last written; null: no such account. */
  readonly entry: AccountEntry | null
}

export class AccountCache {
  readonly #capacity: number
  /** Least recently written first. */
  readonly #accounts = new Map<string, CachedAccount>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(key: string): CachedAccount | undefined {
    return this.#accounts.get(key)
  }

  /** Key in the state tree of an account, cached or not. */
  treeKey(key: string, id: Bytes32): Bytes32 {
    return this.#accounts.get(key)?.key ?? accountKey(id)
  }

  set(key: string, cached: CachedAccount): void {
    this.#accounts.delete(key)
    this.#accounts.set(key, cached)
  }

  /** Forgets the oldest above capacity. */
  trim(): void {
    for (const key of this.#accounts.keys()) {
      if (this.#accounts.size <= this.#capacity) return
      this.#accounts.delete(key)
    }
  }
}
