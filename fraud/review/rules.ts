/** What a person may do with a case or a list, given the state: the transitions and bounds, each with what to do instead. */
import { CordonError } from '../../config/errors.ts'
import type { Outcome, ReviewBody, VoteSide } from './events.ts'
import { REVIEW_LIMITS } from './limits.ts'
import type { ReviewCase, ReviewState } from './state.ts'

const refused = (message: string): CordonError => new CordonError('review-refused', message)

/** @throws CordonError `not-found`. */
export function caseOf(state: ReviewState, id: string): ReviewCase {
  const found = state.case(id)
  if (found !== null) return found
  throw new CordonError(
    'not-found',
    `this node has no case ${id}; see: cordon quarantine cases. Cases closed long ago are in: cordon quarantine export`,
    { id },
  )
}

/**
 * A vote that this node signs for somebody. It is written down whether there is a case or not: no place may have been left
 * for one.
 * @throws CordonError `review-refused`.
 */
export function voteBody(
  state: ReviewState,
  { id, side, txId }: { readonly id: string; readonly side: VoteSide; readonly txId: string },
): ReviewBody {
  const votes = state.votesOn(id).length
  if (votes >= REVIEW_LIMITS.votes)
    throw refused(
      `this node has signed ${votes} votes on hold ${id} that did not count, as many as it may; vote with: cordon quarantine ${side} ${id} --as OPERATOR`,
    )
  return { type: 'hold.voted', case: id, side, txId }
}

/** A note, also on a closed case. @throws CordonError `not-found`, `review-refused`. */
export function noteBody(state: ReviewState, id: string, text: string): ReviewBody {
  const { notes } = caseOf(state, id)
  if (notes.length >= REVIEW_LIMITS.notes)
    throw refused(`case ${id} has ${notes.length} notes, as many as it may`)
  return { type: 'case.noted', case: id, text }
}

/**
 * Closes a case, or proposes it where a second reviewer is needed. Another reviewer may propose another outcome instead of
 * confirming.
 * @param secondAboveUnits amounts above it, in uCRD, need a second reviewer.
 * @throws CordonError `not-found`, `review-refused`.
 */
export function closeBody(
  state: ReviewState,
  {
    id,
    outcome,
    actor,
    secondAboveUnits,
  }: {
    readonly id: string
    readonly outcome: Outcome
    readonly actor: string
    readonly secondAboveUnits: bigint
  },
): ReviewBody {
  const found = caseOf(state, id)
  if (found.status === 'closed')
    throw refused(`case ${id} is closed as ${String(found.outcome)} by ${found.reviewers.join(' and ')}`)
  if (found.status === 'closing' && found.outcome === outcome && !found.reviewers.includes(actor))
    throw refused(
      `case ${id} was closed as ${outcome} by ${found.reviewers.join(', ')} already; agree with: cordon quarantine case confirm ${id}`,
    )
  return { type: 'case.closed', case: id, outcome, needsSecond: BigInt(found.amount) > secondAboveUnits }
}

/** The second reviewer agrees. @throws CordonError `not-found`, `review-refused`. */
export function confirmBody(state: ReviewState, id: string, actor: string): ReviewBody {
  const { status, reviewers } = caseOf(state, id)
  if (status !== 'closing')
    throw refused(
      status === 'open'
        ? `case ${id} has no outcome yet; give one with: cordon quarantine case close ${id} --outcome OUTCOME`
        : `case ${id} is closed already`,
    )
  if (reviewers.includes(actor))
    throw refused(`case ${id} was closed by ${actor}; somebody with another token has to confirm it`)
  return { type: 'case.confirmed', case: id }
}

/** A new entry of a list. @throws CordonError `review-refused`. */
export function entryBody(
  state: ReviewState,
  entry: Omit<Extract<ReviewBody, { readonly type: 'entry.added' }>, 'type'>,
  nowMs: number,
): ReviewBody {
  const inForce = state.lists.inForce(nowMs)
  const snoozes = inForce.filter(({ kind }) => kind === 'snooze')
  if (inForce.length >= REVIEW_LIMITS.entries)
    throw refused(`the lists have ${inForce.length} entries, as many as they may; remove some first`)
  if (entry.kind === 'snooze' && snoozes.length >= REVIEW_LIMITS.snoozes)
    throw refused(`${snoozes.length} rules are snoozed, as many as may be; remove some first`)
  return { type: 'entry.added', ...entry }
}

/** Ends an entry before its time. @throws CordonError `not-found`. */
export function removeBody(state: ReviewState, seq: number, nowMs: number): ReviewBody {
  const entry = state.lists.entry(seq)
  if (entry === null || entry.expiresMs <= nowMs)
    throw new CordonError('not-found', `there is no entry ${seq} in force; see the numbers with: list`, {
      entry: seq,
    })
  return { type: 'entry.removed', entry: seq }
}
