/** Two models side by side: who flags what, and who was right. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Comparison } from '../../../fraud/learning/comparison.ts'
import { LEARNING_LIMITS } from '../../../fraud/learning/limits.ts'
import { MAX_FLAG_RATE } from '../../../fraud/model/model-spec.ts'
import { BASELINE_INPUTS, INPUT } from '../../../fraud/model/tail.ts'
import { someHead } from '../head/some-head.ts'
import { random } from '../play.ts'

/** Of a chain that is old enough for tail and head to speak. */
const SPEAKING = new Float32Array(BASELINE_INPUTS).fill(1)

describe('comparison', () => {
  test('counts flags, and outcomes of what was held', () => {
    const comparison = new Comparison(null)
    const say = (key: string, voting: number, shadow: number): void => {
      comparison.scored(key, { voting, shadow }, SPEAKING)
      comparison.executed(key, voting >= 0.5)
    }
    say('both', 0.9, 0.8)
    say('voting', 0.9, 0.2)
    say('shadow', 0.1, 0.5)
    say('none', 0.1, 0.2)
    comparison.outcome('both', true)
    comparison.outcome('voting', false)
    comparison.outcome('voting', false)
    comparison.outcome('nobody knows', true)
    assert.deepEqual(comparison.report, {
      transfers: 4,
      flagged: { voting: 2, shadow: 2, both: 1 },
      fraud: { holds: 1, voting: 1, shadow: 1, both: 1 },
      legitimate: { holds: 1, voting: 1, shadow: 0, both: 0 },
    })
  })

  test('a transfer counts when it is executed, and once, in however many batches it lay', () => {
    const comparison = new Comparison(null)
    for (const batch of [1, 2]) comparison.scored('twice', { voting: batch, shadow: 0 }, SPEAKING)
    comparison.scored('given up', { voting: 1, shadow: 1 }, SPEAKING)
    assert.equal(comparison.report.transfers, 0)
    comparison.executed('twice', false)
    comparison.executed('twice', false)
    comparison.executed('judged elsewhere', true)
    assert.deepEqual(comparison.report.flagged, { voting: 1, shadow: 0, both: 0 })
    assert.equal(comparison.report.transfers, 1)
  })

  test('a head in the shadow gets the threshold that few transfers of this chain exceed', () => {
    const comparison = new Comparison(someHead(1))
    const unit = random(2)
    const logits = Array.from({ length: 4_000 }, () => -20 + 24 * unit())
    logits.forEach((logit, i) => {
      const inputs = comparison.inputs(SPEAKING)
      const shadow = 1 / (1 + Math.exp((inputs[INPUT.headThreshold] as number) - logit))
      comparison.scored(`${i}`, { voting: 0, shadow }, inputs)
      comparison.executed(`${i}`, false)
    })
    const threshold = comparison.inputs(SPEAKING)[INPUT.headThreshold] as number
    const share = logits.filter((logit) => logit > threshold).length / logits.length
    assert.ok(share < 2 * MAX_FLAG_RATE && share > MAX_FLAG_RATE / 4, `${share} of logits exceed it`)
  })

  test('on a young chain the shadow is as silent as what votes', () => {
    const silent = new Float32Array(BASELINE_INPUTS)
    silent[INPUT.headThreshold] = 1e6
    assert.deepEqual([...new Comparison(someHead(1)).inputs(silent)], [...silent])
  })

  test('what waits for an outcome is bounded', () => {
    const comparison = new Comparison(null)
    for (let i = 0; i <= LEARNING_LIMITS.comparedTransfers; i++) {
      comparison.scored(`${i}`, { voting: 1, shadow: 1 }, SPEAKING)
      comparison.executed(`${i}`, true)
    }
    comparison.outcome('0', true)
    assert.equal(comparison.report.fraud.holds, 0)
    comparison.outcome('1', true)
    assert.equal(comparison.report.fraud.holds, 1)
  })
})
