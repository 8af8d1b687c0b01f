/** Certificates: taking them in, making them from votes, and acting upon them (consensus.md §5, onCert and setFinal). */
import { LIMITS } from '../config/limits.ts'
import type { Agenda } from './agenda.ts'
import type { BlockSync } from './block-sync.ts'
import type { CertificateSync } from './certificate-sync.ts'
import { checkCertificate, pidKey, pidOf } from './certificates.ts'
import { lastFinalView, type Core } from './ordering-core.ts'
import type { Peer } from './replica-types.ts'
import type { Retransmitter } from './retransmitter.ts'
import type { Certificate, Digest, VoteKind } from './types.ts'
import type { Voter } from './voter.ts'

/** Views between two prunings of stored certificates. */
const PRUNE_EVERY_VIEWS = 64

export interface OrderingParts {
  readonly core: Core
  readonly agenda: Agenda
  readonly voter: Voter
  readonly sync: BlockSync
  readonly certificateSync: CertificateSync
  readonly retransmitter: Retransmitter
}

export class CertificateIntake {
  readonly #core: Core
  readonly #agenda: Agenda
  readonly #voter: Voter
  readonly #sync: BlockSync
  readonly #retransmitter: Retransmitter
  #prunedView = 0
  /** When the newest finalization came. */
  #lastFinalMs = 0

  constructor({ core, agenda, voter, sync, retransmitter }: OrderingParts) {
    this.#core = core
    this.#agenda = agenda
    this.#voter = voter
    this.#sync = sync
    this.#retransmitter = retransmitter
  }

  get lastFinalMs(): number {
    return this.#lastFinalMs
  }

  /** Whether the peer did nothing wrong. */
  take(from: Peer, certificate: Certificate): boolean {
    const { set, certificates, verifier, pool } = this.#core
    if (certificate.epoch !== set.epoch) return true
    if (certificate.view <= lastFinalView(this.#core) || certificates.has(certificate.kind, certificate.view))
      return true
    const reason = checkCertificate(set, certificate, verifier, pool)
    if (reason !== null) {
      this.#core.emit({ type: 'penalize', peer: from, why: 'bad-certificate', detail: reason })
      return false
    }
    this.accept(certificate, false)
    return true
  }

  /** Makes certificates of everything in the view that has weight ≥ q. */
  formAll(view: number): void {
    for (const { kind, pid } of this.#core.pool.quorums(view)) this.form(kind, view, pid)
  }

  form(kind: VoteKind, view: number, pid: Digest | null): void {
    const { set, pool, proposals, certificates } = this.#core
    if (view <= lastFinalView(this.#core) || certificates.has(kind, view)) return
    const tally = pool.tally(kind, view, pid)
    if (tally === null || tally.weight < set.quorumWeight) return
    const proposal = kind === 'nullify' ? null : proposals.proposal(view, pidKey(pid))
    if (proposal === null && kind !== 'nullify') return // votes carry only the id; the proposal is still to come
    const votes = [...tally.signatures].sort(([left], [right]) => left - right)
    const [signers, signatures] = [votes.map(([signer]) => signer), votes.map(([, signature]) => signature)]
    this.accept({ kind, epoch: set.epoch, view, proposal, signers, signatures }, true)
  }

  /** A valid certificate. `formed`: by this node, from votes. */
  accept(certificate: Certificate, formed: boolean): void {
    const { certificates, emit, timers, self } = this.#core
    const { kind, view } = certificate
    if (view <= lastFinalView(this.#core) || certificates.has(kind, view)) return
    this.#agenda.joined = true
    emit({ type: 'store', record: { kind: 'certificate', certificate } })
    if (!formed && self !== null && certificate.signers.includes(self))
      this.#voter.checkOwnVote({ kind, view, pid: pidOf(this.#core.set, certificate) })
    this.index(certificate)
    if (self !== null && (formed || view >= this.#core.view))
      this.#retransmitter.scheduleForward(certificate, this.#core.clock.monotonicMs + timers.deltaMs / 4)
    if (certificate.proposal !== null) this.#sync.adopt(certificate.proposal.blockDigest)
    if (kind === 'finalize') this.#setFinal(certificate)
    // "Any valid certificate of view ≥ cur advances the node, whatever it voted in that view."
    if (view + 1 > this.#agenda.targetView) {
      this.#agenda.targetView = view + 1
      this.#agenda.enteredBy = kind
    }
    this.#agenda.notarize =
      this.#agenda.finalize =
      this.#agenda.propose =
      this.#agenda.fetch =
      this.#agenda.idle =
        true
  }

  #setFinal(certificate: Certificate): void {
    const { view } = certificate
    this.#core.lastFinal = certificate
    this.#sync.adoptAncestors(certificate)
    this.#sync.networkIsAlive()
    this.#lastFinalMs = this.#core.clock.monotonicMs
    this.#agenda.deliver = true
    this.#core.pool.prune(view - 1) // those of the final view come again as the parent certificate of the next
    this.#core.own.prune(view)
    this.#core.proposals.prune(view, this.#core.view)
    this.#core.certificates.prune(view)
    for (const old of this.#agenda.finalizable) if (old <= view) this.#agenda.finalizable.delete(old)
    this.#voter.raiseFloor(view)
    const pruneBelow = view - LIMITS.certificateRetentionViews
    if (pruneBelow >= this.#prunedView + PRUNE_EVERY_VIEWS) {
      this.#prunedView = pruneBelow
      this.#core.emit({ type: 'store', record: { kind: 'delete-certificates-below', view: pruneBelow } })
    }
  }

  /** Takes a certificate into memory. */
  index(certificate: Certificate): void {
    const { certificates, proposals, pool, set } = this.#core
    const pid = pidOf(set, certificate)
    certificates.add(certificate)
    if (certificate.proposal !== null) proposals.register(pidKey(pid), certificate.proposal)
    if (certificate.view > lastFinalView(this.#core)) {
      pool.absorb(certificate, pid)
      if (certificate.kind === 'notarize') this.#agenda.finalizable.add(certificate.view)
    }
  }
}
