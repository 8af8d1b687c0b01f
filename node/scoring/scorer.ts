/**
 * The node's opinion on transfers: features on the main thread, the model in a worker, the cheap sum for what the
 * worker does not reach in time (dissemination.md, Life of a batch 4; fraud.md, Overload and Failure).
 *
 *     assess: rows (main) → worker, at most budgetMs → scores; what is missing by the cheap sum → flags with reasons
 *
 * A worker that crashed gives no flags, never an error: the node goes on, and `status` says so.
 */
import { CordonError } from '../../config/errors.ts'
import { toHex, utf8 } from '../../crypto/bytes.ts'
import { Reader, Writer } from '../../crypto/codec.ts'
import { FeatureStore } from '../../fraud/store/feature-store.ts'
import { HeadByHand, headId, type Head } from '../../fraud/head/head.ts'
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import { FLAG_SCORE, modelIdOf, toByte } from '../../fraud/model/model-spec.ts'
import type { Thresholds } from '../../fraud/review/policy.ts'
import { REASON, explain } from '../../fraud/reasons/reasons.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'
import { cheapScore } from '../../fraud/model/sum.ts'
import type { Assessment, TransferFacts, TransferOutcome } from '../../fraud/types.ts'
import { spawnWorker } from '../workers/spawn.ts'
import { Explanations, parseExplanations } from './explanations.ts'
import type { WorkerStart } from './messages.ts'
import { ScoringWorkerClient, type WorkerClientOptions } from './worker-client.ts'

/** Transfers whose features are made in one turn of the main thread: a few milliseconds. */
const ROWS_PER_TURN = 500
const SNAPSHOT_VERSION = 1
/** Somebody waits for a dry run at a prompt. */
const DRY_RUN_BUDGET_MS = 1_000
/** Stands in an ack for "no model". */
const NO_MODEL: Uint8Array = new Uint8Array(32)

export interface ScorerLog {
  info(message: string): void
  warn(message: string): void
}

export interface ScorerOptions {
  readonly log: ScorerLog
  /** Judges instead of the label-free tail; null: none. */
  readonly head?: Head | null
  /** Where flags, and where reasons begin: bytes; default `FLAG_SCORE` both. */
  readonly thresholds?: Thresholds
  /** Bounds of the feature store; default `FRAUD_LIMITS`. */
  readonly maxAccounts?: number
  readonly maxProvisional?: number
  /** Another worker, for tests. */
  readonly spawn?: WorkerClientOptions['spawn']
}

export interface ScorerStatus {
  /** Of the model, 32 bytes hex. */
  readonly id: string
  /** TensorFlow.js backend, or 'none'. */
  readonly backend: string
  readonly healthy: boolean
  /** In plain words, or null. */
  readonly problem: string | null
}

export interface BatchAssessments {
  /** In the order of the transfers. */
  readonly assessments: readonly Assessment[]
  /** 32 bytes; zeros: no model took part. */
  readonly modelId: Uint8Array
}

export interface Scorer {
  /** Resolves when the model is warm, or its first start failed. The node need not wait for it. */
  readonly started: Promise<void>
  /** Judges the transfers of a batch, in order, and counts them until `executed` or `dropBatch`. Never rejects. */
  assess(batchKey: string, transfers: readonly TransferFacts[], budgetMs: number): Promise<BatchAssessments>
  /** Executed transfers in order of execution, each once. Call before `dropBatch` of the block's batches. */
  executed(outcomes: readonly TransferOutcome[]): void
  /** The batch is executed, skipped or dropped. */
  dropBatch(batchKey: string): void
  /** The numbers behind an own flag, or null: not flagged here, or too long ago. */
  details(key: string): Assessment | null
  /** What this node would say now. Leaves no trace. */
  dryRun(transfer: TransferFacts, budgetMs?: number): Promise<Assessment>
  status(): ScorerStatus
  /** Feature store and explanations as bytes, in one turn: they belong to what was executed so far. */
  snapshot(): Uint8Array
  /** @throws CordonError `format-version` or `data-inconsistent`: then replay executed transfers instead. */
  restore(bytes: Uint8Array): void
  close(): Promise<void>
}

/** Starts the worker and returns at once. */
export function createScorer(options: ScorerOptions): Scorer {
  return new WorkerScorer(options)
}

class WorkerScorer implements Scorer {
  readonly #store: FeatureStore
  readonly #worker: ScoringWorkerClient
  readonly #explanations: Explanations = new Explanations()
  readonly #head: HeadByHand | null
  readonly #modelId: Uint8Array
  readonly #thresholds: Thresholds

  constructor({ log, head = null, thresholds, maxAccounts, maxProvisional, spawn }: ScorerOptions) {
    this.#thresholds = thresholds ?? { hold: FLAG_SCORE, alert: FLAG_SCORE }
    this.#head = head === null ? null : new HeadByHand(head)
    this.#modelId = modelIdOf(head === null ? null : headId(head))
    this.#store = new FeatureStore({
      head,
      maxAccounts: maxAccounts ?? FRAUD_LIMITS.accounts,
      maxProvisional: maxProvisional ?? FRAUD_LIMITS.provisionalTransfers,
    })
    this.#worker = new ScoringWorkerClient({
      spawn: spawn ?? (() => spawnWorker('node/scoring/scoring-worker', { head } satisfies WorkerStart)),
      onProblem: (message) => log.warn(`fraud model: ${message}`),
      onReady: (backend) => log.info(`fraud model: ready on ${backend}`),
    })
  }

  get started(): Promise<void> {
    return this.#worker.started
  }

  async assess(
    batchKey: string,
    transfers: readonly TransferFacts[],
    budgetMs: number,
  ): Promise<BatchAssessments> {
    const startMs = performance.now()
    const rows = new Float32Array(transfers.length * FEATURE_COUNT)
    for (let first = 0; first < transfers.length; first += ROWS_PER_TURN) {
      if (first > 0) await nextTurn()
      rows.set(
        this.#store.rows(transfers.slice(first, first + ROWS_PER_TURN), batchKey),
        first * FEATURE_COUNT,
      )
    }
    const judged = await this.#judge(transfers, rows, Math.max(0, budgetMs - (performance.now() - startMs)))
    for (const assessment of judged.assessments)
      if (assessment.score >= this.#thresholds.alert) this.#explanations.add(assessment)
    return judged
  }

  executed(outcomes: readonly TransferOutcome[]): void {
    this.#store.executed(outcomes)
  }

  dropBatch(batchKey: string): void {
    this.#store.dropBatch(batchKey)
  }

  details(key: string): Assessment | null {
    return this.#explanations.get(key)
  }

  async dryRun(transfer: TransferFacts, budgetMs: number = DRY_RUN_BUDGET_MS): Promise<Assessment> {
    const row = this.#store.dryRow(transfer)
    const { assessments } = await this.#judge([transfer], row, budgetMs)
    return assessments[0] ?? unflagged(transfer.key, 0)
  }

  status(): ScorerStatus {
    const { state, backend, problem } = this.#worker
    return {
      id: toHex(this.#modelId),
      backend,
      healthy: state === 'ready',
      problem: state === 'starting' ? 'the model is still loading; the cheap sum stands in' : problem,
    }
  }

  snapshot(): Uint8Array {
    const store = this.#store.snapshot()
    return new Writer(store.length + 1_024)
      .u16(SNAPSHOT_VERSION)
      .bytes(store)
      .bytes(utf8(this.#explanations.toJson()))
      .finish()
  }

  restore(bytes: Uint8Array): void {
    const { store, explanations } = parseSnapshot(bytes)
    this.#store.restore(store)
    this.#explanations.load(explanations)
  }

  async close(): Promise<void> {
    await this.#worker.close()
  }

  async #judge(
    transfers: readonly TransferFacts[],
    rows: Float32Array,
    budgetMs: number,
  ): Promise<BatchAssessments> {
    const inputs = this.#store.baseline.inputs.slice()
    if (this.#worker.state === 'starting') return this.#byCheapSum(transfers, rows, inputs)
    const { scores, failed } = await this.#worker.score(rows.slice(), inputs, transfers.length, budgetMs)
    if (failed) return { assessments: transfers.map(({ key }) => unflagged(key, 0)), modelId: NO_MODEL }
    const assessments = transfers.map(({ key }, i) =>
      this.#assessment(key, rows, i, scores[i] ?? NaN, inputs),
    )
    return { assessments, modelId: this.#modelId }
  }

  #byCheapSum(
    transfers: readonly TransferFacts[],
    rows: Float32Array,
    inputs: Float32Array,
  ): BatchAssessments {
    return {
      assessments: transfers.map(({ key }, i) => this.#assessment(key, rows, i, NaN, inputs)),
      modelId: this.#modelId,
    }
  }

  /** `modelScore` NaN: the worker did not get to it. */
  #assessment(
    key: string,
    rows: Float32Array,
    i: number,
    modelScore: number,
    inputs: Float32Array,
  ): Assessment {
    const offset = i * FEATURE_COUNT
    const cheap = Number.isNaN(modelScore)
    const score = toByte(cheap ? cheapScore(rows, offset, inputs) : modelScore)
    if (score < this.#thresholds.alert) return unflagged(key, score)
    const explained = explain(rows, offset, this.#store.baseline, cheap ? null : this.#head)
    const { details, parts } = explained
    const reasons = cheap ? explained.reasons | REASON.cheapSum : explained.reasons
    return { key, score, flagged: score >= this.#thresholds.hold, reasons, details, parts }
  }
}

function unflagged(key: string, score: number): Assessment {
  return { key, score, flagged: false, reasons: 0, details: [] }
}

function parseSnapshot(bytes: Uint8Array): { store: Uint8Array; explanations: Assessment[] } {
  try {
    const reader = new Reader(bytes)
    const version = reader.u16()
    if (version !== SNAPSHOT_VERSION) {
      throw new CordonError(
        'format-version',
        `the scorer's snapshot has version ${version}, this build knows version ${SNAPSHOT_VERSION}; delete it, and the node rebuilds it`,
        { version },
      )
    }
    const store = reader.bytes(FRAUD_LIMITS.snapshotBytes)
    const explanations = parseExplanations(
      Buffer.from(reader.bytes(FRAUD_LIMITS.snapshotBytes)).toString('utf8'),
    )
    reader.end()
    return { store, explanations }
  } catch (error) {
    if (error instanceof CordonError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new CordonError(
      'data-inconsistent',
      `the scorer's snapshot is damaged (${why}); delete it, and the node rebuilds it`,
      { why },
      { cause: error },
    )
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
