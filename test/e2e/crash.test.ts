/** A short crash run: a vote that has just left, and a journal with a torn end. Longer ones: `npm run crash`. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCrashes } from '../crash/run.ts'

test('killed at a durable boundary, a validator comes back by itself, signs nothing twice and loses nothing', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'cordon-crash-e2e-'))
  t.after(() => rmSync(parent, { recursive: true, force: true }))
  const result = await runCrashes({
    dir: join(parent, 'devnet'),
    points: ['vote-sent', 'journal-rewriting'],
    rounds: 1,
    forMs: Infinity,
    seed: '1',
    ratePerSecond: 20,
    onProgress: (text) => {
      t.diagnostic(text)
    },
  })
  assert.deepEqual(result.findings, [])
  assert.deepEqual([result.doubleSigns, result.lost, result.forks, result.repairs], [0, 0, 0, 0])
  assert.deepEqual(
    Object.values(result.points).map(({ rounds }) => rounds),
    [1, 1],
  )
  assert.ok(result.votesSeen > 20, `the observer saw ${result.votesSeen} votes`)
  assert.ok(result.batchesSeen > 0, 'the observer saw no batch')
  assert.ok(result.accepted > 0, 'no payment was accepted')
})
