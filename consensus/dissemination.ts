/**
 * Dissemination and assessment: one round trip makes a batch of transactions available and collects every validator's
 * opinion on each transfer in it. Ordering then works on small certificates only.
 *
 *   submit ─▶ builder ─▶ batch ───────────▶ others: check, assess, store batch and ack in one write, then ack
 *                          │                                   │
 *                        own ack                    ack to the author and to the next leaders
 *                          ▼                                   ▼
 *                 acks of weight ≥ q ─▶ certificate ─▶ pool ─▶ block ─▶ executed, or void by block time
 *
 * The rules are those of dissemination.md, "Life of a batch"; what they rest on:
 *
 * - An ack promises that the batch is held durably and that every transaction in it is valid. It leaves after both are
 *   on disk, and asked again a validator gives the very same bytes, also after a restart.
 * - At most one batch is acked per (epoch, author, seq). So of two batches under one number at most one is certified.
 * - An unordered batch is deleted only when an *executed* block is later than createdMs + batchTtlMs: by then any block
 *   that could still order it would skip it. The local clock never deletes anything.
 * - Lost messages cost time only: the author repeats itself until its batch is ordered.
 *
 *     Dissemination ─┬─ BatchAuthor ── BatchBuilder, OwnBatches     ├─ BatchPool: all that is known of open batches
 *                    ├─ Acker ── BatchCheck, AuthorLimits           └─ Hearing: who was heard lately
 *                    ├─ Certifier
 *                    └─ Bodies ── BatchFetch
 */
import type { Parameters } from '../config/parameters.ts'
import { Acker, type AssessedInput } from './acker.ts'
import { AuthorLimits } from './author-limits.ts'
import { BatchAuthor } from './batch-author.ts'
import { BatchCheck } from './batch-check.ts'
import { BatchPool, type SelectRequest } from './batch-pool.ts'
import { Bodies } from './bodies.ts'
import { Certifier } from './certifier.ts'
import { refOfBatch, refOfCertificate, type DisseminationCore } from './dissemination-core.ts'
import { Hearing } from './hearing.ts'
import { OrderedRate } from './ordered-rate.ts'
import { OwnBatches } from './own-batches.ts'
import type { Excluded, PayloadSource } from './payload-source.ts'
import type { Clock, Effect, Peer, Restored, Signer, Verifier } from './replica-types.ts'
import type { Ack, BatchCertificate, Block, SignedBatch, ValidatorIndex, ValidatorSet } from './types.ts'
import { batchFields } from './wire.ts'

export interface DisseminationOptions {
  readonly set: ValidatorSet
  readonly parameters: Parameters
  /** Null: a follower. It neither acks nor writes batches, but keeps bodies and fetches those it misses. */
  readonly self: ValidatorIndex | null
  readonly signer: Signer | null
  readonly verifier: Verifier
  readonly restored: Pick<Restored, 'batches' | 'finalBlocks' | 'executed'>
  readonly emit: (effect: Effect) => void
  /** Current view, for the leaders to be told. */
  readonly view: () => number
}

export class Dissemination implements PayloadSource {
  readonly #core: DisseminationCore
  readonly #restored: DisseminationOptions['restored']
  readonly #certifier: Certifier
  readonly #bodies: Bodies
  readonly #acker: Acker
  readonly #author: BatchAuthor

  constructor({ set, parameters, self, signer, verifier, restored, emit, view }: DisseminationOptions) {
    const hearing = new Hearing(parameters.standstillMs)
    const heardLately = (validator: ValidatorIndex): boolean =>
      validator === self || hearing.lately(validator, this.#core.clock.monotonicMs)
    this.#core = {
      set,
      parameters,
      self,
      signer,
      check: new BatchCheck({ set, parameters, verifier }),
      pool: new BatchPool({ set, parameters, heardLately }),
      own: new OwnBatches(parameters),
      limits: new AuthorLimits(set.validators.length, parameters.maxOpenBatches),
      hearing,
      rate: new OrderedRate(),
      emit,
      view,
      clock: { monotonicMs: 0, wallMs: 0 },
    }
    this.#restored = restored
    this.#certifier = new Certifier(this.#core)
    this.#bodies = new Bodies(this.#core)
    this.#acker = new Acker(this.#core, this.#certifier, this.#bodies)
    this.#author = new BatchAuthor(this.#core, this.#certifier, this.#acker)
  }

  // ---- what others read ----

  /** Own batches that are not ordered: for back pressure. */
  get ownOpenBatches(): number {
    return this.#core.own.count
  }

  /** Bytes of own transactions that are not ordered, those waiting for a batch included. */
  get ownUnorderedBytes(): number {
    return this.#core.own.bytes + this.#author.queuedBytes
  }

  /** Transactions that wait for a batch. */
  get queuedTxs(): number {
    return this.#author.queuedTxs
  }

  /** Batches known and not forgotten: open ones, and ordered ones within batchTtlMs. */
  get knownBatches(): number {
    return this.#core.pool.size
  }

  /** Bodies that are being fetched. */
  get missingBatches(): number {
    return this.#bodies.missing
  }

  /** Whether something became orderable since the last call. */
  takeWork(): boolean {
    return this.#certifier.takeWork()
  }

  // ---- life ----

  /** Sets the time for everything until the next call. */
  setClock(clock: Clock): void {
    this.#core.clock = clock
  }

  /** Restart: own unordered batches are sent again, and acks given are given again. */
  start(): void {
    const { batches, finalBlocks, executed } = this.#restored
    this.#core.hearing.start(this.#core.clock.monotonicMs)
    for (const block of finalBlocks) this.#order(block, false)
    const executedTimeMs = executed.at(-1)?.timeMs
    if (executedTimeMs !== undefined) this.onExecuted(executedTimeMs)
    for (const { batch, ack } of batches) this.#restore(batch, ack)
  }

  #restore(signed: SignedBatch, ack: Ack | null): void {
    const { set, self, limits, pool } = this.#core
    // One that is void by now is left alone, not deleted: `finalBlocks` does not reach back far enough to tell whether
    // it is ordered.
    if (signed.batch.epoch !== set.epoch || pool.isPast(signed.batch.createdMs)) return
    const entry = this.#certifier.entry(refOfBatch(signed), batchFields(signed.batch))
    entry.body = 'stored'
    entry.authorSignature = signed.signature
    limits.review(entry)
    if (entry.order !== 'open') return
    entry.ownAck = ack
    if (ack !== null) this.#certifier.count(entry, ack)
    if (signed.batch.author === self) this.#author.resume(entry, signed)
    this.#acker.sendOwn(entry)
  }

  /** Does what is due; to be called at the end of every step. */
  progress(): void {
    this.#author.progress()
    this.#certifier.progress()
    this.#bodies.progress()
  }

  nextDeadlineMs(): number {
    return Math.min(
      this.#author.nextDeadlineMs(),
      this.#certifier.nextDeadlineMs(),
      this.#bodies.nextDeadlineMs(),
    )
  }

  // ---- inputs ----

  /** Any message of a validator shows that it is there. */
  heard(from: Peer): void {
    this.#core.hearing.saw(from, this.#core.clock.monotonicMs)
  }

  /** Transactions admitted here. They go into the next batches in this order. */
  submit(txs: readonly Uint8Array[]): void {
    this.#author.submit(txs)
  }

  /** A batch, from its topic (`asked` false) or over a direct stream, which asks for the ack. */
  onBatch(from: Peer, signed: SignedBatch, asked: boolean): void {
    this.#acker.onBatch(from, signed, asked)
  }

  onAssessed(input: AssessedInput): void {
    this.#acker.onAssessed(input)
  }

  onAck(from: Peer, ack: Ack): void {
    this.#certifier.onAck(from, ack)
  }

  onBatchCertificate(from: Peer, certificate: BatchCertificate): void {
    this.#certifier.onBatchCertificate(from, certificate)
  }

  /** Execution lacks these bodies. */
  needBatches(certificates: readonly BatchCertificate[]): void {
    this.#bodies.need(certificates)
  }

  /** Bodies that were asked for. */
  onBatches(from: Peer, batches: readonly SignedBatch[]): void {
    this.#bodies.onBatches(from, batches)
  }

  /** Execution has come to a block of this time: what no later block can order is deleted. */
  onExecuted(timeMs: number): void {
    const { pool, limits, emit } = this.#core
    for (const entry of pool.expire(timeMs)) {
      entry.assessing = null
      limits.leave(entry)
      this.#certifier.forget(entry)
      this.#bodies.forget(entry)
      if (entry.order === 'ordered') continue
      if (entry.body === 'stored') emit({ type: 'store', record: { kind: 'delete-batch', ref: entry.ref } })
      this.#author.drop(entry, 'it was not ordered in time')
    }
  }

  // ---- payload of blocks (what ordering asks for) ----

  select(request: SelectRequest): BatchCertificate[] {
    return this.#core.pool.select(request, this.#core.clock.monotonicMs)
  }

  check(certificate: BatchCertificate): string | null {
    return this.#certifier.check(certificate)
  }

  hasOrderable(excluded: Excluded): boolean {
    return this.#core.pool.hasOrderable(this.#core.clock.wallMs, excluded, this.#core.clock.monotonicMs)
  }

  /** A block became final. */
  onDelivered(block: Block): void {
    this.#bodies.networkIsAlive()
    this.#core.rate.note(block)
    this.#order(block, true)
  }

  /** `fetch`: get bodies that are not here. */
  #order(block: Block, fetch: boolean): void {
    const { pool, own, limits, parameters } = this.#core
    for (const certificate of block.payload) {
      const entry = this.#certifier.entry(refOfCertificate(this.#core, certificate), certificate)
      const first = entry.order === 'open'
      for (const voided of pool.markOrdered(entry)) {
        limits.review(voided)
        this.#certifier.forget(voided)
        this.#author.drop(voided, 'another batch took its number')
      }
      limits.review(entry)
      this.#certifier.forget(entry)
      own.close(entry)
      const skipped = entry.fields.createdMs + parameters.batchTtlMs < block.timeMs
      if (fetch && first && !skipped) this.#bodies.prefetch(entry, certificate)
    }
  }
}
