/** A short chaos run: real nodes killed, paused and cut off under payments. Longer ones: `npm run chaos`. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runChaos } from '../chaos/run.ts'

/** The first round takes longer than this, and is played to its end. */
const FOR_MS = 5_000

test('a round of faults: every accepted payment ends alike on every node, nothing forks, all recover', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'cordon-chaos-e2e-'))
  t.after(() => rmSync(parent, { recursive: true, force: true }))
  const result = await runChaos({
    dir: join(parent, 'devnet'),
    validators: 4,
    seed: '1',
    forMs: FOR_MS,
    ratePerSecond: 20,
    onProgress: (text) => {
      t.diagnostic(text)
    },
  })
  assert.deepEqual(result.findings, [])
  assert.equal(result.lost, 0)
  assert.equal(result.forks, 0)
  assert.ok(result.accepted > 50, `${result.accepted} accepted`)
  assert.ok(result.faults >= 8)
})
