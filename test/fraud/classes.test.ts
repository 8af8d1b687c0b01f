/** What payers are told: every reason has a class in words, and no number gets out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonClasses } from '../../fraud/reasons/classes.ts'
import { REASON } from '../../fraud/reasons/reasons.ts'

test('each reason but how it was judged has a class, in words without numbers', () => {
  for (const [name, bit] of Object.entries(REASON)) {
    const classes = reasonClasses(bit)
    assert.equal(classes.length, name === 'cheapSum' ? 0 : 1, name)
    for (const { text } of classes) assert.doesNotMatch(text, /\d|%/)
  }
})

test('several reasons of one class are one', () => {
  const names = reasonClasses(REASON.drain | REASON.amount | REASON.trail).map(({ name }) => name)
  assert.deepEqual(names, ['takeover', 'money-trail'])
  assert.deepEqual(reasonClasses(0), [])
})
