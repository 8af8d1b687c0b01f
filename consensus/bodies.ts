/**
 * Bodies of ordered batches (dissemination.md, Life of a batch 7): what execution needs and this node missed is fetched.
 * "Executors check a fetched batch against the digest only: q signers have checked its signatures."
 */
import { equalBytes } from '../crypto/bytes.ts'
import { BatchFetch } from './batch-fetch.ts'
import { batchKey, type PoolEntry } from './batch-pool.ts'
import {
  isHere,
  penalize,
  refOfBatch,
  refOfCertificate,
  storeBatch,
  type DisseminationCore,
} from './dissemination-core.ts'
import type { Peer } from './replica-types.ts'
import type { BatchCertificate, BatchRef, SignedBatch } from './types.ts'
import { batchDigestOfBatch } from './wire.ts'

/** Missing bodies of final blocks that are asked for at once, before execution gets there. */
const PREFETCH_BATCHES = 256
/** Those that wait for their turn to be asked for; of more than these execution says itself what it lacks. */
const WAITING_BATCHES = 16_384

export class Bodies {
  readonly #core: DisseminationCore
  readonly #fetch: BatchFetch
  /** Entries that were said to be held when execution asked. */
  readonly #claimed = new WeakSet<PoolEntry>()
  /** Not asked for yet, in the order of their blocks. */
  readonly #waiting = new Map<PoolEntry, BatchCertificate>()

  constructor(core: DisseminationCore) {
    this.#core = core
    this.#fetch = new BatchFetch({ self: core.self, retryMs: 2 * core.parameters.deltaMs, emit: core.emit })
  }

  /** Bodies being fetched. */
  get missing(): number {
    return this.#fetch.size
  }

  /** Whether a body that arrives unasked is needed for execution. */
  wants(ref: BatchRef, entry: PoolEntry | undefined): boolean {
    return this.#fetch.has(batchKey(ref)) || (entry?.order === 'ordered' && !isHere(entry))
  }

  /** A final block orders a batch: if its body is not here it will be needed, so it is asked for as soon as there is room. */
  prefetch(entry: PoolEntry, certificate: BatchCertificate): void {
    if (isHere(entry)) return
    if (this.#waiting.size < WAITING_BATCHES) this.#waiting.set(entry, certificate)
    this.#askForMore()
  }

  /** A node that catches up has blocks with thousands of batches: always so many of them are on their way. */
  #askForMore(): void {
    for (const [entry, certificate] of this.#waiting) {
      if (this.#fetch.size >= PREFETCH_BATCHES) return
      this.#waiting.delete(entry)
      if (!isHere(entry)) this.#fetch.want(entry.ref, certificate, this.#core.clock.monotonicMs)
    }
  }

  /** A block became final: bodies that were asked for long ago are asked for again sooner. */
  networkIsAlive(): void {
    this.#fetch.networkIsAlive(this.#core.clock.monotonicMs)
  }

  /** Execution lacks these bodies. */
  need(certificates: readonly BatchCertificate[]): void {
    for (const certificate of certificates) this.#need(certificate)
  }

  #need(certificate: BatchCertificate): void {
    const { pool, clock, emit } = this.#core
    const ref = refOfCertificate(this.#core, certificate)
    const entry = pool.get(batchKey(ref))
    if (entry !== undefined && entry.assessing !== null && entry.body === 'none')
      storeBatch(this.#core, entry, entry.assessing, null)
    if (entry?.body !== 'stored' || this.#claimed.has(entry)) {
      // Unknown here, or said to be stored when execution asked before, which then did not find it.
      this.#fetch.want(ref, certificate, clock.monotonicMs)
      return
    }
    this.#claimed.add(entry)
    emit({ type: 'batches-held', refs: [ref] })
  }

  /** An answer to a request. */
  onBatches(from: Peer, batches: readonly SignedBatch[]): void {
    const wanted = batches.filter((signed) => this.#fetch.has(batchKey(refOfBatch(signed))))
    const good = wanted.filter((signed) => this.#keep(from, signed))
    this.#fetch.answered(
      from,
      good.map((signed) => batchKey(refOfBatch(signed))),
      this.#core.clock.monotonicMs,
    )
    this.#askForMore()
  }

  /** A body that came by itself and is wanted. */
  accept(from: Peer, signed: SignedBatch): void {
    if (!this.#keep(from, signed)) return
    this.#fetch.forget(batchKey(refOfBatch(signed)))
    this.#askForMore()
  }

  #keep(from: Peer, signed: SignedBatch): boolean {
    const { set, pool, emit } = this.#core
    if (!equalBytes(batchDigestOfBatch(set.context, signed.batch), signed.digest)) {
      penalize(this.#core, from, 'bad-batch', 'the digest is not that of the batch')
      return false
    }
    const ref = refOfBatch(signed)
    const entry = pool.get(batchKey(ref))
    if (entry === undefined) emit({ type: 'store', record: { kind: 'batch', batch: signed, ack: null } })
    else storeBatch(this.#core, entry, signed, null)
    if (this.#fetch.has(batchKey(ref))) emit({ type: 'batches-held', refs: [ref] })
    return true
  }

  /** By executed block time no block needs the body any more. */
  forget(entry: PoolEntry): void {
    this.#waiting.delete(entry)
    this.#fetch.forget(entry.key)
    this.#askForMore()
  }

  progress(): void {
    this.#fetch.progress(this.#core.clock.monotonicMs)
  }

  nextDeadlineMs(): number {
    return this.#fetch.nextDeadlineMs()
  }
}
