/**
 * Fetching of batch bodies that final blocks need (dissemination.md, Life of a batch 7). The signers of a certificate
 * hold the body durably: they are asked in turn, with growing pauses, until it has come. A request that was accepted
 * and then lost is issued again like any other (consensus.md §8.7).
 */
import { LIMITS } from '../config/limits.ts'
import { batchKey } from './batch-pool.ts'
import type { Effect, Target } from './replica-types.ts'
import type { BatchCertificate, BatchRef, ValidatorIndex } from './types.ts'

const BACKOFF_FACTOR = 1.5

interface Wanted {
  readonly ref: BatchRef
  /** Validators that hold it, without this node. */
  readonly sources: readonly ValidatorIndex[]
  attempts: number
  dueMs: number
  /** Who was asked last; null: nobody yet, or anyone. */
  asked: ValidatorIndex | null
  /** Number of the request it was last part of. */
  request: number
}

export interface BatchFetchOptions {
  /** Null: a follower, which has no streams to validators and asks whoever it is connected to. */
  readonly self: ValidatorIndex | null
  /** First pause between two requests for one batch. */
  readonly retryMs: number
  readonly emit: (effect: Effect) => void
}

export class BatchFetch {
  readonly #options: BatchFetchOptions
  readonly #wanted = new Map<string, Wanted>()
  #requests = 0

  constructor(options: BatchFetchOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#wanted.size
  }

  has(key: string): boolean {
    return this.#wanted.has(key)
  }

  /** Wants the batch of a checked certificate; asked for with the next `progress`. */
  want(ref: BatchRef, certificate: BatchCertificate, nowMs: number): void {
    const key = batchKey(ref)
    if (this.#wanted.has(key)) return
    const sources = certificate.acks.flatMap(({ signer }) => (signer === this.#options.self ? [] : [signer]))
    this.#wanted.set(key, { ref, sources, attempts: 0, dueMs: nowMs, asked: null, request: 0 })
  }

  /** A batch has come by itself: it is wanted no longer. */
  arrived(key: string): void {
    this.#wanted.delete(key)
  }

  /**
   * Batches have come as an answer. What was asked for in the same request did not fit in the answer, so it is asked
   * for again at once.
   */
  answered(keys: readonly string[], nowMs: number): void {
    const requests = new Set(keys.map((key) => this.#wanted.get(key)?.request))
    for (const key of keys) this.#wanted.delete(key)
    for (const wanted of this.#wanted.values()) {
      if (wanted.attempts === 0 || !requests.has(wanted.request)) continue
      wanted.attempts = 0
      wanted.dueMs = nowMs
    }
  }

  nextDeadlineMs(): number {
    let next = Infinity
    for (const { dueMs } of this.#wanted.values()) next = Math.min(next, dueMs)
    return next
  }

  /** Sends the requests that are due, those to one validator together. */
  progress(nowMs: number): void {
    const requests = new Map<ValidatorIndex | null, Wanted[]>()
    for (const wanted of this.#wanted.values()) {
      if (wanted.dueMs > nowMs) continue
      const source = this.#nextSource(wanted)
      wanted.asked = source
      wanted.dueMs =
        nowMs + Math.min(this.#options.retryMs * BACKOFF_FACTOR ** wanted.attempts, LIMITS.batchFetchMaxMs)
      wanted.attempts++
      const together = requests.get(source)
      if (together === undefined) requests.set(source, [wanted])
      else together.push(wanted)
    }
    for (const [source, wanted] of requests) {
      const to: Target = source === null ? { kind: 'anyone' } : { kind: 'validator', index: source }
      for (let i = 0; i < wanted.length; i += LIMITS.batchesPerPage)
        this.#request(to, wanted.slice(i, i + LIMITS.batchesPerPage))
    }
  }

  #request(to: Target, wanted: readonly Wanted[]): void {
    const request = ++this.#requests
    for (const each of wanted) each.request = request
    this.#options.emit({
      type: 'send',
      to,
      message: { type: 'batch-request', refs: wanted.map(({ ref }) => ref) },
    })
  }

  /** Signers in turn, another first one for each batch, so that nobody has to serve everything. */
  #nextSource({ ref, sources, attempts, asked }: Wanted): ValidatorIndex | null {
    if (this.#options.self === null || sources.length === 0) return null
    const last = asked === null ? -1 : sources.indexOf(asked)
    if (attempts === 0 && asked !== null) return asked
    if (last >= 0) return sources[(last + 1) % sources.length] as ValidatorIndex
    return sources[(this.#options.self + ref.seq) % sources.length] as ValidatorIndex
  }
}
