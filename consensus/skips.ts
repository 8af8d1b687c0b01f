/**
 * Which nullifications a proposal carries (consensus.md §8.8). One for every skipped view, up to a limit; above it only
 * those of the first and the last views, so that a proposal has a bounded size however long nothing was notarized. Those
 * in between every voter must hold by itself: it asks for the ones it misses, by range.
 */
import { LIMITS } from '../config/limits.ts'
import type { Certificate, Proposal } from './types.ts'

export interface ViewRange {
  readonly fromView: number
  /** Inclusive. */
  readonly toView: number
}

type Span = Pick<Proposal, 'view' | 'parentView'>

/** Views strictly between the parent's and the proposal's. */
function skippedViewCount({ view, parentView }: Span): number {
  return view - parentView - 1
}

/** How many nullifications the proposal itself carries. */
export function inlineSkipCount(span: Span): number {
  return Math.min(skippedViewCount(span), LIMITS.skipsPerProposal)
}

/** The view of the nullification at a position of the list that the proposal carries. */
export function inlineSkipView(span: Span, position: number): number {
  const isOfLastViews = position >= LIMITS.skipsPerProposal / 2
  return isOfLastViews ? span.view - inlineSkipCount(span) + position : span.parentView + 1 + position
}

/** The skipped views whose nullifications the proposal does not carry; null if it carries all. */
export function pagedSkips(span: Span): ViewRange | null {
  if (skippedViewCount(span) <= LIMITS.skipsPerProposal) return null
  const half = LIMITS.skipsPerProposal / 2
  return { fromView: span.parentView + half + 1, toView: span.view - half - 1 }
}

/** Of the nullifications of all skipped views, ascending, those that go into the proposal. */
export function inlineSkips(all: readonly Certificate[]): readonly Certificate[] {
  if (all.length <= LIMITS.skipsPerProposal) return all
  const half = LIMITS.skipsPerProposal / 2
  return [...all.slice(0, half), ...all.slice(-half)]
}
