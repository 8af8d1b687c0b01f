/** A few flips in every file of a node; `npm run bitrot` does many. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindOf, runBitrot } from './run.ts'

/** Each file comes up. */
const FLIPS = 30
/** Of seed 1; without the checks behind a read, three of them hide a line of a history. */
const RUNNING_FLIPS = 40

test('a flipped bit is repaired or refused, and never changes an answer', async () => {
  const { flips, verdicts, byFile, failures } = await runBitrot({ flips: FLIPS, seed: 1 })
  assert.deepEqual(failures, [])
  assert.equal(flips, FLIPS)
  assert.ok(verdicts.refused >= FLIPS / 3, 'most files have no dead space')
  for (const kind of ['chain *.ldb', 'chain *.log', 'ledger *.ldb', 'pending *.log', 'signer votes.journal'])
    assert.equal(byFile[kind]?.unaffected, undefined, `${kind}: no flip went unnoticed`)
  assert.ok((byFile['data fraud-memory.bin']?.repaired ?? 0) > 0)
})

test('a bit that flips in a table of a running node hides nothing', async () => {
  const { verdicts, failures } = await runBitrot({
    flips: RUNNING_FLIPS,
    seed: 1,
    running: true,
    only: /ledger.*ldb$/,
  })
  assert.deepEqual(failures, [])
  assert.ok(verdicts.refused >= RUNNING_FLIPS / 3, 'most of a table is asked for')
})

test('files are told by kind', () => {
  assert.equal(kindOf('data/chain/000005.ldb'), 'chain *.ldb')
  assert.equal(kindOf('data/ledger/MANIFEST-000012'), 'ledger MANIFEST')
  assert.equal(kindOf('data/fraud-memory.bin'), 'data fraud-memory.bin')
  assert.equal(kindOf('signer/votes.journal'), 'signer votes.journal')
})
