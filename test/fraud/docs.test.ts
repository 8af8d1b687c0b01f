/** docs/fraud.md names every feature, rule, reason bit and limit, with its number. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { HEAD_LIMITS } from '../../fraud/head/limits.ts'
import { LEARNING_LIMITS } from '../../fraud/learning/limits.ts'
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import { MAX_FLAG_RATE, RULES, TAIL } from '../../fraud/model/model-spec.ts'
import { REASON } from '../../fraud/reasons/reasons.ts'
import { FEATURES } from '../../fraud/schema.ts'

const text = readFileSync(new URL('../../docs/fraud.md', import.meta.url), 'utf8')

test('features', () => {
  for (const feature of FEATURES) assert.ok(text.includes(`\`${feature}\``), feature)
})

test('rules with their ramps', () => {
  for (const { name, ramps } of RULES) {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`| ${name} |`))
    assert.ok(line !== undefined, name)
    for (const { feature, from, to } of ramps) {
      if (feature !== 'own_settled')
        assert.ok(line.includes(`\`${feature}\` ${from}→${to}`), `${name}: ${feature}`)
    }
  }
})

test('tail', () => {
  const section = text.slice(text.indexOf('The **tail**'))
  for (const { feature } of TAIL) assert.ok(section.includes(`\`${feature}\``), feature)
  assert.ok(section.includes(`= ${(100 * MAX_FLAG_RATE).toFixed(1)} %`))
})

test('reason bits', () => {
  for (const [name, bit] of Object.entries(REASON)) assert.ok(text.includes(`\`${name}\` ${bit}`), name)
})

test('limits of learning', () => {
  const section = text.slice(text.indexOf('## Learning from outcomes'))
  for (const [name, value] of Object.entries(LEARNING_LIMITS)) {
    const line = section.split('\n').find((candidate) => candidate.includes(`\`${name}\``))
    assert.ok(line?.includes(value.toLocaleString('en').replaceAll(',', ' ')), name)
  }
})

test('limits', () => {
  for (const [name, value] of Object.entries({ ...FRAUD_LIMITS, ...HEAD_LIMITS })) {
    assert.ok(text.includes(`| \`${name}\` | ${value.toLocaleString('en').replaceAll(',', ' ')} |`), name)
  }
})
