/** A journal in memory that can crash: what was not synced is lost, in whole or in part, as a disk would lose it. */
import type { JournalStorage } from '../../consensus/journal.ts'

export type CrashPoint = 'append' | 'sync' | 'replace'

export class MemoryJournal implements JournalStorage {
  #durable: Uint8Array
  #volatile: Uint8Array = new Uint8Array()
  /** The next call of this kind does its work in full, then fails: a crash right after it. */
  failAfter: CrashPoint | null = null
  syncs = 0

  constructor(durable: Uint8Array = new Uint8Array()) {
    this.#durable = durable
  }

  async readAll(): Promise<Uint8Array> {
    return Buffer.concat([this.#durable, this.#volatile])
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#volatile = Buffer.concat([this.#volatile, bytes])
    this.#crashIf('append')
  }

  async sync(): Promise<void> {
    this.#durable = await this.readAll()
    this.#volatile = new Uint8Array()
    this.syncs++
    this.#crashIf('sync')
  }

  async replace(bytes: Uint8Array): Promise<void> {
    this.#durable = Uint8Array.from(bytes)
    this.#volatile = new Uint8Array()
    this.#crashIf('replace')
  }

  async close(): Promise<void> {
    // nothing is held open
  }

  #crashIf(point: CrashPoint): void {
    if (this.failAfter === point) throw new Error(`crashed after ${point}`)
  }

  /** What a restart finds: all that was synced, and the first `kept` bytes of the rest. */
  afterCrash(kept = 0): MemoryJournal {
    return new MemoryJournal(Buffer.concat([this.#durable, this.#volatile.subarray(0, kept)]))
  }

  get unsyncedBytes(): number {
    return this.#volatile.length
  }

  get bytes(): Uint8Array {
    return Buffer.concat([this.#durable, this.#volatile])
  }
}
