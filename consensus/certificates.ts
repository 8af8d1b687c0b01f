/** Certificates: when one is valid, and which are held (consensus.md §2, §13). */
import { toHex } from '../crypto/bytes.ts'
import type { Verifier } from './replica-types.ts'
import type { Certificate, Digest, ValidatorSet, VoteKind } from './types.ts'
import { weightOf } from './validator-set.ts'
import { proposalId, voteMessage } from './wire.ts'

/** Votes whose signatures were checked before: see `VotePool`. */
export interface KnownVotes {
  isKnown(kind: VoteKind, view: number, pidHex: string, signer: number, signature: Uint8Array): boolean
}

/** Name of a proposal in maps; nullify votes have none. */
export function pidKey(pid: Digest | null): string {
  return pid === null ? '' : toHex(pid)
}

/** The proposal id a certificate is about; null exactly for a nullification. */
export function pidOf(set: ValidatorSet, certificate: Certificate): Digest | null {
  return certificate.proposal === null ? null : proposalId(set.context, certificate.proposal)
}

/**
 * Null if the certificate is valid in `set`, else what is wrong with it. Signatures in `known` are not checked again.
 * Each signer's weight counts once (pitfall 20).
 */
export function checkCertificate(
  set: ValidatorSet,
  certificate: Certificate,
  verifier: Verifier,
  known?: KnownVotes,
): string | null {
  const malformed = malformedness(set, certificate)
  if (malformed !== null) return malformed
  const { kind, epoch, view, signers, signatures } = certificate
  const pid = pidOf(set, certificate)
  const pidHex = pidKey(pid)
  /** What the signers signed; not needed if all of their votes are known. */
  let message: Uint8Array | undefined
  for (const [position, signer] of signers.entries()) {
    const signature = signatures[position]
    const publicKey = set.validators[signer]?.publicKey
    if (signature === undefined || publicKey === undefined) return `no signature of validator ${signer}`
    if (known?.isKnown(kind, view, pidHex, signer, signature) === true) continue
    message ??= voteMessage(set.context, kind, epoch, view, pid)
    if (!verifier.verify(signature, message, publicKey))
      return `wrong ${kind} signature of validator ${signer} for view ${view}`
  }
  return null
}

/** Everything that can be told without a signature. */
function malformedness(
  set: ValidatorSet,
  { kind, epoch, view, proposal, signers, signatures }: Certificate,
): string | null {
  if (epoch !== set.epoch) return `expected epoch ${set.epoch}, got ${epoch}`
  if (view < 1) return `view ${view} has no certificates`
  if ((proposal === null) !== (kind === 'nullify'))
    return `a ${kind} certificate ${proposal === null ? 'needs a' : 'has no'} proposal`
  if (proposal !== null && (proposal.epoch !== epoch || proposal.view !== view))
    return 'its proposal is of another view'
  if (proposal !== null && proposal.parentView >= view)
    return `parent view ${proposal.parentView} is not below view ${view}`
  if (signers.length !== signatures.length)
    return `${signers.length} signers but ${signatures.length} signatures`
  let previous = -1
  for (const signer of signers) {
    if (signer <= previous) return 'signers do not ascend strictly'
    if (signer >= set.validators.length)
      return `there is no validator ${signer} in a set of ${set.validators.length}`
    previous = signer
  }
  const weight = weightOf(set, signers)
  return weight >= set.quorumWeight
    ? null
    : `expected a weight of at least ${set.quorumWeight}, got ${weight}`
}

/** The certificates from the last finalized view on; at most one of a kind per view (S1, S2). */
export class CertificateStore {
  readonly #byKind: Readonly<Record<VoteKind, Map<number, Certificate>>> = {
    notarize: new Map(),
    nullify: new Map(),
    finalize: new Map(),
  }
  #newestNotarization: Certificate | null = null

  get(kind: VoteKind, view: number): Certificate | null {
    return this.#byKind[kind].get(view) ?? null
  }

  has(kind: VoteKind, view: number): boolean {
    return this.#byKind[kind].has(view)
  }

  /** Whether a nullification of every view of the range is held; of none in an empty range. */
  hasNullified(fromView: number, toView: number): boolean {
    for (let view = fromView; view <= toView; view++) if (!this.has('nullify', view)) return false
    return true
  }

  add(certificate: Certificate): void {
    this.#byKind[certificate.kind].set(certificate.view, certificate)
    if (certificate.kind === 'notarize' && certificate.view > (this.#newestNotarization?.view ?? 0))
      this.#newestNotarization = certificate
  }

  /** The notarization of the highest view, or null. */
  get newestNotarization(): Certificate | null {
    return this.#newestNotarization
  }

  /** A notarization or finalization of the view: what a block can be built upon. */
  parentCertificate(view: number): Certificate | null {
    return this.get('notarize', view) ?? this.get('finalize', view)
  }

  /** The one that moves a straggler past the view, the strongest first (§8.3). */
  leadingPast(view: number): Certificate | null {
    return this.get('finalize', view) ?? this.get('nullify', view) ?? this.get('notarize', view)
  }

  prune(belowView: number): void {
    for (const certificates of Object.values(this.#byKind)) {
      for (const view of certificates.keys()) if (view < belowView) certificates.delete(view)
    }
  }
}
