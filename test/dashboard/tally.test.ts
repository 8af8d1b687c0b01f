/** Votes on a hold as the page counts them: by stake, and more than half of all of it decides. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decides, lackingBps, tallyOf } from '../../node/dashboard/page/tally.ts'

const EQUAL = ['v1', 'v2', 'v3', 'v4'].map((name) => ({ name, stake: '10' }))
const release = (validator: string): { validator: string; side: 'release' } => ({
  validator,
  side: 'release',
})

test('each validator is on one side, with its share', () => {
  const tally = tallyOf([release('v2'), { validator: 'v4', side: 'return' }], EQUAL)
  assert.deepEqual(tally, {
    release: { names: ['v2'], shareBps: 2_500 },
    return: { names: ['v4'], shareBps: 2_500 },
    none: { names: ['v1', 'v3'], shareBps: 5_000 },
  })
  assert.equal(lackingBps(tally.release), 2_500)
})

test('one half is not more than half', () => {
  assert.equal(decides('release', [release('v1')], EQUAL, ['v2']), false)
  assert.equal(decides('release', [release('v1'), release('v3')], EQUAL, ['v2']), true)
})

test('stake counts, not heads, to the last unit of it', () => {
  const large = 9_007_199_254_740_993n // more than a double holds exactly
  const validators = [
    { name: 'v1', stake: String(large + 1n) },
    { name: 'v2', stake: String(large) },
  ]
  assert.equal(decides('return', [], validators, ['v1']), true)
  assert.equal(decides('return', [], validators, ['v2']), false)
})

test('a vote that was cast stands: the same validator adds nothing, whichever side it would take now', () => {
  assert.equal(decides('return', [release('v1'), { validator: 'v2', side: 'return' }], EQUAL, ['v1']), false)
  assert.equal(decides('release', [release('v1'), release('v2')], EQUAL, ['v1', 'v2']), false)
})

test('before the validators are known nobody has anything', () => {
  assert.deepEqual(tallyOf([], []).none, { names: [], shareBps: 0 })
})
