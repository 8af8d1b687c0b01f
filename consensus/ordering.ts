/**
 * Ordering: stake-weighted Simplex, one epoch. Votes and certificates in, effects out; no clock, no randomness, no I/O.
 *
 * ## The protocol in its own words
 *
 * Time is cut into views. Each view has one leader, known in advance from the epoch's weights alone. The leader proposes a
 * block on a parent; validators notarize at most one proposal per view, and nullify the view if nothing usable comes in
 * time. Votes of weight ≥ q = W − F (F = ⌊(W−1)/3⌋) make a certificate, and any valid certificate of the current or a
 * later view moves a node on to the next.
 *
 *     enter v ──proposal──▶ notarize v ──q──▶ Notarization(v) ──▶ enter v+1, finalize v ──q──▶ Finalization(v)
 *        │                                                        (unless nullified)             = the block and all
 *        └──2Δ no proposal, 3Δ no certificate──▶ nullify v ──q──▶ Nullification(v) ──▶ enter v+1     its ancestors
 *
 * A proposal names its parent view and carries that view's certificate and a nullification for every view skipped in
 * between (of very many the first and the last; voters ask for those they miss), so a voter judges by what the proposal
 * shows and not by what it happened to see. Whoever holds a
 * notarization, and has not nullified that view, votes to finalize it; finalize and nullify exclude each other.
 *
 * ## Why it is safe
 *
 * Two sets of weight ≥ q share an honest validator (Lemma 0). So: S1, one notarization per view, since an honest node
 * notarizes once. S2, no view is both finalized and nullified, since an honest node never casts both. S3, a finalized
 * proposal is the notarized one of its view. S4, a notarized proposal has a notarized parent, and every view in between
 * is nullified. If P is final in view v, a notarized P′ of a later view has its parent at or above v, or v would be
 * nullified against S2; by induction P′ descends from P. The argument uses the vote guards and nothing else: no timer,
 * no order of messages, no honesty of leaders. The guards are `guards.ts` (what the network must have shown) and
 * `guard-table.ts` (what this key may sign), and no vote passes round them (`voter.ts`).
 *
 * ## Why it lives
 *
 * Certificates are forwarded, votes repeated, and stale messages answered (`retransmitter.ts`), so the highest view of an
 * honest node becomes everybody's. Timeouts grow until a finalization and are capped (`view-timers.ts`).
 *
 * ## What is durable when (P1–P6)
 *
 * Every `store` effect of an input precedes the `send` effects that rest on it, and the driver makes records durable, then
 * the signer's journal, before anything leaves. So a block is durable before its notarize vote (P4), a notarization
 * before the finalize vote it justifies (P2), and the certificate that led into a view before any vote there (P3). After
 * a restart the view is the one after the highest stored certificate, and own votes go back into the own pool (P6).
 *
 * ## Where this differs from the paper and the specification
 *
 * - Weights instead of heads; certificates inline in proposals; timers grow and are capped; notarize is allowed after
 *   nullify; a view may be finalized later than it is current. All as in consensus.md.
 * - §12, idle: a leader with nothing to say waits up to Δ/2 for a tip that is about to become final or executed
 *   (`proposer.ts`): a view is entered on a notarization, so by the letter no chain would ever be idle.
 * - §7: T_idle no longer counts into the timers of a view once its proposal is here, for the wait it allows for is over,
 *   or once nullify votes of weight > F are, for somebody honest knows of work.
 * - §8.8: of more than 64 skipped views, `justHash` covers those in between by their numbers, not by the leader's own
 *   certificates: any nullification of them will do (ADR 5).
 * - §5: certificates of views up to the last final one are dropped unread; the last finalization says more than they do.
 *
 * ## Parts
 *
 *     inputs ──▶ Inbound ──▶ CertificateIntake ──▶ Agenda ──▶ Balloting ── Voter ── guards, signer
 *                proposals,  taken in, or made     what is    Proposer ── parent-selection
 *                votes       from votes            possible   Finality ── deliver
 *                                                  now        BlockSync ── BlockFetcher
 *                                                             CertificateSync ── CertificateFetcher
 *
 * `Core` is the state they share: certificates, votes, proposals, blocks, results, timers. `Retransmitter` repeats.
 * Every input ends in `#settle`, which works off the agenda until nothing more is possible.
 */
import { CordonError } from '../config/errors.ts'
import type { Parameters } from '../config/parameters.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { EMPTY_ROOT } from '../crypto/merkle.ts'
import { Agenda } from './agenda.ts'
import { Balloting } from './balloting.ts'
import { BlockSync } from './block-sync.ts'
import { BlockTree, infoOf, type ParentInfo } from './block-tree.ts'
import { CertificateIntake } from './certificate-intake.ts'
import { CertificateSync } from './certificate-sync.ts'
import { CertificateStore, pidKey } from './certificates.ts'
import { contradiction, voteEvidence } from './evidence.ts'
import { Finality } from './finality.ts'
import { Inbound } from './inbound.ts'
import { lastFinalHeight, lastFinalView, note, type Core } from './ordering-core.ts'
import { OwnVoteBook } from './own-votes.ts'
import type { PayloadSource } from './payload-source.ts'
import { PeerProgress } from './peer-progress.ts'
import { ProposalPool } from './proposal-pool.ts'
import { progressReport, type ProgressReport } from './progress-report.ts'
import { Proposer } from './proposer.ts'
import type {
  Abstention,
  ChainStart,
  Clock,
  Effect,
  ExecutionResult,
  Misbehaviour,
  Peer,
  Restored,
  Signer,
  Target,
  Verifier,
} from './replica-types.ts'
import { ResultLog } from './result-log.ts'
import { Retransmitter } from './retransmitter.ts'
import type {
  Block,
  Certificate,
  Digest,
  FinalizedBlock,
  ProposalMessage,
  ValidatorIndex,
  ValidatorSet,
  Vote,
} from './types.ts'
import { leader } from './validator-set.ts'
import { ViewTimers } from './view-timers.ts'
import { VotePool } from './vote-pool.ts'
import { Voter } from './voter.ts'
import { blockDigest, proposalId } from './wire.ts'

export interface OrderingOptions {
  readonly set: ValidatorSet
  readonly chain: ChainStart
  readonly parameters: Parameters
  /** Own index; null: a full node, which follows. */
  readonly self: ValidatorIndex | null
  /** Null exactly for a full node. */
  readonly signer: Signer | null
  readonly verifier: Verifier
  readonly payload: PayloadSource
  readonly restored: Restored
  readonly emit: (effect: Effect) => void
}

/** Highest view a range request asks for: everything. */
const ALL_VIEWS = 2 ** 47
/** How often a node that nobody has answered yet asks for certificates. */
const JOIN_RETRY_MS = 500
export class Ordering {
  readonly #core: Core
  readonly #agenda: Agenda
  readonly #voter: Voter
  readonly #retransmitter: Retransmitter
  readonly #sync: BlockSync
  readonly #certificateSync: CertificateSync
  readonly #certificates: CertificateIntake
  readonly #inbound: Inbound
  readonly #balloting: Balloting
  readonly #finality: Finality
  readonly #proposer: Proposer
  #started = false

  // Deadlines, monotonic ms.
  #proposeMs = Infinity
  /** Start, or last standstill: the next counts from here if no finalization came since. */
  #quietSinceMs = 0
  #joinMs = Infinity
  #moreDeliveriesMs = Infinity

  constructor({ set, chain, parameters, self, signer, verifier, payload, restored, emit }: OrderingOptions) {
    const certificates = new CertificateStore()
    const own = new OwnVoteBook()
    const mine = restored.certificates.filter(({ epoch }) => epoch === set.epoch)
    const lastFinal = newestOf(mine.filter(({ kind }) => kind === 'finalize'))
    const startView = (newestOf(mine)?.view ?? 0) + 1
    const progress = new PeerProgress(set, self, startView)
    this.#core = {
      set,
      self,
      chain,
      parameters,
      verifier,
      payload,
      emit,
      certificates,
      own,
      progress,
      pool: new VotePool(set, (view, validator, first, second) => {
        const kind = contradiction(first, second)
        if (kind === null) return
        const { epoch } = set
        const evidence = voteEvidence({ epoch, view, validator }, first, second)
        emit({ type: 'offence', offence: { kind, validator, epoch, position: view }, evidence })
      }),
      proposals: new ProposalPool(),
      tree: new BlockTree(rootOf(chain, restored)),
      results: new ResultLog(restored.executed),
      timers: new ViewTimers(parameters),
      view: 0,
      lastFinal,
      deliveredView: 0,
      clock: { monotonicMs: 0, wallMs: 0 },
    }
    this.#agenda = new Agenda(startView)
    this.#voter = new Voter(this.#core, signer)
    this.#retransmitter = new Retransmitter({ certificates, own, progress, emit })
    this.#sync = new BlockSync(this.#core, this.#agenda)
    this.#certificateSync = new CertificateSync(this.#core)
    const parts = {
      core: this.#core,
      agenda: this.#agenda,
      voter: this.#voter,
      sync: this.#sync,
      certificateSync: this.#certificateSync,
      retransmitter: this.#retransmitter,
    }
    this.#certificates = new CertificateIntake(parts)
    this.#inbound = new Inbound(parts, this.#certificates)
    this.#balloting = new Balloting(parts, this.#certificates)
    this.#finality = new Finality(this.#core, restoredWorkHeight(restored))
    this.#proposer = new Proposer(this.#core, this.#voter, this.#finality)
    this.#restore(restored, mine, signer)
  }

  // ---- restart (§9, P5–P6) ----

  #restore(restored: Restored, certificates: readonly Certificate[], signer: Signer | null): void {
    const { set, pool, proposals, tree, own, self } = this.#core
    const finalView = lastFinalView(this.#core)
    for (const { digest, block } of restored.blocks.toSorted(
      (left, right) => left.block.height - right.block.height,
    ))
      tree.add(digest, block)
    for (const message of restored.proposals) {
      const { view, epoch } = message.proposal
      if (epoch !== set.epoch || view <= finalView) continue
      const pid = proposalId(set.context, message.proposal)
      proposals.add({ message, pid, key: pidKey(pid), invalid: null })
      if (leader(set, view) === self) this.#proposer.restore(message)
    }
    for (const certificate of certificates) {
      if (certificate.view < finalView) continue
      this.#certificates.index(certificate)
      if (self !== null && certificate.signers.includes(self)) this.#voter.rejournal(certificate)
    }
    for (const { kind, view, pid, signature } of signer?.ownVotes() ?? []) {
      if (view <= finalView) continue
      const vote: Vote = { kind, epoch: set.epoch, view, pid, signer: (signer as Signer).index, signature }
      own.record(vote)
      pool.add(vote)
    }
  }

  /** The first input. Own votes above the last final view are sent again, and peers are asked where the chain is. */
  start(clock: Clock): void {
    this.#begin(clock)
    this.#started = true
    this.#quietSinceMs = clock.monotonicMs
    this.#retransmitter.resendOwnVotes()
    this.#joinMs = clock.monotonicMs
    this.#agenda.deliver = true
    this.#agenda.finalize = true
    for (const view of this.#core.pool.views()) this.#certificates.formAll(view)
    this.#settle()
  }

  // ---- inputs ----

  tick(clock: Clock): void {
    this.#begin(clock)
    this.#settle()
  }

  /** Dissemination learned something that can be ordered, or a hold fell due. */
  onWork(clock: Clock): void {
    this.#begin(clock)
    this.#agenda.propose = true
    this.#agenda.idle = true
    this.#settle()
  }

  onExecuted(result: ExecutionResult, clock: Clock): void {
    this.#begin(clock)
    this.#core.results.add(result)
    this.#agenda.notarize = true
    this.#agenda.propose = true
    this.#agenda.idle = true
    this.#settle()
  }

  onProposal(from: Peer, message: ProposalMessage, clock: Clock): void {
    this.#begin(clock)
    this.#inbound.takeProposal(from, message)
    this.#settle()
  }

  onVote(from: Peer, vote: Vote, clock: Clock): void {
    this.#begin(clock)
    this.#inbound.takeVote(from, vote)
    this.#settle()
  }

  onCertificate(from: Peer, certificate: Certificate, clock: Clock): void {
    this.#begin(clock)
    // Whoever repeats an old finalization has missed the newer ones (§8.5).
    if (certificate.kind === 'finalize' && certificate.view < lastFinalView(this.#core))
      this.#retransmitter.answer(from, this.#core.lastFinal, clock.monotonicMs)
    this.#certificates.take(from, certificate)
    this.#settle()
  }

  /** Answer to a range request: "a peer that sends a bad one is dropped". */
  onCertificates(from: Peer, certificates: readonly Certificate[], clock: Clock): void {
    this.#begin(clock)
    this.#agenda.joined = true
    this.#certificateSync.answered(from.id)
    for (const certificate of certificates) if (!this.#certificates.take(from, certificate)) break
    this.#settle()
  }

  onCertificatesRequest(from: Peer, fromView: number, toView: number, clock: Clock): void {
    this.#begin(clock)
    this.#retransmitter.answerRange(
      from,
      { from: fromView, to: Math.min(toView, this.#core.view) },
      this.#core.lastFinal,
      clock.monotonicMs,
    )
    this.#settle()
  }

  /** Answer to a block request: the block asked for and ancestors, newest first. */
  onBlocks(from: Peer, blocks: readonly Block[], clock: Clock): void {
    this.#begin(clock)
    this.#sync.onBlocks(from, blocks)
    this.#settle()
  }

  /** From the `block` topic: a final block with its certificate. */
  onFinalizedBlock(from: Peer, { block, finalization }: FinalizedBlock, clock: Clock): void {
    this.#begin(clock)
    const digest = blockDigest(block)
    const named = finalization.proposal?.blockDigest
    if (finalization.kind !== 'finalize' || named === undefined || !equalBytes(named, digest)) {
      this.#penalize(from, 'bad-block', 'the finalization is not one of the block')
    } else if (this.#certificates.take(from, finalization)) {
      const newest = this.#core.lastFinal?.proposal?.blockDigest
      if (newest !== undefined && equalBytes(newest, digest)) this.#sync.keep(digest, block)
    }
    this.#settle()
  }

  // ---- what an input made possible ----

  #begin(clock: Clock): void {
    this.#core.clock = clock
  }

  get #now(): number {
    return this.#core.clock.monotonicMs
  }

  #settle(): void {
    if (!this.#started) return
    this.#voter.reviewLost()
    this.#runTimers()
    do {
      if (this.#agenda.targetView > this.#core.view) this.#enterView()
      this.#balloting.tryNotarize()
      this.#balloting.tryFinalize()
      this.#tryPropose()
      this.#tryDeliver()
      this.#reviewIdle()
    } while (this.#agenda.isOpen(this.#core.view))
    this.#sync.review()
    this.#certificateSync.review()
  }

  #enterView(): void {
    const { timers, progress, set, pool, proposals } = this.#core
    const view = this.#agenda.targetView
    this.#core.view = view
    const skipLeader = progress.isSilent(leader(set, view), view)
    if (this.#core.self !== null)
      timers.enter(view, lastFinalView(this.#core), this.#now, { idle: this.#finality.isIdle(), skipLeader })
    note(this.#core, { kind: 'view-entered', view, by: this.#agenda.enteredBy })
    this.#balloting.enterView()
    this.#sync.enterView()
    this.#certificateSync.enterView()
    this.#proposeMs = Infinity
    this.#agenda.notarize = this.#agenda.propose = this.#agenda.fetch = true
    proposals.prune(lastFinalView(this.#core), view)
    pool.takeFuture(view + 1)
    // "Re-count pooled votes of v and v+1: votes that came early."
    this.#certificates.formAll(view)
    this.#certificates.formAll(view + 1)
    if (skipLeader && proposals.first(view) === null) this.#balloting.castNullify()
  }

  // ---- leading ----

  #tryPropose(): void {
    if (!this.#agenda.propose) return
    this.#agenda.propose = false
    this.#proposeMs = Infinity
    const result = this.#proposer.propose()
    switch (result.outcome) {
      case 'nothing':
        return
      case 'proposed':
        this.#agenda.idle = true
        this.#certificates.formAll(this.#core.view)
        return
      case 'wait':
        this.#proposeMs = result.untilMs
        return
      case 'missing-block':
        this.#sync.wantChain('parent', result.certificate)
        return
      case 'hole':
        this.#certificateSync.wantHole(result.view)
    }
  }

  #askForCertificates(to: Target): void {
    this.#core.emit({
      type: 'send',
      to,
      message: { type: 'certificates-request', fromView: lastFinalView(this.#core), toView: ALL_VIEWS },
    })
  }

  /** Whom to ask where the chain is. */
  get #everybody(): Target {
    return this.#core.self === null ? { kind: 'anyone' } : { kind: 'validators' }
  }

  // ---- delivering and idling ----

  #tryDeliver(): void {
    if (!this.#agenda.deliver) return
    this.#agenda.deliver = false
    this.#moreDeliveriesMs = Infinity
    if (!this.#finality.deliver()) return
    this.#agenda.notarize = this.#agenda.propose = this.#agenda.idle = this.#agenda.fetch = true
    if (this.#finality.hasMore) this.#moreDeliveriesMs = this.#now
  }

  /** "On learning of work every node sets tLead and tAdv to min(current, now + 2Δ or 3Δ)." */
  #reviewIdle(): void {
    if (!this.#agenda.idle) return
    this.#agenda.idle = false
    if (this.#core.self !== null) this.#core.timers.setIdle(this.#finality.isIdle(), this.#now)
  }

  // ---- timers (§7, §8.3–4) ----

  #runTimers(): void {
    const now = this.#now
    const { timers, proposals } = this.#core
    if (now >= timers.leaderMs) {
      timers.stopLeader()
      if (proposals.first(this.#core.view) === null) this.#balloting.castNullify()
    }
    if (now >= timers.advanceMs) {
      this.#balloting.castNullify()
      timers.startRetry(now)
    }
    if (now >= timers.retryMs) {
      if (this.#core.self !== null) this.#retransmitter.retry(this.#core.view, this.#core.lastFinal)
      timers.startRetry(now)
    }
    if (now >= this.#balloting.dueBlockMs) this.#agenda.notarize = true
    if (now >= this.#proposeMs) this.#agenda.propose = true
    if (now >= this.#moreDeliveriesMs) this.#agenda.deliver = true
    if (now >= this.#standstillMs) this.#standstill()
    if (now >= this.#joinMs) this.#join()
    this.#retransmitter.forwardDue(now)
  }

  get #standstillMs(): number {
    return Math.max(this.#quietSinceMs, this.#certificates.lastFinalMs) + this.#core.parameters.standstillMs
  }

  #join(): void {
    if (this.#agenda.joined) {
      this.#joinMs = Infinity
      return
    }
    this.#askForCertificates(this.#everybody)
    this.#joinMs = this.#now + JOIN_RETRY_MS
  }

  #standstill(): void {
    const { parameters, progress, self, view, lastFinal, timers } = this.#core
    const now = this.#now
    this.#quietSinceMs = now
    if (self === null) {
      this.#askForCertificates(this.#everybody)
      return
    }
    this.#retransmitter.standstill(view, lastFinal)
    note(this.#core, {
      kind: 'standstill',
      view,
      lastFinalView: lastFinalView(this.#core),
      missing: progress.notHeardSince(now - parameters.standstillMs),
    })
    // A timer that is lost is a permanent stall, so the standstill also checks that one is armed.
    if (timers.nextDeadlineMs === Infinity) timers.startRetry(now)
  }

  /** Monotonic time at which a `tick` is wanted; Infinity: none. */
  nextDeadlineMs(): number {
    if (!this.#started) return Infinity
    return Math.min(
      this.#core.timers.nextDeadlineMs,
      this.#balloting.dueBlockMs,
      this.#proposeMs,
      this.#moreDeliveriesMs,
      this.#standstillMs,
      this.#joinMs,
      this.#retransmitter.nextForwardMs,
      this.#sync.nextDeadlineMs,
      this.#certificateSync.nextDeadlineMs,
    )
  }

  #penalize(peer: Peer, why: Misbehaviour, detail: string): void {
    this.#core.emit({ type: 'penalize', peer, why, detail })
  }

  // ---- status ----

  /** What the next block waits for. */
  report(): ProgressReport {
    return progressReport(this.#core)
  }

  get view(): number {
    return this.#core.view
  }

  /** View of the newest finalization; 0: genesis. */
  get lastFinalView(): number {
    return lastFinalView(this.#core)
  }

  /** Height of the newest block known to be final, delivered or not. */
  get lastFinalHeight(): number {
    return lastFinalHeight(this.#core)
  }

  /** Newest final block handed out; height 0 and the genesis hash before the first. */
  get delivered(): { readonly height: number; readonly digest: Digest } {
    const { height, digest } = this.#core.tree.root
    return { height, digest }
  }

  /** Why this validator does not vote (P10, P11), or null. */
  get abstention(): Abstention | null {
    return this.#voter.abstention
  }

  /** While the signing state is lost: the view whose finalization, or a later one, ends that; null: not known yet. */
  get resumeView(): number | null {
    return this.#voter.resumeView
  }
}

/** Without results of the newest final blocks nobody knows whether they had expiries: taken for work. */
function restoredWorkHeight({ delivered, executed }: Restored): number {
  const deliveredHeight = delivered?.height ?? 0
  return (executed.at(-1)?.height ?? 0) < deliveredHeight ? deliveredHeight : 0
}

function newestOf(certificates: readonly Certificate[]): Certificate | null {
  let newest: Certificate | null = null
  for (const certificate of certificates)
    if (newest === null || certificate.view > newest.view) newest = certificate
  return newest
}

/** The last delivered block, or genesis: "view 0, counted as finalized and notarized". */
function rootOf(chain: ChainStart, { delivered, blocks }: Restored): ParentInfo {
  if (delivered === null) {
    const executed = { height: 0, stateRoot: chain.stateRoot, resultsRoot: EMPTY_ROOT }
    return { digest: chain.genesisHash, height: 0, timeMs: chain.createdMs, executed }
  }
  const stored = blocks.find(({ digest }) => equalBytes(digest, delivered.digest))
  if (stored === undefined) {
    throw new CordonError(
      'data-inconsistent',
      `the newest final block, height ${delivered.height}, ${toHex(delivered.digest)}, is missing on disk; ` +
        'move the data/ folder away, leave signer/ where it is, and start again: the node syncs from its peers',
      { height: delivered.height },
    )
  }
  return infoOf(stored.digest, stored.block)
}
