/** Who voted for a block: those of its certificate, and those who came a little later. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import type { ValidatorSet } from '../../consensus/types.ts'
import { VoteLog } from '../../node/vote-log.ts'

const SET = { validators: ['ada', 'ben', 'cy', 'dee'].map((name) => ({ name })) } as unknown as ValidatorSet

let log: VoteLog

beforeEach(() => {
  log = new VoteLog(SET)
})

function final(height: number, view: number, signers: readonly number[] = [0, 1, 2]): void {
  log.final({ height, author: 1, timeMs: 1_000 * height }, { view, signers }, 12)
}

test('a block has the votes of its certificate, and those that were heard before and after', () => {
  log.heard(3, { kind: 'notarize', view: 5 })
  final(2, 5, [0, 1])
  log.heard(2, { kind: 'finalize', view: 5 })
  log.heard(2, { kind: 'notarize', view: 5 }) // heard late: the stronger one stays
  log.heard(3, { kind: 'nullify', view: 5 })
  assert.deepEqual(log.since(0), [
    {
      height: 2,
      view: 5,
      author: 'ben',
      timeMs: 2_000,
      latencyMs: 12,
      votes: ['finalize', 'finalize', 'finalize', 'notarize'],
    },
  ])
})

test('a validator that was not heard has no vote', () => {
  final(1, 1)
  assert.deepEqual(log.since(1)[0]?.votes, ['finalize', 'finalize', 'finalize', 'none'])
})

test('only blocks from the height on are given', () => {
  for (const height of [1, 2, 3]) final(height, height)
  assert.deepEqual(
    log.since(2).map(({ height }) => height),
    [2, 3],
  )
})

test('it keeps the newest blocks, and no votes of views beside them', () => {
  final(1, 1)
  log.heard(3, { kind: 'finalize', view: 1_000_000 })
  for (let height = 2; height <= LIMITS.votedBlocks + 1; height++) final(height, height)
  log.heard(3, { kind: 'finalize', view: 1 }) // that block is forgotten
  const blocks = log.since(0)
  assert.equal(blocks.length, LIMITS.votedBlocks)
  assert.equal(blocks[0]?.height, 2)
  final(1_000, 1_000_000)
  assert.equal(log.since(1_000)[0]?.votes[3], 'none')
})
