/**
 * The leader's part (consensus.md §6, §12). One proposal per view, ever, also across restarts.
 *
 * When to propose. With certificates to order at once. In an idle chain after T_idle, an empty block. In between, when
 * there is something to say (results, a hold that falls due) or the tip is not final or not executed yet, and nothing to
 * order: it waits for what is about to come, at most Δ/2. Without this wait no chain would ever fall idle, since a view is
 * entered on a notarization, one delay before its finalization; and at a payment now and then the blocks that only commit
 * results would be in the way of the next one (docs/adr/0017).
 */
import { LIMITS } from '../config/limits.ts'
import { mustBeEmpty } from './block-rules.ts'
import type { ParentInfo } from './block-tree.ts'
import { pidKey } from './certificates.ts'
import type { Finality } from './finality.ts'
import { excludedBelow, keepBlock, lastFinalView, type Core } from './ordering-core.ts'
import { selectParent, type ParentChoice } from './parent-selection.ts'
import type { Pending } from './proposal-pool.ts'
import { inlineSkips } from './skips.ts'
import type { Block, Certificate, Proposal, ProposalMessage } from './types.ts'
import { leader } from './validator-set.ts'
import type { Voter } from './voter.ts'
import { blockDigest, justHash, proposalId } from './wire.ts'

/** Room in a block for everything but its payload. */
const HEADER_ROOM_BYTES = 1_024

type Parent = Extract<ParentChoice, { found: 'parent' }>

/** What became of an attempt. `wait`: try again then, or when something changes. */
export type ProposeOutcome =
  | { readonly outcome: 'nothing' }
  | { readonly outcome: 'proposed' }
  | { readonly outcome: 'wait'; readonly untilMs: number }
  /** The parent's block is notarized and not held. */
  | { readonly outcome: 'missing-block'; readonly certificate: Certificate }
  /** Certificates of (lastFin, view) are missing, the highest of this view: to be asked for. */
  | { readonly outcome: 'hole'; readonly view: number }

const NOTHING: ProposeOutcome = { outcome: 'nothing' }

export class Proposer {
  readonly #core: Core
  readonly #voter: Voter
  readonly #finality: Finality
  /** Own proposals that were stored before a restart, by view. */
  readonly #stored = new Map<number, ProposalMessage>()
  /** Highest view proposed, or re-sent, in this run. */
  #proposedView = 0

  constructor(core: Core, voter: Voter, finality: Finality) {
    this.#core = core
    this.#voter = voter
    this.#finality = finality
  }

  /** An own proposal from before the restart. */
  restore(message: ProposalMessage): void {
    this.#stored.set(message.proposal.view, message)
  }

  /** Proposes for the current view if this node leads it and has not yet. */
  propose(): ProposeOutcome {
    const { self, view, set, own } = this.#core
    if (self === null || !this.#voter.mayVote || this.#proposedView >= view || leader(set, view) !== self)
      return NOTHING
    const stored = this.#stored.get(view)
    if (stored !== undefined) return this.#resend(stored)
    const votes = own.of(view)
    if (votes.notarize !== null || votes.nullify) return NOTHING
    const parent = selectParent(
      this.#core.certificates,
      this.#core.tree,
      this.#core.chain.genesisHash,
      view,
      lastFinalView(this.#core),
    )
    if (parent.found === 'hole') return { outcome: 'hole', view: parent.view }
    if (parent.found === 'missing-block') return { outcome: 'missing-block', certificate: parent.certificate }
    return this.#proposeOn(parent)
  }

  #proposeOn(parent: Parent): ProposeOutcome {
    const info = this.#core.tree.info(parent.digest)
    if (info === null) return NOTHING
    const block = this.#makeBlock(info)
    const untilMs = this.#waitsUntil(block, info)
    if (untilMs > this.#core.clock.monotonicMs) return { outcome: 'wait', untilMs }
    return this.#send(block, parent)
  }

  #makeBlock(parent: ParentInfo): Block {
    const { self, set, chain, payload, results, clock } = this.#core
    const timeMs = Math.max(parent.timeMs + 1, Math.floor(clock.wallMs))
    const executed = results.claim(parent.executed)
    const height = parent.height + 1
    const excluded = excludedBelow(this.#core, parent.digest)
    const certificates = mustBeEmpty(height, executed.height)
      ? []
      : payload.select({ timeMs, excluded, maxBytes: LIMITS.blockBytes - HEADER_ROOM_BYTES })
    return {
      genesisHash: chain.genesisHash,
      height,
      parentDigest: parent.digest,
      epoch: set.epoch,
      author: self ?? 0,
      timeMs,
      payload: certificates,
      executed,
      validatorSetHash: set.hash,
      nextValidatorSetHash: set.hash,
    }
  }

  /** Something to order goes at once, and so does the first block, which says that the network is there. */
  #waitsUntil(block: Block, parent: ParentInfo): number {
    const { timers, parameters, payload } = this.#core
    if (block.payload.length > 0 || block.height === 1) return 0
    if (this.#finality.isIdle()) return timers.enteredMs + parameters.idleMs
    const isHeldBack =
      !mustBeEmpty(block.height, block.executed.height) &&
      payload.hasOrderable(excludedBelow(this.#core, parent.digest))
    return isHeldBack ? 0 : timers.enteredMs + timers.deltaMs / 2
  }

  #send(block: Block, parent: Parent): ProposeOutcome {
    const { set, view, emit } = this.#core
    const { certificate: parentCertificate } = parent
    const skips = inlineSkips(parent.skips)
    const digest = blockDigest(block)
    const proposal: Proposal = {
      epoch: set.epoch,
      view,
      parentView: parent.view,
      blockDigest: digest,
      justHash: justHash(parentCertificate, skips),
    }
    const pid = proposalId(set.context, proposal)
    const pending = { pid, key: pidKey(pid), invalid: null }
    if (
      this.#voter.whyNotNotarize(
        { ...pending, message: { proposal, block, parentCertificate, skips, signature: pid } },
        true,
      ) !== null
    )
      return NOTHING
    const vote = this.#voter.notarize(view, pid)
    if (vote === null) return NOTHING
    const message: ProposalMessage = { proposal, block, parentCertificate, skips, signature: vote.signature }
    // P4: proposal and block are durable before the proposal leaves.
    keepBlock(this.#core, digest, block)
    emit({ type: 'store', record: { kind: 'proposal', proposal: message } })
    this.#broadcast({ ...pending, message })
    return { outcome: 'proposed' }
  }

  /** After a restart: the same proposal again, with the vote that belongs to it. */
  #resend(message: ProposalMessage): ProposeOutcome {
    const pid = proposalId(this.#core.set.context, message.proposal)
    const { view } = this.#core
    if (this.#core.own.of(view).notarize === null && this.#voter.notarize(view, pid) === null) return NOTHING
    this.#broadcast({ message, pid, key: pidKey(pid), invalid: null })
    return { outcome: 'proposed' }
  }

  #broadcast(pending: Pending): void {
    this.#proposedView = this.#core.view
    if (!this.#core.proposals.has(this.#core.view, pending.key)) this.#core.proposals.add(pending)
    this.#core.emit({
      type: 'send',
      to: { kind: 'validators' },
      message: { type: 'proposal', proposal: pending.message },
    })
  }
}
