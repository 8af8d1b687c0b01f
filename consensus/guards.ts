/**
 * The protocol side of the three vote guards (consensus.md §4): what must hold in this node's view of the network. What
 * must hold between its own votes is enforced once more, against the journal, by the signer's guard table. No network
 * and no timer here; each line names its rule.
 */

/** Own votes of one view: proposal names, or whether it was nullified. */
export interface OwnVotes {
  readonly notarize: string | null
  readonly nullify: boolean
  readonly finalize: string | null
}

export const NO_VOTES: OwnVotes = { notarize: null, nullify: false, finalize: null }

export interface NotarizeQuestion {
  readonly view: number
  readonly currentView: number
  readonly lastFinalView: number
  readonly own: OwnVotes
  readonly pid: string
  readonly parentView: number
  readonly nullified: boolean
  /** Whether a nullification of every view between the parent's and this one is held. */
  readonly hasSkips: boolean
  readonly hasParent: boolean
}

/**
 * Why not to notarize, or null. 4.1.1 (first proposal of the leader), 4.1.5 (parent certificate), the part of 4.1.6 that
 * the proposal itself shows, and 4.1.7 (block valid) are checked when it comes in: `proposal-check.ts`, `block-rules.ts`.
 */
export function whyNotNotarize(question: NotarizeQuestion): string | null {
  const { view, own, pid, parentView, lastFinalView } = question
  if (view !== question.currentView) return `view ${view} is not the current one` // 4.1.1
  if (own.notarize !== null) return 'already notarized in this view' // 4.1.2
  if (own.finalize !== null && own.finalize !== pid) return 'finalized another proposal in this view' // 4.1.2
  if (question.nullified) return 'the view is nullified' // 4.1.3
  if (parentView < 0 || parentView >= view) return `parent view ${parentView} is not below view ${view}` // 4.1.4
  if (parentView < lastFinalView)
    return `parent view ${parentView} is below the finalized view ${lastFinalView}` // 4.1.4
  if (!question.hasSkips) return 'a skipped view has no nullification here' // 4.1.6
  if (!question.hasParent) return 'the parent chain is not held' // 4.1.8
  return null
}

export interface NullifyQuestion {
  readonly view: number
  readonly currentView: number
  readonly own: OwnVotes
}

/** Why not to nullify, or null. An own notarize vote does not forbid it. */
export function whyNotNullify({ view, currentView, own }: NullifyQuestion): string | null {
  if (view !== currentView) return `view ${view} is not the current one` // 4.2.1
  if (own.nullify) return 'already nullified' // 4.2.2
  if (own.finalize !== null) return 'finalized a proposal in this view' // 4.2.2
  return null
}

export interface FinalizeQuestion {
  readonly view: number
  readonly lastFinalView: number
  readonly own: OwnVotes
  /** Of the notarization held for this view (4.3.1). */
  readonly pid: string
  readonly nullified: boolean
  readonly hasBlock: boolean
}

/** Why not to finalize, or null. The view need not be the current one. */
export function whyNotFinalize({
  view,
  lastFinalView,
  own,
  pid,
  nullified,
  hasBlock,
}: FinalizeQuestion): string | null {
  if (own.nullify) return 'nullified this view' // 4.3.2
  if (own.finalize !== null) return 'already finalized' // 4.3.2
  if (nullified) return 'the view is nullified' // 4.3.2
  if (own.notarize !== null && own.notarize !== pid) return 'notarized another proposal' // 4.3.3
  if (view <= lastFinalView) return `view ${view} is not above the finalized view ${lastFinalView}` // 4.3.5
  if (!hasBlock) return 'the block is not held' // 4.3.4
  return null
}
