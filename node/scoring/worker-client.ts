/**
 * The main thread's end of the scoring worker: starts it, sends batches, waits no longer than allowed, and starts it
 * again with growing pauses when it crashed or hangs. It knows nothing of features or flags.
 */
import type { Worker } from 'node:worker_threads'
import { Backoff, endWorker } from '../workers/spawn.ts'
import type { Models, ScoreRequest, WorkerAnswer, WorkerRequest } from './messages.ts'

/** A worker that owes an answer for longer than this hangs. */
const STUCK_MS = 10_000
const FIRST_RESTART_MS = 250
const LONGEST_RESTART_MS = 30_000

export interface WorkerClientOptions {
  /** Starts the thread. */
  readonly spawn: () => Worker
  readonly onProblem: (message: string) => void
  /** @param problem with the better backends or with this one, or null. */
  readonly onReady: (backend: string, problem: string | null) => void
}

/** Scores as far as they came. */
export interface WorkerScores {
  /** NaN for rows that the worker did not reach in time. */
  readonly scores: Float32Array
  /** How many those are. */
  readonly missing: number
  /** The same of the model in the shadow; all NaN if there is none. */
  readonly shadowScores: Float32Array
  /** The worker is down, or went down meanwhile. */
  readonly failed: boolean
}

interface Waiting {
  readonly scores: Float32Array
  readonly shadowScores: Float32Array
  missing: number
  readonly settle: (failed: boolean) => void
  readonly sentMs: number
}

export class ScoringWorkerClient {
  readonly #options: WorkerClientOptions
  readonly #backoff = new Backoff(FIRST_RESTART_MS, LONGEST_RESTART_MS)
  readonly #waiting: Map<number, Waiting> = new Map()
  readonly #firstStart: Promise<void>
  #startSettled: () => void = () => undefined
  #worker: Worker | null = null
  #restart: NodeJS.Timeout | null = null
  #nextId = 0
  #state: 'starting' | 'ready' | 'failed' | 'closed' = 'starting'
  #backend = 'none'
  #problem: string | null = null

  constructor(options: WorkerClientOptions) {
    this.#options = options
    this.#firstStart = new Promise((resolve) => (this.#startSettled = resolve))
    this.#start()
  }

  get state(): 'starting' | 'ready' | 'failed' | 'closed' {
    return this.#state
  }

  get backend(): string {
    return this.#backend
  }

  /** What went wrong last, or with the better backends; null: nothing. */
  get problem(): string | null {
    return this.#problem
  }

  /** Resolves when the first start succeeded or failed. */
  get started(): Promise<void> {
    return this.#firstStart
  }

  /**
   * Sends rows (transferred) and waits at most `budgetMs`. Never rejects.
   * @param count of the rows.
   */
  score(
    request: Omit<ScoreRequest, 'id'>,
    { count, budgetMs }: { readonly count: number; readonly budgetMs: number },
  ): Promise<WorkerScores> {
    const scores = new Float32Array(count).fill(NaN)
    const shadowScores = new Float32Array(count).fill(NaN)
    const worker = this.#worker
    if (count === 0) return Promise.resolve({ scores, shadowScores, missing: 0, failed: false })
    if (this.#state !== 'ready' || worker === null)
      return Promise.resolve({ scores, shadowScores, missing: count, failed: true })
    this.#endIfStuck()
    return new Promise((resolve) => {
      const id = this.#nextId++
      const soFar = (failed: boolean): WorkerScores => ({
        scores: scores.slice(),
        shadowScores: shadowScores.slice(),
        missing: waiting.missing,
        failed,
      })
      const timer = setTimeout(() => resolve(soFar(false)), budgetMs)
      const settle = (failed: boolean): void => {
        clearTimeout(timer)
        this.#waiting.delete(id)
        resolve(soFar(failed))
      }
      const waiting = { scores, shadowScores, missing: count, settle, sentMs: performance.now() }
      this.#waiting.set(id, waiting)
      worker.postMessage({ id, ...request } satisfies WorkerRequest, [request.rows.buffer])
    })
  }

  /** Requests after this one are scored by these models. A worker that starts later is given them by `spawn`. */
  useModels(models: Models): void {
    this.#worker?.postMessage({ models } satisfies WorkerRequest)
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    if (this.#restart !== null) clearTimeout(this.#restart)
    this.#failWaiting()
    if (this.#worker !== null) await endWorker(this.#worker)
    this.#worker = null
  }

  #start(): void {
    this.#restart = null
    let worker: Worker
    try {
      worker = this.#options.spawn()
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
      return
    }
    this.#worker = worker
    worker.on('message', (answer: WorkerAnswer) => this.#answered(worker, answer))
    worker.on('error', (error: unknown) =>
      this.#gone(worker, error instanceof Error ? error.message : String(error)),
    )
    worker.on('exit', (code) => this.#gone(worker, `the scoring worker ended with code ${code}`))
  }

  #answered(worker: Worker, answer: WorkerAnswer): void {
    if (worker !== this.#worker || this.#state === 'closed') return
    if (answer.type === 'ready') {
      this.#state = 'ready'
      this.#backend = answer.backend
      this.#problem = answer.problem
      this.#options.onReady(answer.backend, answer.problem)
      this.#startSettled()
      return
    }
    this.#backoff.reset()
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return
    waiting.scores.set(answer.scores, answer.first)
    if (answer.shadowScores !== null) waiting.shadowScores.set(answer.shadowScores, answer.first)
    waiting.missing -= answer.scores.length
    if (waiting.missing <= 0) waiting.settle(false)
  }

  #gone(worker: Worker, why: string): void {
    if (worker !== this.#worker || this.#state === 'closed') return
    this.#worker = null
    this.#fail(why)
  }

  #fail(why: string): void {
    this.#state = 'failed'
    this.#problem = why
    this.#backend = 'none'
    this.#failWaiting()
    this.#startSettled()
    const pauseMs = this.#backoff.next()
    this.#options.onProblem(`${why}; starting it again in ${pauseMs} ms`)
    this.#restart = setTimeout(() => this.#start(), pauseMs)
    this.#restart.unref()
  }

  #failWaiting(): void {
    for (const waiting of [...this.#waiting.values()]) waiting.settle(true)
  }

  /** Looked at only when there is work, so that an idle node has no timer running. */
  #endIfStuck(): void {
    const oldest = this.#waiting.values().next()
    if (oldest.done === true || performance.now() - oldest.value.sentMs < STUCK_MS) return
    const worker = this.#worker
    if (worker === null) return
    this.#gone(worker, `the scoring worker gave no answer for ${STUCK_MS} ms`)
    void worker.terminate()
  }
}
