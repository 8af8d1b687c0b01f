/**
 * Acks into certificates (dissemination.md, Life of a batch 5): "whoever holds acks of weight ≥ q can form the
 * certificate: normally the author, but a leader may as well". The author broadcasts it; everybody else just knows that
 * the batch can be ordered.
 */
import { batchKey, type PoolEntry } from './batch-pool.ts'
import { note, penalize, refOfCertificate, type DisseminationCore } from './dissemination-core.ts'
import type { Peer } from './replica-types.ts'
import type { Ack, BatchCertificate, BatchRef } from './types.ts'
import type { BatchFields } from './wire.ts'

export class Certifier {
  readonly #core: DisseminationCore
  /** Entries with a quorum that wait for more opinions. */
  readonly #inGrace = new Set<PoolEntry>()
  #work = false

  constructor(core: DisseminationCore) {
    this.#core = core
  }

  /** Whether something became orderable since the last call. */
  takeWork(): boolean {
    const work = this.#work
    this.#work = false
    return work
  }

  /** The entry of a batch, made if need be; acks that came before it are counted then. */
  entry(ref: BatchRef, fields: BatchFields): PoolEntry {
    const { pool } = this.#core
    const known = pool.get(batchKey(ref))
    if (known !== undefined) return known
    const entry = pool.ensure(ref, fields)
    for (const ack of pool.takeEarlyAcks(entry.key)) this.count(entry, ack)
    return entry
  }

  onAck(from: Peer, ack: Ack): void {
    const { pool, check, self } = this.#core
    if (self === null || ack.signer === self) return
    const entry = pool.get(batchKey(ack))
    const known =
      entry === undefined ? pool.hasEarlyAck(ack) : entry.order !== 'open' || entry.acks.has(ack.signer)
    if (known) return
    const reason = check.ack(ack)
    if (reason !== null) penalize(this.#core, from, 'bad-ack', reason)
    else if (entry === undefined) pool.keepEarlyAck(ack)
    else if (!this.count(entry, ack)) penalize(this.#core, from, 'bad-ack', 'its flags do not fit the batch')
  }

  /** Counts a checked ack; false if its flags do not fit the batch. */
  count(entry: PoolEntry, ack: Ack): boolean {
    const { check, pool, clock } = this.#core
    if (check.flags(ack.flags, entry.fields) !== null) return false
    if (pool.addAck(entry, ack, clock.monotonicMs)) this.#review(entry)
    return true
  }

  /** Acks have come or time has passed: is there a certificate now? */
  #review(entry: PoolEntry): void {
    const { pool, clock, own } = this.#core
    if (entry.quorumAtMs === null || entry.order !== 'open' || entry.certified) {
      this.#inGrace.delete(entry)
      return
    }
    if (!pool.isReady(entry, clock.monotonicMs)) {
      this.#inGrace.add(entry)
      return
    }
    this.#certified(entry)
    if (!own.has(entry.key)) return
    this.broadcast(entry)
    note(this.#core, { kind: 'batch-certified', ref: entry.ref, txCount: entry.fields.txCount })
  }

  #certified(entry: PoolEntry): void {
    this.#inGrace.delete(entry)
    entry.certified = true
    this.#work = true
  }

  /** The certificate of an own batch, with what was heard of it so far. */
  broadcast(entry: PoolEntry): void {
    const certificate = this.#core.pool.certificateOf(entry)
    this.#core.emit({
      type: 'send',
      to: { kind: 'validators' },
      message: { type: 'batch-certificate', certificate },
    })
  }

  onBatchCertificate(from: Peer, certificate: BatchCertificate): void {
    const known = this.#core.pool.get(batchKey(refOfCertificate(this.#core, certificate)))
    if (known !== undefined && (known.order !== 'open' || known.certified)) return
    const reason = this.check(certificate)
    if (reason !== null) penalize(this.#core, from, 'bad-certificate', reason)
  }

  /**
   * Whether a certificate is valid; null or the reason. The acks of a valid one are taken over, and with them the right
   * to order its batch: if the block that holds it fails, the next one can.
   */
  check(certificate: BatchCertificate): string | null {
    const { check, pool, clock } = this.#core
    const reason = check.certificate(certificate)
    if (reason !== null) return reason
    // Executed and forgotten, or never to be executed: it must not come back as one that is open.
    if (pool.isPast(certificate.createdMs)) return null
    const entry = this.entry(refOfCertificate(this.#core, certificate), certificate)
    if (entry.order !== 'open') return null
    for (const ack of certificate.acks) pool.addAck(entry, ack, clock.monotonicMs)
    if (!entry.certified) this.#certified(entry)
    return null
  }

  progress(): void {
    for (const entry of this.#inGrace) this.#review(entry)
  }

  nextDeadlineMs(): number {
    let next = Infinity
    for (const entry of this.#inGrace) next = Math.min(next, this.#core.pool.graceEndsMs(entry))
    return next
  }

  /** The entry is open no longer. */
  forget(entry: PoolEntry): void {
    this.#inGrace.delete(entry)
  }
}
