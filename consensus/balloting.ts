/** Voting on what has come in: notarize, nullify, finalize (consensus.md §5, tryNotarize; §4). */
import type { Agenda } from './agenda.ts'
import { judgeResults, msUntilDue, whyBlockInvalid } from './block-rules.ts'
import type { BlockSync } from './block-sync.ts'
import type { ParentInfo } from './block-tree.ts'
import type { CertificateIntake, OrderingParts } from './certificate-intake.ts'
import type { CertificateSync } from './certificate-sync.ts'
import { lastFinalView, note, parentDigestOf, type Core } from './ordering-core.ts'
import type { Pending } from './proposal-pool.ts'
import type { Vote } from './types.ts'
import { leader } from './validator-set.ts'
import type { Voter } from './voter.ts'

export class Balloting {
  readonly #core: Core
  readonly #agenda: Agenda
  readonly #voter: Voter
  readonly #sync: BlockSync
  readonly #certificates: CertificateIntake
  readonly #certificateSync: CertificateSync
  #dueBlockMs = Infinity
  /** Claimed results that differ from own ones, so that each is reported once. */
  readonly #mismatches = new Set<string>()

  constructor(
    { core, agenda, voter, sync, certificateSync }: OrderingParts,
    certificates: CertificateIntake,
  ) {
    this.#core = core
    this.#agenda = agenda
    this.#voter = voter
    this.#sync = sync
    this.#certificates = certificates
    this.#certificateSync = certificateSync
  }

  get #now(): number {
    return this.#core.clock.monotonicMs
  }

  /** When the block of the current view is due by the local clock; Infinity: nothing waits for that. */
  get dueBlockMs(): number {
    return this.#dueBlockMs
  }

  enterView(): void {
    this.#dueBlockMs = Infinity
  }

  /** Notarizes the current view's proposal if it is acceptable by now. */
  tryNotarize(): void {
    if (!this.#agenda.notarize) return
    this.#agenda.notarize = false
    this.#dueBlockMs = Infinity // set again below if the block still has to wait: a node that may not vote waits for none
    const { view, proposals, own, tree } = this.#core
    const pending = proposals.first(view)
    if (pending === null || !this.#voter.mayVote || own.of(view).notarize !== null) return
    const parent = tree.info(parentDigestOf(this.#core, pending.message.parentCertificate))
    const hasParent = parent !== null && tree.has(parent.digest)
    if (hasParent && !this.#isAcceptable(pending, parent)) return
    if (this.#voter.whyNotNotarize(pending, hasParent) !== null) {
      // 4.1.4: a parent below the last final view is "permanently invalid".
      if (pending.message.proposal.parentView < lastFinalView(this.#core)) this.castNullify()
      else this.#certificateSync.wantSkips(pending.message)
      return
    }
    const { message, pid } = pending
    const vote = this.#voter.notarize(view, pid)
    if (vote === null) return
    // P4: the block is durable before the vote leaves.
    this.#sync.keep(message.proposal.blockDigest, message.block)
    this.#core.emit({ type: 'store', record: { kind: 'proposal', proposal: message } })
    this.#publish(vote)
  }

  /** 4.1.7. "Block invalid for a deterministic reason: castNullify at once"; a block that is early, or ahead of own execution, waits. */
  #isAcceptable(pending: Pending, parent: ParentInfo): boolean {
    const { set, chain, parameters, payload, results, clock, view } = this.#core
    const { block } = pending.message
    if (pending.invalid === undefined) {
      pending.invalid = whyBlockInvalid(
        { set, genesisHash: chain.genesisHash, parameters, payload },
        block,
        parent,
        leader(set, view),
      )
    }
    if (pending.invalid !== null) return this.#refuse(pending.invalid)
    const judged = judgeResults(results, block, parent)
    if (judged.verdict === 'wrong') return this.#refuse(judged.reason)
    if (judged.verdict === 'mismatch') {
      const { height, own, claimed } = judged
      if (!this.#mismatches.has(`${height}/${claimed}`))
        note(this.#core, { kind: 'result-mismatch', height, own, claimed })
      this.#mismatches.add(`${height}/${claimed}`)
      return this.#refuse(`other results of height ${height}`)
    }
    const waitMs = msUntilDue(block, clock.wallMs, parameters)
    this.#dueBlockMs = waitMs > 0 ? this.#now + waitMs : Infinity
    return judged.verdict === 'right' && waitMs === 0
  }

  #refuse(reason: string): false {
    const { view } = this.#core
    if (!this.#core.own.of(view).nullify)
      note(this.#core, { kind: 'vote-refused', vote: 'notarize', view, reason })
    this.castNullify()
    return false
  }

  castNullify(): void {
    const vote = this.#voter.nullify()
    if (vote !== null) this.#publish(vote)
  }

  /** Finalize votes for every held notarization above the last final view, current or not. */
  tryFinalize(): void {
    if (!this.#agenda.finalize) return
    this.#agenda.finalize = false
    for (const view of [...this.#agenda.finalizable].sort((left, right) => left - right)) {
      const notarization = this.#core.certificates.get('notarize', view)
      if (notarization === null || view <= lastFinalView(this.#core)) {
        this.#agenda.finalizable.delete(view)
        continue
      }
      const votes = this.#core.own.of(view)
      if (votes.nullify || votes.finalize !== null || !this.#voter.mayVote)
        this.#agenda.finalizable.delete(view)
      const vote = this.#voter.finalize(notarization)
      if (vote !== null) this.#publish(vote)
    }
  }

  /** To all validators, and into the own count. */
  #publish(vote: Vote): void {
    this.#core.emit({ type: 'send', to: { kind: 'validators' }, message: { type: 'vote', vote } })
    this.#certificates.form(vote.kind, vote.view, vote.pid)
  }
}
