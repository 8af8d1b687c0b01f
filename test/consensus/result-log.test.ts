import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { EMPTY_ROOT, merkleRoot } from '../../crypto/merkle.ts'
import type { ExecutionResult } from '../../consensus/replica-types.ts'
import { ResultLog } from '../../consensus/result-log.ts'
import { resultLeaf } from '../../consensus/wire.ts'
import { digestOf } from './fixtures.ts'

const genesis = { height: 0, stateRoot: digestOf('state 0'), resultsRoot: EMPTY_ROOT }

function result(height: number, hadWork = false): ExecutionResult {
  return {
    height,
    timeMs: height,
    stateRoot: digestOf(`state ${height}`),
    receiptsRoot: digestOf(`receipts ${height}`),
    hadWork,
  }
}

function logOf(heights: number): ResultLog {
  return new ResultLog(Array.from({ length: heights }, (_, index) => result(index + 1)))
}

test('the leader names its last executed height less one, with the root over the heights since the parent', () => {
  const claim = logOf(4).claim({ ...genesis, height: 1 })
  assert.equal(claim.height, 3)
  assert.deepEqual(claim.stateRoot, digestOf('state 3'))
  assert.deepEqual(
    claim.resultsRoot,
    merkleRoot([2, 3].map((height) => resultLeaf(height, digestOf(`receipts ${height}`)))),
  )
})

test('with nothing new the parent is copied and the root is empty', () => {
  for (const heights of [0, 1]) assert.deepEqual(logOf(heights).claim(genesis), genesis)
  assert.deepEqual(logOf(4).claim({ ...genesis, height: 3 }), { ...genesis, height: 3 })
})

test('at most 64 heights per block', () => {
  const log = logOf(200)
  assert.equal(log.claim(genesis).height, LIMITS.resultsPerHeader)
  const tooFar = { ...log.claim({ ...genesis, height: 1 }), height: 65 }
  assert.equal(log.judge(genesis, tooFar, 300).verdict, 'wrong')
})

test('every claim of one log is right to another that executed as far; a slower one waits', () => {
  const claim = logOf(9).claim({ ...genesis, height: 2 })
  assert.equal(logOf(8).judge({ ...genesis, height: 2 }, claim, 10).verdict, 'right')
  assert.equal(logOf(7).judge({ ...genesis, height: 2 }, claim, 10).verdict, 'wait')
})

test('other roots than own are a mismatch that names both', () => {
  const log = logOf(9)
  const claim = log.claim(genesis)
  const judged = log.judge(genesis, { ...claim, stateRoot: digestOf('other') }, 10)
  assert.ok(judged.verdict === 'mismatch' && judged.height === 8 && judged.own !== judged.claimed)
  assert.equal(log.judge(genesis, { ...claim, resultsRoot: EMPTY_ROOT }, 10).verdict, 'mismatch')
})

test('wrong for everybody: below the parent, not below the block, the parent height with other roots', () => {
  const log = logOf(9)
  const claim = log.claim(genesis)
  assert.equal(log.judge({ ...genesis, height: 9 }, claim, 12).verdict, 'wrong')
  assert.equal(log.judge(genesis, claim, claim.height).verdict, 'wrong')
  assert.equal(log.judge(genesis, { ...genesis, stateRoot: digestOf('x') }, 5).verdict, 'wrong')
  assert.equal(log.judge(genesis, { ...genesis, resultsRoot: digestOf('x') }, 5).verdict, 'wrong')
})

test('remembers the newest height with work, and forgets what final headers commit to', () => {
  const log = logOf(3)
  log.add(result(4, true))
  log.add(result(5))
  assert.equal(log.lastWorkHeight, 4)
  log.prune(4)
  assert.equal(log.judge({ ...genesis, height: 2 }, { ...genesis, height: 3 }, 9).verdict, 'wait')
  assert.deepEqual(log.claim({ ...genesis, height: 3 }).stateRoot, digestOf('state 4'))
})
