/**
 * The receiving side of a batch (dissemination.md, Life of a batch 4): check, assess, write batch and ack in one record,
 * then ack. An ack promises that the batch is held durably and that every transaction in it is valid; asked again a
 * validator gives the very same bytes, also after a restart. It acks at most one batch per (epoch, author, seq).
 */
import { equalBytes } from '../crypto/bytes.ts'
import { batchKey, type PoolEntry } from './batch-pool.ts'
import type { Bodies } from './bodies.ts'
import type { Certifier } from './certifier.ts'
import {
  isHere,
  note,
  penalize,
  refOfBatch,
  storeBatch,
  type DisseminationCore,
} from './dissemination-core.ts'
import { batchEvidence, type Offence } from './evidence.ts'
import type { Input, Peer, Target } from './replica-types.ts'
import type { Ack, BatchRef, SignedBatch } from './types.ts'
import { leader } from './validator-set.ts'
import { ackMessage, batchFields, type BatchFields } from './wire.ts'

/** Leaders an ack goes to: of the current view and the next ones. */
const LEADERS_ACKED = 3

export type AssessedInput = Extract<Input, { type: 'assessed' }>

export class Acker {
  readonly #core: DisseminationCore
  readonly #certifier: Certifier
  readonly #bodies: Bodies

  constructor(core: DisseminationCore, certifier: Certifier, bodies: Bodies) {
    this.#core = core
    this.#certifier = certifier
    this.#bodies = bodies
  }

  /** A batch, from its topic (`asked` false) or over a direct stream, which asks for the ack. */
  onBatch(from: Peer, signed: SignedBatch, asked: boolean): void {
    const ref = refOfBatch(signed)
    const known = this.#core.pool.get(batchKey(ref))
    if (this.#bodies.wants(ref, known)) this.#bodies.accept(from, signed)
    else if (known === undefined) this.#consider(from, ref, signed)
    else if (known.order !== 'open' || known.assessing !== null || known.body === 'invalid') return
    else if (known.ownAck === null) this.#consider(from, ref, signed)
    else if (asked) this.#send(known.ownAck, { kind: 'peer', id: from.id })
  }

  #consider(from: Peer, ref: BatchRef, signed: SignedBatch): void {
    const { check, clock, hearing, limits, pool, self } = this.#core
    if (check.createdInWindow(signed.batch.createdMs, clock.wallMs) !== null) return
    // The local clock may be behind block time: a batch that was executed and forgotten must not come back as open.
    if (pool.isPast(signed.batch.createdMs)) return
    const wrong = check.batch(signed)
    if (wrong !== null) {
      const peer = wrong.guilty === 'sender' ? from : hearing.peerOf(ref.author)
      if (peer !== null) penalize(this.#core, peer, 'bad-batch', wrong.reason)
      return
    }
    if (this.#contradicts(ref, signed) || (ref.author !== self && !limits.hasRoom(signed))) return
    const entry = this.#certifier.entry(ref, batchFields(signed.batch))
    entry.authorSignature = signed.signature
    if (entry.order !== 'open') return
    if (this.#acks) this.assess(entry, signed)
    else if (entry.body === 'none') storeBatch(this.#core, entry, signed, null)
  }

  /** A follower gives none; a validator whose key is used elsewhere has stopped signing altogether (consensus.md P11). */
  get #acks(): boolean {
    const { self, signer } = this.#core
    return self !== null && signer?.abstention !== 'key-used-elsewhere'
  }

  /** "A validator acks at most one of them." */
  #contradicts(ref: BatchRef, signed: SignedBatch): boolean {
    for (const sibling of this.#core.pool.siblings(ref)) {
      if (!isHere(sibling) || equalBytes(sibling.ref.digest, ref.digest)) continue
      if (sibling.authorSignature !== null) this.#accuse(sibling.fields, sibling.authorSignature, signed)
      return true
    }
    return false
  }

  #accuse(fields: BatchFields, signature: Uint8Array, other: SignedBatch): void {
    const { set, emit } = this.#core
    const { epoch, author, seq } = fields
    const evidence = batchEvidence(
      set,
      fields,
      { ...fields, signature },
      { ...batchFields(other.batch), signature: other.signature },
    )
    const offence: Offence = { kind: 'double-batch', validator: author, epoch, position: seq }
    emit({ type: 'offence', offence, evidence })
  }

  /** Has every transaction checked and scored; the answer is `onAssessed`. */
  assess(entry: PoolEntry, signed: SignedBatch): void {
    entry.assessing = signed
    this.#core.limits.review(entry)
    this.#core.emit({ type: 'assess', ref: entry.ref, batch: signed })
  }

  onAssessed({ ref, valid, flags, modelId }: AssessedInput): void {
    const { pool, check } = this.#core
    const entry = pool.get(batchKey(ref))
    const signed = entry?.assessing ?? null
    if (entry === undefined || signed === null) return
    entry.assessing = null
    if (!valid) this.#refuse(entry)
    else if (entry.order === 'open') {
      // A model that answers what fits no batch has failed; "on model failure, no flags. Never no ack".
      this.#give(entry, signed, check.flags(flags, entry.fields) === null ? flags : [], modelId)
    } else if (entry.order === 'ordered' && entry.body === 'none') {
      // Ordered meanwhile: the body is needed, an opinion is not any more.
      storeBatch(this.#core, entry, signed, null)
    }
  }

  /** "One bad transaction makes the batch invalid: no ack, and the author is penalised." */
  #refuse(entry: PoolEntry): void {
    const { limits, own, hearing } = this.#core
    if (entry.body === 'none') entry.body = 'invalid'
    limits.review(entry)
    const reason = 'it holds an invalid transaction'
    note(this.#core, { kind: 'batch-dropped', ref: entry.ref, reason })
    if (own.close(entry)) return
    const author = hearing.peerOf(entry.ref.author)
    if (author !== null) penalize(this.#core, author, 'bad-batch', reason)
  }

  /** "Writes the batch and the ack bytes in one synced write, then sends the ack." */
  #give(entry: PoolEntry, signed: SignedBatch, flags: Ack['flags'], modelId: Ack['modelId']): void {
    const { self, signer, set } = this.#core
    if (self === null || signer === null) return
    if (!this.#acks) {
      storeBatch(this.#core, entry, signed, null)
      return
    }
    const unsigned = { ...entry.ref, flags, modelId }
    const ack: Ack = {
      ...unsigned,
      signer: self,
      signature: signer.signAck(ackMessage(set.context, unsigned)),
    }
    entry.ownAck = ack
    storeBatch(this.#core, entry, signed, ack)
    this.sendOwn(entry)
    this.#certifier.count(entry, ack)
  }

  /** The ack given for a batch, "to the author and to the leaders of the current and next two views". */
  sendOwn(entry: PoolEntry): void {
    const { self, set, view } = this.#core
    if (entry.ownAck === null) return
    const current = Math.max(1, view())
    const receivers = new Set([entry.ref.author])
    for (let ahead = 0; ahead < LEADERS_ACKED; ahead++) receivers.add(leader(set, current + ahead))
    if (self !== null) receivers.delete(self)
    for (const index of receivers) this.#send(entry.ownAck, { kind: 'validator', index })
  }

  #send(ack: Ack, to: Target): void {
    this.#core.emit({ type: 'send', to, message: { type: 'ack', ack } })
  }
}
