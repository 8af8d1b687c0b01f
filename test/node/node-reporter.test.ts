/** What a node tells of itself. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { ValidatorSet } from '../../consensus/types.ts'
import { NodeReporter } from '../../node/node-reporter.ts'
import type { PeerConnection } from '../../p2p/types.ts'

const SET = { validators: [{ name: 'v1' }, { name: 'v2' }, { name: 'v3' }] } as unknown as ValidatorSet

function reporter(t: TestContext, connections: readonly Partial<PeerConnection>[] = []): NodeReporter {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'cordon-reporter-'))
  mkdirSync(join(dataDirectory, 'chain'))
  writeFileSync(join(dataDirectory, 'chain', 'a'), Buffer.alloc(1_000))
  const made = new NodeReporter({
    dataDirectory,
    set: SET,
    network: { connections: () => connections as readonly PeerConnection[] },
    queues: [['engine', 'Inputs that wait.', () => 3]],
  })
  t.after(() => {
    made.stop()
    rmSync(dataDirectory, { recursive: true })
  })
  return made
}

test('process, disk and queues', async (t) => {
  const { memory, disk, queues, uptimeMs, loopDelay } = await reporter(t).report()
  assert.ok(memory.rssBytes > memory.heapBytes && memory.heapLimitBytes > memory.heapBytes)
  assert.deepEqual(disk.stores, [
    { store: 'chain', bytes: 1_000 },
    { store: 'ledger', bytes: 0 },
    { store: 'pending', bytes: 0 },
  ])
  assert.ok(disk.freeBytes > 0 && uptimeMs > 0)
  assert.deepEqual(queues, [{ queue: 'engine', about: 'Inputs that wait.', length: 3 }])
  assert.equal(loopDelay, null, 'who looks first begins to measure')
})

test('validators first, by name; others by their ids', (t) => {
  const made = reporter(t, [
    { id: 'c', validator: null, roundTripMs: 3 },
    { id: 'd', validator: 2, roundTripMs: 4 },
    { id: 'a', validator: null, roundTripMs: null },
    { id: 'b', validator: 0, roundTripMs: null },
  ])
  assert.deepEqual(
    made.peers().map(({ id, validator }) => [id, validator]),
    [
      ['b', 'v1'],
      ['d', 'v3'],
      ['a', null],
      ['c', null],
    ],
  )
  assert.deepEqual(made.roundTripsMs(), { v3: 4 })
})
