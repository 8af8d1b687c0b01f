/** What the page says of a vote: never more than is known. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HoldDecision } from '../../client/operator-api.ts'
import { describeOutcome, isGood, type VoteOutcome } from '../../node/dashboard/page/vote-outcome.ts'

const decided = (change: object, holdStatus = 'open'): VoteOutcome => ({
  side: 'release',
  decided: {
    txId: '',
    status: 'settled',
    failure: null,
    hold: { status: holdStatus, amount: '12500000' },
    ...change,
  } as unknown as HoldDecision,
})

test('a vote that counts, that ends the hold, that is not final, and that does not count', () => {
  const outcomes = [
    decided({}),
    decided({}, 'released'),
    decided({ status: 'pending' }),
    decided({ status: 'failed', failure: 'already-voted' }),
  ]
  assert.deepEqual(outcomes.map(describeOutcome), [
    'The vote to release is final. More stake has to vote before the hold ends.',
    'The vote to release is final, and the hold has ended: 12.50 CRD released.',
    'The vote to release is signed and on its way; it is not final yet.',
    'The vote did not count: already-voted.',
  ])
  assert.deepEqual(outcomes.map(isGood), [true, true, true, false])
})

test('a refusal is no vote; without an answer nobody knows', () => {
  const refused = { error: { message: 'hold ab has ended', code: 'review-refused' } }
  const lost = { error: { message: 'the connection to the node was lost', code: 'cannot-connect' } }
  assert.equal(describeOutcome(refused), 'The vote was not cast: Hold ab has ended.')
  assert.equal(
    describeOutcome(lost),
    'Whether the vote was cast is not known: the connection to the node was lost. If it was, it will show here.',
  )
  assert.deepEqual([refused, lost].map(isGood), [false, false])
})
