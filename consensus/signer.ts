/**
 * The only holder of the validator's key (consensus.md §4, §9 P1, P8). It knows the guard table and the journal, and
 * nothing of networks, timers or the protocol around it.
 *
 * What it returns may leave the process only after `flush`: signing is immediate, and bytes go to storage in `flush`
 * alone, so that the driver can make certificates and blocks durable first (P2–P4) and cover many votes with one fsync.
 */
import { LIMITS } from '../config/limits.ts'
import type { SignedVote } from './guard-table.ts'
import type { JournalStorage } from './journal.ts'
import type { Abstention, Signer, SignerAnswer } from './replica-types.ts'
import {
  encodeConflict,
  encodeEntries,
  encodeFloor,
  encodeIdentity,
  encodeLost,
  encodeReserve,
  encodeResumed,
  encodeVote,
  replayJournal,
  type SignerIdentity,
  type SignerState,
  type VoteName,
} from './signer-state.ts'
import type { Digest, ValidatorIndex, ValidatorSet, VoteKind } from './types.ts'
import { batchMessage, SIGNED_MESSAGE_BYTES, SIGNED_TAGS, voteMessage } from './wire.ts'

/** Access to the private key: here and nowhere else. */
export interface SigningKey {
  /** The 64-byte Ed25519 signature. */
  sign(message: Uint8Array): Uint8Array
}

export interface SignerOptions {
  readonly set: ValidatorSet
  readonly index: ValidatorIndex
  readonly key: SigningKey
  readonly storage: JournalStorage
  /**
   * Given by an operator who knows that votes of this key are missing in the journal: nothing is signed until `resumeAbove`
   * (P10). An unused journal, or one that stopped for P11, is marked so; another one is left as it is.
   */
  readonly lost?: {
    /** Above all batch numbers that were ever used, since those are lost, too. */
    readonly firstBatchSeq: number
  }
}

/** The journal is written anew when it is this long; rows below the floor then go. */
const COMPACT_BYTES = 1024 * 1024
/** A new range of batch numbers is asked for when this many are left. */
const RESERVE_WHEN_LEFT = LIMITS.batchSeqReservation / 2

/**
 * Opens the signer over its journal: replays it, and reserves the first batch numbers.
 * @throws CordonError `data-inconsistent` if the journal is damaged, `other-chain` if it belongs to another key or chain.
 */
export async function openSigner(options: SignerOptions): Promise<Signer> {
  const journal = await options.storage.readAll()
  const signer = new JournaledSigner(options, journal)
  await signer.flush()
  return signer
}

class JournaledSigner implements Signer {
  readonly index: ValidatorIndex
  readonly #set: ValidatorSet
  readonly #key: SigningKey
  readonly #storage: JournalStorage
  readonly #identity: SignerIdentity
  readonly #state: SignerState
  /** Entries that wait for `flush`. */
  #pending: Uint8Array[] = []
  /** The floor goes to storage with the next entry. */
  #floorMoved = false
  #writing: Promise<void> = Promise.resolve()
  #failure: Error | null = null
  #journalBytes: number
  #compact = false
  /** Batch numbers below this are reserved durably; those below `#state.reserved` as soon as that is written. */
  #reservedDurably = 1
  #nextSeq: number

  constructor({ set, index, key, storage, lost }: SignerOptions, journal: Uint8Array) {
    this.index = index
    this.#set = set
    this.#key = key
    this.#storage = storage
    this.#identity = identityOf(set, index)
    const { state, goodBytes } = replayJournal(journal, this.#identity)
    this.#state = state
    this.#journalBytes = goodBytes
    // A torn tail must go before anything is appended behind it.
    this.#compact = goodBytes < journal.length || goodBytes > COMPACT_BYTES
    if (lost !== undefined && (!state.named || state.conflict !== null)) this.#lose(lost.firstBatchSeq)
    if (!state.named) this.#pending.push(encodeIdentity(this.#identity))
    state.named = true
    this.#nextSeq = state.reserved
    this.#reserveMore()
  }

  #lose(firstBatchSeq: number): void {
    this.#state.lose()
    this.#state.reserved = Math.max(this.#state.reserved, firstBatchSeq)
    this.#pending.push(encodeLost(), encodeReserve(this.#state.reserved))
  }

  // ---- votes ----

  notarize(view: number, pid: Digest): SignerAnswer {
    return this.#vote('notarize', view, pid)
  }

  nullify(view: number): SignerAnswer {
    return this.#vote('nullify', view, null)
  }

  finalize(view: number, pid: Digest): SignerAnswer {
    return this.#vote('finalize', view, pid)
  }

  #vote(kind: VoteKind, view: number, pid: Digest | null): SignerAnswer {
    if (this.#failure !== null) return { ok: false, reason: `the journal failed: ${this.#failure.message}` }
    if (this.abstention !== null) return { ok: false, reason: `it signs nothing: ${this.abstention}` }
    const judged = this.#state.table.judge(kind, view, pid)
    if (judged.verdict === 'refuse') return { ok: false, reason: judged.reason }
    if (judged.verdict === 'repeat') return { ok: true, signature: judged.vote.signature, repeated: true }
    const signature = this.#key.sign(voteMessage(this.#set.context, kind, this.#set.epoch, view, pid))
    const vote: SignedVote = { kind, view, pid, signature }
    this.#state.table.record(vote)
    this.#pending.push(encodeVote(vote))
    return { ok: true, signature, repeated: false }
  }

  ownVotes(): readonly SignedVote[] {
    return this.#state.table.votes()
  }

  get knownAbove(): number {
    return this.#state.table.knownAbove
  }

  /** Not worth an fsync of its own: a floor that a crash loses refuses nothing less that matters. */
  raiseFloor(view: number): void {
    if (this.#state.table.raiseFloor(view)) this.#floorMoved = true
  }

  // ---- signing nothing (P10, P11) ----

  get abstention(): Abstention | null {
    return this.#state.abstention
  }

  stop(conflict: VoteName): void {
    this.#state.conflict = conflict
    this.#pending.push(encodeConflict(conflict))
  }

  resumeAbove(view: number): void {
    this.#state.resume(view)
    this.#pending.push(encodeResumed(view))
  }

  // ---- batches, acks, hello ----

  nextBatchSeq(): number | null {
    if (this.#failure !== null || this.abstention !== null || this.#nextSeq >= this.#reservedDurably)
      return null
    const seq = this.#nextSeq++
    this.#reserveMore()
    return seq
  }

  #reserveMore(): void {
    if (this.#state.reserved - this.#nextSeq >= RESERVE_WHEN_LEFT) return
    this.#state.reserved += LIMITS.batchSeqReservation
    this.#pending.push(encodeReserve(this.#state.reserved))
  }

  signBatch(digest: Digest): Uint8Array {
    return this.#key.sign(batchMessage(digest))
  }

  signAck(message: Uint8Array): Uint8Array {
    if (message.length !== SIGNED_MESSAGE_BYTES || message[0] !== SIGNED_TAGS.ack)
      throw new RangeError('asked to sign as an ack what is none')
    return this.#key.sign(message)
  }

  signHello(message: Uint8Array): Uint8Array {
    if (message.length === SIGNED_MESSAGE_BYTES)
      throw new RangeError('asked to sign as a hello what could be a vote')
    return this.#key.sign(message)
  }

  // ---- durability ----

  get dirty(): boolean {
    return this.#pending.length > 0
  }

  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  async close(): Promise<void> {
    try {
      if (this.#failure === null) await this.flush()
    } finally {
      await this.#storage.close()
    }
  }

  /** After a failed write nobody knows what is on disk: this signer signs nothing more. */
  async #write(): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    if (this.#pending.length === 0 && !this.#compact) return
    const entries = this.#pending
    const { reserved } = this.#state
    if (this.#floorMoved) entries.push(encodeFloor(this.#state.table.floor))
    this.#floorMoved = false
    this.#pending = []
    try {
      if (this.#compact || this.#journalBytes > COMPACT_BYTES) await this.#rewrite()
      else await this.#append(entries)
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
      throw error
    }
    this.#reservedDurably = reserved
  }

  async #append(entries: readonly Uint8Array[]): Promise<void> {
    const bytes = encodeEntries(this.#set.epoch, entries)
    await this.#storage.append(bytes)
    await this.#storage.sync()
    this.#journalBytes += bytes.length
  }

  /** The whole table anew; the entries just taken from `#pending` are part of it already. */
  async #rewrite(): Promise<void> {
    const bytes = this.#state.encode(this.#identity)
    await this.#storage.replace(bytes)
    this.#compact = false
    this.#journalBytes = bytes.length
  }
}

/** @throws RangeError if the set has no such validator. */
export function identityOf(set: ValidatorSet, index: ValidatorIndex): SignerIdentity {
  const validator = set.validators[index]
  if (validator === undefined) throw new RangeError(`no validator ${index} in the set`)
  return { epoch: set.epoch, context: set.context, publicKey: validator.publicKey }
}
