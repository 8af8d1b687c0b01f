/**
 * Dissemination and assessment: one round trip makes a batch of transactions available and collects every validator's
 * opinion on each transfer in it. Ordering then works on small certificates only.
 *
 *   submit ─▶ builder ─▶ batch ──gossip──▶ others: check, assess, store batch and ack in one write, then ack
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
 */
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { BatchBuilder } from './batch-builder.ts'
import { BatchCheck } from './batch-check.ts'
import { BatchFetch } from './batch-fetch.ts'
import { BatchPool, batchKey, type PoolEntry, type SelectRequest } from './batch-pool.ts'
import { OwnBatches, type OwnBatch } from './own-batches.ts'
import type { Excluded, PayloadSource } from './payload-source.ts'
import type { Clock, Effect, Input, Misbehaviour, Peer, Restored, Signer, Target, Verifier } from './replica-types.ts'
import type {
  Ack,
  Batch,
  BatchCertificate,
  BatchRef,
  Block,
  SignedBatch,
  ValidatorIndex,
  ValidatorSet,
} from './types.ts'
import { leader } from './validator-set.ts'
import { ackMessage, batchDigestOfBatch, batchDigestOfCertificate, batchFields } from './wire.ts'

/** Leaders an ack goes to: of the current view and the next ones. */
const LEADERS_ACKED = 3
/** A receiver allows this much more than a sender, which may know of an ordered batch earlier. */
const RECEIVER_SLACK = 2
/** Missing bodies of final blocks asked for before execution gets there. */
const PREFETCH_BATCHES = 256

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

type AssessedInput = Extract<Input, { type: 'assessed' }>

/** What an author may occupy at a receiver. */
interface Occupancy {
  batches: number
  bytes: number
}

export class Dissemination implements PayloadSource {
  readonly #options: DisseminationOptions
  readonly #check: BatchCheck
  readonly #pool: BatchPool
  readonly #builder: BatchBuilder
  readonly #own: OwnBatches
  readonly #fetch: BatchFetch
  readonly #occupied: Occupancy[]
  /** When each validator was last heard, monotonic; never yet counts as heard at the start. */
  readonly #heardMs: (number | null)[]
  /** Last known peer of each validator, for penalties. */
  readonly #peers: (Peer | null)[]
  /** Entries with a quorum that wait for more opinions. */
  readonly #inGrace = new Set<PoolEntry>()
  #clock: Clock = { monotonicMs: 0, wallMs: 0 }
  #startedMs = 0
  #work = false

  constructor(options: DisseminationOptions) {
    const { set, parameters, verifier } = options
    this.#options = options
    this.#check = new BatchCheck({ set, parameters, verifier })
    this.#pool = new BatchPool({ set, parameters, heardLately: (validator) => this.#heardLately(validator) })
    this.#builder = new BatchBuilder(parameters)
    this.#own = new OwnBatches(parameters)
    this.#fetch = new BatchFetch({ self: options.self, retryMs: 2 * parameters.deltaMs, emit: options.emit })
    this.#occupied = set.validators.map(() => ({ batches: 0, bytes: 0 }))
    this.#heardMs = set.validators.map(() => null)
    this.#peers = set.validators.map(() => null)
  }

  // ---- what others read ----

  /** Own batches that are not ordered: for back pressure. */
  get ownOpenBatches(): number {
    return this.#own.count
  }

  /** Bytes of own transactions that are not ordered, those waiting for a batch included. */
  get ownUnorderedBytes(): number {
    return this.#own.bytes + this.#builder.bytes
  }

  /** Transactions that wait for a batch. */
  get queuedTxs(): number {
    return this.#builder.txs
  }

  /** Batches known and not forgotten: open ones, and ordered ones within batchTtlMs. */
  get knownBatches(): number {
    return this.#pool.size
  }

  /** Bodies that are being fetched. */
  get missingBatches(): number {
    return this.#fetch.size
  }

  /** Whether something became orderable since the last call. */
  takeWork(): boolean {
    const work = this.#work
    this.#work = false
    return work
  }

  // ---- life ----

  /** Sets the time for everything until the next call. */
  setClock(clock: Clock): void {
    this.#clock = clock
  }

  get #now(): number {
    return this.#clock.monotonicMs
  }

  /** Restart: "own unordered batches are re-sent; acks given are given again". */
  start(): void {
    this.#startedMs = this.#now
    const { batches, finalBlocks, executed } = this.#options.restored
    for (const block of finalBlocks) this.#order(block, false)
    for (const { batch, ack } of batches) this.#restore(batch, ack)
    const executedTimeMs = executed.at(-1)?.timeMs
    if (executedTimeMs !== undefined) this.onExecuted(executedTimeMs)
  }

  #restore(signed: SignedBatch, ack: Ack | null): void {
    const { self, set } = this.#options
    const ref = refOf(signed)
    if (ref.epoch !== set.epoch) return
    const entry = this.#entry(ref, signed.batch)
    entry.body = 'stored'
    this.#account(entry)
    if (entry.order !== 'open') return
    if (ack !== null) {
      entry.ownAck = ack
      this.#countAck(entry, ack)
    }
    if (ref.author === self) {
      this.#own.add(entry, signed, this.#now)
      if (ack === null) this.#assess(entry, signed)
    }
    if (ack !== null) this.#sendOwnAck(entry)
  }

  /** Does what is due; to be called at the end of every step. */
  progress(): void {
    this.#closeBatches()
    for (const own of this.#own.takeDue(this.#now)) this.#resend(own)
    for (const entry of this.#inGrace) this.#reviewQuorum(entry)
    this.#fetch.progress(this.#now)
  }

  nextDeadlineMs(): number {
    let next = Math.min(this.#own.nextDeadlineMs(), this.#fetch.nextDeadlineMs())
    // Without room or a number the batch closes when there is one again, which takes another input or a moment.
    if (this.#own.hasRoom()) next = Math.min(next, Math.max(this.#builder.closesAtMs(), this.#seqRetryMs))
    for (const entry of this.#inGrace) next = Math.min(next, this.#pool.graceEndsMs(entry))
    return next
  }

  /** Any message of a validator shows that it is there. */
  heard(from: Peer): void {
    if (from.validator === null) return
    this.#heardMs[from.validator] = this.#now
    this.#peers[from.validator] = from
  }

  #heardLately(validator: ValidatorIndex): boolean {
    return this.#now - (this.#heardMs[validator] ?? this.#startedMs) < this.#options.parameters.standstillMs
  }

  // ---- author ----

  /** Transactions admitted here. They go into the next batches in this order. */
  submit(txs: readonly Uint8Array[]): void {
    if (this.#options.self === null) throw new RangeError('a follower writes no batches: hand the transactions to a validator')
    this.#builder.add(txs, this.#now)
  }

  #seqRetryMs = 0

  #closeBatches(): void {
    const { self, signer, parameters } = this.#options
    if (self === null || signer === null) return
    while (this.#builder.closesAtMs() <= this.#now && this.#own.hasRoom()) {
      const seq = signer.nextBatchSeq()
      if (seq === null) {
        this.#seqRetryMs = this.#now + parameters.batchIntervalMs
        return
      }
      this.#broadcast(self, signer, seq)
    }
  }

  #broadcast(self: ValidatorIndex, signer: Signer, seq: number): void {
    const { set, parameters, emit } = this.#options
    const batch: Batch = { epoch: set.epoch, author: self, seq, createdMs: this.#clock.wallMs, txs: this.#builder.take() }
    const digest = batchDigestOfBatch(set.context, batch)
    const signed: SignedBatch = { batch, digest, signature: signer.signBatch(digest) }
    const entry = this.#entry(refOf(signed), batch)
    this.#own.add(entry, signed, this.#now + parameters.ackRetryMs)
    emit({ type: 'gossip-batch', batch: signed })
    this.#assess(entry, signed)
  }

  /** "Re-sends over direct streams the batch to those who have not acked and the certificate to validators." */
  #resend({ entry, signed }: OwnBatch): void {
    const { set, self, emit } = this.#options
    for (const index of set.validators.keys()) {
      if (index === self || entry.acks.has(index) || !this.#heardLately(index)) continue
      emit({ type: 'send', to: { kind: 'validator', index }, message: { type: 'batch', batch: signed } })
    }
    if (entry.certified) this.#sendCertificate(entry)
  }

  #sendCertificate(entry: PoolEntry): void {
    const certificate = this.#pool.certificateOf(entry)
    this.#options.emit({ type: 'send', to: { kind: 'validators' }, message: { type: 'batch-certificate', certificate } })
  }

  // ---- acker ----

  /** A batch, from its topic (`asked` false) or over a direct stream, which asks for the ack. */
  onBatch(from: Peer, signed: SignedBatch, asked: boolean): void {
    const ref = refOf(signed)
    const key = batchKey(ref)
    const known = this.#pool.get(key)
    if (this.#fetch.has(key)) this.#acceptBody(from, signed)
    else if (known === undefined) this.#considerBatch(from, ref, signed)
    else if (known.assessing !== null || known.body === 'invalid') return
    else if (known.order === 'ordered' && known.body === 'none') this.#acceptBody(from, signed)
    else if (known.order !== 'open') return
    else if (known.ownAck === null) this.#considerBatch(from, ref, signed)
    else if (asked) this.#sendAck(known.ownAck, { kind: 'peer', id: from.id })
  }

  #considerBatch(from: Peer, ref: BatchRef, signed: SignedBatch): void {
    if (this.#check.createdInWindow(signed.batch.createdMs, this.#clock.wallMs) !== null) return
    const reason = this.#check.batch(signed)
    if (reason !== null) {
      this.#penalize(from, 'bad-batch', reason)
      return
    }
    if (this.#contradicts(ref) || !this.#hasRoomFor(signed)) return
    const entry = this.#entry(ref, signed.batch)
    if (entry.order !== 'open') return
    if (this.#options.self !== null) this.#assess(entry, signed)
    else if (entry.body === 'none') this.#keepBody(entry, signed)
  }

  /** "A validator acks at most one of them." */
  #contradicts(ref: BatchRef): boolean {
    for (const sibling of this.#pool.siblings(ref)) {
      if (!isHere(sibling) || equalBytes(sibling.ref.digest, ref.digest)) continue
      this.#note({ kind: 'equivocation', validator: ref.author, what: `two batches with number ${ref.seq}`, view: 0 })
      return true
    }
    return false
  }

  /** "Receivers enforce the same limit, and bytes, per author." */
  #hasRoomFor(signed: SignedBatch): boolean {
    const { author } = signed.batch
    if (author === this.#options.self) return true
    const occupied = this.#occupied[author]
    return (
      occupied !== undefined &&
      occupied.batches < RECEIVER_SLACK * this.#options.parameters.maxOpenBatches &&
      occupied.bytes < RECEIVER_SLACK * LIMITS.openBatchBytes
    )
  }

  #assess(entry: PoolEntry, signed: SignedBatch): void {
    entry.assessing = signed
    this.#account(entry)
    this.#options.emit({ type: 'assess', ref: entry.ref, batch: signed })
  }

  onAssessed({ ref, valid, flags, modelId }: AssessedInput): void {
    const entry = this.#pool.get(batchKey(ref))
    const signed = entry?.assessing ?? null
    if (entry === undefined || signed === null) return
    entry.assessing = null
    if (!valid) {
      this.#refuse(entry)
      return
    }
    if (entry.order !== 'open') {
      // Ordered meanwhile: the body is needed, an opinion is not any more.
      if (entry.order === 'ordered' && entry.body === 'none') this.#keepBody(entry, signed)
      return
    }
    // A model that answers what fits no batch has failed; "on model failure, no flags. Never no ack".
    const fitting = this.#check.flags(flags, entry.fields) === null ? flags : []
    this.#giveAck(entry, signed, fitting, modelId)
  }

  /** One bad transaction makes the batch invalid: no ack, and the author is penalised. */
  #refuse(entry: PoolEntry): void {
    if (entry.body === 'none') entry.body = 'invalid'
    this.#account(entry)
    this.#note({ kind: 'batch-dropped', ref: entry.ref, reason: 'it holds an invalid transaction' })
    if (this.#own.close(entry)) return
    const author = this.#peers[entry.ref.author] ?? null
    if (author !== null) this.#penalize(author, 'bad-batch', 'it holds an invalid transaction')
  }

  /** "Writes the batch and the ack bytes in one synced write, then sends the ack." */
  #giveAck(entry: PoolEntry, signed: SignedBatch, flags: Ack['flags'], modelId: Ack['modelId']): void {
    const { self, signer, set } = this.#options
    if (self === null || signer === null) return
    const unsigned = { ...entry.ref, flags, modelId }
    const ack: Ack = { ...unsigned, signer: self, signature: signer.signAck(ackMessage(set.context, unsigned)) }
    entry.ownAck = ack
    this.#store(signed, ack)
    entry.body = 'stored'
    this.#sendOwnAck(entry)
    this.#countAck(entry, ack)
  }

  /** "To the author and to the leaders of the current and next two views." */
  #sendOwnAck(entry: PoolEntry): void {
    const { self, set, view } = this.#options
    if (entry.ownAck === null) return
    const current = Math.max(1, view())
    const receivers = new Set([entry.ref.author])
    for (let ahead = 0; ahead < LEADERS_ACKED; ahead++) receivers.add(leader(set, current + ahead))
    if (self !== null) receivers.delete(self)
    for (const index of receivers) this.#sendAck(entry.ownAck, { kind: 'validator', index })
  }

  #sendAck(ack: Ack, to: Target): void {
    this.#options.emit({ type: 'send', to, message: { type: 'ack', ack } })
  }

  // ---- certificates ----

  onAck(from: Peer, ack: Ack): void {
    if (this.#options.self === null || ack.signer === this.#options.self) return
    const entry = this.#pool.get(batchKey(ack))
    const known = entry === undefined ? this.#pool.hasEarlyAck(ack) : entry.order !== 'open' || entry.acks.has(ack.signer)
    if (known) return
    const reason = this.#check.ack(ack)
    if (reason !== null) this.#penalize(from, 'bad-ack', reason)
    else if (entry === undefined) this.#pool.keepEarlyAck(ack)
    else if (!this.#countAck(entry, ack)) this.#penalize(from, 'bad-ack', 'its flags do not fit the batch')
  }

  /** False if the flags do not fit the batch. */
  #countAck(entry: PoolEntry, ack: Ack): boolean {
    if (this.#check.flags(ack.flags, entry.fields) !== null) return false
    if (this.#pool.addAck(entry, ack, this.#now)) this.#reviewQuorum(entry)
    return true
  }

  /** Acks have come or time has passed: is there a certificate now? Its author broadcasts it, leaders just use it. */
  #reviewQuorum(entry: PoolEntry): void {
    if (entry.quorumAtMs === null || entry.order !== 'open' || entry.certified) {
      this.#inGrace.delete(entry)
      return
    }
    if (!this.#pool.isReady(entry, this.#now)) {
      this.#inGrace.add(entry)
      return
    }
    this.#inGrace.delete(entry)
    entry.certified = true
    this.#work = true
    if (!this.#own.has(entry.key)) return
    this.#sendCertificate(entry)
    this.#note({ kind: 'batch-certified', ref: entry.ref, txCount: entry.fields.txCount })
  }

  onBatchCertificate(from: Peer, certificate: BatchCertificate): void {
    const known = this.#pool.get(batchKey(this.#refOfCertificate(certificate)))
    if (known !== undefined && (known.order !== 'open' || known.certified)) return
    const reason = this.#check.certificate(certificate)
    if (reason !== null) this.#penalize(from, 'bad-certificate', reason)
    else this.#learnCertificate(certificate)
  }

  /** Takes over the acks of a checked certificate, and with them the right to order its batch. */
  #learnCertificate(certificate: BatchCertificate): void {
    const entry = this.#entry(this.#refOfCertificate(certificate), null, certificate)
    if (entry.order !== 'open') return
    for (const ack of certificate.acks) this.#pool.addAck(entry, ack, this.#now)
    if (entry.certified) return
    entry.certified = true
    this.#inGrace.delete(entry)
    this.#work = true
  }

  // ---- payload of blocks (what ordering asks for) ----

  select(request: SelectRequest): BatchCertificate[] {
    return this.#pool.select(request, this.#now)
  }

  /** Whether a certificate in a block is valid; null or the reason. A valid one is remembered: it may be ordered later if this block is not. */
  check(certificate: BatchCertificate): string | null {
    const reason = this.#check.certificate(certificate)
    if (reason === null) this.#learnCertificate(certificate)
    return reason
  }

  hasOrderable(excluded: Excluded): boolean {
    return this.#pool.hasOrderable(this.#clock.wallMs, excluded, this.#now)
  }

  /** A block became final. */
  onDelivered(block: Block): void {
    this.#order(block, true)
  }

  /** `prefetch`: bodies that are not here will be needed, so ask for them at once. */
  #order(block: Block, prefetch: boolean): void {
    for (const certificate of block.payload) {
      const entry = this.#entry(this.#refOfCertificate(certificate), null, certificate)
      const first = entry.order === 'open'
      for (const voided of this.#pool.markOrdered(entry)) this.#closeVoid(voided)
      this.#account(entry)
      this.#own.close(entry)
      this.#inGrace.delete(entry)
      const skipped = entry.fields.createdMs + this.#options.parameters.batchTtlMs < block.timeMs
      if (prefetch && first && !isHere(entry) && !skipped && this.#fetch.size < PREFETCH_BATCHES) {
        this.#fetch.want(entry.ref, certificate, this.#now)
      }
    }
  }

  #closeVoid(entry: PoolEntry): void {
    this.#account(entry)
    this.#inGrace.delete(entry)
    if (this.#own.close(entry)) this.#note({ kind: 'batch-dropped', ref: entry.ref, reason: 'another batch took its number' })
  }

  // ---- bodies ----

  /** Execution lacks these bodies. */
  needBatches(certificates: readonly BatchCertificate[]): void {
    for (const certificate of certificates) {
      const ref = this.#refOfCertificate(certificate)
      const entry = this.#pool.get(batchKey(ref))
      if (entry !== undefined && entry.assessing !== null && entry.body === 'none') {
        this.#keepBody(entry, entry.assessing)
        this.#options.emit({ type: 'batches-held', refs: [ref] })
      } else if (entry?.body === 'stored' && !this.#claimed.has(entry)) {
        // Written while the question was on its way. Asked once more, it must be gone from the store: fetch it again.
        this.#claimed.add(entry)
        this.#options.emit({ type: 'batches-held', refs: [ref] })
      } else this.#fetch.want(ref, certificate, this.#now)
    }
  }

  readonly #claimed = new WeakSet<PoolEntry>()

  /** Bodies that were asked for. */
  onBatches(from: Peer, batches: readonly SignedBatch[]): void {
    const wanted = batches.filter((signed) => this.#fetch.has(batchKey(refOf(signed))))
    const good = wanted.filter((signed) => this.#acceptBody(from, signed, false))
    this.#fetch.answered(
      good.map((signed) => batchKey(refOf(signed))),
      this.#now,
    )
  }

  /** "Executors check a fetched batch against the digest only: q signers have checked its signatures." */
  #acceptBody(from: Peer, signed: SignedBatch, unasked = true): boolean {
    const { set, emit } = this.#options
    if (!equalBytes(batchDigestOfBatch(set.context, signed.batch), signed.digest)) {
      this.#penalize(from, 'bad-batch', 'the digest is not that of the batch')
      return false
    }
    const ref = refOf(signed)
    const key = batchKey(ref)
    const entry = this.#pool.get(key)
    if (entry === undefined) this.#store(signed, null)
    else this.#keepBody(entry, signed)
    if (this.#fetch.has(key)) emit({ type: 'batches-held', refs: [ref] })
    if (unasked) this.#fetch.arrived(key)
    return true
  }

  /** Execution has come to a block of this time: what no later block can order is deleted. */
  onExecuted(timeMs: number): void {
    for (const entry of this.#pool.expire(timeMs)) {
      this.#vacate(entry)
      this.#inGrace.delete(entry)
      entry.assessing = null
      if (entry.order === 'ordered') continue
      if (entry.body === 'stored') this.#options.emit({ type: 'store', record: { kind: 'delete-batch', ref: entry.ref } })
      if (this.#own.close(entry)) this.#note({ kind: 'batch-dropped', ref: entry.ref, reason: 'it was not ordered in time' })
    }
  }

  // ---- small things ----

  /** The entry of a batch; acks that came before it are counted when it is made. */
  #entry(ref: BatchRef, batch: Batch | null, certificate?: BatchCertificate): PoolEntry {
    const known = this.#pool.get(batchKey(ref))
    if (known !== undefined) return known
    const fields = batch === null ? certificate : batchFields(batch)
    if (fields === undefined) throw new RangeError('a batch is made known by itself or by its certificate')
    const entry = this.#pool.ensure(ref, fields)
    for (const ack of this.#pool.takeEarlyAcks(entry.key)) this.#countAck(entry, ack)
    return entry
  }

  #keepBody(entry: PoolEntry, signed: SignedBatch): void {
    this.#store(signed, null)
    entry.body = 'stored'
    this.#account(entry)
  }

  readonly #occupying = new WeakSet<PoolEntry>()

  /** Counts an entry towards what its author occupies here, as long as it is open. */
  #account(entry: PoolEntry): void {
    const occupied = this.#occupied[entry.ref.author]
    if (entry.order !== 'open' || !isHere(entry)) this.#vacate(entry)
    else if (occupied !== undefined && !this.#occupying.has(entry)) {
      this.#occupying.add(entry)
      occupied.batches++
      occupied.bytes += entry.fields.bytes
    }
  }

  #vacate(entry: PoolEntry): void {
    const occupied = this.#occupied[entry.ref.author]
    if (!this.#occupying.delete(entry) || occupied === undefined) return
    occupied.batches--
    occupied.bytes -= entry.fields.bytes
  }

  #refOfCertificate(certificate: BatchCertificate): BatchRef {
    const { epoch, author, seq } = certificate
    return { epoch, author, seq, digest: batchDigestOfCertificate(this.#options.set.context, certificate) }
  }

  #store(batch: SignedBatch, ack: Ack | null): void {
    this.#options.emit({ type: 'store', record: { kind: 'batch', batch, ack } })
  }

  #note(note: Extract<Effect, { type: 'note' }>['note']): void {
    this.#options.emit({ type: 'note', note })
  }

  #penalize(peer: Peer, why: Misbehaviour, detail: string): void {
    this.#options.emit({ type: 'penalize', peer, why, detail })
  }
}

function refOf(signed: SignedBatch): BatchRef {
  const { epoch, author, seq } = signed.batch
  return { epoch, author, seq, digest: signed.digest }
}

/** Whether the body is held here, being assessed, or was refused. */
function isHere(entry: PoolEntry): boolean {
  return entry.assessing !== null || entry.body !== 'none'
}
