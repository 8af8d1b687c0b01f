/**
 * Past holds like the one in front of a reviewer: how those ended says more than a score. Alike are holds with the most
 * reasons in common, then with the fewest others, then with the nearest score.
 */
import { REVIEW_LIMITS } from './limits.ts'
import type { ReviewCase } from './state.ts'

/** A case whose hold has ended. */
export interface PastHold extends ReviewCase {
  readonly hold: NonNullable<ReviewCase['hold']> & {
    readonly end: NonNullable<NonNullable<ReviewCase['hold']>['end']>
  }
}

export interface SimilarHold {
  readonly past: PastHold
  /** Reasons that both have. */
  readonly common: readonly string[]
}

/** At most `REVIEW_LIMITS.similarHolds`, the most similar first; of equal ones the latest to end. */
export function similarHolds(of: ReviewCase, known: Iterable<ReviewCase>): readonly SimilarHold[] {
  const found: SimilarHold[] = []
  for (const past of known) {
    if (past.id === of.id || !hasEnded(past)) continue
    const common = past.reasons.filter((reason) => of.reasons.includes(reason))
    if (common.length > 0) found.push({ past, common })
  }
  return found.sort((a, b) => compare(a, b, of.score)).slice(0, REVIEW_LIMITS.similarHolds)
}

function hasEnded(known: ReviewCase): known is PastHold {
  return known.hold !== null && known.hold.end !== null
}

function compare(a: SimilarHold, b: SimilarHold, score: number): number {
  return (
    b.common.length - a.common.length ||
    a.past.reasons.length - b.past.reasons.length ||
    Math.abs(a.past.score - score) - Math.abs(b.past.score - score) ||
    b.past.hold.end.atMs - a.past.hold.end.atMs
  )
}
