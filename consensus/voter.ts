/**
 * Casting votes: the protocol's guards first, then the signer's (consensus.md §4). This is the only file that asks the
 * signer for a vote.
 */
import { pidKey, pidOf } from './certificates.ts'
import { whyNotFinalize, whyNotNotarize, whyNotNullify } from './guards.ts'
import { lastFinalView, note, type Core } from './ordering-core.ts'
import type { Pending } from './proposal-pool.ts'
import type { Signer, SignerAnswer } from './replica-types.ts'
import type { Certificate, Digest, Vote, VoteKind } from './types.ts'

export class Voter {
  readonly #core: Core
  readonly #signer: Signer | null
  /** Votes at or below this view may be missing from the own book: a vote seen there proves nothing (P11). */
  readonly #knownAbove: number
  #halted = false
  /** Votes the signer refused, so that it is not asked again and again. */
  readonly #refused = new Set<string>()

  constructor(core: Core, signer: Signer | null) {
    this.#core = core
    this.#signer = signer
    this.#knownAbove = signer?.floor ?? 0
  }

  /** Whether this node votes at all. */
  get mayVote(): boolean {
    return this.#signer !== null && !this.#halted
  }

  /** Voting stopped because another instance runs with the key (P11). */
  get halted(): boolean {
    return this.#halted
  }

  /** Why the proposal may not be notarized by this node's view of the network, or null (4.1). */
  whyNotNotarize(pending: Pending, hasParent: boolean): string | null {
    const { view, parentView } = pending.message.proposal
    return whyNotNotarize({
      view,
      currentView: this.#core.view,
      lastFinalView: lastFinalView(this.#core),
      own: this.#core.own.of(view),
      pid: pending.key,
      parentView,
      nullified: this.#core.certificates.has('nullify', view),
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
    if (this.#signer === null || this.#halted || this.#refused.has(key)) return null
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
  checkOwnVote(vote: Pick<Vote, 'kind' | 'view' | 'pid'>): void {
    if (
      this.#signer === null ||
      this.#halted ||
      vote.view <= Math.max(this.#knownAbove, lastFinalView(this.#core))
    )
      return
    if (this.#core.own.has(vote)) return
    this.#halted = true
    note(this.#core, { kind: 'key-used-elsewhere', vote: vote.kind, view: vote.view })
  }

  raiseFloor(view: number): void {
    this.#refused.clear()
    this.#signer?.raiseFloor(view)
  }
}
