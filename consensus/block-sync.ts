/** Getting and keeping blocks: from proposals, from gossip, and by fetching what is missing (consensus.md §5 onBlock, §8.7). */
import { LIMITS } from '../config/limits.ts'
import type { Agenda } from './agenda.ts'
import { BlockFetcher, type FetchPurpose } from './block-fetch.ts'
import { askOrder, keepBlock, lastFinalHeight, lastFinalView, note, type Core } from './ordering-core.ts'
import type { Peer } from './replica-types.ts'
import type { Block, Certificate, Digest, ValidatorIndex } from './types.ts'
import { leader } from './validator-set.ts'

export class BlockSync {
  readonly #core: Core
  readonly #agenda: Agenda
  readonly #fetcher: BlockFetcher
  /** View of the finalization whose chain is, or was last, fetched. */
  #finalGoalView = 0
  /** More blocks are missing than are fetched one by one; fetching stopped. */
  #tooFarBehind = false

  constructor(core: Core, agenda: Agenda) {
    this.#core = core
    this.#agenda = agenda
    this.#fetcher = new BlockFetcher(core.tree)
  }

  get nextDeadlineMs(): number {
    return this.#fetcher.nextDeadlineMs
  }

  get #now(): number {
    return this.#core.clock.monotonicMs
  }

  // ---- keeping ----

  /** Stores a block that a vote or a certificate vouches for. */
  keep(digest: Digest, block: Block): void {
    const { tree } = this.#core
    if (!keepBlock(this.#core, digest, block)) return
    this.#agenda.notarize =
      this.#agenda.finalize =
      this.#agenda.propose =
      this.#agenda.deliver =
      this.#agenda.fetch =
        true
    if (tree.size <= LIMITS.ancestorFetchBlocks || this.#tooFarBehind) return
    this.#tooFarBehind = true
    this.#fetcher.clear()
    note(this.#core, {
      kind: 'too-far-behind',
      deliveredHeight: tree.root.height,
      finalHeight: lastFinalHeight(this.#core),
    })
  }

  /** A block that came with a proposal is kept for good once a certificate vouches for it. */
  adopt(digest: Digest): void {
    if (this.#core.tree.holds(digest)) return
    const block = this.#core.proposals.block(digest)
    if (block !== null) this.keep(digest, block)
  }

  /** Ancestors that came with proposals are taken from there before those are forgotten. */
  adoptAncestors({ proposal }: Certificate): void {
    const { tree, proposals } = this.#core
    let missing = proposal === null ? null : tree.missing(proposal.blockDigest)
    while (missing !== null) {
      const block = proposals.block(missing)
      if (block === null) return
      this.keep(missing, block)
      missing = tree.missing(missing)
    }
  }

  // ---- fetching ----

  /** Blocks from a peer: those asked for are kept, newest first, the rest is not. */
  onBlocks(from: Peer, blocks: readonly Block[]): void {
    const selected = this.#fetcher.select(blocks)
    for (const { digest, block } of selected) this.keep(digest, block)
    if (selected.length > 0) this.#fetcher.advance(this.#now, from.id)
  }

  /** A finalization came in: requests that wait long are repeated sooner. */
  networkIsAlive(): void {
    this.#fetcher.networkIsAlive(this.#now)
  }

  /** The parent that was wanted for another view is wanted no longer. */
  enterView(): void {
    this.#fetcher.want('parent', null, () => [], this.#now)
  }

  /** Asks for what is missing and due. */
  review(): void {
    if (this.#agenda.fetch && !this.#tooFarBehind) {
      this.#agenda.fetch = false
      this.#fetcher.advance(this.#now, null)
      const { lastFinal, deliveredView, certificates, proposals, view } = this.#core
      const { newestNotarization } = certificates
      // The final chain keeps its goal until that is reached: chasing a moving tip would start over with each block.
      // It may be reached with blocks that came otherwise, and be gone from the tree before it was looked for.
      const isReached = this.#finalGoalView <= deliveredView
      if (lastFinal !== null && (isReached || !this.#fetcher.isWanted('final'))) {
        this.#finalGoalView = lastFinal.view
        this.wantChain('final', lastFinal)
      }
      this.wantChain(
        'notarized',
        newestNotarization !== null && newestNotarization.view > lastFinalView(this.#core)
          ? newestNotarization
          : null,
      )
      const parent = proposals.first(view)?.message.parentCertificate ?? null
      if (parent !== null) this.wantChain('parent', parent)
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

  /**
   * Wants the chain of a certificate, or nothing. While final blocks are missing only those are: what builds upon them
   * cannot be judged yet, and fetched with every new tip it would leave no room for them (swarm 18702).
   */
  wantChain(purpose: FetchPurpose, certificate: Certificate | null): void {
    const mustWait = purpose !== 'final' && this.#fetcher.isWanted('final')
    const goal = mustWait ? null : (certificate?.proposal?.blockDigest ?? null)
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
    return askOrder(this.#core, [leader(set, certificate.view), ...certificate.signers])
  }
}
