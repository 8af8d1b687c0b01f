/**
 * The node's opinion on transfers: features on the main thread, the model in a worker, the cheap sum for what the
 * worker does not reach in time (dissemination.md, Life of a batch 4; fraud.md, Overload and Failure).
 *
 *     assess: rows (main) → worker, at most budgetMs → scores; what is missing by the cheap sum → flags with reasons
 *
 * A worker that crashed gives no flags, never an error: the node goes on, and `status` says so. Whatever the model did not
 * judge is counted, and said (`fallbacks.ts`).
 */
import { toHex } from '../../crypto/bytes.ts'
import { Comparison } from '../../fraud/learning/comparison.ts'
import { FeatureStore } from '../../fraud/store/feature-store.ts'
import { HeadByHand, headId, type Head } from '../../fraud/head/head.ts'
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import { FLAG_SCORE, modelIdOf } from '../../fraud/model/model-spec.ts'
import type { Thresholds } from '../../fraud/review/policy.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'
import type { Assessment, TransferFacts, TransferOutcome } from '../../fraud/types.ts'
import { spawnWorker } from '../workers/spawn.ts'
import { assessmentOf, byCheapSum, compare, unflagged } from './assessments.ts'
import { Explanations } from './explanations.ts'
import { Fallbacks, type Fallback } from './fallbacks.ts'
import type { Models } from './messages.ts'
import { encodeScorerSnapshot, parseScorerSnapshot } from './scorer-snapshot.ts'
import { ScoringWorkerClient, type WorkerClientOptions } from './worker-client.ts'

/** Transfers whose features are made in one turn of the main thread: a few milliseconds. */
const ROWS_PER_TURN = 500
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
  readonly observer?: BatchObserver | null
}

/** Told of every batch that was judged, and when it counts no more. */
export interface BatchObserver {
  judged(batch: JudgedBatch): void
  /** It is executed, skipped or dropped. */
  dropped(batchKey: string): void
}

/** A batch that was judged. */
export interface JudgedBatch {
  readonly key: string
  readonly transfers: readonly TransferFacts[]
  /** Feature rows, one per transfer. */
  readonly rows: Float32Array
  /** `Baseline.inputs` of that moment. */
  readonly baseline: Float32Array
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
  /** Held transfers that go on, at the time of their end. */
  released(transfers: readonly TransferFacts[]): void
  /** The batch is executed, skipped or dropped. */
  dropBatch(batchKey: string): void
  /** Another model votes from now on. @param head null: the label-free tail. */
  useHead(head: Head | null): void
  /** A model scores beside the one that votes, and is compared with it; null: none. */
  useShadow(shadow: { readonly head: Head | null } | null): void
  /** What came of that, or null: there is no such model. */
  readonly comparison: Comparison | null
  /** The numbers behind an own flag, or null: not flagged here, or too long ago. */
  details(key: string): Assessment | null
  /** What this node would say now. Leaves no trace. */
  dryRun(transfer: TransferFacts, budgetMs?: number): Promise<Assessment>
  status(): ScorerStatus
  /** Transfers that the model did not judge, dry runs among them, by why. */
  readonly fallbacks: Readonly<Record<Fallback, number>>
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
  readonly #observer: BatchObserver | null
  readonly #fallbacks: Fallbacks
  #head: HeadByHand | null
  #modelId: Uint8Array
  #models: Models
  #comparison: Comparison | null = null
  readonly #thresholds: Thresholds

  constructor({
    log,
    head = null,
    thresholds = { hold: FLAG_SCORE, alert: FLAG_SCORE },
    maxAccounts,
    maxProvisional,
    spawn,
    observer = null,
  }: ScorerOptions) {
    this.#thresholds = thresholds
    this.#observer = observer
    this.#models = { voting: head, shadow: null }
    this.#head = byHand(head)
    this.#modelId = idOf(head)
    this.#store = new FeatureStore({
      head,
      maxAccounts: maxAccounts ?? FRAUD_LIMITS.accounts,
      maxProvisional: maxProvisional ?? FRAUD_LIMITS.provisionalTransfers,
    })
    this.#worker = new ScoringWorkerClient({
      spawn: spawn ?? (() => spawnWorker('node/scoring/scoring-worker', this.#models satisfies Models)),
      onProblem: (message) => log.warn(`fraud model: ${message}`),
      onReady: (backend, problem) =>
        problem === null
          ? log.info(`fraud model: ready on ${backend}`)
          : log.warn(`fraud model: ready on ${backend}, with a problem: ${problem}`),
    })
    this.#fallbacks = new Fallbacks((message) => log.warn(`fraud model: ${message}`))
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
    this.#observer?.judged({ key: batchKey, transfers, rows, baseline: this.#store.baseline.inputs.slice() })
    const judged = await this.#judge(transfers, rows, {
      budgetMs: Math.max(0, budgetMs - (performance.now() - startMs)),
      comparison: this.#comparison,
    })
    for (const assessment of judged.assessments)
      if (assessment.score >= this.#thresholds.alert) this.#explanations.add(assessment)
    return judged
  }

  executed(outcomes: readonly TransferOutcome[]): void {
    this.#store.executed(outcomes)
  }

  released(transfers: readonly TransferFacts[]): void {
    this.#store.released(transfers)
  }

  dropBatch(batchKey: string): void {
    this.#store.dropBatch(batchKey)
    this.#observer?.dropped(batchKey)
  }

  useHead(head: Head | null): void {
    this.#head = byHand(head)
    this.#modelId = idOf(head)
    this.#store.useHead(head)
    this.#models = { ...this.#models, voting: head }
    this.#worker.useModels(this.#models)
  }

  useShadow(shadow: { readonly head: Head | null } | null): void {
    this.#comparison = shadow === null ? null : new Comparison(shadow.head)
    this.#models = { ...this.#models, shadow }
    this.#worker.useModels(this.#models)
  }

  get comparison(): Comparison | null {
    return this.#comparison
  }

  details(key: string): Assessment | null {
    return this.#explanations.get(key)
  }

  async dryRun(transfer: TransferFacts, budgetMs: number = DRY_RUN_BUDGET_MS): Promise<Assessment> {
    const row = this.#store.dryRow(transfer)
    const { assessments } = await this.#judge([transfer], row, { budgetMs, comparison: null })
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

  get fallbacks(): Readonly<Record<Fallback, number>> {
    return this.#fallbacks.counts
  }

  snapshot(): Uint8Array {
    return encodeScorerSnapshot(this.#store.snapshot(), this.#explanations.toJson())
  }

  restore(bytes: Uint8Array): void {
    const { store, explanations } = parseScorerSnapshot(bytes)
    this.#store.restore(store)
    this.#explanations.load(explanations)
  }

  async close(): Promise<void> {
    await this.#worker.close()
  }

  async #judge(
    transfers: readonly TransferFacts[],
    rows: Float32Array,
    { budgetMs, comparison }: { readonly budgetMs: number; readonly comparison: Comparison | null },
  ): Promise<BatchAssessments> {
    const inputs = this.#store.baseline.inputs.slice()
    const judge = {
      inputs,
      baseline: this.#store.baseline,
      head: this.#head,
      thresholds: this.#thresholds,
    }
    const modelId = this.#modelId
    if (this.#worker.state === 'starting') {
      this.#fallbacks.note('loading', transfers.length)
      return { assessments: byCheapSum(transfers, rows, judge), modelId }
    }
    const shadowInputs = comparison?.inputs(inputs) ?? null
    const { scores, shadowScores, missing, failed } = await this.#worker.score(
      { rows: rows.slice(), inputs, shadowInputs },
      { count: transfers.length, budgetMs },
    )
    if (failed) {
      this.#fallbacks.note('down', transfers.length)
      return { assessments: transfers.map(({ key }) => unflagged(key, 0)), modelId: NO_MODEL }
    }
    this.#fallbacks.note('slow', missing)
    this.#fallbacks.note('no-number', scores.filter((score) => !Number.isFinite(score)).length - missing)
    if (comparison !== null && shadowInputs !== null)
      compare(comparison, transfers, { scores, shadowScores, shadowInputs })
    const assessments = transfers.map(({ key }, i) =>
      assessmentOf(key, { rows, i, modelScore: scores[i] ?? NaN }, judge),
    )
    return { assessments, modelId }
  }
}

function byHand(head: Head | null): HeadByHand | null {
  return head === null ? null : new HeadByHand(head)
}

function idOf(head: Head | null): Uint8Array {
  return modelIdOf(head === null ? null : headId(head))
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
