/** What a learner remembers comes back as it was, and damaged bytes are refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HEAD_INPUTS } from '../../../fraud/head/inputs.ts'
import type { Example } from '../../../fraud/learning/examples.ts'
import { FROM_TAIL, teach } from '../../../fraud/learning/fit.ts'
import { Learner, type LearnerState } from '../../../fraud/learning/learner.ts'
import { decodeLearnerState, encodeLearnerState } from '../../../fraud/learning/state-file.ts'
import { random } from '../play.ts'

const unit = random(4)

function example(key: string): Example {
  return {
    key,
    payer: `payer ${key}`,
    inputs: Float32Array.from({ length: HEAD_INPUTS.length }, () => 3 * unit()),
    tail: unit(),
  }
}

function bytesOf(state: LearnerState): Uint8Array {
  return Buffer.concat([...encodeLearnerState(state)])
}

/** One that has learned something, with holds that wait. */
function learned(): Learner {
  const learner = new Learner(FROM_TAIL, random(1))
  for (let i = 0; i < 600; i++) learner.transfer(() => example(`sampled ${i}`), 'ordinary')
  for (let i = 0; i < 40; i++) {
    learner.transfer(() => example(`${i}`), 'held')
    if (i < 30) learner.outcome(`${i}`, i % 2 === 0)
  }
  for (let i = 0; i < 5; i++) learner.transfer(() => example(`alert ${i}`), 'alert')
  const { lesson } = learner.next()
  assert.ok(lesson !== null)
  learner.learned(teach(lesson))
  learner.outcome('30', true)
  return learner
}

test('comes back as it was', () => {
  const { state } = learned()
  assert.equal(state.waiting.length, 9)
  assert.equal(state.waitingAlerts.length, 5)
  assert.equal(state.unseen, 1)
  assert.ok(state.challenger !== null)
  assert.deepEqual(decodeLearnerState(bytesOf(state)), state)
  const again = new Learner(FROM_TAIL, random(1), decodeLearnerState(bytesOf(state)))
  assert.deepEqual(again.state, state)
})

test('an empty one, too', () => {
  const { state } = new Learner(FROM_TAIL, random(1))
  assert.deepEqual(decodeLearnerState(bytesOf(state)), state)
})

test('cut off, longer, or of another version: refused', () => {
  const bytes = bytesOf(learned().state)
  for (const length of [0, 1, 33, 34, 100, bytes.length - 1])
    assert.throws(() => decodeLearnerState(bytes.subarray(0, length)), { code: 'data-inconsistent' })
  assert.throws(() => decodeLearnerState(Buffer.concat([bytes, Uint8Array.of(0)])), {
    code: 'data-inconsistent',
  })
  for (const at of [1, 2]) {
    const other = bytes.slice()
    other[at] = (other[at] as number) ^ 1
    assert.throws(() => decodeLearnerState(other), { code: 'format-version' })
  }
})
