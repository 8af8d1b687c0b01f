/**
 * Casting votes: the protocol's guards first, then the signer's (consensus.md §4). This is the only file that asks the
 * signer for a vote.
 */
import { pidKey, pidOf } from './certificates.ts'
import { whyNotFinalize, whyNotNotarize, whyNotNullify } from './guards.ts'
import { LostVotes } from './lost-votes.ts'
import { lastFinalView, note, type Core } from './ordering-core.ts'
import type { Pending } from './proposal-pool.ts'
import type { Abstention, Signer, SignerAnswer } from './replica-types.ts'
import type { Certificate, Digest, Vote, VoteKind } from './types.ts'

export class Voter {
  readonly #core: Core
  readonly #signer: Signer | null
  readonly #lost: LostVotes
  /** Votes the signer refused, so that it is not asked again and again. */
  readonly #refused = new Set<string>()

  constructor(core: Core, signer: Signer | null) {
    this.#core = core
    this.#signer = signer
    this.#lost = new LostVotes(core)
  }

  /** Whether this node votes at all. */
  get mayVote(): boolean {
    return this.#signer !== null && this.abstention === null
  }

  /** Why this validator does not vote (P10, P11), or null. */
  get abstention(): Abstention | null {
    return this.#signer?.abstention ?? null
  }

  /** While the signing state is lost: the view whose finalization, or a later one, ends that; null: not known yet. */
  get resumeView(): number | null {
    return this.#lost.resumeView
  }

  /** P10: looks whether a lost table still matters. */
  reviewLost(): void {
    if (this.#signer?.abstention !== 'signer-lost') return
    if (this.#lost.review())
      note(this.#core, { kind: 'voting-waits', view: this.#lost.resumeView ?? Infinity })
    const finalView = lastFinalView(this.#core)
    if (finalView < (this.#lost.resumeView ?? Infinity)) return
    this.#signer.resumeAbove(finalView)
    note(this.#core, { kind: 'voting-resumed', view: finalView })
  }

  /** Why the proposal may not be notarized by this node's view of the network, or null (4.1). */
  whyNotNotarize(pending: Pending, hasParent: boolean): string | null {
    const { view, parentView } = pending.message.proposal
    const { certificates } = this.#core
    return whyNotNotarize({
      view,
      currentView: this.#core.view,
      lastFinalView: lastFinalView(this.#core),
      own: this.#core.own.of(view),
      pid: pending.key,
      parentView,
      nullified: certificates.has('nullify', view),
      hasSkips: certificates.hasNullified(parentView + 1, view - 1),
      hasParent,
    })
  }

  /** Asks for a notarize vote. The caller has checked the guards and stored the block. Null: refused. */
  notarize(view: number, pid: Digest): Vote | null {
    return this.#cast('notarize', view, pid, (signer) => signer.notarize(view, pid))
  }

  nullify(): Vote | null {
    const { view, own } = this.#core
    if (whyNotNullify({ view, currentView: view, own: own.of(view) }) !== null) return null
    return this.#cast('nullify', view, null, (signer) => signer.nullify(view))
  }

  /** Finalizes the proposal of a held notarization if the guards allow; null otherwise (4.3). */
  finalize(notarization: Certificate): Vote | null {
    const { own, certificates, tree, set } = this.#core
    const { view, proposal } = notarization
    const pid = pidOf(set, notarization)
    if (proposal === null || pid === null) return null
    const reason = whyNotFinalize({
      view,
      lastFinalView: lastFinalView(this.#core),
      own: own.of(view),
      pid: pidKey(pid),
      nullified: certificates.has('nullify', view),
      hasBlock: tree.has(proposal.blockDigest),
    })
    return reason === null ? this.#cast('finalize', view, pid, (signer) => signer.finalize(view, pid)) : null
  }

  #cast(
    kind: VoteKind,
    view: number,
    pid: Digest | null,
    ask: (signer: Signer) => SignerAnswer,
  ): Vote | null {
    const key = `${kind}/${view}/${pidKey(pid)}`
    if (this.#signer === null || this.abstention !== null || this.#refused.has(key)) return null
    const answer = ask(this.#signer)
    if (!answer.ok) {
      this.#refused.add(key)
      note(this.#core, { kind: 'vote-refused', vote: kind, view, reason: answer.reason })
      return null
    }
    const vote: Vote = {
      kind,
      epoch: this.#core.set.epoch,
      view,
      pid,
      signer: this.#signer.index,
      signature: answer.signature,
    }
    this.#core.own.record(vote)
    this.#core.pool.add(vote)
    note(this.#core, { kind: 'vote-cast', vote: kind, view })
    return vote
  }

  /**
   * P1, after a restart: a certificate that was formed with an own vote is stored before that vote is in the journal, and
   * the process may have died in between. The certificate will be sent, so the vote has to be in the journal before: it
   * must bind also if the stored certificates are lost later. What the signer refuses lies at or below its floor.
   */
  rejournal(certificate: Certificate): void {
    const { kind, view } = certificate
    const pid = pidOf(this.#core.set, certificate)
    if (this.#signer === null) return
    if (pid === null) this.#signer.nullify(view)
    else if (kind === 'notarize') this.#signer.notarize(view, pid)
    else this.#signer.finalize(view, pid)
  }

  /**
   * P11: "own conflicting vote seen from the network (valid own signature, not in own table): stop signing at once, stay
   * as observer, alarm. It means a second instance runs with the key."
   */
  checkOwnVote({ kind, view, pid }: Pick<Vote, 'kind' | 'view' | 'pid'>): void {
    if (this.#signer === null) return
    if (this.#signer.abstention === 'signer-lost') this.#lost.sawOwnVote(view)
    // Votes up to `knownAbove` may be missing from the own book: one that is seen there proves nothing.
    if (!this.mayVote || view <= Math.max(this.#signer.knownAbove, lastFinalView(this.#core))) return
    if (this.#core.own.has({ kind, view, pid })) return
    this.#signer.stop({ kind, view, pid })
    note(this.#core, { kind: 'key-used-elsewhere', vote: kind, view })
  }

  raiseFloor(view: number): void {
    this.#refused.clear()
    this.#signer?.raiseFloor(view)
  }
}
