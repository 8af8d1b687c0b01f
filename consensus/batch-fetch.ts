/**
 * Fetching of batch bodies that final blocks need (dissemination.md, Life of a batch 7). The signers of a certificate
 * hold the body durably: they are asked in turn, with growing pauses, until it has come. A request that was accepted
 * and then lost is issued again like any other (consensus.md §8.7).
 */
import { LIMITS } from '../config/limits.ts'
import { batchKey } from './batch-pool.ts'
import type { Effect, Peer, Target } from './replica-types.ts'
import type { BatchCertificate, BatchRef, ValidatorIndex } from './types.ts'

const BACKOFF_FACTOR = 1.5
/** Longest pause while blocks become final: the network is there, so a request without an answer was just lost. */
const PAUSE_WHILE_ALIVE_MS = 1_000

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
  /** For a follower: the peer that answered last. */
  #helper: string | null = null
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

  /** The batch is wanted no longer: it has come by itself, or nothing needs it any more. */
  forget(key: string): void {
    this.#wanted.delete(key)
  }

  /**
   * Batches have come as an answer. What was asked for in the same request did not fit in the answer, so it is asked
   * for again at once.
   */
  answered(from: Peer, keys: readonly string[], nowMs: number): void {
    if (keys.length > 0) this.#helper = from.id
    const requests = new Set(keys.map((key) => this.#wanted.get(key)?.request))
    for (const key of keys) this.#wanted.delete(key)
    for (const wanted of this.#wanted.values()) {
      if (wanted.attempts === 0 || !requests.has(wanted.request)) continue
      wanted.attempts = 0
      wanted.dueMs = nowMs
    }
  }

  /** A block became final. */
  networkIsAlive(nowMs: number): void {
    for (const wanted of this.#wanted.values())
      wanted.dueMs = Math.min(wanted.dueMs, nowMs + PAUSE_WHILE_ALIVE_MS)
  }

  nextDeadlineMs(): number {
    let next = Infinity
    for (const { dueMs } of this.#wanted.values()) next = Math.min(next, dueMs)
    return next
  }

  /** Sends the requests that are due, those to one peer together. */
  progress(nowMs: number): void {
    if (this.nextDeadlineMs() > nowMs) return
    const requests = new Map<string, { readonly to: Target; readonly wanted: Wanted[] }>()
    for (const wanted of this.#wanted.values()) {
      if (wanted.dueMs > nowMs) continue
      const to = this.#nextTarget(wanted)
      wanted.dueMs =
        nowMs + Math.min(this.#options.retryMs * BACKOFF_FACTOR ** wanted.attempts, LIMITS.batchFetchMaxMs)
      wanted.attempts++
      const name = JSON.stringify(to)
      const together = requests.get(name)
      if (together === undefined) requests.set(name, { to, wanted: [wanted] })
      else together.wanted.push(wanted)
    }
    for (const { to, wanted } of requests.values()) {
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

  /**
   * Signers in turn, another first one for each batch, so that nobody has to serve everything. A follower asks whoever
   * answered last, and anyone after a failure.
   */
  #nextTarget(wanted: Wanted): Target {
    const { self } = this.#options
    if (self === null || wanted.sources.length === 0) {
      return wanted.attempts > 0 || this.#helper === null
        ? { kind: 'anyone' }
        : { kind: 'peer', id: this.#helper }
    }
    if (wanted.asked === null || wanted.attempts > 0) {
      const last = wanted.asked === null ? self + wanted.ref.seq : wanted.sources.indexOf(wanted.asked)
      wanted.asked = wanted.sources[(last + 1) % wanted.sources.length] as ValidatorIndex
    }
    return { kind: 'validator', index: wanted.asked }
  }
}
