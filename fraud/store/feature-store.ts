/**
 * The feature store: what each account did, kept in bounded memory, and one row of numbers per transfer out of it.
 *
 *     rows/scene.ts      the two accounts of a transfer, as they are at its time
 *     rows/*.ts          the columns, a group a file
 *     execution.ts       what an executed transfer changes
 *     overlay.ts         what is acked and not executed
 *
 * Causal: a row looks at executed transfers and at those acked before it, never at later ones. Transfers of batches that
 * are acked and not executed count, or a drain split over several validators inside one finality window would be
 * invisible. Only executed transfers change the lasting memory, so every node that executed the same blocks has the same
 * one, and it can be rebuilt by replaying them.
 *
 * O(1) per transfer; pure: time comes with the transfers.
 */
import { AccountTable } from './account-table.ts'
import { Baseline } from '../model/baseline.ts'
import { execute, release } from './execution.ts'
import type { Head } from '../head/head.ts'
import { FRAUD_LIMITS } from '../limits.ts'
import { EXECUTED, Overlay } from './overlay.ts'
import { ageColumns } from './rows/ages.ts'
import { amountColumns } from './rows/amounts.ts'
import { balanceColumns } from './rows/balance.ts'
import { Circles } from './rows/circles.ts'
import { inflowColumns } from './rows/inflow.ts'
import { pairColumns } from './rows/pair.ts'
import { payeeColumns } from './rows/payee.ts'
import { Scene } from './rows/scene.ts'
import { trailColumns } from './rows/trail.ts'
import { velocityColumns } from './rows/velocity.ts'
import { COLUMN, FEATURE_COUNT } from '../schema.ts'
import { readSnapshot, writeSnapshot } from './snapshot.ts'
import type { TransferFacts, TransferOutcome } from '../types.ts'

export interface FeatureStoreOptions {
  readonly maxAccounts?: number
  readonly maxProvisional?: number
  /** The supervised head whose logits are calibrated on this chain; null: none. */
  readonly head?: Head | null
}

export class FeatureStore {
  readonly #options: FeatureStoreOptions
  #head: Head | null
  #accounts: AccountTable
  #baseline: Baseline
  readonly #overlay: Overlay

  // Scratch space, so that a row allocates nothing but its contribution.
  readonly #scene: Scene = new Scene()
  readonly #circles: Circles = new Circles()
  readonly #executedRow: Float32Array = new Float32Array(FEATURE_COUNT)

  constructor(options: FeatureStoreOptions = {}) {
    this.#options = options
    this.#head = options.head ?? null
    this.#baseline = new Baseline(this.#head)
    this.#accounts = new AccountTable(options.maxAccounts ?? FRAUD_LIMITS.accounts)
    this.#overlay = new Overlay(options.maxProvisional ?? FRAUD_LIMITS.provisionalTransfers)
  }

  /** What is usual on this chain: goes to the model beside the rows. */
  get baseline(): Baseline {
    return this.#baseline
  }

  /** Accounts remembered. */
  get accounts(): number {
    return this.#accounts.size
  }

  /** Transfers acked and not executed. */
  get provisional(): number {
    return this.#overlay.size
  }

  /**
   * One row of `FEATURE_COUNT` numbers per transfer, in order; each transfer counts for those after it, and stays
   * counted until `executed` or `dropBatch`.
   */
  rows(transfers: readonly TransferFacts[], batchKey: string): Float32Array {
    const rows = new Float32Array(transfers.length * FEATURE_COUNT)
    let at = 0
    for (const facts of transfers) {
      this.#provisionalRow(facts, batchKey, rows, at)
      at += FEATURE_COUNT
    }
    return rows
  }

  #provisionalRow(facts: TransferFacts, batchKey: string, rows: Float32Array, at: number): void {
    const overlay = this.#overlay
    const scene = this.#scene
    const known = overlay.find(facts)
    this.#rowWithoutItself(facts, known, rows, at)
    if (known === undefined) {
      const sums = { from: scene.payer.sums, to: scene.payee.sums }
      overlay.add(facts, batchKey, scene.contribution(), sums)
    } else if (known !== EXECUTED) overlay.addBatch(facts.transaction, batchKey)
  }

  /** The row a transfer would get now. Leaves no trace. */
  dryRow(facts: TransferFacts): Float32Array {
    const row = new Float32Array(FEATURE_COUNT)
    this.#rowWithoutItself(facts, this.#overlay.find(facts), row, 0)
    return row
  }

  /** Takes executed transfers into the lasting memory, in the order of execution. */
  executed(outcomes: readonly TransferOutcome[]): void {
    for (const outcome of outcomes) {
      this.#overlay.executed(outcome.facts.transaction)
      this.#execute(outcome)
    }
  }

  /** Held transfers that go on: their payees have the money from `timeMs` on. */
  released(transfers: readonly TransferFacts[]): void {
    const row = this.#executedRow
    for (const facts of transfers) {
      row.fill(0)
      this.#ownColumns(facts, row, 0, null)
      this.#surprise(false)
      release(this.#accounts, this.#scene, row)
    }
  }

  /** The batch is executed, skipped or given up: whatever of it was not executed counts no more. */
  dropBatch(batchKey: string): void {
    this.#overlay.dropBatch(batchKey)
  }

  /** Another head judges from now on: its logits are to be calibrated. */
  useHead(head: Head | null): void {
    this.#head = head
    this.#baseline.useHead(head)
  }

  /** The lasting memory as bytes. What is acked and not executed is not in it: the node assesses those batches again. */
  snapshot(): Uint8Array {
    return writeSnapshot(this.#accounts, this.#baseline)
  }

  /**
   * Replaces the lasting memory.
   * @throws CordonError `format-version` for an unknown version, `data-inconsistent` for damaged bytes; the store is
   * unchanged then, and can be rebuilt by replaying executed transfers.
   */
  restore(bytes: Uint8Array): void {
    const maxAccounts = this.#options.maxAccounts ?? FRAUD_LIMITS.accounts
    const restored = readSnapshot(bytes, maxAccounts, this.#head)
    this.#accounts = restored.accounts
    this.#baseline = restored.baseline
    this.#overlay.forgetExecuted()
  }

  /** A transfer that lies in several batches is judged as if it were not there yet. */
  #rowWithoutItself(
    facts: TransferFacts,
    known: ReturnType<Overlay['find']>,
    rows: Float32Array,
    at: number,
  ): void {
    if (known === undefined || known === EXECUTED) this.#row(facts, rows, at, this.#overlay)
    else
      this.#overlay.without(known, () => {
        this.#row(facts, rows, at, this.#overlay)
      })
  }

  /** Writes one row, all zeros before; afterwards the scene is that of its transfer. `overlay`: null, or acked transfers count. */
  #row(facts: TransferFacts, rows: Float32Array, at: number, overlay: Overlay | null): void {
    this.#ownColumns(facts, rows, at, overlay)
    this.#tiedColumns(rows, at)
  }

  /** What the records of the two accounts say. */
  #ownColumns(facts: TransferFacts, rows: Float32Array, at: number, overlay: Overlay | null): void {
    const scene = this.#scene
    scene.set(this.#accounts, overlay, facts)
    velocityColumns(scene, rows, at)
    pairColumns(scene, rows, at)
    payeeColumns(scene, rows, at)
    inflowColumns(scene, rows, at)
    amountColumns(scene, this.#baseline.usualAmountLog2, rows, at)
    balanceColumns(scene, rows, at)
    ageColumns(scene, rows, at)
  }

  /** What those of their partners add, and what comes of all columns. Most of what a row costs. */
  #tiedColumns(rows: Float32Array, at: number): void {
    this.#circles.columns(this.#accounts, this.#scene, rows, at)
    trailColumns(this.#scene, this.#baseline.inputs, rows, at)
  }

  #execute({ facts, held }: TransferOutcome): void {
    const row = this.#executedRow
    row.fill(0)
    this.#ownColumns(facts, row, 0, null)
    const sampled = !held && isSampled(row)
    this.#surprise(sampled)
    if (sampled) this.#baseline.sample(row, 0, facts.timeMs)
    execute(this.#accounts, this.#scene, row, held)
  }

  /** Completes the executed row as far as it matters: until the baseline speaks, nothing surprises. */
  #surprise(sampled: boolean): void {
    if (sampled || this.#baseline.ready) this.#tiedColumns(this.#executedRow, 0)
  }
}

/** Busy accounts are left out, so that nobody's flood becomes everybody's baseline; nor is what was held. */
function isSampled(row: Float32Array): boolean {
  return (
    (row[COLUMN.out_count_1d] as number) <= FRAUD_LIMITS.sampledPaymentsPerDay &&
    (row[COLUMN.payee_in_count_1d] as number) <= FRAUD_LIMITS.sampledReceiptsPerDay
  )
}
