/** Proposals and votes from peers: checked, counted, and answered if their sender lags (consensus.md §5, §8.5). */
import type { Agenda } from './agenda.ts'
import type { BlockSync } from './block-sync.ts'
import { checkCertificate, pidKey } from './certificates.ts'
import type { CertificateIntake, OrderingParts } from './certificate-intake.ts'
import { lastFinalView, type Core } from './ordering-core.ts'
import { whyProposalMalformed } from './proposal-check.ts'
import type { Pending } from './proposal-pool.ts'
import type { Misbehaviour, Peer } from './replica-types.ts'
import type { Retransmitter } from './retransmitter.ts'
import type { ProposalMessage, ValidatorIndex, Vote, VoteKind } from './types.ts'
import { leader } from './validator-set.ts'
import type { Voter } from './voter.ts'
import { proposalId, voteMessage } from './wire.ts'

type SignedVote = Omit<Vote, 'epoch'>

/** What votes for one proposal sign. */
interface SignedMessage {
  readonly view: number
  readonly key: string
  readonly message: Uint8Array
}

export class Inbound {
  readonly #core: Core
  readonly #agenda: Agenda
  readonly #voter: Voter
  readonly #sync: BlockSync
  readonly #retransmitter: Retransmitter
  readonly #certificates: CertificateIntake
  /** The last one of each kind. */
  readonly #messages = new Map<VoteKind, SignedMessage>()

  constructor({ core, agenda, voter, sync, retransmitter }: OrderingParts, certificates: CertificateIntake) {
    this.#core = core
    this.#agenda = agenda
    this.#voter = voter
    this.#sync = sync
    this.#retransmitter = retransmitter
    this.#certificates = certificates
  }

  get #now(): number {
    return this.#core.clock.monotonicMs
  }

  #penalize(peer: Peer, why: Misbehaviour, detail: string): void {
    this.#core.emit({ type: 'penalize', peer, why, detail })
  }

  // ---- proposals (§5, onProposalMsg) ----

  takeProposal(from: Peer, message: ProposalMessage): void {
    const { set, proposals, progress, self } = this.#core
    const { proposal, parentCertificate, skips, signature } = message
    const { view } = proposal
    if (view <= lastFinalView(this.#core)) {
      this.#retransmitter.answer(from, this.#core.lastFinal, this.#now)
      return
    }
    const pid = proposalId(set.context, proposal)
    const key = pidKey(pid)
    if (proposals.has(view, key) || proposals.isFull(view)) return
    const malformed = whyProposalMalformed(set, message)
    if (malformed !== null) {
      this.#penalize(from, 'bad-proposal', malformed)
      return
    }
    const author = leader(set, view)
    if (!this.#isSigned({ kind: 'notarize', view, pid, signer: author, signature }, key)) {
      this.#penalize(from, 'bad-signature', `proposal of view ${view}: not signed by its leader ${author}`)
      return
    }
    if (author === self) {
      this.#voter.checkOwnVote({ kind: 'notarize', view, pid })
      return
    }
    const embedded = parentCertificate === null ? skips : [parentCertificate, ...skips]
    for (const certificate of embedded) {
      const reason = checkCertificate(set, certificate, this.#core.verifier, this.#core.pool)
      if (reason !== null) {
        this.#penalize(from, 'bad-certificate', `in the proposal of view ${view}: ${reason}`)
        return
      }
    }
    // "onCert(each embedded certificate): this alone moves a lagging node forward."
    for (const certificate of embedded) this.#certificates.accept(certificate, false)
    this.#heard(author)
    progress.sawVote({ kind: 'notarize', view, signer: author })
    if (view <= lastFinalView(this.#core) || view > Math.max(this.#core.view, this.#agenda.targetView) + 1)
      return
    this.#addPending({ message, pid, key }, author)
  }

  #addPending(pending: Pending, author: ValidatorIndex): void {
    const { proposals, pool } = this.#core
    const { proposal, signature } = pending.message
    const { view } = proposal
    proposals.add(pending)
    // The leader's signature is its notarize vote; two of them are an offence, which the pool tells.
    pool.add({ kind: 'notarize', view, pid: pending.pid, signer: author, signature })
    this.#certificates.formAll(view)
    const certified = this.#core.certificates.parentCertificate(view)?.proposal
    if (certified !== undefined && certified !== null) this.#sync.adopt(certified.blockDigest)
    if (view === this.#core.view) this.#agenda.notarize = this.#agenda.idle = this.#agenda.fetch = true
  }

  // ---- votes (§5, onVote) ----

  takeVote(from: Peer, vote: Vote): void {
    const { set, self, pool, progress, certificates, view, lastFinal } = this.#core
    if (self === null || vote.epoch !== set.epoch) return
    if (set.validators[vote.signer] === undefined) {
      this.#penalize(from, 'bad-signature', `there is no validator ${vote.signer}`)
      return
    }
    if (vote.view <= lastFinalView(this.#core)) {
      // Unread: a validator may say of itself that it is in a view, nobody else of it.
      if (from.validator === vote.signer) progress.sawVote(vote)
      // Late votes of a quorum that is complete are ordinary; who has not been seen beyond the view needs help.
      if (progress.seenView(vote.signer) <= lastFinalView(this.#core) && vote.kind !== 'finalize')
        this.#retransmitter.answer(from, lastFinal, this.#now)
      this.#keepAsEvidence(vote)
      return
    }
    // "If x is Nullify and x.view < cur: reply entryCert(cur)": helps a straggler, also when it repeats itself.
    if (vote.kind === 'nullify' && vote.view < view)
      this.#retransmitter.answer(from, certificates.leadingPast(view - 1), this.#now)
    const key = pidKey(vote.pid)
    if (pool.isKnown(vote.kind, vote.view, key, vote.signer, vote.signature)) {
      this.#heard(vote.signer)
      return
    }
    if (!this.#verifies(vote, key)) {
      this.#penalize(
        from,
        'bad-signature',
        `${vote.kind} vote of validator ${vote.signer} in view ${vote.view}`,
      )
      return
    }
    this.#agenda.joined = true
    if (vote.signer === self) this.#voter.checkOwnVote(vote)
    this.#heard(vote.signer)
    progress.sawVote(vote)
    if (vote.view > view + 1) pool.addFuture(vote)
    else this.#count(vote)
  }

  /** "Keep only for evidence": a late vote is looked at only if it contradicts what its signer was seen to cast. */
  #keepAsEvidence(vote: Vote): void {
    const { pool } = this.#core
    if (pool.contradicted(vote) === null) return
    if (this.#isSigned(vote, pidKey(vote.pid))) pool.add(vote)
  }

  #count(vote: Vote): void {
    this.#core.pool.add(vote)
    if (vote.kind === 'nullify' && vote.view === this.#core.view) this.#agenda.idle = true
    this.#certificates.form(vote.kind, vote.view, vote.pid)
  }

  /** `key`: name of the proposal in maps. */
  #isSigned(vote: SignedVote, key: string): boolean {
    const { kind, view, signer, signature } = vote
    return this.#core.pool.isKnown(kind, view, key, signer, signature) || this.#verifies(vote, key)
  }

  #verifies(vote: SignedVote, key: string): boolean {
    const { set, verifier } = this.#core
    const publicKey = set.validators[vote.signer]?.publicKey
    return publicKey !== undefined && verifier.verify(vote.signature, this.#messageOf(vote, key), publicKey)
  }

  /** What a vote signs: the same for all who vote for one thing, and they come one after another. */
  #messageOf({ kind, view, pid }: SignedVote, key: string): Uint8Array {
    const { context, epoch } = this.#core.set
    const latest = this.#messages.get(kind)
    if (latest?.view === view && latest.key === key) return latest.message
    const message = voteMessage(context, kind, epoch, view, pid)
    this.#messages.set(kind, { view, key, message })
    return message
  }

  #heard(signer: ValidatorIndex): void {
    this.#core.progress.heard(signer, this.#core.view, this.#now)
  }
}
