/** What became of a vote, in words. */
import type { HoldDecision } from '../../../client/operator-api.ts'
import { amount, sentence } from './format.ts'
import type { VoteSide } from './tally.ts'

export type VoteOutcome =
  | { readonly decided: HoldDecision; readonly side: VoteSide }
  /** What the node, or the line to it, said instead. */
  | { readonly error: { readonly message: string; readonly code: string } }

export function describeOutcome(outcome: VoteOutcome): string {
  if ('error' in outcome) return describeError(outcome.error)
  const { decided, side } = outcome
  if (decided.failure !== null) return `The vote did not count: ${decided.failure}.`
  if (decided.status !== 'settled')
    return `The vote to ${side} is signed and on its way; it is not final yet.`
  if (decided.hold.status === 'open')
    return `The vote to ${side} is final. More stake has to vote before the hold ends.`
  return `The vote to ${side} is final, and the hold has ended: ${amount(decided.hold.amount)} ${decided.hold.status}.`
}

/** Without an answer nobody knows: the node may have voted. */
function describeError({ message, code }: { readonly message: string; readonly code: string }): string {
  return code === 'cannot-connect'
    ? `Whether the vote was cast is not known: ${message}. If it was, it will show here.`
    : `The vote was not cast: ${sentence(message)}`
}

export function isGood(outcome: VoteOutcome): boolean {
  return 'decided' in outcome && outcome.decided.failure === null
}
