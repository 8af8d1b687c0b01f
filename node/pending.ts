/**
 * Transactions on their way: from `accepted` until the ledger knows their end. Accepted ones are durable; those heard
 * on the `tx` topic are kept in memory only, by every validator, in case the one whose turn it is does nothing.
 *
 * When a transaction is offered to the batch builder:
 * - accepted here and this node is a validator: at once;
 * - heard by gossip: after `rank × TAKEOVER_MS`, the rank coming from `assignment.ts`;
 * - again, whenever the batch it went into can no longer be executed (by finalized block time, never by a local clock);
 * - after it was void for its sequence: when its sender has got there (`unpark`).
 */
import { toHex } from '../crypto/bytes.ts'
import { LIMITS } from '../config/limits.ts'
import type { Share } from './congestion.ts'
import { holderOf, type Source } from './source.ts'
import type { ExpiredTx, PendingStore } from './store/pending-store.ts'
import { Timetable } from './timetable.ts'

/** A validator of rank k takes a gossiped transaction over after k times this. */
export const TAKEOVER_MS = 500
/** A full node hands a transaction to another validator after this time without an end. */
const HANDOVER_INTERVAL_MS = 1_000

export interface PendingTx {
  readonly id: Uint8Array
  /** Hex of `id`. */
  readonly name: string
  readonly bytes: Uint8Array
  /** Hex account id. */
  readonly sender: string
  /** 0: unordered. */
  readonly sequence: bigint
  readonly validUntilMs: number
  /** What it takes from the sender at most: amounts and fee. */
  readonly outgoing: bigint
}

interface Entry {
  readonly tx: PendingTx
  /** Answered `accepted` here, or about to be: settles when it is on disk. Null: heard by gossip only. */
  durable: Promise<void> | null
  /** Who brought it; null: nobody who shares with others. */
  readonly source: Source | null
}

interface Sender {
  amount: bigint
  count: number
  /** Of ordered transactions, with how many have each. Null, as most have it: there was none. */
  sequences: Map<bigint, number> | null
  /** Names of transactions that were void for their sequence. Null: there was none. */
  parked: Set<string> | null
}

export class PendingTransactions {
  readonly #store: PendingStore
  readonly #batchTtlMs: number
  readonly #entries: Map<string, Entry> = new Map()
  readonly #senders: Map<string, Sender> = new Map()
  /** How many came from each open connection, and otherwise from each origin. */
  readonly #sources: Map<Source | string, number> = new Map()
  /** Senders with parked transactions, the one longest not looked at first. */
  readonly #parkedSenders: Set<string> = new Set()
  /** When to offer: monotonic time. */
  readonly #due = new Timetable()
  /** When offered last: wall time. */
  readonly #offered = new Timetable()
  /** When they expire: block time. */
  readonly #validity = new Timetable()
  /** When to hand accepted ones over: monotonic time. */
  readonly #handover = new Timetable()
  #bytes = 0

  constructor(store: PendingStore, batchTtlMs: number) {
    this.#store = store
    this.#batchTtlMs = batchTtlMs
  }

  get size(): number {
    return this.#entries.size
  }

  get full(): boolean {
    return this.#entries.size >= LIMITS.pendingTxs || this.#bytes >= LIMITS.pendingBytes
  }

  get(name: string): PendingTx | null {
    return this.#entries.get(name)?.tx ?? null
  }

  /** What the account's pending transactions may take, in uCRD, and how many there are. */
  outgoing(sender: string): { readonly amount: bigint; readonly count: number } {
    const { amount, count } = this.#senders.get(sender) ?? { amount: 0n, count: 0 }
    return { amount, count }
  }

  /** What a source, and an account, has of those on their way. */
  sharesOf(source: Source, sender: string): readonly Share[] {
    this.#foldClosed()
    const ofOrigin = this.#sources.get(source.origin) ?? 0
    const ofSource = ofOrigin + (this.#sources.get(source) ?? 0)
    const ofSender = this.#senders.get(sender)?.count ?? 0
    return [
      { own: ofSource, holders: this.#sources.size + (ofSource === 0 ? 1 : 0) },
      { own: ofSender, holders: this.#senders.size + (ofSender === 0 ? 1 : 0) },
    ]
  }

  /** What closed connections left counts for where they came from. */
  #foldClosed(): void {
    for (const [source, count] of this.#sources) {
      if (typeof source === 'string' || source.isOpen) continue
      this.#sources.delete(source)
      this.#count(source.origin, count)
    }
  }

  /** Whether a transaction of this account with this sequence is on its way. */
  hasSequence(sender: string, sequence: bigint): boolean {
    return this.#senders.get(sender)?.sequences?.has(sequence) === true
  }

  /**
   * Pending, then durable. Resolves when `accepted` may be answered: also for one that was heard by gossip, and for one
   * whose first submission is still on its way to the disk.
   * @param nowMs monotonic.
   * @param source who brings it; null: nobody who shares with others.
   */
  accept(tx: PendingTx, nowMs: number, source: Source | null = null): Promise<void> {
    const held = this.#entries.get(tx.name)
    if (held !== undefined && held.durable !== null) return held.durable
    const entry = held ?? this.#add(tx, nowMs, source)
    if (this.#due.has(tx.name)) this.#due.set(tx.name, nowMs)
    this.#handover.set(tx.name, nowMs + HANDOVER_INTERVAL_MS)
    entry.durable = this.#log(entry, held === undefined)
    return entry.durable
  }

  async #log(entry: Entry, isNew: boolean): Promise<void> {
    const { id, name, bytes } = entry.tx
    try {
      await this.#store.put(id, bytes)
    } catch (error) {
      entry.durable = null
      this.#handover.delete(name)
      if (isNew && this.#entries.get(name) === entry) this.#drop(name)
      throw error
    }
    // It ended before it was on disk: nobody else would take it off again.
    if (this.#entries.get(name) !== entry) await this.#store.remove([id])
  }

  /** From gossip: to be offered at `dueMs`, monotonic. */
  track(tx: PendingTx, dueMs: number): void {
    if (!this.#entries.has(tx.name)) this.#add(tx, dueMs)
  }

  /** From the log, at start; `offeredMs`, wall time, if it is in a batch of this node that is sent again. */
  restore(tx: PendingTx, offeredMs: number | null): void {
    if (this.#entries.has(tx.name)) return
    this.#add(tx, 0).durable = Promise.resolve()
    this.#handover.set(tx.name, 0)
    if (offeredMs === null) return
    this.#due.delete(tx.name)
    this.#offered.set(tx.name, offeredMs)
  }

  /** Transactions to put into a batch now; they count as offered from here on. */
  takeDue(monotonicMs: number, wallMs: number, max: number): Uint8Array[] {
    const due: Uint8Array[] = []
    while (due.length < max) {
      const name = this.#due.takeDue(monotonicMs)
      if (name === null) break
      this.#offered.set(name, wallMs)
      due.push((this.#entries.get(name) as Entry).tx.bytes)
    }
    return due
  }

  /** Monotonic time at which something may be offered next; Infinity if nothing waits. */
  nextDueMs(): number {
    return this.#due.nextMs
  }

  /** Accepted transactions without an end for a while, the longest not handed over first. */
  takeForHandover(nowMs: number, max: number): Uint8Array[] {
    const txs: Uint8Array[] = []
    const names: string[] = []
    while (txs.length < max) {
      const name = this.#handover.takeDue(nowMs)
      if (name === null) break
      names.push(name)
      txs.push((this.#entries.get(name) as Entry).tx.bytes)
    }
    for (const name of names) this.#handover.set(name, nowMs + HANDOVER_INTERVAL_MS)
    return txs
  }

  /** These are final. @returns how many of them were on their way here. */
  settle(names: Iterable<string>): number {
    const logged: Uint8Array[] = []
    let settled = 0
    for (const name of names) {
      const entry = this.#drop(name)
      if (entry === null) continue
      settled++
      if (entry.durable !== null) logged.push(entry.tx.id)
    }
    // Not waited for: what comes back after a crash is found in the ledger then. A store that fails refuses the next put.
    if (logged.length > 0) this.#store.remove(logged).catch(() => undefined)
    return settled
  }

  /** These were in a batch that did not count; they go into another one. */
  offerAgain(names: Iterable<string>): void {
    for (const name of names) if (this.#entries.has(name) && !this.#due.has(name)) this.#offer(name)
  }

  /** These were void for their sequence: they wait until their sender gets there, without being offered again. */
  park(names: Iterable<string>): void {
    for (const name of names) {
      const entry = this.#entries.get(name)
      if (entry === undefined || entry.tx.sequence === 0n) continue
      this.#due.delete(name)
      this.#offered.delete(name)
      const sender = this.#senders.get(entry.tx.sender) as Sender
      sender.parked ??= new Set()
      sender.parked.add(name)
      this.#parkedSenders.add(entry.tx.sender)
    }
  }

  /** Accounts with parked transactions; another part of them each time, so that each has its turn. */
  takeParkedSenders(max: number): string[] {
    const senders: string[] = []
    for (const sender of this.#parkedSenders) {
      if (senders.length >= max) break
      senders.push(sender)
    }
    for (const sender of senders) {
      this.#parkedSenders.delete(sender)
      this.#parkedSenders.add(sender)
    }
    return senders
  }

  /**
   * The account has executed up to this sequence: offers the parked transactions that come next.
   * @returns parked ones that come too late: another transaction had their sequence.
   */
  unpark(sender: string, sequence: bigint): PendingTx[] {
    const parked = [...(this.#senders.get(sender)?.parked ?? [])]
      .map((name) => (this.#entries.get(name) as Entry).tx)
      .sort((a, b) => (a.sequence < b.sequence ? -1 : 1))
    let next = sequence + 1n
    for (const tx of parked) {
      if (tx.sequence !== next) continue
      this.#offer(tx.name)
      next++
    }
    return parked.filter((tx) => tx.sequence <= sequence)
  }

  /**
   * Moves with executed block time: ends what is past its validity and offers again what sat in a batch that is void.
   * @returns the names of those that expired.
   */
  async advance(executedTimeMs: number): Promise<string[]> {
    for (;;) {
      const name = this.#offered.takeDue(executedTimeMs - this.#batchTtlMs - 1)
      if (name === null) break
      this.#offer(name)
    }
    const expired: string[] = []
    for (;;) {
      const name = this.#validity.takeDue(executedTimeMs - 1)
      if (name === null) break
      expired.push(name)
    }
    await this.expire(expired, executedTimeMs)
    return expired
  }

  /** At this block time it is certain that these will never be executed. */
  async expire(names: readonly string[], executedTimeMs: number): Promise<void> {
    const logged: ExpiredTx[] = []
    for (const name of names) {
      const entry = this.#entries.get(name)
      if (entry === undefined || entry.durable === null) continue
      logged.push({ txId: entry.tx.id, validUntilMs: entry.tx.validUntilMs })
    }
    if (logged.length > 0) await this.#store.expire(logged, executedTimeMs)
    for (const name of names) this.#drop(name)
  }

  /** `validUntilMs` of a transaction accepted here that expired, or null. */
  expired(id: Uint8Array): Promise<number | null> {
    return this.#store.expired(id)
  }

  #offer(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#unparkOne(entry.tx)
    this.#offered.delete(name)
    this.#due.set(name, 0)
  }

  #add(tx: PendingTx, dueMs: number, source: Source | null = null): Entry {
    const entry: Entry = { tx, durable: null, source }
    if (source !== null) this.#count(holderOf(source), 1)
    this.#entries.set(tx.name, entry)
    this.#due.set(tx.name, dueMs)
    this.#validity.set(tx.name, tx.validUntilMs)
    this.#bytes += tx.bytes.length
    const sender = this.#senders.get(tx.sender) ?? newSender()
    this.#senders.set(tx.sender, sender)
    sender.amount += tx.outgoing
    sender.count++
    if (tx.sequence > 0n) {
      sender.sequences ??= new Map()
      sender.sequences.set(tx.sequence, (sender.sequences.get(tx.sequence) ?? 0) + 1)
    }
    return entry
  }

  #drop(name: string): Entry | null {
    const entry = this.#entries.get(name)
    if (entry === undefined) return null
    const { tx, source } = entry
    this.#entries.delete(name)
    if (source !== null) this.#count(this.#sources.has(source) ? source : source.origin, -1)
    for (const timetable of [this.#due, this.#offered, this.#validity, this.#handover]) timetable.delete(name)
    this.#bytes -= tx.bytes.length
    this.#unparkOne(tx)
    const sender = this.#senders.get(tx.sender) as Sender
    sender.amount -= tx.outgoing
    sender.count--
    const same = sender.sequences?.get(tx.sequence) ?? 0
    if (same > 1) sender.sequences?.set(tx.sequence, same - 1)
    else sender.sequences?.delete(tx.sequence)
    if (sender.count === 0) this.#senders.delete(tx.sender)
    return entry
  }

  #count(holder: Source | string, more: number): void {
    const count = (this.#sources.get(holder) ?? 0) + more
    if (count > 0) this.#sources.set(holder, count)
    else this.#sources.delete(holder)
  }

  #unparkOne({ sender, name }: PendingTx): void {
    const parked = this.#senders.get(sender)?.parked
    if (parked?.delete(name) === true && parked.size === 0) this.#parkedSenders.delete(sender)
  }
}

function newSender(): Sender {
  return { amount: 0n, count: 0, sequences: null, parked: null }
}

/** Name of a transaction in maps. */
export function txName(id: Uint8Array): string {
  return toHex(id)
}
