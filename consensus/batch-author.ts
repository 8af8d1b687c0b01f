/** The writing side (dissemination.md, Life of a batch 2–3): transactions into batches, and each repeated until it is ordered. */
import type { Acker } from './acker.ts'
import { BatchBuilder } from './batch-builder.ts'
import type { PoolEntry } from './batch-pool.ts'
import type { Certifier } from './certifier.ts'
import { note, refOfBatch, type DisseminationCore } from './dissemination-core.ts'
import type { OwnBatch } from './own-batches.ts'
import type { Signer } from './replica-types.ts'
import type { Batch, SignedBatch, ValidatorIndex } from './types.ts'
import { batchDigestOfBatch, batchFields } from './wire.ts'

/**
 * While none is on its way the first transaction makes a batch by itself. While this many own batches are, the next one
 * waits for one of them to be ordered, and grows meanwhile: under load each batch costs the network the same whatever is in
 * it (docs/adr/0004, 0016).
 */
const EAGER_BATCHES = 2
/**
 * It does not wait longer than batchIntervalMs for each earlier one on its way and this in proportion to what the network
 * orders: where that is little, it is distance that makes batches take their time, and waiting for them helps nobody
 * (docs/adr/0020).
 */
const WAIT_MS_AT_1000_PER_SECOND = 100

export class BatchAuthor {
  readonly #core: DisseminationCore
  readonly #certifier: Certifier
  readonly #acker: Acker
  readonly #builder: BatchBuilder
  /** When to ask again for a batch number, after there was none. */
  #seqRetryMs = 0

  constructor(core: DisseminationCore, certifier: Certifier, acker: Acker) {
    this.#core = core
    this.#certifier = certifier
    this.#acker = acker
    this.#builder = new BatchBuilder(core.parameters)
  }

  get queuedTxs(): number {
    return this.#builder.txs
  }

  get queuedBytes(): number {
    return this.#builder.bytes
  }

  submit(txs: readonly Uint8Array[]): void {
    if (this.#core.self === null)
      throw new RangeError('a follower writes no batches: hand the transactions to a validator')
    this.#builder.add(txs, this.#core.clock.monotonicMs)
  }

  /** A batch of an earlier life that is not ordered: sent again at once. */
  resume(entry: PoolEntry, signed: SignedBatch): void {
    this.#core.own.add(entry, signed, this.#core.clock.monotonicMs)
    if (entry.ownAck === null) this.#acker.assess(entry, signed)
  }

  /** The batch will not be ordered; its transactions come again from the pending log of the node. */
  drop(entry: PoolEntry, reason: string): void {
    if (this.#core.own.close(entry)) note(this.#core, { kind: 'batch-dropped', ref: entry.ref, reason })
  }

  progress(): void {
    this.#closeBatches()
    for (const own of this.#core.own.takeDue(this.#core.clock.monotonicMs)) this.#repeat(own)
  }

  nextDeadlineMs(): number {
    const { own } = this.#core
    // Without room a batch closes when another one is ordered, which is an input.
    const closesMs = own.hasRoom() ? Math.max(this.#closesAtMs(), this.#seqRetryMs) : Infinity
    return Math.min(closesMs, own.nextDeadlineMs())
  }

  #closesAtMs(): number {
    return this.#builder.closesAtMs(this.#waitMs())
  }

  /** A payment alone goes at once; what comes while it is on its way is collected. */
  #waitMs(): number {
    const { own, parameters, rate, clock } = this.#core
    if (own.count === 0) return 0
    if (own.count < EAGER_BATCHES) return parameters.batchIntervalMs
    const busyMs = (WAIT_MS_AT_1000_PER_SECOND * rate.perSecond(clock.wallMs)) / 1_000
    return Math.min((own.count - 1) * parameters.batchIntervalMs + busyMs, parameters.ackRetryMs)
  }

  #closeBatches(): void {
    const { self, signer, own, clock, parameters } = this.#core
    if (self === null || signer === null) return
    while (this.#closesAtMs() <= clock.monotonicMs && own.hasRoom()) {
      const seq = signer.nextBatchSeq()
      if (seq === null) {
        this.#seqRetryMs = clock.monotonicMs + parameters.batchIntervalMs
        return
      }
      this.#broadcast(self, signer, seq)
    }
  }

  #broadcast(self: ValidatorIndex, signer: Signer, seq: number): void {
    const { set, parameters, own, emit, clock } = this.#core
    const batch: Batch = {
      epoch: set.epoch,
      author: self,
      seq,
      createdMs: clock.wallMs,
      txs: this.#builder.take(),
    }
    const digest = batchDigestOfBatch(set.context, batch)
    const signed: SignedBatch = { batch, digest, signature: signer.signBatch(digest) }
    const entry = this.#certifier.entry(refOfBatch(signed), batchFields(batch))
    own.add(entry, signed, clock.monotonicMs + parameters.ackRetryMs)
    emit({ type: 'publish-batch', batch: signed })
    this.#acker.assess(entry, signed)
  }

  /** "Re-sends, over direct streams, the batch to those who have not acked and the certificate to validators." */
  #repeat({ entry, signed }: OwnBatch): void {
    const { set, self, hearing, clock, emit, parameters } = this.#core
    if (!entry.certified && signed.batch.createdMs > clock.wallMs + parameters.maxClockDriftMs) {
      // Nobody acks it before its time has come, and until then it must not keep others from their place.
      this.drop(entry, 'it is dated ahead of the clock, which was set back')
      return
    }
    for (const index of set.validators.keys()) {
      // Who was not heard lately is not there; the repetition after it speaks again reaches it.
      if (index === self || entry.acks.has(index) || !hearing.lately(index, clock.monotonicMs)) continue
      emit({ type: 'send', to: { kind: 'validator', index }, message: { type: 'batch', batch: signed } })
    }
    if (entry.certified) this.#certifier.broadcast(entry)
  }
}
