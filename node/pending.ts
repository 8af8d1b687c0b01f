/**
 * Transactions on their way: from `accepted` until the ledger knows their end. Accepted ones are durable; those heard
 * on the `tx` topic are kept in memory only, by every validator, in case the one whose turn it is does nothing.
 *
 * When a transaction is offered to the batch builder:
 * - accepted here and this node is a validator: at once;
 * - heard by gossip: after `rank × TAKEOVER_MS`, the rank coming from `assignment.ts`;
 * - again, whenever the batch it went into can no longer be executed (by finalized block time, never by a local clock).
 */
import { toHex } from '../crypto/bytes.ts'
import { LIMITS } from '../config/limits.ts'
import type { PendingStore } from './store/pending-store.ts'

/** A validator of rank k takes a gossiped transaction over after k times this. */
export const TAKEOVER_MS = 500

export interface PendingTx {
  readonly id: Uint8Array
  /** Hex of `id`. */
  readonly name: string
  readonly bytes: Uint8Array
  /** Hex account id. */
  readonly sender: string
  readonly validUntilMs: number
  /** What it takes from the sender at most: amounts and fee. */
  readonly outgoing: bigint
  /** Answered `accepted` here. */
  readonly accepted: boolean
}

interface Entry {
  readonly tx: PendingTx
  /** Monotonic time at which it may be offered first. */
  readonly dueMs: number
  /** Wall time of the newest offer, or null. */
  offeredMs: number | null
}

export class PendingTransactions {
  readonly #store: PendingStore
  readonly #batchTtlMs: number
  readonly #entries: Map<string, Entry> = new Map()
  readonly #outgoing: Map<string, { amount: bigint; count: number }> = new Map()
  /** Names not offered yet, in order of arrival; those with a later `dueMs` stay. */
  #waiting: Set<string> = new Set()

  constructor(store: PendingStore, batchTtlMs: number) {
    this.#store = store
    this.#batchTtlMs = batchTtlMs
  }

  get size(): number {
    return this.#entries.size
  }

  get full(): boolean {
    return this.#entries.size >= LIMITS.pendingTxs
  }

  get(name: string): PendingTx | null {
    return this.#entries.get(name)?.tx ?? null
  }

  /** What the account's pending transactions may take, in uCRD, and how many there are. */
  outgoing(sender: string): { readonly amount: bigint; readonly count: number } {
    return this.#outgoing.get(sender) ?? { amount: 0n, count: 0 }
  }

  /** Durable, then pending. Resolves when `accepted` may be answered. */
  async accept(tx: PendingTx, dueMs: number): Promise<void> {
    this.#add(tx, dueMs, null)
    try {
      await this.#store.put(tx.id, tx.bytes)
    } catch (error) {
      this.#drop(tx.name)
      throw error
    }
  }

  /** From gossip, or from the log at start; `offeredMs` if it is known to be in a batch already. */
  track(tx: PendingTx, dueMs: number, offeredMs: number | null): void {
    const held = this.#entries.get(tx.name)
    if (held === undefined) this.#add(tx, dueMs, offeredMs)
  }

  /** Transactions to put into a batch now; they count as offered from here on. */
  takeDue(monotonicMs: number, wallMs: number, max: number): Uint8Array[] {
    const due: Uint8Array[] = []
    for (const name of this.#waiting) {
      if (due.length >= max) break
      const entry = this.#entries.get(name)
      if (entry !== undefined && entry.dueMs > monotonicMs) continue
      this.#waiting.delete(name)
      if (entry === undefined) continue
      entry.offeredMs = wallMs
      due.push(entry.tx.bytes)
    }
    return due
  }

  /** Monotonic time at which something may be offered next; Infinity if nothing waits. */
  nextDueMs(): number {
    let earliest = Infinity
    for (const name of this.#waiting)
      earliest = Math.min(earliest, this.#entries.get(name)?.dueMs ?? Infinity)
    return earliest
  }

  /** Accepted transactions whose end is not known, oldest first. */
  unfinished(max: number): Uint8Array[] {
    const txs: Uint8Array[] = []
    for (const entry of this.#entries.values()) {
      if (txs.length >= max) break
      if (entry.tx.accepted) txs.push(entry.tx.bytes)
    }
    return txs
  }

  /** These are final. */
  settle(names: Iterable<string>): void {
    const ended: Uint8Array[] = []
    for (const name of names) {
      const tx = this.#drop(name)
      if (tx?.accepted === true) ended.push(tx.id)
    }
    if (ended.length > 0) void this.#store.remove(ended).catch(() => undefined) // they would end again after a restart
  }

  /** These were in a batch that did not count; they go into another one. */
  offerAgain(names: Iterable<string>): void {
    for (const name of names) if (this.#entries.has(name)) this.#waiting.add(name)
  }

  /**
   * Moves with executed block time: ends what is past its validity and offers again what sat in a batch that is void.
   * @returns the names of those that expired.
   */
  async advance(executedTimeMs: number): Promise<string[]> {
    const expired: PendingTx[] = []
    for (const [name, entry] of this.#entries) {
      if (entry.tx.validUntilMs < executedTimeMs) expired.push(entry.tx)
      else if (entry.offeredMs !== null && entry.offeredMs + this.#batchTtlMs < executedTimeMs)
        this.#waiting.add(name)
    }
    for (const tx of expired) this.#drop(tx.name)
    const marked = expired.filter((tx) => tx.accepted)
    if (marked.length > 0)
      await this.#store.expire(marked.map((tx) => ({ txId: tx.id, validUntilMs: tx.validUntilMs })))
    return expired.map((tx) => tx.name)
  }

  /** `validUntilMs` of a transaction accepted here that expired, or null. */
  expired(id: Uint8Array): Promise<number | null> {
    return this.#store.expired(id)
  }

  #add(tx: PendingTx, dueMs: number, offeredMs: number | null): void {
    this.#entries.set(tx.name, { tx, dueMs, offeredMs })
    if (offeredMs === null) this.#waiting.add(tx.name)
    const sum = this.outgoing(tx.sender)
    this.#outgoing.set(tx.sender, { amount: sum.amount + tx.outgoing, count: sum.count + 1 })
  }

  #drop(name: string): PendingTx | null {
    const entry = this.#entries.get(name)
    if (entry === undefined) return null
    this.#entries.delete(name)
    this.#waiting.delete(name)
    const sum = this.outgoing(entry.tx.sender)
    if (sum.count <= 1) this.#outgoing.delete(entry.tx.sender)
    else this.#outgoing.set(entry.tx.sender, { amount: sum.amount - entry.tx.outgoing, count: sum.count - 1 })
    return entry.tx
  }
}

/** Name of a transaction in maps. */
export function txName(id: Uint8Array): string {
  return toHex(id)
}
