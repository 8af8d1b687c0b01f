import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { pidKey } from '../../consensus/certificates.ts'
import type { Vote } from '../../consensus/types.ts'
import { VotePool } from '../../consensus/vote-pool.ts'
import { certificate, digestOf, validatorSet } from './fixtures.ts'

const set = validatorSet([1n, 2n, 3n, 4n])
const P = digestOf('P')
const Q = digestOf('Q')
const R = digestOf('R')

function vote(kind: Vote['kind'], view: number, signer: number, pid: Uint8Array | null): Vote {
  return {
    kind,
    epoch: 1,
    view,
    pid,
    signer,
    signature: digestOf(`${kind} ${view} ${signer} ${pidKey(pid)}`),
  }
}

test('weights add up by kind and proposal, and a duplicate counts once', () => {
  const pool = new VotePool(set)
  assert.equal(pool.add(vote('notarize', 1, 3, P)), 'counted')
  assert.equal(pool.add(vote('notarize', 1, 3, P)), 'known')
  assert.equal(pool.add(vote('notarize', 1, 2, P)), 'counted')
  assert.equal(pool.tally('notarize', 1, P)?.weight, 7n)
  assert.deepEqual(
    pool.quorums(1).map(({ kind }) => kind),
    ['notarize'],
    'q is 7 of 10',
  )
  assert.equal(pool.tally('finalize', 1, P), null)
  assert.equal(pool.tally('notarize', 2, P), null)
})

test('a second proposal of one validator is kept and named a conflict, a third dropped', () => {
  const pool = new VotePool(set)
  pool.add(vote('notarize', 1, 3, P))
  assert.equal(pool.add(vote('notarize', 1, 3, Q)), 'conflict')
  assert.equal(pool.add(vote('notarize', 1, 3, R)), 'dropped')
  assert.equal(pool.tally('notarize', 1, Q)?.weight, 4n)
  assert.equal(
    pool.add(vote('nullify', 1, 3, null)),
    'counted',
    'notarize and nullify of one view are no conflict',
  )
})

test('of votes beyond the next view only the highest of each validator and kind is remembered', () => {
  const pool = new VotePool(set)
  pool.addFuture(vote('nullify', 8, 1, null))
  pool.addFuture(vote('nullify', 5, 1, null))
  pool.addFuture(vote('notarize', 6, 1, P))
  assert.equal(pool.takeFuture(4).length, 0)
  assert.deepEqual(
    pool.takeFuture(9).map(({ kind, view }) => [kind, view]),
    [
      ['nullify', 8],
      ['notarize', 6],
    ],
  )
  assert.equal(pool.tally('nullify', 5, null), null)
  assert.equal(pool.tally('nullify', 8, null)?.weight, 2n)
})

test('votes of a certificate are known afterwards, and pruning forgets whole views', () => {
  const pool = new VotePool(set)
  const nullification = certificate(set, 'nullify', 4, null, [1, 2, 3])
  pool.absorb(nullification, null)
  assert.equal(pool.tally('nullify', 4, null)?.weight, 9n)
  assert.ok(pool.isKnown('nullify', 4, '', 2, nullification.signatures[1] as Uint8Array))
  assert.equal(pool.isKnown('nullify', 4, '', 2, nullification.signatures[0] as Uint8Array), false)
  pool.prune(3 + LIMITS.evidenceViews)
  assert.deepEqual(pool.views(), [4], 'a contradiction may still come')
  pool.prune(4 + LIMITS.evidenceViews)
  assert.deepEqual(pool.views(), [])
})
