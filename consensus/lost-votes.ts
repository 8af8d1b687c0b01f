/**
 * When a validator that lost its signing state may vote again (consensus.md §9 P10): "wait until a finalization of a view
 * ≥ (highest view seen after start) + 32 has been seen and vote only above that. The last is a heuristic; it is not a
 * proof, and the weight in this state at one time must stay ≤ F."
 *
 * The highest view is taken once validators with a quorum of the stake, this one not among them, have shown themselves
 * since the start: whoever certified the view before the last one this key voted in shares an honest validator with them.
 * A view counts if a certificate led there or if validators of weight > F claim to be there, so that a faulty one cannot
 * put the end off for ever; and an own vote of earlier days that comes in puts it off, always.
 */
import { LIMITS } from '../config/limits.ts'
import type { Core } from './ordering-core.ts'
import type { ValidatorIndex } from './types.ts'
import { weightOf } from './validator-set.ts'

export class LostVotes {
  readonly #core: Core
  #resumeView: number | null = null
  #ownView = 0

  constructor(core: Core) {
    this.#core = core
  }

  /** View of the finalization that ends the wait, or of a later one; null: not known yet. */
  get resumeView(): number | null {
    return this.#resumeView
  }

  /** A vote of the own key, cast before its table was lost. */
  sawOwnVote(view: number): void {
    this.#ownView = Math.max(this.#ownView, view)
    if (this.#resumeView !== null)
      this.#resumeView = Math.max(this.#resumeView, this.#ownView + LIMITS.lostSignerViews)
  }

  /** Whether enough validators were seen by now, for the first time. */
  review(): boolean {
    if (this.#resumeView !== null) return false
    const { set, progress, view } = this.#core
    const seen = this.#others().filter((index) => progress.seenView(index) > 0)
    if (weightOf(set, seen) < set.quorumWeight) return false
    this.#resumeView = Math.max(view, this.#claimedView(seen), this.#ownView) + LIMITS.lostSignerViews
    return true
  }

  #others(): ValidatorIndex[] {
    const { set, self } = this.#core
    return [...set.validators.keys()].filter((index) => index !== self)
  }

  /** The highest view that validators of weight > F have reached, by what they signed. */
  #claimedView(seen: readonly ValidatorIndex[]): number {
    const { set, progress } = this.#core
    const descending = seen.toSorted((left, right) => progress.seenView(right) - progress.seenView(left))
    let claimed = 0
    for (const [i, index] of descending.entries()) {
      claimed = progress.seenView(index)
      if (weightOf(set, descending.slice(0, i + 1)) > set.maxFaultyWeight) break
    }
    return claimed
  }
}
