/** Where agreement on the next block stands, for people who ask why nothing becomes final. Reading it changes nothing. */
import { lastFinalHeight, lastFinalView, type Core } from './ordering-core.ts'
import type { Digest, ValidatorIndex, VoteKind } from './types.ts'
import { leader } from './validator-set.ts'

/** Votes of one kind for one thing in the current view. */
export interface VoteGroup {
  readonly kind: VoteKind
  /** Null for nullify votes. */
  readonly proposalId: Digest | null
  readonly voters: readonly ValidatorIndex[]
}

export interface ProgressReport {
  readonly view: number
  readonly leader: ValidatorIndex
  /** Null for a full node, which has no timers. */
  readonly inViewMs: number | null
  /** View and height of the newest block known to be final; 0: genesis. */
  readonly lastFinalView: number
  readonly lastFinalHeight: number
  readonly hasProposal: boolean
  /** Why the proposal can never be voted for; null: no reason, or no proposal. */
  readonly proposalInvalid: string | null
  /** Of the current view, which ends with a notarization or a nullification of it. */
  readonly votes: readonly VoteGroup[]
  /** The newest views above the last final one that are notarized: a finalization of one of them makes blocks final. */
  readonly notarizedViews: readonly number[]
  /** Whether the block of the newest notarization, or an ancestor of it, is missing here. */
  readonly missesBlocks: boolean
}

/** So that a report stays short however long nothing was final. */
const MOST_NOTARIZED_VIEWS = 8

export function progressReport(core: Core): ProgressReport {
  const { view, set, self, timers, clock, proposals, pool, certificates, tree } = core
  const proposal = proposals.first(view)
  const newest = certificates.newestNotarization?.proposal ?? null
  const notarizedViews: number[] = []
  for (let v = view; v > lastFinalView(core) && notarizedViews.length < MOST_NOTARIZED_VIEWS; v--)
    if (certificates.has('notarize', v)) notarizedViews.push(v)
  return {
    view,
    leader: leader(set, view),
    inViewMs: self === null ? null : clock.monotonicMs - timers.enteredMs,
    lastFinalView: lastFinalView(core),
    lastFinalHeight: lastFinalHeight(core),
    hasProposal: proposal !== null,
    proposalInvalid: proposal?.invalid ?? null,
    votes: pool.tallies(view).map(({ kind, pid, signatures }) => ({
      kind,
      proposalId: pid,
      voters: [...signatures.keys()].sort(ascending),
    })),
    notarizedViews,
    missesBlocks: newest !== null && newest.view > lastFinalView(core) && !tree.has(newest.blockDigest),
  }
}

function ascending(left: number, right: number): number {
  return left - right
}
