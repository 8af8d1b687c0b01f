/**
 * The only holder of the validator's key (consensus.md §4, §9 P1, P8). It knows the guard table and the journal, and
 * nothing of networks, timers or the protocol around it.
 *
 * What it returns may leave the process only after `flush`: signing is immediate, and bytes go to storage in `flush`
 * alone, so that the driver can make certificates and blocks durable first (P2–P4) and cover many votes with one fsync.
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { SIGNATURE_BYTES } from '../crypto/ed25519.ts'
import { DIGEST_BYTES } from '../crypto/hash.ts'
import { GuardTable, type SignedVote } from './guard-table.ts'
import { decodeRecords, encodeRecord, JOURNAL_BODY_BYTES, type JournalStorage } from './journal.ts'
import type { Signer, SignerAnswer } from './replica-types.ts'
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
}

/** Type of every record so far: a list of entries. */
const RECORD_ENTRIES = 1
/** First byte of an entry. Never reuse a number. */
const ENTRY = { notarize: 1, nullify: 2, finalize: 3, floor: 4, reserve: 5, identity: 6 } as const
const VOTE_OF_ENTRY = new Map<number, VoteKind>([
  [ENTRY.notarize, 'notarize'],
  [ENTRY.nullify, 'nullify'],
  [ENTRY.finalize, 'finalize'],
])
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
  readonly #table = new GuardTable()
  /** Entries that wait for `flush`. */
  #pending: Uint8Array[] = []
  /** The floor goes to storage with the next entry. */
  #floorMoved = false
  #writing: Promise<void> = Promise.resolve()
  #failure: Error | null = null
  #journalBytes: number
  #compact = false
  /** Batch numbers below this are reserved: durably, and as asked for. */
  #reservedDurably = 1
  #reserved = 1
  #nextSeq = 1

  constructor({ set, index, key, storage }: SignerOptions, journal: Uint8Array) {
    this.index = index
    this.#set = set
    this.#key = key
    this.#storage = storage
    const { records, goodBytes } = decodeRecords(journal)
    let known = false
    for (const record of records) {
      if (record.epoch !== set.epoch) continue // P7: replay ignores records of other epochs
      if (record.type !== RECORD_ENTRIES) throw unknownFormat(`record type ${record.type}`)
      known = this.#replayRecord(record.body) || known
    }
    this.#journalBytes = goodBytes
    // A torn tail must go before anything is appended behind it.
    this.#compact = goodBytes < journal.length || goodBytes > COMPACT_BYTES
    if (!known) this.#pending.push(this.#identity())
    this.#nextSeq = this.#reserved
    this.#reserveMore()
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
    const judged = this.#table.judge(kind, view, pid)
    if (judged.verdict === 'refuse') return { ok: false, reason: judged.reason }
    if (judged.verdict === 'repeat') return { ok: true, signature: judged.vote.signature, repeated: true }
    const signature = this.#key.sign(voteMessage(this.#set.context, kind, this.#set.epoch, view, pid))
    const vote: SignedVote = { kind, view, pid, signature }
    this.#table.record(vote)
    this.#pending.push(encodeVoteEntry(vote))
    return { ok: true, signature, repeated: false }
  }

  ownVotes(): readonly SignedVote[] {
    return this.#table.votes()
  }

  get floor(): number {
    return this.#table.floor
  }

  /** Not worth an fsync of its own: a floor that a crash loses refuses nothing less that matters. */
  raiseFloor(view: number): void {
    if (this.#table.raiseFloor(view)) this.#floorMoved = true
  }

  // ---- batches, acks, hello ----

  nextBatchSeq(): number | null {
    if (this.#failure !== null || this.#nextSeq >= this.#reservedDurably) return null
    const seq = this.#nextSeq++
    this.#reserveMore()
    return seq
  }

  #reserveMore(): void {
    if (this.#reserved - this.#nextSeq >= RESERVE_WHEN_LEFT) return
    this.#reserved += LIMITS.batchSeqReservation
    this.#pending.push(encodeNumberEntry(ENTRY.reserve, this.#reserved))
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
    const reserved = this.#reserved
    if (this.#floorMoved) entries.push(encodeNumberEntry(ENTRY.floor, this.#table.floor))
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
    const entries = [
      this.#identity(),
      encodeNumberEntry(ENTRY.floor, this.#table.floor),
      encodeNumberEntry(ENTRY.reserve, this.#reserved),
    ]
    const bytes = encodeEntries(this.#set.epoch, [...entries, ...this.#table.votes().map(encodeVoteEntry)])
    await this.#storage.replace(bytes)
    this.#compact = false
    this.#journalBytes = bytes.length
  }

  // ---- replay ----

  #replayRecord(body: Uint8Array): boolean {
    try {
      return this.#replay(new Reader(body))
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      throw new CordonError(
        'data-inconsistent',
        `a record of the signer's journal has a right checksum and no meaning: ${error.message}. Please report this`,
      )
    }
  }

  /** Returns whether the record names key and chain. */
  #replay(reader: Reader): boolean {
    let named = false
    while (reader.remaining > 0) {
      const tag = reader.u8()
      const kind = VOTE_OF_ENTRY.get(tag)
      if (kind !== undefined) this.#table.record(readVoteEntry(reader, kind))
      else if (tag === ENTRY.floor) this.#table.raiseFloor(reader.u48())
      else if (tag === ENTRY.reserve) this.#reserved = Math.max(this.#reserved, reader.u48())
      else if (tag === ENTRY.identity) {
        this.#checkIdentity(reader)
        named = true
      } else throw unknownFormat(`entry ${tag}`)
    }
    return named
  }

  #identity(): Uint8Array {
    return new Writer(65)
      .u8(ENTRY.identity)
      .fixed(this.#set.context, DIGEST_BYTES)
      .fixed(this.#publicKey(), DIGEST_BYTES)
      .finish()
  }

  #checkIdentity(reader: Reader): void {
    const sameChain = equalBytes(reader.fixed(DIGEST_BYTES), this.#set.context)
    const sameKey = equalBytes(reader.fixed(DIGEST_BYTES), this.#publicKey())
    if (sameChain && sameKey) return
    throw new CordonError(
      'other-chain',
      `the signer's journal was written ${sameChain ? 'with another validator key' : 'on another chain, or for another validator set'}; ` +
        'give this node the signer folder that belongs to its key and genesis, or an empty one if the key has never voted on this chain',
    )
  }

  #publicKey(): Uint8Array {
    const validator = this.#set.validators[this.index]
    if (validator === undefined) throw new RangeError(`no validator ${this.index} in the set`)
    return validator.publicKey
  }
}

function unknownFormat(what: string): CordonError {
  return new CordonError(
    'format-version',
    `the signer's journal holds ${what}, which this release does not know; start the release that wrote it, or a newer one`,
  )
}

// ---- entries ----

/** As many records as the entries need; usually one. */
function encodeEntries(epoch: number, entries: readonly Uint8Array[]): Uint8Array {
  const output = new Writer(1024)
  let body = new Writer(1024)
  let length = 0
  const close = (): void => {
    if (length > 0) output.raw(encodeRecord({ type: RECORD_ENTRIES, epoch, body: body.finish() }))
    body = new Writer(1024)
    length = 0
  }
  for (const entry of entries) {
    if (length + entry.length > JOURNAL_BODY_BYTES) close()
    body.raw(entry)
    length += entry.length
  }
  close()
  return output.finish()
}

function encodeVoteEntry({ kind, view, pid, signature }: SignedVote): Uint8Array {
  const writer = new Writer(112).u8(ENTRY[kind]).u48(view)
  if (pid !== null) writer.fixed(pid, DIGEST_BYTES)
  return writer.fixed(signature, SIGNATURE_BYTES).finish()
}

function readVoteEntry(reader: Reader, kind: VoteKind): SignedVote {
  const view = reader.u48()
  const pid = kind === 'nullify' ? null : reader.fixed(DIGEST_BYTES)
  return { kind, view, pid, signature: reader.fixed(SIGNATURE_BYTES) }
}

function encodeNumberEntry(tag: number, value: number): Uint8Array {
  return new Writer(9).u8(tag).u48(value).finish()
}
