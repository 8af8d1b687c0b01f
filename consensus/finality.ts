/** The final chain: handing out blocks in height order, and whether the chain is idle (consensus.md §5 setFinal, §12). */
import { equalBytes } from '../crypto/bytes.ts'
import { lastFinalView, type Core } from './ordering-core.ts'
import type { Block, Certificate, Digest } from './types.ts'

/** Blocks handed out in one input; a node that catches up goes on in the next, so that no turn gets long. */
const DELIVERIES_PER_INPUT = 256

export class Finality {
  readonly #core: Core
  /** Newest delivered height that had certificates. */
  #lastPayloadHeight: number
  /**
   * A finalization whose blocks were not all here when it came. It is delivered as soon as they are, even if blocks of
   * newer ones are missing by then: fetching may never come to the tip of a chain that grows (swarm 11245).
   */
  #awaited: Certificate | null = null

  constructor(core: Core, restoredWorkHeight: number) {
    this.#core = core
    this.#lastPayloadHeight = restoredWorkHeight
  }

  /** Delivers what is final and held. Returns whether anything was delivered. */
  deliver(): boolean {
    const { lastFinal, tree, results } = this.#core
    if (this.#awaited === null || this.#isDelivered(this.#awaited)) this.#awaited = lastFinal
    const goal = this.#goal()
    const goalDigest = goal?.proposal?.blockDigest
    if (goal === null || goalDigest === undefined) return false
    for (const { digest, block } of tree.chain(goalDigest).slice(0, DELIVERIES_PER_INPUT)) {
      this.#core.emit({
        type: 'store',
        record: { kind: 'finalized', height: block.height, digest, finalization: goal },
      })
      this.#core.emit({ type: 'deliver', digest, block, finalization: goal })
      this.#forget(tree.advance(digest))
      this.#core.payload.onDelivered(block)
      if (block.payload.length > 0) this.#lastPayloadHeight = block.height
      if (!equalBytes(digest, goalDigest)) continue
      this.#core.deliveredView = goal.view
      this.#publish(block, goal)
    }
    this.#forget(tree.dropStale())
    results.prune(tree.root.executed.height)
    return true
  }

  #isDelivered({ view, proposal }: Certificate): boolean {
    return (
      view <= this.#core.deliveredView ||
      (proposal !== null && equalBytes(proposal.blockDigest, this.#core.tree.root.digest))
    )
  }

  /** Up to where final blocks can be delivered now: to the newest, or to the awaited one while others are missing. */
  #goal(): Certificate | null {
    const { lastFinal, tree } = this.#core
    const isNext = (finalization: Certificate | null): boolean => {
      const digest = finalization?.proposal?.blockDigest
      return digest !== undefined && !equalBytes(tree.root.digest, digest) && tree.has(digest)
    }
    if (isNext(lastFinal)) return lastFinal
    return isNext(this.#awaited) ? this.#awaited : null
  }

  /** Newest final height that had certificates, or is known to have had expiries. */
  get #lastWorkHeight(): number {
    return Math.max(this.#lastPayloadHeight, this.#core.results.lastWorkHeight)
  }

  /** Whether final blocks wait to be delivered and all are held. */
  get hasMore(): boolean {
    return this.#goal() !== null
  }

  #forget(digests: readonly Digest[]): void {
    for (const digest of digests) this.#core.emit({ type: 'store', record: { kind: 'delete-block', digest } })
  }

  /** Each validator to those that follow it: they need not know the leader. */
  #publish(block: Block, finalization: Certificate): void {
    const { self, emit } = this.#core
    if (self !== null) emit({ type: 'publish-block', finalized: { block, finalization } })
  }

  /**
   * "The chain is idle if and only if the tip is final, and the results of the last block that had certificates or
   * expiries are in a finalized header, and no certificate that could be ordered is known." Height 0 is not idle, a
   * hold that is due is work, and once a proposal of the current view is here there is nothing left to wait for. Neither
   * is there when an honest validator has given the view up: it knows of work that has not come here.
   */
  isIdle(): boolean {
    const { tree, certificates, proposals, lastFinal, payload, view } = this.#core
    const { root } = tree
    if (root.height === 0 || proposals.first(view) !== null || this.#isGivenUp(view)) return false
    const finalDigest = lastFinal?.proposal?.blockDigest
    if (finalDigest === undefined || !equalBytes(root.digest, finalDigest)) return false
    if ((certificates.newestNotarization?.view ?? 0) > lastFinalView(this.#core)) return false
    if (this.#lastWorkHeight > root.executed.height) return false
    return !payload.hasOrderable(() => false)
  }

  /** Nullify votes of weight > F: at least one of them is honest. */
  #isGivenUp(view: number): boolean {
    const { pool, set } = this.#core
    return (pool.tally('nullify', view, null)?.weight ?? 0n) > set.maxFaultyWeight
  }
}
