/** The fold of the review log, and what people may do in which state. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReviewBody } from '../../../fraud/review/events.ts'
import { REVIEW_LIMITS } from '../../../fraud/review/limits.ts'
import {
  closeBody,
  confirmBody,
  entryBody,
  noteBody,
  removeBody,
  voteBody,
} from '../../../fraud/review/rules.ts'
import { ReviewState } from '../../../fraud/review/state.ts'
import { ALICE, CASE, eventsOf, opened, someEvents } from './some-events.ts'

function fold(...entries: readonly (readonly [actor: string, body: ReviewBody])[]): ReviewState {
  const state = new ReviewState()
  for (const event of eventsOf(...entries)) state.apply(event)
  return state
}

const idOf = (n: number): string => n.toString(16).padStart(64, '0')
const OPENED = ['this node', opened()] as const
const SMALL = { id: CASE, outcome: 'false-positive', actor: 'ann', secondAboveUnits: 5_000_000n } as const
const LARGE = { ...SMALL, secondAboveUnits: 4_999_999n }

test('a case goes its whole way', () => {
  const state = new ReviewState()
  for (const event of someEvents()) state.apply(event)
  const found = state.case(CASE)
  assert.equal(found?.status, 'closed')
  assert.equal(found.outcome, 'confirmed-fraud')
  assert.deepEqual(found.reviewers, ['ann', 'ben'])
  assert.deepEqual(found.hold, { expiresMs: 90_000, end: { how: 'returned', atMs: 6_500 } })
  assert.deepEqual(
    found.notes.map(({ actor, timeMs }) => [actor, timeMs]),
    [['ann', 3_000]],
  )
  assert.deepEqual(state.queue(), [])
  assert.equal(state.closed().length, 1)
  assert.equal(state.events, someEvents().length)
})

test('the same events give the same state, in one go or in two', () => {
  const [whole, halves] = [new ReviewState(), new ReviewState()]
  for (const event of someEvents()) whole.apply(event)
  for (const part of [someEvents().slice(0, 5), someEvents().slice(5)]) for (const e of part) halves.apply(e)
  assert.deepEqual(whole.closed(), halves.closed())
  assert.deepEqual(whole.lists.inForce(0), halves.lists.inForce(0))
})

test('the queue: deadline, then amount, then score; without an open hold last', () => {
  const cases: readonly (readonly [string, number | null, object])[] = [
    ['small', 9_000, { amount: '5', score: 200 }],
    ['large', 9_000, { amount: '70', score: 100 }],
    ['high', 9_000, { amount: '70', score: 255 }],
    ['soon', 8_000, { amount: '1' }],
    ['free', null, { amount: '999' }],
  ]
  const entries = cases.flatMap(([name, expiresMs, change], n) => {
    const id = idOf(n)
    const body = opened({ case: id, txId: id, details: [name], ...change })
    const began: ReviewBody[] = expiresMs === null ? [] : [{ type: 'hold.began', case: id, expiresMs }]
    return [body, ...began].map((each) => ['this node', each] as const)
  })
  const order = fold(...entries)
    .queue()
    .map(({ details }) => details[0])
  assert.deepEqual(order, ['soon', 'high', 'large', 'small', 'free'])
})

test('a small case closes at once, one above the amount waits for another reviewer', () => {
  const state = fold(OPENED)
  assert.deepEqual(closeBody(state, SMALL), {
    type: 'case.closed',
    case: CASE,
    outcome: 'false-positive',
    needsSecond: false,
  })
  const proposed = closeBody(state, LARGE)
  const waiting = fold(OPENED, ['ann', proposed])
  assert.equal(waiting.case(CASE)?.status, 'closing')
  assert.equal(waiting.queue().length, 1)
  assert.throws(() => confirmBody(waiting, CASE, 'ann'), { code: 'review-refused', message: /another token/ })
  const done = fold(OPENED, ['ann', proposed], ['ben', confirmBody(waiting, CASE, 'ben')])
  assert.deepEqual([done.case(CASE)?.status, done.case(CASE)?.reviewers], ['closed', ['ann', 'ben']])
})

test('the second reviewer may say otherwise; then the first has to agree, or a third', () => {
  const waiting = fold(OPENED, ['ann', closeBody(fold(OPENED), LARGE)])
  assert.throws(() => closeBody(waiting, { ...LARGE, actor: 'ben' }), {
    code: 'review-refused',
    message: /agree with/,
  })
  const other = closeBody(waiting, { ...LARGE, actor: 'ben', outcome: 'confirmed-fraud' })
  const turned = fold(OPENED, ['ann', closeBody(fold(OPENED), LARGE)], ['ben', other])
  assert.equal(turned.case(CASE)?.outcome, 'confirmed-fraud')
  assert.throws(() => confirmBody(turned, CASE, 'ben'), { code: 'review-refused' })
  assert.equal(confirmBody(turned, CASE, 'ann').type, 'case.confirmed')
})

test('what a state does not allow is refused with what to do', () => {
  const closed = fold(OPENED, ['ann', closeBody(fold(OPENED), SMALL)])
  assert.throws(() => closeBody(closed, SMALL), {
    code: 'review-refused',
    message: /closed as false-positive by ann/,
  })
  assert.throws(() => confirmBody(closed, CASE, 'ben'), { code: 'review-refused', message: /closed already/ })
  assert.throws(() => confirmBody(fold(OPENED), CASE, 'ben'), {
    code: 'review-refused',
    message: /no outcome yet/,
  })
  assert.throws(() => noteBody(fold(), CASE, 'x'), { code: 'not-found' })
  assert.equal(noteBody(closed, CASE, 'later').type, 'case.noted')
})

test('a hold that ends leaves the case open: the outcome is for people', () => {
  const state = fold(
    OPENED,
    ['this node', { type: 'hold.began', case: CASE, expiresMs: 9 }],
    ['this node', { type: 'hold.ended', case: CASE, how: 'released', atMs: 7 }],
  )
  assert.equal(state.case(CASE)?.status, 'open')
  assert.deepEqual(state.case(CASE)?.hold, { expiresMs: 9, end: { how: 'released', atMs: 7 } })
})

test('notes, entries and snoozes have bounds, and expired entries make room', () => {
  const notes = Array.from(
    { length: REVIEW_LIMITS.notes },
    () => ['ann', noteBody(fold(OPENED), CASE, 'x')] as const,
  )
  assert.throws(() => noteBody(fold(OPENED, ...notes), CASE, 'x'), {
    code: 'review-refused',
    message: /notes/,
  })
  const snooze = (expiresMs: number): Parameters<typeof entryBody>[1] => ({
    kind: 'snooze',
    subject: { rule: 'burst' },
    why: 'x',
    expiresMs,
  })
  const snoozes = Array.from(
    { length: REVIEW_LIMITS.snoozes },
    () => ['ann', entryBody(fold(), snooze(1_000_000), 0)] as const,
  )
  assert.throws(() => entryBody(fold(...snoozes), snooze(1_000_000), 0), { code: 'review-refused' })
  assert.equal(entryBody(fold(...snoozes), snooze(2_000_000), 1_000_000).type, 'entry.added')
})

test('votes on a hold have a bound, with a case or without, and a case that comes later has them', () => {
  const vote = (state: ReviewState, id = CASE): readonly [string, ReviewBody] => [
    'ann',
    voteBody(state, { id, side: 'return', txId: idOf(7) }),
  ]
  const votes = Array.from({ length: REVIEW_LIMITS.votes }, () => vote(fold()))
  const bounded = { code: 'review-refused', message: /has signed 16 votes on hold/ }
  assert.throws(() => vote(fold(OPENED, ...votes)), bounded)
  assert.throws(() => vote(fold(...votes)), bounded)
  assert.throws(() => vote(fold(...votes, OPENED)), bounded)
  assert.equal(fold(...votes, OPENED).case(CASE)?.votes.length, REVIEW_LIMITS.votes)

  const others = Array.from({ length: REVIEW_LIMITS.caselessHolds }, (_, n) => vote(fold(), idOf(n)))
  const state = fold(vote(fold()), ...others)
  assert.equal(state.votesOn(CASE).length, 0)
  assert.equal(state.votesOn(idOf(0)).length, 1)
})

test('an entry is removed by its number, once', () => {
  const added = entryBody(
    fold(),
    { kind: 'allow', subject: { account: ALICE }, why: 'x', expiresMs: 9_000 },
    0,
  )
  const state = fold(['ann', added])
  const removed = removeBody(state, 0, 1)
  assert.throws(() => removeBody(state, 0, 9_000), { code: 'not-found' })
  const after = fold(['ann', added], ['ann', removed])
  assert.throws(() => removeBody(after, 0, 1), { code: 'not-found' })
  assert.ok(after.lists.isEmpty)
})

test('closed cases are forgotten in the end, the oldest first', () => {
  const state = new ReviewState()
  let seq = 0
  const apply = (body: ReviewBody): void => state.apply({ seq: seq++, timeMs: seq, actor: 'ann', body })
  for (let n = 0; n <= REVIEW_LIMITS.closedCases; n++) {
    apply(opened({ case: idOf(n) }))
    apply({ type: 'case.closed', case: idOf(n), outcome: 'inconclusive', needsSecond: false })
  }
  assert.equal(state.case(idOf(0)), null)
  assert.equal(state.case(idOf(1))?.status, 'closed')
  assert.equal(state.closed().length, REVIEW_LIMITS.closedCases)
  assert.equal(state.closed()[0]?.id, idOf(REVIEW_LIMITS.closedCases))
})
