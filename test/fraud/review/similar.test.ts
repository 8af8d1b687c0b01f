/** Which past holds are shown beside one, and in which order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NODE_ACTOR, type HoldEndName } from '../../../fraud/review/events.ts'
import { REVIEW_LIMITS } from '../../../fraud/review/limits.ts'
import { similarHolds } from '../../../fraud/review/similar.ts'
import { ReviewState, type ReviewCase } from '../../../fraud/review/state.ts'
import { eventsOf, opened } from './some-events.ts'

interface Past {
  readonly name: string
  readonly reasons: readonly string[]
  readonly score?: number
  readonly how?: HoldEndName | null
  readonly endedMs?: number
}

const idOf = (n: number): string => n.toString(16).padStart(64, '0')

/** The first is the one in front of the reviewer. */
function namesOfSimilar(...cases: readonly Past[]): (string | undefined)[] {
  const state = new ReviewState()
  const bodies = cases.flatMap(({ name, reasons, score = 150, how = 'returned', endedMs = 5 }, n) => [
    opened({ case: idOf(n), cause: 'flag', reasons, score, details: [name] }),
    { type: 'hold.began' as const, case: idOf(n), expiresMs: 9 },
    ...(how === null ? [] : [{ type: 'hold.ended' as const, case: idOf(n), how, atMs: endedMs }]),
  ])
  for (const event of eventsOf(...bodies.map((body) => [NODE_ACTOR, body] as const))) state.apply(event)
  const found = similarHolds(state.case(idOf(0)) as ReviewCase, state.cases())
  return found.map(({ past }) => past.details[0])
}

const NEW: Past = { name: 'new', reasons: ['drain', 'amount'], how: null }

test('most reasons in common, then fewest others, then the nearest score, then the latest', () => {
  const names = namesOfSimilar(
    NEW,
    { name: 'one in common', reasons: ['drain'] },
    { name: 'both and another', reasons: ['drain', 'amount', 'burst'] },
    { name: 'both, far', reasons: ['amount', 'drain'], score: 250 },
    { name: 'both, near, earlier', reasons: ['amount', 'drain'], score: 149, endedMs: 3 },
    { name: 'both, near, later', reasons: ['amount', 'drain'], score: 151, endedMs: 4 },
  )
  assert.deepEqual(names, [
    'both, near, later',
    'both, near, earlier',
    'both, far',
    'both and another',
    'one in common',
  ])
})

test('only holds that have ended, others than itself, with a reason in common', () => {
  const names = namesOfSimilar(
    { ...NEW, how: 'recalled' },
    { name: 'open', reasons: NEW.reasons, how: null },
    { name: 'stranger', reasons: ['burst'] },
    { name: 'released', reasons: ['amount'], how: 'released' },
  )
  assert.deepEqual(names, ['released'])
})

test('of many only a few', () => {
  const many = Array.from({ length: 3 * REVIEW_LIMITS.similarHolds }, (_, n) => ({
    name: `${n}`,
    reasons: NEW.reasons,
    endedMs: n,
  }))
  const names = namesOfSimilar(NEW, ...many)
  assert.equal(names.length, REVIEW_LIMITS.similarHolds)
  assert.equal(names[0], String(many.length - 1))
})
