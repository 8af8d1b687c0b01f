/**
 * What the signer's journal says, and how it says it: the guard table, the reserved batch numbers, and whether this key
 * must not sign for now. Replayed by the signer, and by those who look at a journal or import into it
 * (`protection.ts`); no key, no storage.
 */
import { CordonError } from '../config/errors.ts'
import { concatBytes, equalBytes } from '../crypto/bytes.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { SIGNATURE_BYTES } from '../crypto/ed25519.ts'
import { DIGEST_BYTES } from '../crypto/hash.ts'
import { GuardTable, type SignedVote } from './guard-table.ts'
import type { HighWater, VoteMark } from './high-water.ts'
import { decodeRecords, encodeRecord, JOURNAL_BODY_BYTES } from './journal.ts'
import type { Abstention } from './replica-types.ts'
import type { Digest, VoteKind } from './types.ts'

/** Whose journal it is. */
export interface SignerIdentity {
  readonly epoch: number
  /** Of the validator set: chain, epoch and members. */
  readonly context: Digest
  readonly publicKey: Uint8Array
}

/** A vote without its signature. */
export type VoteName = Pick<SignedVote, 'kind' | 'view' | 'pid'>

/** Type of every record so far: a list of entries. */
const RECORD_ENTRIES = 1
/** First byte of an entry. Never reuse a number. */
const ENTRY = {
  notarize: 1,
  nullify: 2,
  finalize: 3,
  floor: 4,
  reserve: 5,
  identity: 6,
  /** Marks that were imported without rows (P9). */
  mark: 7,
  /** The table was lost and nothing may be signed (P10). */
  lost: 8,
  /** A vote of this key that this table does not have: nothing may be signed (P11). */
  conflict: 9,
  /** Signing goes on above this view, whatever was before. */
  resumed: 10,
} as const
const VOTE_KINDS = ['notarize', 'nullify', 'finalize'] as const satisfies readonly VoteKind[]

export class SignerState {
  readonly table: GuardTable = new GuardTable()
  /** Whether the journal names its key and chain: false for one that was never used. */
  named = false
  /** Batch numbers below this may have been used. */
  reserved = 1
  /** The table was lost: P10. */
  lost = false
  /** P11, or null. */
  conflict: VoteName | null = null

  /** Why nothing may be signed, or null. */
  get abstention(): Abstention | null {
    if (this.lost) return 'signer-lost'
    return this.conflict === null ? null : 'key-used-elsewhere'
  }

  /** Waits from now on: nothing is known of earlier votes, or not enough. */
  lose(): void {
    this.lost = true
    this.conflict = null
  }

  /** Signing goes on above `view`. */
  resume(view: number): void {
    this.table.raiseFloor(view)
    this.lost = false
    this.conflict = null
  }

  /** All of it as a journal's content. */
  encode(identity: SignerIdentity): Uint8Array {
    const { table } = this
    const entries = [
      encodeIdentity(identity),
      encodeFloor(table.floor),
      encodeReserve(this.reserved),
      ...(table.mark === null ? [] : [encodeMark(table.mark)]),
      ...(this.lost ? [encodeLost()] : []),
      ...(this.conflict === null ? [] : [encodeConflict(this.conflict)]),
      ...table.votes().map(encodeVote),
    ]
    return encodeEntries(identity.epoch, entries)
  }
}

/**
 * The state that a journal leaves.
 * @returns it, with the length of the part that is whole.
 * @throws CordonError `data-inconsistent` if it is damaged, `other-chain` if it belongs to another key or chain,
 * `format-version` if a newer release wrote it.
 */
export function replayJournal(
  journal: Uint8Array,
  identity: SignerIdentity,
): { readonly state: SignerState; readonly goodBytes: number } {
  const state = new SignerState()
  const { records, goodBytes } = decodeRecords(journal)
  for (const record of records) {
    if (record.epoch !== identity.epoch) continue // P7: replay ignores records of other epochs
    if (record.type !== RECORD_ENTRIES) throw unknownFormat(`record type ${record.type}`)
    replayRecord(state, record.body, identity)
  }
  return { state, goodBytes }
}

function replayRecord(state: SignerState, body: Uint8Array, identity: SignerIdentity): void {
  const reader = new Reader(body)
  try {
    while (reader.remaining > 0) replayEntry(state, reader, identity)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw meaningless(error.message)
  }
}

function replayEntry(state: SignerState, reader: Reader, identity: SignerIdentity): void {
  const tag = reader.u8()
  const kind = VOTE_KINDS.find((name) => ENTRY[name] === tag)
  if (kind !== undefined) {
    state.table.record(readVote(reader, kind))
    return
  }
  switch (tag) {
    case ENTRY.floor:
      state.table.raiseFloor(reader.u48())
      return
    case ENTRY.reserve:
      state.reserved = Math.max(state.reserved, reader.u48())
      return
    case ENTRY.identity:
      checkIdentity(reader, identity)
      state.named = true
      return
    case ENTRY.mark:
      if (!state.table.raiseMark(readMark(reader))) throw meaningless('its marks contradict each other')
      return
    case ENTRY.lost:
      state.lose()
      return
    case ENTRY.conflict:
      state.conflict = readVoteName(reader)
      return
    case ENTRY.resumed:
      state.resume(reader.u48())
      return
    default:
      throw unknownFormat(`entry ${tag}`)
  }
}

function checkIdentity(reader: Reader, { context, publicKey }: SignerIdentity): void {
  const sameChain = equalBytes(reader.fixed(DIGEST_BYTES), context)
  const sameKey = equalBytes(reader.fixed(DIGEST_BYTES), publicKey)
  if (sameChain && sameKey) return
  throw new CordonError(
    'other-chain',
    `the signer's journal was written ${sameChain ? 'with another validator key' : 'on another chain, or for another validator set'}; ` +
      'give this node the signer folder that belongs to its key and genesis, or an empty one if the key has never voted on this chain',
  )
}

function unknownFormat(what: string): CordonError {
  return new CordonError(
    'format-version',
    `the signer's journal holds ${what}, which this release does not know; start the release that wrote it, or a newer one`,
  )
}

function meaningless(why: string): CordonError {
  return new CordonError(
    'data-inconsistent',
    `a record of the signer's journal has a right checksum and no meaning: ${why}. Please report this`,
  )
}

// ---- entries ----

/** As many records as the entries need; usually one. */
export function encodeEntries(epoch: number, entries: readonly Uint8Array[]): Uint8Array {
  const output = new Writer(1024)
  let body: Uint8Array[] = []
  let length = 0
  const close = (): void => {
    if (length > 0) output.raw(encodeRecord({ type: RECORD_ENTRIES, epoch, body: concatBytes(...body) }))
    body = []
    length = 0
  }
  for (const entry of entries) {
    if (length + entry.length > JOURNAL_BODY_BYTES) close()
    body.push(entry)
    length += entry.length
  }
  close()
  return output.finish()
}

export function encodeIdentity({ context, publicKey }: SignerIdentity): Uint8Array {
  return new Writer(65)
    .u8(ENTRY.identity)
    .fixed(context, DIGEST_BYTES)
    .fixed(publicKey, DIGEST_BYTES)
    .finish()
}

export function encodeVote({ kind, view, pid, signature }: SignedVote): Uint8Array {
  const writer = new Writer(112).u8(ENTRY[kind]).u48(view)
  if (pid !== null) writer.fixed(pid, DIGEST_BYTES)
  return writer.fixed(signature, SIGNATURE_BYTES).finish()
}

function readVote(reader: Reader, kind: VoteKind): SignedVote {
  const view = reader.u48()
  const pid = kind === 'nullify' ? null : reader.fixed(DIGEST_BYTES)
  return { kind, view, pid, signature: reader.fixed(SIGNATURE_BYTES) }
}

export function encodeFloor(view: number): Uint8Array {
  return encodeNumber(ENTRY.floor, view)
}

export function encodeReserve(seq: number): Uint8Array {
  return encodeNumber(ENTRY.reserve, seq)
}

export function encodeResumed(view: number): Uint8Array {
  return encodeNumber(ENTRY.resumed, view)
}

function encodeNumber(tag: number, value: number): Uint8Array {
  return new Writer(9).u8(tag).u48(value).finish()
}

export function encodeLost(): Uint8Array {
  return Uint8Array.of(ENTRY.lost)
}

export function encodeConflict({ kind, view, pid }: VoteName): Uint8Array {
  const writer = new Writer(48).u8(ENTRY.conflict).u8(ENTRY[kind]).u48(view)
  if (pid !== null) writer.fixed(pid, DIGEST_BYTES)
  return writer.finish()
}

function readVoteName(reader: Reader): VoteName {
  const tag = reader.u8()
  const kind = VOTE_KINDS.find((name) => ENTRY[name] === tag)
  if (kind === undefined) throw new DecodeError(`expected a kind of vote, got ${tag}`)
  return { kind, view: reader.u48(), pid: kind === 'nullify' ? null : reader.fixed(DIGEST_BYTES) }
}

function encodeMark({ notarize, nullify, finalize }: HighWater): Uint8Array {
  const writer = new Writer(96).u8(ENTRY.mark)
  writeVoteMark(writer, notarize)
  writer.u48(nullify)
  writeVoteMark(writer, finalize)
  return writer.finish()
}

function writeVoteMark(writer: Writer, { view, pid }: VoteMark): void {
  writer.u48(view).u8(pid === null ? 0 : 1)
  if (pid !== null) writer.fixed(pid, DIGEST_BYTES)
}

function readMark(reader: Reader): HighWater {
  return { notarize: readVoteMark(reader), nullify: reader.u48(), finalize: readVoteMark(reader) }
}

function readVoteMark(reader: Reader): VoteMark {
  const view = reader.u48()
  return { view, pid: reader.u8() === 0 ? null : reader.fixed(DIGEST_BYTES) }
}
