/**
 * What the fraud engine remembers over a restart: a snapshot of its feature store with the height it belongs to, and
 * the transfers executed since, replayed from the ledger. The ledger is the truth; the snapshot only saves time.
 */
import { Reader, Writer } from '../crypto/codec.ts'
import type { TransferOutcome } from '../fraud/types.ts'
import { FRAUD_LIMITS } from '../fraud/limits.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { decodeTransaction } from '../ledger/transaction.ts'
import type { Scorer } from './scoring/scorer.ts'
import { readCheckedFile, writeCheckedFile } from './checked-file.ts'
import { releasedFacts, transferFacts } from './transfers.ts'

/** 4: what was held and goes on is in it. A snapshot that reads well and is wrong would make this node judge otherwise. */
const VERSION = 4
/** Version and height. */
const HEAD_BYTES = 9
/** Blocks replayed at most: beyond it older habits are forgotten rather than the start held up. */
const REPLAY_BLOCKS = 50_000
/** Blocks whose ended holds are looked up together. */
const SPAN_BLOCKS = 1_000
/** A snapshot is due after this many blocks: a node that is killed replays that many in about a second. */
const SNAPSHOT_BLOCKS = 2_000
/**
 * A larger one is only made when the node stops: nothing else goes on while it is made, 5 to 30 ms with 2,000 accounts, 40
 * with 10,000, and a quarter of a second with 100,000.
 */
const RUNNING_SNAPSHOT_BYTES = 8 * 1024 * 1024

export interface FraudMemoryOptions {
  readonly scorer: Pick<Scorer, 'executed' | 'released' | 'snapshot' | 'restore'>
  readonly ledger: Ledger
  readonly file: string
  readonly log: { warn(fields: object, message: string): void }
  readonly snapshotBlocks?: number
  readonly runningSnapshotBytes?: number
}

export class FraudMemory {
  readonly #options: FraudMemoryOptions
  /** Of the newest block that the scorer has learned of. */
  #height = 0
  #savedHeight = 0
  /** Of the newest snapshot. */
  #snapshotBytes = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(options: FraudMemoryOptions) {
    this.#options = options
  }

  /** Brings the scorer to the ledger's height. A missing or unreadable snapshot means a longer replay, never a refusal. */
  async open(): Promise<void> {
    const { ledger } = this.#options
    this.#savedHeight = this.#restore()
    const from = Math.max(this.#savedHeight, ledger.height - REPLAY_BLOCKS)
    for (let height = from + 1; height <= ledger.height; height += SPAN_BLOCKS)
      await this.#replay(height, Math.min(ledger.height, height + SPAN_BLOCKS - 1))
    this.executed(ledger.height)
  }

  /** Both heights included. */
  async #replay(fromHeight: number, toHeight: number): Promise<void> {
    const { ledger, scorer } = this.#options
    const ended = Map.groupBy(
      await ledger.holdsEndedBetween(fromHeight, toHeight),
      ({ end }) => end?.height ?? 0,
    )
    for (let height = fromHeight; height <= toHeight; height++) {
      const outcomes = await this.#outcomesOf(height)
      if (outcomes.length > 0) scorer.executed(outcomes)
      const released = releasedFacts(ended.get(height) ?? [])
      if (released.length > 0) scorer.released(released)
    }
  }

  /** The scorer has learned of all blocks up to this height. Begins to write a snapshot if one is due. */
  executed(height: number): void {
    this.#height = height
    const { snapshotBlocks = SNAPSHOT_BLOCKS, runningSnapshotBytes = RUNNING_SNAPSHOT_BYTES } = this.#options
    if (height - this.#savedHeight < snapshotBlocks || this.#snapshotBytes > runningSnapshotBytes) return
    void this.save()
  }

  /** Resolves once the snapshots begun so far are written. */
  get written(): Promise<void> {
    return this.#writing
  }

  /** Writes a snapshot of this moment in place of the old one, after those under way. */
  save(): Promise<void> {
    const { scorer } = this.#options
    // Also of one that cannot be written: trying again after every block would help nobody.
    this.#savedHeight = this.#height
    const snapshot = scorer.snapshot()
    this.#snapshotBytes = snapshot.length
    const head = new Writer().u8(VERSION).u48(this.#height).finish()
    this.#writing = this.#writing.then(() => this.#write([head, snapshot]))
    return this.#writing
  }

  async #write(parts: readonly Uint8Array[]): Promise<void> {
    const { file, log } = this.#options
    try {
      await writeCheckedFile(file, parts)
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
    try {
      const body = readCheckedFile(file, HEAD_BYTES + FRAUD_LIMITS.snapshotBytes)
      if (body === null) return 0
      const reader = new Reader(body)
      const version = reader.u8()
      if (version !== VERSION) return 0
      const height = reader.u48()
      const snapshot = reader.rest()
      if (height > ledger.height) return 0
      scorer.restore(snapshot)
      this.#snapshotBytes = snapshot.length
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
