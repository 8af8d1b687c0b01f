/**
 * Plays labelled rows to a feature store and a model as a node meets them: strictly in order of time, each transfer
 * judged before anything later is known.
 *
 *     rows ─▶ blocks of at most BLOCK_MS ─▶ judge transfers (executed state + the block so far) ─▶ execute the block
 *                                                 └─ feature rows, SCORED_TOGETHER at a time ─▶ model
 *
 * Within a block transfers see each other through the store's overlay, as acked and not executed. Features are made
 * then and there; the model gets them in larger batches, with the baseline as it was at the first of them, because a
 * call costs the same for one row as for some hundred. A node under load does the same.
 *
 * Nothing is held: what the model would have stopped happens all the same, as in the file. `spend` moves balances and
 * is no history: how the accounts of a simulator spend may give its launderers away, and that is no laundering.
 */
import type { DirectionalModel } from '../model.ts'
import { FeatureStore } from '../features.ts'
import { FEATURE_COUNT } from '../schema.ts'
import type { TransferFacts, TransferOutcome } from '../types.ts'
import type { LabelledRow } from './labelled-rows.ts'
import type { ScoredTransfers } from './metrics.ts'

/** About the time from a payment to its execution, so that as much is pending as on a network. */
export const BLOCK_MS = 1_000
export const BLOCK_ROWS = 500
export const SCORED_TOGETHER = 500
const DAY_MS = 86_400_000
const UNITS_PER_CRD = 1e6
/** Account ids are hex; the store tells accounts apart by the first 52 bits. */
const TAG_DIGITS = 13
const ID_DIGITS = 64

export interface ReplayOptions {
  readonly model: Pick<DirectionalModel, 'score'>
  /** Transfers are scored from this day on; the day of the first row is day 0. */
  readonly fromDay: number
  /** A clock that does not go back, in ms: what judging costs. */
  readonly nowMs: () => number
}

export interface Replayed extends ScoredTransfers {
  /** Time for features and scores of all scored transfers; history is not in it. */
  readonly judgingMs: number
}

export class Replay {
  readonly #options: ReplayOptions
  readonly #store: FeatureStore = new FeatureStore()
  readonly #ids: Map<string, string> = new Map()
  /** Executed, in uCRD. What lies outside has no books and goes below zero. */
  readonly #balances: Map<string, bigint> = new Map()
  #scoredFromMs: number | null = null
  #block: LabelledRow[] = []

  readonly #rows: Float32Array = new Float32Array(SCORED_TOGETHER * FEATURE_COUNT)
  #waiting = 0
  #inputs: Float32Array = new Float32Array(0)

  readonly #scores: number[] = []
  readonly #laundering: boolean[] = []
  readonly #values: number[] = []
  readonly #patternTypes: (string | null)[] = []
  #judgingMs = 0

  constructor(options: ReplayOptions) {
    this.#options = options
  }

  /** The next row, not before the one before it. */
  add(row: LabelledRow): void {
    this.#scoredFromMs ??= Math.floor(row.timeMs / DAY_MS + this.#options.fromDay) * DAY_MS
    const first = this.#block[0]
    const full = this.#block.length === BLOCK_ROWS
    if (first !== undefined && (full || row.timeMs - first.timeMs >= BLOCK_MS)) this.#closeBlock(first)
    this.#block.push(row)
  }

  /** All scored transfers, after the last row. */
  finish(): Replayed {
    const first = this.#block[0]
    if (first !== undefined) this.#closeBlock(first)
    this.#measured(() => this.#score())
    return {
      scores: this.#scores,
      laundering: this.#laundering,
      values: this.#values,
      patternTypes: this.#patternTypes,
      judgingMs: this.#judgingMs,
    }
  }

  #closeBlock(first: LabelledRow): void {
    const batchKey = String(first.line)
    const scored = this.#block.filter((row) => this.#isScored(row))
    if (scored.length > 0) this.#judge(scored, batchKey)
    this.#store.executed(this.#block.flatMap((row) => this.#execute(row)))
    this.#store.dropBatch(batchKey)
    this.#block = []
  }

  #isScored({ kind, timeMs }: LabelledRow): boolean {
    return kind === 'transfer' && timeMs >= (this.#scoredFromMs ?? Infinity)
  }

  #judge(block: readonly LabelledRow[], batchKey: string): void {
    for (const row of block) {
      this.#laundering.push(row.laundering)
      this.#values.push(Number(row.amount) / UNITS_PER_CRD)
      this.#patternTypes.push(row.patternType)
    }
    const facts = block.map((row) => this.#facts(row))
    this.#measured(() => {
      const rows = this.#store.rows(facts, batchKey)
      for (let at = 0; at < rows.length; at += FEATURE_COUNT) {
        if (this.#waiting === SCORED_TOGETHER) this.#score()
        if (this.#waiting === 0) this.#inputs = this.#store.baseline.inputs.slice()
        this.#rows.set(rows.subarray(at, at + FEATURE_COUNT), this.#waiting++ * FEATURE_COUNT)
      }
    })
  }

  #score(): void {
    const rows = this.#rows.subarray(0, this.#waiting * FEATURE_COUNT)
    this.#scores.push(...this.#options.model.score(rows, this.#inputs))
    this.#waiting = 0
  }

  #measured(work: () => void): void {
    const startMs = this.#options.nowMs()
    work()
    this.#judgingMs += this.#options.nowMs() - startMs
  }

  #facts({ line, from, to, amount, timeMs }: LabelledRow): TransferFacts {
    return {
      key: String(line),
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
    return kind === 'spend' ? [] : [{ facts, held: false }]
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
