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
 * between, so a voter judges by what the proposal carries and not by what it happened to see. Whoever holds a
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
 * - §8.8: 4,096 nullifications, at most 1 MiB, may stand in one proposal; paging of more is not built.
 * - §5: certificates of views up to the last final one are dropped unread; the last finalization says more than they do.
 *
 * ## Parts
 *
 *     Ordering ─┬─ Voter ── guards, signer        ├─ CertificateStore, VotePool, ProposalPool
 *               ├─ Proposer ── parent-selection   ├─ BlockTree, BlockFetcher, ResultLog
 *               ├─ Finality                       └─ ViewTimers, PeerProgress
 *               └─ Retransmitter
 *
 * Every input ends in `#settle`: whatever the input made possible is done, in a loop, until nothing more is.
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { EMPTY_ROOT } from '../crypto/merkle.ts'
import { BlockFetcher } from './block-fetch.ts'
import { judgeResults, msUntilDue, whyBlockInvalid } from './block-rules.ts'
import { BlockTree, infoOf, type ParentInfo } from './block-tree.ts'
import { CertificateStore, checkCertificate, pidKey, pidOf } from './certificates.ts'
import { Finality } from './finality.ts'
import { keepBlock, lastFinalView, note, parentDigestOf, type Core } from './ordering-core.ts'
import { OwnVoteBook } from './own-votes.ts'
import type { PayloadSource } from './payload-source.ts'
import { PeerProgress } from './peer-progress.ts'
import { whyProposalMalformed } from './proposal-check.ts'
import { ProposalPool, type Pending } from './proposal-pool.ts'
import { Proposer } from './proposer.ts'
import type {
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
  VoteKind,
} from './types.ts'
import { leader } from './validator-set.ts'
import { ViewTimers } from './view-timers.ts'
import { VotePool } from './vote-pool.ts'
import { Voter } from './voter.ts'
import { blockDigest, proposalId, voteMessage } from './wire.ts'

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
/** Validators asked at a time for missing certificates. */
const HOLE_REQUESTS = 2
/** Views between two prunings of stored certificates. */
const PRUNE_EVERY_VIEWS = 64

type EnteredBy = 'start' | VoteKind

export class Ordering {
  readonly #core: Core
  readonly #voter: Voter
  readonly #proposer: Proposer
  readonly #finality: Finality
  readonly #retransmitter: Retransmitter
  readonly #fetcher: BlockFetcher

  /** The view to enter next; above the current one while a certificate waits to be acted upon. */
  #targetView = 1
  #enteredBy: EnteredBy = 'start'
  #started = false
  /** Whether anybody answered since the start. */
  #joined = false
  /** Views with a notarization on which no finalize vote was cast yet. */
  readonly #finalizable = new Set<number>()

  // What `#settle` has to look at again.
  #notarizeAgain = false
  #finalizeAgain = false
  #proposeAgain = false
  #deliverAgain = false
  #fetchAgain = false
  #idleAgain = false

  // Deadlines, monotonic ms.
  #dueBlockMs = Infinity
  #proposeMs = Infinity
  #standstillMs = Infinity
  #joinMs = Infinity
  #moreDeliveriesMs = Infinity

  #prunedView = 0
  /** More blocks are missing than are fetched one by one; fetching stopped. */
  #tooFarBehind = false
  /** Requests for certificates in this view, so that each asks others. */
  #holeAttempts = 0
  /** Heights whose committed results were found to differ, so that each is reported once. */
  readonly #mismatches = new Set<string>()

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
      pool: new VotePool(set),
      proposals: new ProposalPool(),
      tree: new BlockTree(rootOf(chain, restored)),
      results: new ResultLog(restored.executed),
      timers: new ViewTimers(parameters),
      view: 0,
      lastFinal,
      clock: { monotonicMs: 0, wallMs: 0 },
    }
    this.#targetView = startView
    this.#voter = new Voter(this.#core, signer)
    this.#finality = new Finality(this.#core, this.#restoredWorkHeight(restored))
    this.#proposer = new Proposer(this.#core, this.#voter, this.#finality)
    this.#retransmitter = new Retransmitter({ certificates, own, progress, emit })
    this.#fetcher = new BlockFetcher(this.#core.tree)
    this.#restore(restored, mine, signer)
  }

  // ---- restart (§9, P5–P6) ----

  /** Without results of the newest final blocks nobody knows whether they had expiries: taken for work. */
  #restoredWorkHeight({ delivered, executed }: Restored): number {
    const deliveredHeight = delivered?.height ?? 0
    return (executed.at(-1)?.height ?? 0) < deliveredHeight ? deliveredHeight : 0
  }

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
    for (const certificate of certificates) if (certificate.view >= finalView) this.#index(certificate)
    for (const { kind, view, pid, signature } of signer?.ownVotes() ?? []) {
      if (view <= finalView) continue
      const vote: Vote = { kind, epoch: set.epoch, view, pid, signer: (signer as Signer).index, signature }
      own.record(vote)
      pool.add(vote)
    }
  }

  /** Takes a certificate into memory. */
  #index(certificate: Certificate): void {
    const { certificates, proposals, pool, set } = this.#core
    const pid = pidOf(set, certificate)
    certificates.add(certificate)
    if (certificate.proposal !== null) proposals.register(pidKey(pid), certificate.proposal)
    if (certificate.view > lastFinalView(this.#core)) {
      pool.absorb(certificate, pid)
      if (certificate.kind === 'notarize') this.#finalizable.add(certificate.view)
    }
  }

  /** The first input. Own votes above the last final view are sent again, and peers are asked where the chain is. */
  start(clock: Clock): void {
    this.#begin(clock)
    this.#started = true
    this.#standstillMs = clock.monotonicMs + this.#core.parameters.standstillMs
    this.#retransmitter.resendOwnVotes()
    this.#joinMs = clock.monotonicMs
    this.#deliverAgain = true
    for (const view of this.#core.pool.views()) this.#formCertificates(view)
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
    this.#proposeAgain = true
    this.#idleAgain = true
    this.#settle()
  }

  onExecuted(result: ExecutionResult, clock: Clock): void {
    this.#begin(clock)
    this.#core.results.add(result)
    this.#notarizeAgain = true
    this.#proposeAgain = true
    this.#idleAgain = true
    this.#settle()
  }

  onProposal(from: Peer, message: ProposalMessage, clock: Clock): void {
    this.#begin(clock)
    this.#takeProposal(from, message)
    this.#settle()
  }

  onVote(from: Peer, vote: Vote, clock: Clock): void {
    this.#begin(clock)
    this.#takeVote(from, vote)
    this.#settle()
  }

  onCertificate(from: Peer, certificate: Certificate, clock: Clock): void {
    this.#begin(clock)
    this.#takeCertificate(from, certificate)
    this.#settle()
  }

  /** Answer to a range request: "a peer that sends a bad one is dropped". */
  onCertificates(from: Peer, certificates: readonly Certificate[], clock: Clock): void {
    this.#begin(clock)
    this.#joined = true
    for (const certificate of certificates) if (!this.#takeCertificate(from, certificate)) break
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
    const selected = this.#fetcher.select(blocks)
    for (const { digest, block } of selected) this.#keep(digest, block)
    if (selected.length > 0) this.#fetcher.advance(clock.monotonicMs, from.id)
    this.#settle()
  }

  /** From the `block` topic: a final block with its certificate. */
  onFinalizedBlock(from: Peer, { block, finalization }: FinalizedBlock, clock: Clock): void {
    this.#begin(clock)
    const digest = blockDigest(block)
    const named = finalization.proposal?.blockDigest
    if (finalization.kind !== 'finalize' || named === undefined || !equalBytes(named, digest)) {
      this.#penalize(from, 'bad-block', 'the finalization is not one of the block')
    } else if (this.#takeCertificate(from, finalization)) {
      const newest = this.#core.lastFinal?.proposal?.blockDigest
      if (newest !== undefined && equalBytes(newest, digest)) this.#keep(digest, block)
    }
    this.#settle()
  }

  // ---- proposals (§5, onProposalMsg) ----

  #takeProposal(from: Peer, message: ProposalMessage): void {
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
    if (!this.#isSigned('notarize', view, pid, author, signature)) {
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
    for (const certificate of embedded) this.#accept(certificate, false)
    this.#heard(author)
    progress.sawVote({ kind: 'notarize', view, signer: author })
    if (view <= lastFinalView(this.#core) || view > Math.max(this.#core.view, this.#targetView) + 1) return
    this.#addPending({ message, pid, key }, author)
  }

  #addPending(pending: Pending, author: ValidatorIndex): void {
    const { proposals, pool } = this.#core
    const { proposal, signature } = pending.message
    const { view } = proposal
    if (proposals.first(view) !== null)
      note(this.#core, { kind: 'equivocation', validator: author, what: 'two proposals', view })
    proposals.add(pending)
    // The leader's signature is its notarize vote.
    pool.add({ kind: 'notarize', view, pid: pending.pid, signer: author, signature })
    this.#formCertificates(view)
    const certified = this.#core.certificates.parentCertificate(view)?.proposal
    if (certified !== undefined && certified !== null) this.#adopt(certified.blockDigest)
    if (view === this.#core.view) this.#notarizeAgain = this.#idleAgain = this.#fetchAgain = true
  }

  /** A block that came with a proposal is kept for good once a certificate vouches for it. */
  #adopt(digest: Digest): void {
    if (this.#core.tree.holds(digest)) return
    const block = this.#core.proposals.block(digest)
    if (block !== null) this.#keep(digest, block)
  }

  #keep(digest: Digest, block: Block): void {
    const { tree } = this.#core
    if (!keepBlock(this.#core, digest, block)) return
    this.#notarizeAgain =
      this.#finalizeAgain =
      this.#proposeAgain =
      this.#deliverAgain =
      this.#fetchAgain =
        true
    if (tree.size <= LIMITS.ancestorFetchBlocks || this.#tooFarBehind) return
    this.#tooFarBehind = true
    this.#fetcher.clear()
    note(this.#core, {
      kind: 'too-far-behind',
      deliveredHeight: tree.root.height,
      finalHeight: this.lastFinalHeight,
    })
  }

  // ---- votes (§5, onVote) ----

  #takeVote(from: Peer, vote: Vote): void {
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
      return
    }
    // "If x is Nullify and x.view < cur: reply entryCert(cur)": helps a straggler, also when it repeats itself.
    if (vote.kind === 'nullify' && vote.view < view)
      this.#retransmitter.answer(from, certificates.leadingPast(view - 1), this.#now)
    if (pool.isKnown(vote.kind, vote.view, pidKey(vote.pid), vote.signer, vote.signature)) {
      this.#heard(vote.signer)
      return
    }
    if (!this.#isSigned(vote.kind, vote.view, vote.pid, vote.signer, vote.signature)) {
      this.#penalize(
        from,
        'bad-signature',
        `${vote.kind} vote of validator ${vote.signer} in view ${vote.view}`,
      )
      return
    }
    this.#joined = true
    if (vote.signer === self) this.#voter.checkOwnVote(vote)
    this.#heard(vote.signer)
    progress.sawVote(vote)
    if (vote.view > view + 1) pool.addFuture(vote)
    else this.#count(vote)
  }

  #count(vote: Vote): void {
    const answer = this.#core.pool.add(vote)
    if (vote.kind === 'nullify' && vote.view === this.#core.view) this.#idleAgain = true
    if (answer === 'conflict' && vote.kind !== 'nullify') {
      note(this.#core, {
        kind: 'equivocation',
        validator: vote.signer,
        what: `two ${vote.kind} votes`,
        view: vote.view,
      })
    }
    this.#formCertificate(vote.kind, vote.view, vote.pid)
  }

  #isSigned(
    kind: VoteKind,
    view: number,
    pid: Digest | null,
    signer: ValidatorIndex,
    signature: Uint8Array,
  ): boolean {
    const { set, pool, verifier } = this.#core
    if (pool.isKnown(kind, view, pidKey(pid), signer, signature)) return true
    const publicKey = set.validators[signer]?.publicKey
    return (
      publicKey !== undefined &&
      verifier.verify(signature, voteMessage(set.context, kind, set.epoch, view, pid), publicKey)
    )
  }

  #heard(signer: ValidatorIndex): void {
    this.#core.progress.heard(signer, this.#core.view, this.#now)
  }

  // ---- certificates (§5, onCert) ----

  /** Whether the peer did nothing wrong. */
  #takeCertificate(from: Peer, certificate: Certificate): boolean {
    const { set, certificates, verifier, pool } = this.#core
    if (certificate.epoch !== set.epoch) return true
    if (certificate.view <= lastFinalView(this.#core) || certificates.has(certificate.kind, certificate.view))
      return true
    const reason = checkCertificate(set, certificate, verifier, pool)
    if (reason !== null) {
      this.#penalize(from, 'bad-certificate', reason)
      return false
    }
    this.#accept(certificate, false)
    return true
  }

  /** Makes certificates of everything in the view that has weight ≥ q. */
  #formCertificates(view: number): void {
    for (const { kind, pid } of this.#core.pool.quorums(view)) this.#formCertificate(kind, view, pid)
  }

  #formCertificate(kind: VoteKind, view: number, pid: Digest | null): void {
    const { set, pool, proposals, certificates } = this.#core
    if (view <= lastFinalView(this.#core) || certificates.has(kind, view)) return
    const tally = pool.tally(kind, view, pid)
    if (tally === null || tally.weight < set.quorumWeight) return
    const proposal = kind === 'nullify' ? null : proposals.proposal(view, pidKey(pid))
    if (proposal === null && kind !== 'nullify') return // votes carry only the id; the proposal is still to come
    const votes = [...tally.signatures].sort(([left], [right]) => left - right)
    const [signers, signatures] = [votes.map(([signer]) => signer), votes.map(([, signature]) => signature)]
    this.#accept({ kind, epoch: set.epoch, view, proposal, signers, signatures }, true)
  }

  /** A valid certificate. `formed`: by this node, from votes. */
  #accept(certificate: Certificate, formed: boolean): void {
    const { certificates, emit, timers, self } = this.#core
    const { kind, view } = certificate
    if (view <= lastFinalView(this.#core) || certificates.has(kind, view)) return
    this.#joined = true
    emit({ type: 'store', record: { kind: 'certificate', certificate } })
    if (!formed && self !== null && certificate.signers.includes(self))
      this.#voter.checkOwnVote({ kind, view, pid: pidOf(this.#core.set, certificate) })
    this.#index(certificate)
    if (self !== null && (formed || view >= this.#core.view))
      this.#retransmitter.scheduleForward(certificate, this.#now + timers.deltaMs / 4)
    if (certificate.proposal !== null) this.#adopt(certificate.proposal.blockDigest)
    if (kind === 'finalize') this.#setFinal(certificate)
    // "Any valid certificate of view ≥ cur advances the node, whatever it voted in that view."
    if (view + 1 > this.#targetView) {
      this.#targetView = view + 1
      this.#enteredBy = kind
    }
    this.#notarizeAgain = this.#finalizeAgain = this.#proposeAgain = this.#fetchAgain = this.#idleAgain = true
  }

  #setFinal(certificate: Certificate): void {
    const { view } = certificate
    this.#core.lastFinal = certificate
    this.#adoptAncestors(certificate)
    this.#standstillMs = this.#now + this.#core.parameters.standstillMs
    this.#deliverAgain = true
    this.#core.pool.prune(view - 1) // those of the final view come again as the parent certificate of the next
    this.#core.own.prune(view)
    this.#core.proposals.prune(view, this.#core.view)
    this.#core.certificates.prune(view)
    for (const old of this.#finalizable) if (old <= view) this.#finalizable.delete(old)
    this.#voter.raiseFloor(view)
    const pruneBelow = view - LIMITS.certificateRetentionViews
    if (pruneBelow >= this.#prunedView + PRUNE_EVERY_VIEWS) {
      this.#prunedView = pruneBelow
      this.#core.emit({ type: 'store', record: { kind: 'delete-certificates-below', view: pruneBelow } })
    }
  }

  /** Ancestors that came with proposals are taken from there before those are forgotten. */
  #adoptAncestors({ proposal }: Certificate): void {
    const { tree, proposals } = this.#core
    let missing = proposal === null ? null : tree.missing(proposal.blockDigest)
    while (missing !== null) {
      const block = proposals.block(missing)
      if (block === null) return
      this.#keep(missing, block)
      missing = tree.missing(missing)
    }
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
    this.#runTimers()
    do {
      if (this.#targetView > this.#core.view) this.#enterView()
      this.#tryNotarize()
      this.#tryFinalize()
      this.#tryPropose()
      this.#tryDeliver()
      this.#reviewIdle()
    } while (
      this.#targetView > this.#core.view ||
      this.#notarizeAgain ||
      this.#finalizeAgain ||
      this.#proposeAgain ||
      this.#deliverAgain
    )
    this.#reviewFetches()
  }

  #enterView(): void {
    const { timers, progress, set, pool, proposals } = this.#core
    const view = this.#targetView
    this.#core.view = view
    const skipLeader = progress.isSilent(leader(set, view), view)
    if (this.#core.self !== null)
      timers.enter(view, lastFinalView(this.#core), this.#now, { idle: this.#finality.isIdle(), skipLeader })
    note(this.#core, { kind: 'view-entered', view, by: this.#enteredBy })
    this.#dueBlockMs = Infinity
    this.#proposeMs = Infinity
    this.#holeAttempts = 0
    this.#fetcher.want('parent', null, () => [], this.#now)
    this.#notarizeAgain = this.#proposeAgain = this.#fetchAgain = true
    proposals.prune(lastFinalView(this.#core), view)
    pool.takeFuture(view + 1)
    // "Re-count pooled votes of v and v+1: votes that came early."
    this.#formCertificates(view)
    this.#formCertificates(view + 1)
    if (skipLeader && proposals.first(view) === null) this.#castNullify()
  }

  // ---- voting ----

  #tryNotarize(): void {
    if (!this.#notarizeAgain) return
    this.#notarizeAgain = false
    const { view, proposals, own, tree } = this.#core
    const pending = proposals.first(view)
    if (pending === null || !this.#voter.mayVote || own.of(view).notarize !== null) return
    const parent = tree.info(parentDigestOf(this.#core, pending.message.parentCertificate))
    const hasParent = parent !== null && tree.has(parent.digest)
    if (hasParent && !this.#isAcceptable(pending, parent)) return
    if (this.#voter.whyNotNotarize(pending, hasParent) !== null) {
      // 4.1.4: a parent below the last final view is "permanently invalid".
      if (pending.message.proposal.parentView < lastFinalView(this.#core)) this.#castNullify()
      return
    }
    const { message, pid } = pending
    const vote = this.#voter.notarize(view, pid)
    if (vote === null) return
    // P4: the block is durable before the vote leaves.
    this.#keep(message.proposal.blockDigest, message.block)
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
    this.#castNullify()
    return false
  }

  #castNullify(): void {
    const vote = this.#voter.nullify()
    if (vote !== null) this.#publish(vote)
  }

  /** Finalize votes for every held notarization above the last final view, current or not. */
  #tryFinalize(): void {
    if (!this.#finalizeAgain) return
    this.#finalizeAgain = false
    for (const view of [...this.#finalizable].sort((left, right) => left - right)) {
      const notarization = this.#core.certificates.get('notarize', view)
      if (notarization === null || view <= lastFinalView(this.#core)) {
        this.#finalizable.delete(view)
        continue
      }
      const votes = this.#core.own.of(view)
      if (votes.nullify || votes.finalize !== null || !this.#voter.mayVote) this.#finalizable.delete(view)
      const vote = this.#voter.finalize(notarization)
      if (vote !== null) this.#publish(vote)
    }
  }

  /** To all validators, and into the own count. */
  #publish(vote: Vote): void {
    this.#core.emit({ type: 'send', to: { kind: 'validators' }, message: { type: 'vote', vote } })
    this.#formCertificate(vote.kind, vote.view, vote.pid)
  }

  // ---- leading ----

  #tryPropose(): void {
    if (!this.#proposeAgain) return
    this.#proposeAgain = false
    this.#proposeMs = Infinity
    const result = this.#proposer.propose()
    switch (result.outcome) {
      case 'nothing':
        return
      case 'proposed':
        this.#idleAgain = true
        this.#formCertificates(this.#core.view)
        return
      case 'wait':
        this.#proposeMs = result.untilMs
        return
      case 'missing-block':
        this.#wantChain('parent', result.certificate)
        return
      case 'hole':
        // "Ask peers for certificates of (lastFin, v); retry every Δ until tLead; if still none castNullify(v)."
        for (const to of this.#holeTargets()) this.#askForCertificates(to)
        this.#proposeMs = this.#now + this.#core.timers.deltaMs
    }
  }

  /** Two validators, others each time, those first whose certificate made this node jump. */
  #holeTargets(): Target[] {
    const { certificates, view } = this.#core
    const entry = certificates.leadingPast(view - 1)
    const holders = entry === null ? [] : this.#holdersOf(entry)
    if (holders.length === 0) return [{ kind: 'validators' }]
    const first = HOLE_REQUESTS * this.#holeAttempts++
    return Array.from({ length: Math.min(HOLE_REQUESTS, holders.length) }, (_, i): Target => ({
      kind: 'validator',
      index: holders[(first + i) % holders.length] as ValidatorIndex,
    }))
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
    if (!this.#deliverAgain) return
    this.#deliverAgain = false
    this.#moreDeliveriesMs = Infinity
    if (!this.#finality.deliver()) return
    this.#notarizeAgain = this.#proposeAgain = this.#idleAgain = this.#fetchAgain = true
    if (this.#finality.hasMore) this.#moreDeliveriesMs = this.#now
  }

  /** "On learning of work every node sets tLead and tAdv to min(current, now + 2Δ or 3Δ)." */
  #reviewIdle(): void {
    if (!this.#idleAgain) return
    this.#idleAgain = false
    if (this.#core.self !== null) this.#core.timers.setIdle(this.#finality.isIdle(), this.#now)
  }

  // ---- fetching blocks (§8.7) ----

  #reviewFetches(): void {
    if (this.#fetchAgain && !this.#tooFarBehind) {
      this.#fetchAgain = false
      this.#fetcher.advance(this.#now, null)
      const { lastFinal, certificates, proposals, view } = this.#core
      const { newestNotarization } = certificates
      // The final chain keeps its goal until that is reached: chasing a moving tip would start over with each block.
      if (lastFinal !== null && !this.#fetcher.isWanted('final')) this.#wantChain('final', lastFinal)
      this.#wantChain(
        'notarized',
        newestNotarization !== null && newestNotarization.view > lastFinalView(this.#core)
          ? newestNotarization
          : null,
      )
      const parent = proposals.first(view)?.message.parentCertificate ?? null
      if (parent !== null) this.#wantChain('parent', parent)
    }
    for (const { digest, targets } of this.#fetcher.due(this.#now)) {
      for (const to of targets)
        this.#core.emit({
          type: 'send',
          to,
          message: { type: 'block-request', digest, maxBlocks: LIMITS.blocksPerPage },
        })
    }
  }

  #wantChain(purpose: 'final' | 'notarized' | 'parent', certificate: Certificate | null): void {
    const goal = certificate?.proposal?.blockDigest ?? null
    this.#fetcher.want(
      purpose,
      goal,
      () => (certificate === null ? [] : this.#holdersOf(certificate)),
      this.#now,
    )
  }

  /** "Ask the leader first, then the signers of the certificate: they hold it durably"; then all others. A full node asks anyone. */
  #holdersOf(certificate: Certificate): ValidatorIndex[] {
    const { set, self } = this.#core
    if (self === null) return []
    const order = [leader(set, certificate.view), ...certificate.signers, ...set.validators.keys()]
    return [...new Set(order)].filter((index) => index !== self)
  }

  // ---- timers (§7, §8.3–4) ----

  #runTimers(): void {
    const now = this.#now
    const { timers, proposals } = this.#core
    if (now >= timers.leaderMs) {
      timers.stopLeader()
      if (proposals.first(this.#core.view) === null) this.#castNullify()
    }
    if (now >= timers.advanceMs) {
      this.#castNullify()
      timers.startRetry(now)
    }
    if (now >= timers.retryMs) {
      if (this.#core.self !== null) this.#retransmitter.retry(this.#core.view, this.#core.lastFinal)
      timers.startRetry(now)
    }
    if (now >= this.#dueBlockMs) this.#notarizeAgain = true
    if (now >= this.#proposeMs) this.#proposeAgain = true
    if (now >= this.#moreDeliveriesMs) this.#deliverAgain = true
    if (now >= this.#standstillMs) this.#standstill()
    if (now >= this.#joinMs) this.#join()
    this.#retransmitter.forwardDue(now)
  }

  #join(): void {
    if (this.#joined) {
      this.#joinMs = Infinity
      return
    }
    this.#askForCertificates(this.#everybody)
    this.#joinMs = this.#now + JOIN_RETRY_MS
  }

  #standstill(): void {
    const { parameters, progress, self, view, lastFinal, timers } = this.#core
    const now = this.#now
    this.#standstillMs = now + parameters.standstillMs
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
      this.#dueBlockMs,
      this.#proposeMs,
      this.#moreDeliveriesMs,
      this.#standstillMs,
      this.#joinMs,
      this.#retransmitter.nextForwardMs,
      this.#fetcher.nextDeadlineMs,
    )
  }

  #penalize(peer: Peer, why: Misbehaviour, detail: string): void {
    this.#core.emit({ type: 'penalize', peer, why, detail })
  }

  // ---- status ----

  get view(): number {
    return this.#core.view
  }

  /** View of the newest finalization; 0: genesis. */
  get lastFinalView(): number {
    return lastFinalView(this.#core)
  }

  /** Height of the newest block known to be final, delivered or not; of the delivered one while that block is not held. */
  get lastFinalHeight(): number {
    const digest = this.#core.lastFinal?.proposal?.blockDigest
    const info = digest === undefined ? null : this.#core.tree.info(digest)
    return Math.max(info?.height ?? 0, this.#core.tree.root.height)
  }

  /** Newest final block handed out; height 0 and the genesis hash before the first. */
  get delivered(): { readonly height: number; readonly digest: Digest } {
    const { height, digest } = this.#core.tree.root
    return { height, digest }
  }

  /** Whether voting stopped because another instance runs with this key (P11). */
  get halted(): boolean {
    return this.#voter.halted
  }
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
