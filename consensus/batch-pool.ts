/**
 * What a node knows of batches that are not executed: their fields, who acked them with which opinion, and whether they
 * are ordered. Certificates are made from it, by the author or by a leader, and leaders choose from it
 * (dissemination.md, Life of a batch 5–6).
 *
 * Everything is keyed by (epoch, author, seq, digest). A body is held here only while it is being assessed.
 */
import { LIMITS } from '../config/limits.ts'
import { toHex } from '../crypto/bytes.ts'
import type { Excluded } from './payload-source.ts'
import type {
  Ack,
  BatchCertificate,
  BatchRef,
  CertifiedAck,
  SignedBatch,
  ValidatorIndex,
  ValidatorSet,
} from './types.ts'
import { weightOfIndex } from './validator-set.ts'
import { transferKey } from './verdict.ts'
import { encodeBatchCertificate, type BatchFields } from './wire.ts'

/** Length in front of each certificate of a payload. */
const LENGTH_BYTES = 4

/** `void`: another batch with the same number of the same author is ordered, so this one never will be. */
export type OrderState = 'open' | 'ordered' | 'void'
/** `invalid`: this node found a bad transaction in it. */
export type BodyState = 'none' | 'stored' | 'invalid'

export interface PoolEntry {
  readonly key: string
  readonly ref: BatchRef
  readonly fields: BatchFields
  /** Checked acks, one per signer, the first one seen. */
  readonly acks: Map<ValidatorIndex, CertifiedAck>
  /** Weight of `acks`. */
  weight: bigint
  /** Weight that flags each transfer, by `transferKey`. */
  readonly flaggedWeights: Map<number, bigint>
  /** Monotonic time at which the acks reached a quorum. */
  quorumAtMs: number | null
  /** A certificate exists: it was seen, or made and broadcast here. */
  certified: boolean
  order: OrderState
  body: BodyState
  /** The author's signature, once the batch was seen and checked. */
  authorSignature: Uint8Array | null
  /** The body while it is being assessed. */
  assessing: SignedBatch | null
  /** The ack this validator gave, durable or about to be. */
  ownAck: Ack | null
}

export interface SelectRequest {
  /** Time of the block to be made. */
  readonly timeMs: number
  /** Certificates in ancestors of the block. */
  readonly excluded: Excluded
  /** Room in the block for encoded certificates. */
  readonly maxBytes: number
}

export interface BatchPoolOptions {
  readonly set: ValidatorSet
  readonly parameters: {
    readonly batchTtlMs: number
    readonly maxCertsPerBlock: number
    readonly assessGraceMs: number
  }
  /** Validators that were heard lately, whose opinions are worth waiting for. */
  readonly heardLately: (validator: ValidatorIndex) => boolean
}

/** Name of a batch in maps. */
export function batchKey(ref: BatchRef): string {
  return `${ref.epoch}:${ref.author}:${ref.seq}:${toHex(ref.digest)}`
}

/** Name of the number an author gave to a batch: at most one batch of it counts. */
export function seqKey(ref: Pick<BatchRef, 'epoch' | 'author' | 'seq'>): string {
  return `${ref.epoch}:${ref.author}:${ref.seq}`
}

function secondOf(timeMs: number): number {
  return Math.floor(timeMs / 1_000)
}

export class BatchPool {
  readonly #options: BatchPoolOptions
  readonly #entries = new Map<string, PoolEntry>()
  /** Newest executed block time. */
  #executedTimeMs = 0
  /** Those that are not ordered: few, while the others stay for a whole batchTtlMs. */
  readonly #open = new Set<PoolEntry>()
  /** Entries by the second in which they expire. */
  readonly #byExpiry = new Map<number, Set<PoolEntry>>()
  /** Batches by the number their author gave them; more than one if the author equivocates. */
  readonly #bySeq = new Map<string, Set<PoolEntry>>()
  /** Per signer, acks that came before their batch, oldest first. */
  readonly #earlyAcks = new Map<ValidatorIndex, Map<string, Ack>>()
  #turn = 0

  constructor(options: BatchPoolOptions) {
    this.#options = options
  }

  get(key: string): PoolEntry | undefined {
    return this.#entries.get(key)
  }

  get size(): number {
    return this.#entries.size
  }

  /** The entry of a batch, made if need be. `fields` must be those that `ref.digest` covers. */
  ensure(ref: BatchRef, fields: BatchFields): PoolEntry {
    const key = batchKey(ref)
    const known = this.#entries.get(key)
    if (known !== undefined) return known
    const { epoch, author, seq, createdMs, txCount, bytes, txsHash } = fields
    const siblings = this.#bySeq.get(seqKey(ref)) ?? new Set<PoolEntry>()
    const entry: PoolEntry = {
      key,
      ref: { epoch, author, seq, digest: ref.digest },
      fields: { epoch, author, seq, createdMs, txCount, bytes, txsHash },
      acks: new Map(),
      weight: 0n,
      flaggedWeights: new Map(),
      quorumAtMs: null,
      certified: false,
      order: [...siblings].some(({ order }) => order === 'ordered') ? 'void' : 'open',
      body: 'none',
      authorSignature: null,
      assessing: null,
      ownAck: null,
    }
    this.#entries.set(key, entry)
    this.#bySeq.set(seqKey(ref), siblings.add(entry))
    if (entry.order === 'open') this.#open.add(entry)
    const second = secondOf(this.#expiryMs(entry))
    this.#byExpiry.set(second, (this.#byExpiry.get(second) ?? new Set<PoolEntry>()).add(entry))
    return entry
  }

  /** All batches under one number of one author. */
  siblings(ref: BatchRef): Iterable<PoolEntry> {
    return this.#bySeq.get(seqKey(ref)) ?? []
  }

  // ---- acks ----

  /** Adds a checked opinion, whose flags fit the batch. False if there is one of this signer already. */
  addAck(entry: PoolEntry, ack: CertifiedAck, nowMs: number): boolean {
    if (entry.order !== 'open' || entry.acks.has(ack.signer)) return false
    const { signer, flags, modelId, signature } = ack
    entry.acks.set(signer, { signer, flags, modelId, signature })
    const weight = weightOfIndex(this.#options.set, signer)
    entry.weight += weight
    for (const { tx, action } of flags) {
      const transfer = transferKey(tx, action)
      entry.flaggedWeights.set(transfer, (entry.flaggedWeights.get(transfer) ?? 0n) + weight)
    }
    if (entry.quorumAtMs === null && entry.weight >= this.#options.set.quorumWeight) entry.quorumAtMs = nowMs
    return true
  }

  /** Keeps an ack, its signature checked, until its batch or a certificate of it comes. */
  keepEarlyAck(ack: Ack): void {
    let acks = this.#earlyAcks.get(ack.signer)
    if (acks === undefined) this.#earlyAcks.set(ack.signer, (acks = new Map<string, Ack>()))
    acks.set(batchKey(ack), ack)
    if (acks.size > LIMITS.earlyAcksPerSigner) acks.delete(acks.keys().next().value as string)
  }

  hasEarlyAck(ack: Ack): boolean {
    return this.#earlyAcks.get(ack.signer)?.has(batchKey(ack)) === true
  }

  /** Takes out the acks that came before their batch. */
  takeEarlyAcks(key: string): Ack[] {
    const taken: Ack[] = []
    for (const acks of this.#earlyAcks.values()) {
      const ack = acks.get(key)
      if (ack === undefined) continue
      acks.delete(key)
      taken.push(ack)
    }
    return taken
  }

  // ---- certificates ----

  /**
   * Whether a certificate can be had now: one was seen, or the acks reach a quorum and no opinion is worth waiting for.
   * "If a transfer is flagged by 0 < weight ≤ F and the missing weight of recently heard validators could lift it to
   * F + 1, the author waits up to assessGraceMs for their acks."
   */
  isReady(entry: PoolEntry, nowMs: number): boolean {
    if (entry.order !== 'open') return false
    return (
      entry.certified ||
      (entry.quorumAtMs !== null && (nowMs >= this.graceEndsMs(entry) || !this.#opinionsMatter(entry)))
    )
  }

  /** When waiting for opinions on a batch ends; Infinity before the quorum. */
  graceEndsMs(entry: PoolEntry): number {
    return entry.quorumAtMs === null ? Infinity : entry.quorumAtMs + this.#options.parameters.assessGraceMs
  }

  #opinionsMatter(entry: PoolEntry): boolean {
    if (entry.flaggedWeights.size === 0) return false
    const { set, heardLately } = this.#options
    let missing = 0n
    for (const [index, { weight }] of set.validators.entries()) {
      if (!entry.acks.has(index) && heardLately(index)) missing += weight
    }
    for (const flagged of entry.flaggedWeights.values()) {
      if (flagged <= set.maxFaultyWeight && flagged + missing > set.maxFaultyWeight) return true
    }
    return false
  }

  /**
   * A certificate from the acks at hand, of weight ≥ q: every one that flags something, and of the others as few as do.
   * A leader that holds more opinions than the author used adds them in this way. Only if there are more flags than
   * LIMITS.flagsPerCertificate are the longest lists left out as far as q allows: a certificate must fit in a block.
   */
  certificateOf(entry: PoolEntry): BatchCertificate {
    const { set } = this.#options
    const chosen: CertifiedAck[] = []
    let weight = 0n
    const choose = (ack: CertifiedAck): void => {
      chosen.push(ack)
      weight += weightOfIndex(set, ack.signer)
    }
    const shortestFirst = [...entry.acks.values()].sort((a, b) => a.flags.length - b.flags.length)
    const left: CertifiedAck[] = []
    let flags = 0
    for (const ack of shortestFirst) {
      flags += ack.flags.length
      if (ack.flags.length > 0 && flags <= LIMITS.flagsPerCertificate) choose(ack)
      else left.push(ack)
    }
    for (const ack of left.sort((a, b) => this.#preference(a, b))) {
      if (weight >= set.quorumWeight) break
      choose(ack)
    }
    return { ...entry.fields, acks: chosen.sort((a, b) => a.signer - b.signer) }
  }

  /** Fewer flags first, then the heavier. */
  #preference(a: CertifiedAck, b: CertifiedAck): number {
    if (a.flags.length !== b.flags.length) return a.flags.length - b.flags.length
    const difference = weightOfIndex(this.#options.set, b.signer) - weightOfIndex(this.#options.set, a.signer)
    return difference === 0n ? a.signer - b.signer : difference > 0n ? 1 : -1
  }

  // ---- order ----

  /**
   * Certificates for a block: authors take turns, each with its oldest number first, so that one busy author cannot
   * crowd the others out. The author who comes first changes with every call.
   */
  select({ timeMs, excluded, maxBytes }: SelectRequest, nowMs: number): BatchCertificate[] {
    const queues = this.#queuesByAuthor(timeMs, excluded, nowMs)
    const chosen: BatchCertificate[] = []
    let bytes = 0
    const authors = this.#options.set.validators.length
    const first = this.#turn++ % authors
    for (let round = 0; queues.size > 0; round++) {
      const author = (first + round) % authors
      const entry = queues.get(author)?.shift()
      if (entry === undefined) {
        queues.delete(author)
        continue
      }
      const certificate = this.certificateOf(entry)
      const size = LENGTH_BYTES + encodeBatchCertificate(certificate).length
      if (bytes + size > maxBytes) continue
      chosen.push(certificate)
      bytes += size
      if (chosen.length === this.#options.parameters.maxCertsPerBlock) break
    }
    return chosen
  }

  #queuesByAuthor(timeMs: number, excluded: Excluded, nowMs: number): Map<ValidatorIndex, PoolEntry[]> {
    const queues = new Map<ValidatorIndex, PoolEntry[]>()
    for (const entry of this.#open) {
      if (!this.#isOrderable(entry, timeMs, excluded, nowMs)) continue
      const queue = queues.get(entry.ref.author)
      if (queue === undefined) queues.set(entry.ref.author, [entry])
      else queue.push(entry)
    }
    for (const queue of queues.values()) queue.sort((a, b) => a.ref.seq - b.ref.seq)
    return queues
  }

  hasOrderable(timeMs: number, excluded: Excluded, nowMs: number): boolean {
    for (const entry of this.#open) if (this.#isOrderable(entry, timeMs, excluded, nowMs)) return true
    return false
  }

  /** An expired batch would be skipped at execution: "createdMs + batchTtlMs < block time". */
  #isOrderable(entry: PoolEntry, timeMs: number, excluded: Excluded, nowMs: number): boolean {
    return this.isReady(entry, nowMs) && this.#expiryMs(entry) >= timeMs && !excluded(entry.ref)
  }

  /** A final block orders this batch. Others under the same number of the author are void; returns those. */
  markOrdered(entry: PoolEntry): PoolEntry[] {
    const voided: PoolEntry[] = []
    for (const sibling of this.siblings(entry.ref)) {
      if (sibling.order !== 'open') continue
      sibling.order = sibling === entry ? 'ordered' : 'void'
      this.#open.delete(sibling)
      sibling.acks.clear()
      sibling.flaggedWeights.clear()
      if (sibling !== entry) voided.push(sibling)
    }
    return voided
  }

  /** The last block time at which the batch is not void. */
  #expiryMs(entry: PoolEntry): number {
    return entry.fields.createdMs + this.#options.parameters.batchTtlMs
  }

  /** Whether a batch of this time is void by executed block time: it may be executed and forgotten, and is taken no more. */
  isPast(createdMs: number): boolean {
    return createdMs + this.#options.parameters.batchTtlMs < this.#executedTimeMs
  }

  /** Takes out what no block can order any more, judged by executed block time: "createdMs + batchTtlMs < block time". */
  expire(executedTimeMs: number): PoolEntry[] {
    const expired: PoolEntry[] = []
    this.#executedTimeMs = Math.max(this.#executedTimeMs, executedTimeMs)
    for (const [second, entries] of this.#byExpiry) {
      if (second > secondOf(executedTimeMs)) continue
      for (const entry of entries) if (this.#expiryMs(entry) < executedTimeMs) expired.push(entry)
    }
    for (const entry of expired) this.#remove(entry)
    return expired
  }

  #remove(entry: PoolEntry): void {
    this.#entries.delete(entry.key)
    this.#open.delete(entry)
    const second = secondOf(this.#expiryMs(entry))
    const expiring = this.#byExpiry.get(second)
    expiring?.delete(entry)
    if (expiring?.size === 0) this.#byExpiry.delete(second)
    const siblings = this.#bySeq.get(seqKey(entry.ref))
    siblings?.delete(entry)
    if (siblings?.size === 0) this.#bySeq.delete(seqKey(entry.ref))
  }
}
