/**
 * Disks of simulated nodes. What was written and not synced is lost in a crash: the journal keeps some prefix of the
 * bytes, which may end in the middle of a record, the database some prefix of its write batches. What was synced stays, but
 * for a bit that flips.
 */
import { mapKey } from '../../crypto/bytes.ts'
import type { JournalStorage } from '../../consensus/journal.ts'
import { SEALED } from '../../ledger/store/sealed.ts'
import type { ChainDatabase } from '../../node/store/chain-store.ts'
import type { StoreChange } from '../../ledger/store/store.ts'
import type { Prng } from './prng.ts'

/** A moment at which a process can be killed so that more or less of its last step survives. */
export type Boundary =
  | 'store-full'
  | 'journal-full'
  | 'store-appended'
  | 'store-synced'
  | 'journal-appended'
  | 'journal-synced'
  | 'journal-replaced'
  | 'sent-some'

/** Thrown out of a write when the crash plan kills the node there. */
export class Killed extends Error {}

export class VirtualJournal implements JournalStorage {
  /** One after another; joined when somebody looks at them. */
  #durable: Buffer[] = []
  #volatile: Buffer = Buffer.alloc(0)
  /** What was synced; behind it a crash may have left a part of what was not. */
  #syncedBytes = 0
  #durableBytes = 0
  #flipped = false
  /** Told of every boundary; throws `Killed` to die there. */
  onBoundary: (boundary: Boundary) => void = () => undefined

  readAll(): Promise<Uint8Array> {
    return Promise.resolve(Buffer.concat([...this.#durable, this.#volatile]))
  }

  async append(bytes: Uint8Array): Promise<void> {
    // Of a record that did not fit any part may be there.
    this.#volatile = Buffer.concat([this.#volatile, bytes])
    this.onBoundary('journal-full')
    await Promise.resolve()
    this.onBoundary('journal-appended')
  }

  async sync(): Promise<void> {
    this.#keep(this.#volatile)
    this.#syncedBytes = this.#durableBytes
    await Promise.resolve()
    this.onBoundary('journal-synced')
  }

  async replace(bytes: Uint8Array): Promise<void> {
    this.#put(bytes)
    await Promise.resolve()
    this.onBoundary('journal-replaced')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  crash(prng: Prng): void {
    this.#keep(this.#volatile.subarray(0, prng.int(0, this.#volatile.length)))
  }

  #keep(written: Buffer): void {
    this.#durable.push(written)
    this.#durableBytes += written.length
    this.#volatile = Buffer.alloc(0)
  }

  /** Whether a bit of what was synced has flipped. */
  get damaged(): boolean {
    return this.#flipped
  }

  /** Flips a bit of what was synced, if there is anything. */
  flip(prng: Prng): void {
    if (this.#syncedBytes === 0) return
    const joined = Buffer.concat(this.#durable)
    flipBit(joined.subarray(0, this.#syncedBytes), prng)
    this.#durable = [joined]
    this.#flipped = true
  }

  /** The file is gone. */
  lose(): void {
    this.#put(new Uint8Array())
  }

  #put(bytes: Uint8Array): void {
    this.#durable = [Buffer.from(bytes)]
    this.#durableBytes = bytes.length
    this.#volatile = Buffer.alloc(0)
    this.#syncedBytes = bytes.length
    this.#flipped = false
  }
}

/** A row is written, or deleted if it has no value. */
interface Write {
  readonly name: string
  readonly value: Uint8Array | null
}

interface WriteBatch {
  readonly writes: readonly Write[]
  /** Part of the sync under way; else the machine writes it when it likes. */
  readonly sync: boolean
}

type KeyRange = Parameters<ChainDatabase['clear']>[0]

/**
 * Under the production chain store, in place of LevelDB. Rows get the checksums that it gives them as soon as that makes a
 * difference: when a bit flips.
 */
export class VirtualDatabase implements ChainDatabase {
  readonly #durable = new Map<string, Uint8Array>()
  /** Write batches that are not synced, oldest first. */
  #unsynced: WriteBatch[] = []
  /** What reads find of them; null: deleted. */
  readonly #overlay = new Map<string, Uint8Array | null>()
  /** Durable values in which a bit has flipped, as they stand on the disk. */
  readonly #flipped = new Map<string, Uint8Array>()

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return Promise.resolve(mapKey(key)).then((name) => this.#read(name))
  }

  #read(name: string): Uint8Array | undefined {
    const written = this.#overlay.get(name)
    if (written !== undefined) return written ?? undefined
    const flipped = this.#flipped.get(name)
    return flipped === undefined ? this.#durable.get(name) : unseal(flipped)
  }

  #has(name: string): boolean {
    const written = this.#overlay.get(name)
    return written === undefined ? this.#durable.has(name) : written !== null
  }

  /** Durable after the next `sync` of the simulated disk, whenever this resolves. */
  write(changes: readonly StoreChange[], { sync = false } = {}): Promise<void> {
    const writes = changes.map(({ key, value }) => ({ name: mapKey(key), value }))
    this.#unsynced.push({ writes, sync })
    for (const { name, value } of writes) this.#overlay.set(name, value)
    return Promise.resolve()
  }

  iterator({ reverse, limit, ...range }: KeyRange & { readonly reverse: boolean; readonly limit: number }): {
    all: () => Promise<[Uint8Array, Uint8Array][]>
  } {
    return {
      all: async () => {
        const names = this.#names(range)
        const rows: [Uint8Array, Uint8Array][] = []
        for (const name of (reverse ? names.reverse() : names).slice(0, limit)) {
          const value = await this.get(bytesOf(name))
          if (value !== undefined) rows.push([bytesOf(name), value])
        }
        return rows
      },
    }
  }

  async clear(range: KeyRange): Promise<void> {
    await this.write(this.#names(range).map((name) => ({ key: bytesOf(name), value: null })))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** Keys in a range, ascending. */
  #names({ gte, lt }: KeyRange): string[] {
    const [from, to] = [mapKey(gte), mapKey(lt)]
    const found = new Set<string>()
    for (const names of [this.#durable.keys(), this.#overlay.keys()])
      for (const name of names) if (name >= from && name < to && this.#has(name)) found.add(name)
    return [...found].sort()
  }

  /** Everything written so far survives from now on. */
  sync(): void {
    for (const { writes } of this.#unsynced) for (const write of writes) this.#apply(write)
    this.#unsynced = []
    this.#overlay.clear()
  }

  #apply({ name, value }: Write): void {
    this.#flipped.delete(name)
    if (value === null) this.#durable.delete(name)
    else this.#durable.set(name, value)
  }

  crash(prng: Prng): void {
    const keepsLazy = prng.chance(0.5)
    const synced = this.#unsynced.filter(({ sync }) => sync)
    const kept = new Set(synced.slice(0, prng.int(0, synced.length)))
    this.#unsynced = this.#unsynced.filter((batch) => (batch.sync ? kept.has(batch) : keepsLazy))
    this.sync()
  }

  /** Flips a bit of a synced value, of each table as likely, if there is any. */
  flip(prng: Prng): void {
    const tables = [...new Set([...this.#durable.keys()].map((name) => name[0]))].sort()
    if (tables.length === 0) return
    const table = prng.pick(tables)
    const name = prng.pick([...this.#durable.keys()].filter((key) => key[0] === table).sort())
    const stored = this.#flipped.get(name) ?? SEALED.encode(this.#durable.get(name) as Uint8Array)
    flipBit(stored, prng)
    this.#flipped.set(name, stored)
  }

  /** Whether the value of some row is not what was written, as a look at all files would show. */
  get damaged(): boolean {
    return this.#flipped.size > 0
  }
}

/** @throws what `level` throws for a value that its encoding refuses. */
export function unseal(stored: Uint8Array): Uint8Array {
  try {
    return SEALED.decode(stored)
  } catch (cause) {
    throw Object.assign(new Error('could not decode value', { cause }), { code: 'LEVEL_DECODE_ERROR' })
  }
}

export function flipBit(bytes: Uint8Array, prng: Prng): void {
  const at = prng.below(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << prng.below(8))
}

function bytesOf(name: string): Uint8Array {
  return Buffer.from(name, 'latin1')
}
