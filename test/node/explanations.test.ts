/** The numbers behind flags survive as JSON, also those of a build that knew no ranges. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Assessment } from '../../fraud/types.ts'
import { Explanations, parseExplanations } from '../../node/scoring/explanations.ts'

const DETAIL = { feature: 'drain_new_10m', value: 0.6, usual: null, share: 1, text: '60 % leaves' }
const RANGE = { from: 0, to: 0.1, of: 'account' } as const

test('comes back as it was', () => {
  const explanations = new Explanations()
  const detail = { ...DETAIL, usualRange: RANGE }
  const assessment: Assessment = { key: 'a:0', score: 200, flagged: true, reasons: 1, details: [detail] }
  explanations.add(assessment)
  assert.deepEqual(parseExplanations(explanations.toJson()), [assessment])
})

test('of an older build: no range is known', () => {
  const old = { key: 'a:0', score: 200, flagged: true, reasons: 1, details: [DETAIL] }
  const [parsed] = parseExplanations(JSON.stringify([old]))
  assert.deepEqual(parsed?.details, [{ ...DETAIL, usualRange: null }])
})

test('what is no list of assessments is refused', () => {
  for (const json of ['{}', '[1]', '[{"key":"a:0"}]', '[{"key":"a:0","score":1,"details":1}]'])
    assert.throws(() => parseExplanations(json), TypeError)
})
