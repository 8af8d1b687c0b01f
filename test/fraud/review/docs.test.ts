/** docs/review.md names every limit, cause, outcome and type of event. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CAUSES, OUTCOMES } from '../../../fraud/review/events.ts'
import { REVIEW_LIMITS } from '../../../fraud/review/limits.ts'
import { someEvents } from './some-events.ts'

const text = readFileSync(new URL('../../../docs/review.md', import.meta.url), 'utf8')

test('limits', () => {
  for (const [name, value] of Object.entries(REVIEW_LIMITS))
    assert.ok(text.includes(`| \`${name}\` | ${value.toLocaleString('en').replaceAll(',', ' ')} |`), name)
})

test('causes and outcomes', () => {
  for (const cause of CAUSES) assert.ok(text.includes(`| \`${cause}\` |`), cause)
  for (const outcome of OUTCOMES) assert.ok(text.includes(`\`${outcome}\``), outcome)
})

test('types of events with their fields', () => {
  for (const { body } of someEvents()) {
    const line = text.split('\n').find((row) => row.startsWith(`| \`${body.type}\` |`))
    assert.ok(line !== undefined, body.type)
    const isTransfer = body.type === 'alert.muted'
    for (const field of Object.keys(body))
      if (field !== 'type' && !isTransfer) assert.ok(line.includes(`\`${field}\``), `${body.type}: ${field}`)
  }
})
