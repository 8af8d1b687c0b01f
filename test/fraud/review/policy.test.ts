/** What lists and thresholds make of a score. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, PolicyLists, type ListEntry } from '../../../fraud/review/policy.ts'
import { REASON } from '../../../fraud/reasons/reasons.ts'
import type { Assessment, ScorePart } from '../../../fraud/types.ts'
import { ALICE, BOB, CAROL } from './some-events.ts'

const THRESHOLDS = { hold: 128, alert: 96 }
const PAIR = { payer: ALICE, payee: BOB }
const NOW = 1_000

function listsOf(...entries: readonly Pick<ListEntry, 'kind' | 'subject'>[]): PolicyLists {
  const lists = new PolicyLists()
  for (const [index, entry] of entries.entries())
    lists.add({ seq: index + 1, actor: 'ann', why: 'x', expiresMs: 2_000, ...entry }, 0)
  return lists
}

function scored(score: number, parts?: readonly ScorePart[]): Assessment {
  const reasons = score >= THRESHOLDS.alert ? REASON.drain | REASON.newPayee : 0
  return { key: 'k', score, flagged: score >= THRESHOLDS.hold, reasons, details: [], ...(parts && { parts }) }
}

const outcome = (
  lists: PolicyLists,
  assessment: Assessment,
  facts = PAIR,
  timeMs = NOW,
): readonly [boolean, string, number | null] => {
  const { flagged, report, entry } = decide(lists, THRESHOLDS, facts, assessment, timeMs)
  return [flagged, report, entry?.seq ?? null]
}

test('without lists: a case from the lower threshold, a flag from the upper one', () => {
  const none = listsOf()
  assert.deepEqual(outcome(none, scored(95)), [false, 'none', null])
  assert.deepEqual(outcome(none, scored(96)), [false, 'alert', null])
  assert.deepEqual(outcome(none, scored(127)), [false, 'alert', null])
  assert.deepEqual(outcome(none, scored(128)), [true, 'flag', null])
})

test('allow: no flag, and what the model said is told; only for the pair, only in this direction', () => {
  const lists = listsOf({ kind: 'allow', subject: PAIR })
  assert.deepEqual(outcome(lists, scored(255)), [false, 'muted', 1])
  assert.deepEqual(outcome(lists, scored(10)), [false, 'none', null])
  assert.deepEqual(outcome(lists, scored(255), { payer: BOB, payee: ALICE }), [true, 'flag', null])
  assert.deepEqual(outcome(lists, scored(255), { payer: ALICE, payee: CAROL }), [true, 'flag', null])
})

test('an account counts on either side', () => {
  const lists = listsOf({ kind: 'allow', subject: { account: BOB } })
  for (const facts of [PAIR, { payer: BOB, payee: CAROL }])
    assert.deepEqual(outcome(lists, scored(200), facts), [false, 'muted', 1])
})

test('watch: a case whatever the score, a flag only by the model', () => {
  const lists = listsOf({ kind: 'watch', subject: { account: ALICE } })
  assert.deepEqual(outcome(lists, scored(0)), [false, 'watch', 1])
  assert.deepEqual(outcome(lists, scored(200)), [true, 'flag', null])
})

test('allow and watch together: no flag, but a case', () => {
  const lists = listsOf({ kind: 'allow', subject: PAIR }, { kind: 'watch', subject: { account: BOB } })
  assert.deepEqual(outcome(lists, scored(200)), [false, 'watch', 2])
})

test('an entry ends by itself, to the millisecond', () => {
  const lists = listsOf({ kind: 'allow', subject: PAIR })
  assert.deepEqual(outcome(lists, scored(200), PAIR, 1_999)[0], false)
  assert.deepEqual(outcome(lists, scored(200), PAIR, 2_000)[0], true)
})

const TAKEOVER = { name: 'takeover', score: 200, reasons: REASON.drain | REASON.amount | REASON.newPayee }
const BURST = { name: 'burst', score: 150, reasons: REASON.burst | REASON.newPayee | REASON.drain }
const POPULATION = { name: 'population', score: 40, reasons: REASON.velocity }

test('a snoozed rule leaves what the other parts say', () => {
  const lists = listsOf({ kind: 'snooze', subject: { rule: 'takeover' } })
  const decision = decide(lists, THRESHOLDS, PAIR, scored(200, [TAKEOVER, BURST, POPULATION]), NOW)
  assert.deepEqual([decision.flagged, decision.score, decision.reasons], [true, 150, BURST.reasons])
  assert.deepEqual(outcome(lists, scored(200, [TAKEOVER, POPULATION])), [false, 'muted', 1])
})

test('snoozing what did not decide changes nothing', () => {
  const lists = listsOf({ kind: 'snooze', subject: { rule: 'burst' } })
  const assessment = scored(200, [TAKEOVER, BURST, POPULATION])
  const decision = decide(lists, THRESHOLDS, PAIR, assessment, NOW)
  assert.deepEqual([decision.score, decision.reasons], [200, assessment.reasons])
})

test('a snoozed reason silences a part only if it says nothing else', () => {
  const velocity = listsOf({ kind: 'snooze', subject: { rule: 'velocity' } })
  assert.deepEqual(outcome(velocity, scored(150, [{ ...POPULATION, score: 150 }])), [false, 'muted', 1])
  const both = { ...POPULATION, score: 150, reasons: REASON.velocity | REASON.fanIn }
  assert.deepEqual(outcome(velocity, scored(150, [both])), [true, 'flag', null])
  const all = listsOf(
    { kind: 'snooze', subject: { rule: 'velocity' } },
    { kind: 'snooze', subject: { rule: 'fanIn' } },
  )
  assert.deepEqual(outcome(all, scored(150, [both]))[0], false)
})
