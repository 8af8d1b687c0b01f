/**
 * The pending log on disk: transactions this node answered `accepted` for and whose end is not known yet, and for a
 * while the ids of those that expired. Written before `accepted` leaves (dissemination.md, Life of a batch 1).
 */
import { Writer, Reader } from '../../crypto/codec.ts'
import { openDatabase, type Database } from './database.ts'
import { GroupCommit } from './group-commit.ts'

const FORMAT = 'cordon-pending/1'
const PENDING = 1
const EXPIRED = 2

export class PendingStore {
  readonly #database: Database
  readonly #commit: GroupCommit

  private constructor(database: Database) {
    this.#database = database
    this.#commit = new GroupCommit(database)
  }

  static async open(directory: string, genesisHash: Uint8Array): Promise<PendingStore> {
    return new PendingStore(await openDatabase(directory, FORMAT, genesisHash))
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  /** Resolves when the transaction is on disk. */
  put(txId: Uint8Array, bytes: Uint8Array): Promise<void> {
    return this.#commit.write([{ type: 'put', key: key(PENDING, txId), value: bytes }])
  }

  /** Forgets transactions whose end the ledger knows. May be lost in a crash: they end again. */
  async remove(txIds: readonly Uint8Array[]): Promise<void> {
    await this.#database.batch(txIds.map((txId) => ({ type: 'del' as const, key: key(PENDING, txId) })))
  }

  /** Marks transactions as expired, so that the answer can be had later. */
  async expire(
    entries: readonly { readonly txId: Uint8Array; readonly validUntilMs: number }[],
  ): Promise<void> {
    await this.#commit.write(
      entries.flatMap(({ txId, validUntilMs }) => [
        { type: 'del' as const, key: key(PENDING, txId) },
        { type: 'put' as const, key: key(EXPIRED, txId), value: new Writer(8).u48(validUntilMs).finish() },
      ]),
    )
  }

  /** `validUntilMs` of a transaction that expired here, or null. */
  async expired(txId: Uint8Array): Promise<number | null> {
    const value = await this.#database.get(key(EXPIRED, txId))
    return value === undefined ? null : new Reader(value).u48()
  }

  /** All pending transactions, to offer them again after a start. */
  async *all(): AsyncGenerator<Uint8Array> {
    for await (const bytes of this.#database.values({
      gte: Uint8Array.of(PENDING),
      lt: Uint8Array.of(PENDING + 1),
    })) {
      yield bytes
    }
  }
}

function key(table: number, txId: Uint8Array): Uint8Array {
  return new Writer(33).u8(table).fixed(txId, 32).finish()
}
