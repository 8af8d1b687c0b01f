/**
 * Evidence: two things that one validator signed and that no honest one ever signs both (consensus.md §10). It proves
 * itself: whoever has the validator set can judge it, and needs to trust neither the reporter nor a clock.
 *
 * Not evidence, whatever looks odd: a notarize and a nullify vote of one view (a timeout), votes of different views, two
 * acks of one validator with different flags (an honest node that lost a write gives them), an invalid block (a bug).
 */
import { LIMITS } from '../config/limits.ts'
import { compareBytes, equalBytes } from '../crypto/bytes.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { SIGNATURE_BYTES } from '../crypto/ed25519.ts'
import { DIGEST_BYTES } from '../crypto/hash.ts'
import type { Verifier } from './replica-types.ts'
import type { Digest, ValidatorIndex, ValidatorSet, VoteKind } from './types.ts'
import { batchDigest, batchMessage, voteMessage, type BatchFields } from './wire.ts'
import { readVersion, WIRE_VERSION } from './wire-common.ts'

export type OffenceKind =
  | 'double-notarize'
  | 'double-finalize'
  | 'nullify-finalize'
  | 'notarize-finalize'
  | 'double-batch'

/** What a piece of evidence proves. */
export interface Offence {
  readonly kind: OffenceKind
  readonly validator: ValidatorIndex
  readonly epoch: number
  /** The view; of a double batch the batch number. */
  readonly position: number
}

export interface SignedChoice {
  readonly kind: VoteKind
  /** Null exactly for nullify. */
  readonly pid: Digest | null
  readonly signature: Uint8Array
}

export interface VoteEvidence {
  readonly type: 'votes'
  readonly epoch: number
  readonly view: number
  readonly validator: ValidatorIndex
  /** In the order of `VOTE_KINDS`, then of their proposal ids. */
  readonly choices: readonly [SignedChoice, SignedChoice]
}

export type SignedFields = Pick<BatchFields, 'createdMs' | 'txCount' | 'bytes' | 'txsHash'> & {
  readonly signature: Uint8Array
}

export interface BatchEvidence {
  readonly type: 'batches'
  readonly epoch: number
  readonly validator: ValidatorIndex
  readonly seq: number
  /** In the order of their digests. */
  readonly batches: readonly [SignedFields, SignedFields]
}

export type Evidence = VoteEvidence | BatchEvidence

const VOTE_KINDS: readonly VoteKind[] = ['notarize', 'nullify', 'finalize']
const TAG: Readonly<Record<Evidence['type'], number>> = { votes: 1, batches: 2 }

/** The offence of casting both in one view, or null: an honest validator may. Two equal votes are no offence (pitfall 19). */
export function contradiction(
  a: Pick<SignedChoice, 'kind' | 'pid'>,
  b: Pick<SignedChoice, 'kind' | 'pid'>,
): OffenceKind | null {
  const [first, second] = VOTE_KINDS.indexOf(a.kind) <= VOTE_KINDS.indexOf(b.kind) ? [a, b] : [b, a]
  if (first.kind === 'nullify') return second.kind === 'finalize' ? 'nullify-finalize' : null
  if (second.kind === 'nullify' || first.pid === null || second.pid === null) return null
  if (equalBytes(first.pid, second.pid)) return null
  if (first.kind !== second.kind) return 'notarize-finalize'
  return first.kind === 'notarize' ? 'double-notarize' : 'double-finalize'
}

/** The evidence that two contradicting votes make. */
export function voteEvidence(
  where: { readonly epoch: number; readonly view: number; readonly validator: ValidatorIndex },
  a: SignedChoice,
  b: SignedChoice,
): VoteEvidence {
  return { type: 'votes', ...where, choices: compareChoices(a, b) <= 0 ? [a, b] : [b, a] }
}

/** The evidence that two signed batches under one number make. */
export function batchEvidence(
  set: ValidatorSet,
  fields: Pick<BatchFields, 'epoch' | 'author' | 'seq'>,
  a: SignedFields,
  b: SignedFields,
): BatchEvidence {
  const { epoch, author: validator, seq } = fields
  const where = { type: 'batches', epoch, validator, seq } as const
  const inOrder = compareBytes(digestOf(set, where, a), digestOf(set, where, b)) <= 0
  return { ...where, batches: inOrder ? [a, b] : [b, a] }
}

/** What the evidence proves, or null: it proves nothing. Signatures are checked. */
export function judgeEvidence(set: ValidatorSet, verifier: Verifier, evidence: Evidence): Offence | null {
  const { epoch, validator } = evidence
  const publicKey = set.validators[validator]?.publicKey
  if (publicKey === undefined || epoch !== set.epoch) return null
  if (evidence.type === 'batches') return judgeBatches(set, verifier, publicKey, evidence)
  const { view, choices } = evidence
  const kind = contradiction(...choices)
  if (kind === null || compareChoices(...choices) >= 0) return null
  const isSigned = choices.every((choice) =>
    verifier.verify(
      choice.signature,
      voteMessage(set.context, choice.kind, epoch, view, choice.pid),
      publicKey,
    ),
  )
  return isSigned ? { kind, validator, epoch, position: view } : null
}

function judgeBatches(
  set: ValidatorSet,
  verifier: Verifier,
  publicKey: Uint8Array,
  evidence: BatchEvidence,
): Offence | null {
  const { epoch, validator, seq, batches } = evidence
  const [first, second] = batches.map((batch) => digestOf(set, evidence, batch)) as [Digest, Digest]
  if (compareBytes(first, second) >= 0) return null
  const isSigned =
    verifier.verify(batches[0].signature, batchMessage(first), publicKey) &&
    verifier.verify(batches[1].signature, batchMessage(second), publicKey)
  return isSigned ? { kind: 'double-batch', validator, epoch, position: seq } : null
}

function digestOf(
  set: ValidatorSet,
  { epoch, validator, seq }: Pick<BatchEvidence, 'epoch' | 'validator' | 'seq'>,
  { createdMs, txCount, bytes, txsHash }: SignedFields,
): Digest {
  return batchDigest(set.context, { epoch, author: validator, seq, createdMs, txCount, bytes, txsHash })
}

function compareChoices(a: SignedChoice, b: SignedChoice): number {
  const byKind = VOTE_KINDS.indexOf(a.kind) - VOTE_KINDS.indexOf(b.kind)
  if (byKind !== 0 || a.pid === null || b.pid === null) return byKind
  return compareBytes(a.pid, b.pid)
}

// ---- encoding ----

/** Canonical bytes, at most `LIMITS.evidenceBytes`. */
export function encodeEvidence(evidence: Evidence): Uint8Array {
  const writer = new Writer(LIMITS.evidenceBytes).u8(WIRE_VERSION).u8(TAG[evidence.type])
  writer.u48(evidence.epoch).u16(evidence.validator)
  if (evidence.type === 'votes') {
    writer.u48(evidence.view)
    for (const { kind, pid, signature } of evidence.choices) {
      writer.u8(VOTE_KINDS.indexOf(kind))
      if (pid !== null) writer.fixed(pid, DIGEST_BYTES)
      writer.fixed(signature, SIGNATURE_BYTES)
    }
  } else {
    writer.u48(evidence.seq)
    for (const { createdMs, txCount, bytes, txsHash, signature } of evidence.batches) {
      writer.u48(createdMs).u32(txCount).u32(bytes)
      writer.fixed(txsHash, DIGEST_BYTES).fixed(signature, SIGNATURE_BYTES)
    }
  }
  return writer.finish()
}

/** @throws DecodeError if the bytes are no evidence in its one encoding. Whether it proves anything is for `judgeEvidence`. */
export function decodeEvidence(bytes: Uint8Array): Evidence {
  const reader = new Reader(bytes)
  readVersion(reader, 'evidence')
  const tag = reader.u8()
  if (tag !== TAG.votes && tag !== TAG.batches)
    throw new DecodeError(`expected evidence of votes (1) or batches (2), got ${tag}`)
  const epoch = reader.u48()
  const validator = reader.u16()
  const evidence: Evidence =
    tag === TAG.votes
      ? {
          type: 'votes',
          epoch,
          validator,
          view: reader.u48(),
          choices: [readChoice(reader), readChoice(reader)],
        }
      : {
          type: 'batches',
          epoch,
          validator,
          seq: reader.u48(),
          batches: [readFields(reader), readFields(reader)],
        }
  reader.end()
  return evidence
}

function readChoice(reader: Reader): SignedChoice {
  const code = reader.u8()
  const kind = VOTE_KINDS[code]
  if (kind === undefined) throw new DecodeError(`expected a vote kind from 0 to 2, got ${code}`)
  const pid = kind === 'nullify' ? null : reader.fixed(DIGEST_BYTES)
  return { kind, pid, signature: reader.fixed(SIGNATURE_BYTES) }
}

function readFields(reader: Reader): SignedFields {
  return {
    createdMs: reader.u48(),
    txCount: reader.u32(),
    bytes: reader.u32(),
    txsHash: reader.fixed(DIGEST_BYTES),
    signature: reader.fixed(SIGNATURE_BYTES),
  }
}
