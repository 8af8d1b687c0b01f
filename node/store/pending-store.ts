/**
 * The pending log on disk: transactions this node answered `accepted` for and whose end is not known yet, and for a
 * while the ids of those that expired. Written before `accepted` leaves (dissemination.md, Life of a batch 1).
 */
import { Writer, Reader } from '../../crypto/codec.ts'
import type { Database } from '../../ledger/store/database.ts'
import { readError, reading } from '../../ledger/store/level-errors.ts'
import type { StoreChange } from '../../ledger/store/store.ts'
import { NOTHING_FAILS, type Reached } from '../fail-points.ts'
import { CompleteReads } from './complete-reads.ts'
import { openDatabase } from './database.ts'
import { GroupCommit } from './group-commit.ts'

/** 2: values have a checksum. */
const FORMAT = 'cordon-pending/2'
/** First byte of a key: which table. `expiry` has the ids of `expired` by time. */
const TABLE = { pending: 1, expired: 2, expiry: 3 } as const
/** Table of the transactions that are pending; their ids follow. */
export const PENDING_TABLE: number = TABLE.pending
/** That long, by block time, a node can say of a transaction that it expired. */
const KEEP_EXPIRED_MS = 7 * 86_400_000

/** A transaction that will never be executed. */
export interface ExpiredTx {
  readonly txId: Uint8Array
  readonly validUntilMs: number
}

export class PendingStore {
  readonly #directory: string
  readonly #database: Database
  readonly #reads: CompleteReads
  readonly #commit: GroupCommit
  readonly #reached: Reached

  private constructor(directory: string, database: Database, reached: Reached) {
    this.#directory = directory
    this.#database = database
    this.#reads = new CompleteReads(directory)
    this.#reached = reached
    this.#commit = new GroupCommit(database)
  }

  static async open(
    directory: string,
    genesisHash: Uint8Array,
    reached: Reached = NOTHING_FAILS,
  ): Promise<PendingStore> {
    return new PendingStore(directory, await openDatabase(directory, FORMAT, genesisHash), reached)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  /** Resolves when the transaction is on disk. */
  async put(txId: Uint8Array, bytes: Uint8Array): Promise<void> {
    const written = this.#commit.write([{ key: key(TABLE.pending, txId), value: bytes }])
    this.#reached('tx-logging')
    await written
    this.#reached('tx-logged')
  }

  /** Forgets transactions whose end the ledger knows. May be lost in a crash: they end again. */
  async remove(txIds: readonly Uint8Array[]): Promise<void> {
    await this.#database.write(txIds.map((txId) => ({ key: key(TABLE.pending, txId), value: null })))
    this.#reached('pending-released')
  }

  /** Marks transactions as expired at this block time, so that the answer can be had later; forgets old marks. */
  async expire(entries: readonly ExpiredTx[], timeMs: number): Promise<void> {
    const changes: StoreChange[] = entries.flatMap(({ txId, validUntilMs }) => [
      { key: key(TABLE.pending, txId), value: null },
      { key: key(TABLE.expired, txId), value: new Writer(8).u48(validUntilMs).finish() },
      { key: expiryKey(timeMs, txId), value: new Uint8Array(0) },
    ])
    // Twice as many as come: so the old ones become fewer, however many there are.
    for (const old of await this.#expiredBefore(timeMs - KEEP_EXPIRED_MS, 2 * entries.length)) {
      changes.push({ key: old, value: null }, { key: key(TABLE.expired, old.subarray(9)), value: null })
    }
    await this.#commit.write(changes)
  }

  async #expiredBefore(timeMs: number, limit: number): Promise<Uint8Array[]> {
    if (timeMs <= 0 || limit === 0) return []
    const range = { gte: Uint8Array.of(TABLE.expiry), lt: expiryKey(timeMs), limit }
    return reading(this.#directory, this.#database.keys(range).all())
  }

  /** `validUntilMs` of a transaction that expired here, or null. */
  async expired(txId: Uint8Array): Promise<number | null> {
    const mark = key(TABLE.expired, txId)
    const value = await this.#reads.get(mark, reading(this.#directory, this.#database.get(mark)))
    return value === undefined ? null : new Reader(value).u48()
  }

  /** All pending transactions, to offer them again after a start. @throws CordonError `data-inconsistent` if one is damaged. */
  async *all(): AsyncGenerator<{ readonly txId: Uint8Array; readonly bytes: Uint8Array }> {
    const [from, to] = [Uint8Array.of(TABLE.pending), Uint8Array.of(TABLE.pending + 1)]
    try {
      for await (const [row, bytes] of this.#database.iterator({ gte: from, lt: to }))
        yield { txId: row.subarray(1), bytes }
    } catch (error) {
      throw readError(this.#directory, error)
    }
    await this.#reads.checkRange(from, to)
  }
}

function key(table: number, txId: Uint8Array): Uint8Array {
  return new Writer(33).u8(table).fixed(txId, 32).finish()
}

function expiryKey(timeMs: number, txId?: Uint8Array): Uint8Array {
  const writer = new Writer(41).u8(TABLE.expiry).u48(timeMs)
  return (txId === undefined ? writer : writer.fixed(txId, 32)).finish()
}
