/**
 * What the fraud engine remembers over a restart: a snapshot of its feature store with the height it belongs to, and
 * the transfers executed since, replayed from the ledger. The ledger is the truth; the snapshot only saves time.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { crc32c } from '../crypto/crc32c.ts'
import type { TransferOutcome } from '../fraud/types.ts'
import { FRAUD_LIMITS } from '../fraud/limits.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { decodeTransaction } from '../ledger/transaction.ts'
import type { Scorer } from './scoring/scorer.ts'
import { transferFacts } from './transfers.ts'

/** 2: with a checksum, since a snapshot that reads well and is wrong would make this node judge otherwise. */
const VERSION = 2
const SUM_BYTES = 4
/** Blocks replayed at most: beyond it older habits are forgotten rather than the start held up. */
const REPLAY_BLOCKS = 50_000
/** A snapshot is due after this many blocks: a node that is killed replays that many in about a second. */
const SNAPSHOT_BLOCKS = 2_000
/** Nothing else goes on while one is made, so a large one is made more rarely: at most this share of all time. */
const SNAPSHOT_SHARE = 0.005

export interface FraudMemoryOptions {
  readonly scorer: Pick<Scorer, 'executed' | 'snapshot' | 'restore'>
  readonly ledger: Ledger
  readonly file: string
  readonly log: { warn(fields: object, message: string): void }
  readonly snapshotBlocks?: number
}

export class FraudMemory {
  readonly #options: FraudMemoryOptions
  /** Of the newest block that the scorer has learned of. */
  #height = 0
  #savedHeight = 0
  #notBeforeMs = 0

  constructor(options: FraudMemoryOptions) {
    this.#options = options
  }

  /** Brings the scorer to the ledger's height. A missing or unreadable snapshot means a longer replay, never a refusal. */
  async open(): Promise<void> {
    const { ledger, scorer } = this.#options
    this.#savedHeight = this.#restore()
    const from = Math.max(this.#savedHeight, ledger.height - REPLAY_BLOCKS)
    for (let height = from + 1; height <= ledger.height; height++) {
      const outcomes = await this.#outcomesOf(height)
      if (outcomes.length > 0) scorer.executed(outcomes)
    }
    this.executed(ledger.height)
  }

  /** The scorer has learned of all blocks up to this height. Writes a snapshot if one is due. */
  executed(height: number): void {
    this.#height = height
    const { snapshotBlocks = SNAPSHOT_BLOCKS } = this.#options
    const startMs = performance.now()
    if (height - this.#savedHeight < snapshotBlocks || startMs < this.#notBeforeMs) return
    this.save()
    const endMs = performance.now()
    this.#notBeforeMs = endMs + (endMs - startMs) / SNAPSHOT_SHARE
  }

  /** Writes the snapshot in place of the old one. Not synced: one that a power cut tears lacks its checksum. */
  save(): void {
    const { scorer, file, log } = this.#options
    // Also of one that cannot be written: trying again after every block would help nobody.
    this.#savedHeight = this.#height
    try {
      const writer = new Writer().u8(VERSION).u48(this.#height).bytes(scorer.snapshot())
      const bytes = writer.u32(crc32c(writer.finish())).finish()
      const temporary = `${file}.new`
      writeFileSync(temporary, bytes, { mode: 0o600 })
      renameSync(temporary, file)
    } catch (error) {
      log.warn(
        { err: error },
        'the fraud snapshot could not be written; the next start replays more of the ledger',
      )
    }
  }

  /** @returns the height of the snapshot restored, or 0. */
  #restore(): number {
    const { scorer, ledger, file, log } = this.#options
    let bytes: Uint8Array
    try {
      bytes = readFileSync(file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        log.warn({ err: error }, 'the fraud snapshot cannot be read')
      return 0
    }
    try {
      const reader = new Reader(bytes)
      const version = reader.u8()
      const height = reader.u48()
      if (version !== VERSION) return 0
      const snapshot = reader.bytes(FRAUD_LIMITS.snapshotBytes)
      if (reader.u32() !== crc32c(bytes.subarray(0, -SUM_BYTES)))
        throw new DecodeError('it does not have its checksum')
      reader.end()
      if (height > ledger.height) return 0
      scorer.restore(snapshot)
      return height
    } catch (error) {
      log.warn({ err: error }, 'the fraud snapshot is not usable; replaying the ledger instead')
      return 0
    }
  }

  async #outcomesOf(height: number): Promise<TransferOutcome[]> {
    const { ledger } = this.#options
    const transactions = (await ledger.transactionsOf(height)) ?? []
    return transactions.flatMap(({ receipt, bytes }) => {
      if (receipt.outcome === 'failed') return []
      const held = new Set(receipt.holds.map((hold) => hold.action))
      // The balance of that moment is not kept; it only matters for judging, not for remembering.
      return transferFacts(decodeTransaction(bytes), 0n, receipt.timeMs).map(({ action, facts }) => ({
        facts,
        held: held.has(action),
      }))
    })
  }
}
