/**
 * Plays labelled rows to a feature store as a node meets them: strictly in order of time, each transfer judged before
 * anything later is known.
 *
 *     rows ─▶ blocks of at most BLOCK_MS ─▶ judge transfers (executed state + the block so far) ─▶ execute the block
 *                                                 └─ feature rows ─▶ Judge: scores them, or keeps them to learn from
 *
 * Within a block transfers see each other through the store's overlay, as acked and not executed.
 *
 * Nothing is held: what the model would have stopped happens all the same, as in the file. Payments from and to the
 * outside move balances and are no history: all accounts would be partners of the outside, and how the accounts of a
 * simulator spend may give its launderers away, which is no laundering.
 */
import type { Head } from '../head/head.ts'
import { FeatureStore } from '../store/feature-store.ts'
import type { TransferFacts, TransferOutcome } from '../types.ts'
import type { LabelledRow } from './labelled-rows.ts'

/** About the time from a payment to its execution, so that as much is pending as on a network. */
export const BLOCK_MS = 1_000
export const BLOCK_ROWS = 500
const DAY_MS = 86_400_000
/** Account ids are hex; the store tells accounts apart by the first 52 bits. */
const TAG_DIGITS = 13
const ID_DIGITS = 64

/** Takes the feature rows of judged transfers, in order of time. */
export interface Judge {
  /**
   * @param rows one per transfer.
   * @param inputs what the model needs beside them; overwritten later: copy it to keep it.
   * @param day of the first of them; that of the file's first row is day 0.
   * @returns the head that judges from now on, if it changes.
   */
  judge(
    transfers: readonly LabelledRow[],
    rows: Float32Array,
    inputs: Float32Array,
    day: number,
  ): Head | undefined
}

export interface ReplayOptions {
  readonly judge: Judge
  /** Its logits are calibrated on the file; null: none. */
  readonly head: Head | null
  /** Transfers are judged from this day on; the day of the first row is day 0. */
  readonly fromDay: number
  readonly stopwatch: Stopwatch
}

/** What judging costs: features and scores. */
export class Stopwatch {
  readonly #nowMs: () => number
  #totalMs = 0

  /** @param nowMs a clock that does not go back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get totalMs(): number {
    return this.#totalMs
  }

  measured<Result>(work: () => Result): Result {
    const startMs = this.#nowMs()
    const result = work()
    this.#totalMs += this.#nowMs() - startMs
    return result
  }
}

export class Replay {
  readonly #options: ReplayOptions
  readonly #store: FeatureStore
  readonly #ids: Map<string, string> = new Map()
  /** Executed, in uCRD. What lies outside has no books and goes below zero. */
  readonly #balances: Map<string, bigint> = new Map()
  /** Midnight before the first row. */
  #startMs: number | null = null
  #block: LabelledRow[] = []

  constructor(options: ReplayOptions) {
    this.#options = options
    this.#store = new FeatureStore({ head: options.head })
  }

  /** The next row, not before the one before it. */
  add(row: LabelledRow): void {
    this.#startMs ??= Math.floor(row.timeMs / DAY_MS) * DAY_MS
    const first = this.#block[0]
    const full = this.#block.length === BLOCK_ROWS
    if (first !== undefined && (full || row.timeMs - first.timeMs >= BLOCK_MS)) this.#closeBlock(first)
    this.#block.push(row)
  }

  /** After the last row. */
  finish(): void {
    const first = this.#block[0]
    if (first !== undefined) this.#closeBlock(first)
  }

  #closeBlock(first: LabelledRow): void {
    const batchKey = String(first.line)
    const judged = this.#block.filter((row) => this.#isJudged(row))
    if (judged.length > 0) this.#judge(judged, batchKey)
    this.#store.executed(this.#block.flatMap((row) => this.#execute(row)))
    this.#store.dropBatch(batchKey)
    this.#block = []
  }

  #isJudged({ kind, timeMs }: LabelledRow): boolean {
    return kind === 'transfer' && this.#day(timeMs) >= this.#options.fromDay
  }

  #day(timeMs: number): number {
    return Math.floor((timeMs - (this.#startMs ?? timeMs)) / DAY_MS)
  }

  #judge(block: readonly LabelledRow[], batchKey: string): void {
    const facts = block.map((row) => this.#facts(row))
    const rows = this.#options.stopwatch.measured(() => this.#store.rows(facts, batchKey))
    const { inputs } = this.#store.baseline
    const day = this.#day((block[0] as LabelledRow).timeMs)
    const head = this.#options.judge.judge(block, rows, inputs, day)
    if (head !== undefined) this.#store.useHead(head)
  }

  #facts({ line, from, to, amount, timeMs }: LabelledRow): TransferFacts {
    return {
      key: String(line),
      transaction: String(line),
      payer: this.#id(from),
      payee: this.#id(to),
      amount,
      payerBalance: this.#balances.get(from) ?? 0n,
      timeMs,
    }
  }

  /** Moves the money. @returns what the store learns of it. */
  #execute(row: LabelledRow): TransferOutcome[] {
    const { kind, from, to, amount } = row
    const facts = this.#facts(row)
    this.#balances.set(from, (this.#balances.get(from) ?? 0n) - amount)
    this.#balances.set(to, (this.#balances.get(to) ?? 0n) + amount)
    return kind === 'transfer' ? [{ facts, held: false }] : []
  }

  /** Numbered as they appear, from 1: tag 0 means "nobody" in the store. */
  #id(name: string): string {
    let id = this.#ids.get(name)
    if (id === undefined) {
      id = (this.#ids.size + 1).toString(16).padStart(TAG_DIGITS, '0').padEnd(ID_DIGITS, '0')
      this.#ids.set(name, id)
    }
    return id
  }
}
