/** What the fraud engine remembers over a restart: a snapshot and the rest of the ledger are as good as having seen it all. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { toHex } from '../../crypto/bytes.ts'
import { FeatureStore } from '../../fraud/store/feature-store.ts'
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import type { TransferFacts, TransferOutcome } from '../../fraud/types.ts'
import type { Action } from '../../ledger/actions/index.ts'
import { FraudMemory, type FraudMemoryOptions } from '../../node/fraud-memory.ts'
import { outcomesOf, releasedFacts } from '../../node/transfers.ts'
import { START_BALANCE, transferTo, verdict } from '../ledger/helpers.ts'
import { NodeChain } from './fixtures.ts'

type Memory = FraudMemoryOptions['scorer']

let chain: NodeChain
let file: string
let warnings: string[]

beforeEach(async () => {
  chain = await NodeChain.open()
  file = join(chain.directory, 'fraud-memory.bin')
  warnings = []
})

afterEach(async () => {
  await chain[Symbol.asyncDispose]()
})

/** The real feature store, which also counts what it is told. */
class CountingMemory implements Memory {
  readonly features = new FeatureStore({
    maxAccounts: FRAUD_LIMITS.accounts,
    maxProvisional: FRAUD_LIMITS.provisionalTransfers,
  })

  readonly keys: string[] = []

  executed(outcomes: readonly TransferOutcome[]): void {
    this.keys.push(...outcomes.map(({ facts }) => facts.key))
    this.features.executed(outcomes)
  }

  released(transfers: readonly TransferFacts[]): void {
    this.keys.push(...transfers.map(({ key }) => `released ${key}`))
    this.features.released(transfers)
  }

  snapshot(): Uint8Array {
    return this.features.snapshot()
  }

  restore(bytes: Uint8Array): void {
    this.features.restore(bytes)
  }
}

function memoryOf(scorer: Memory, limits: Partial<FraudMemoryOptions> = {}): FraudMemory {
  const log = { warn: (_: object, message: string) => warnings.push(message) }
  return new FraudMemory({ scorer, ledger: chain.ledger, file, log, snapshotBlocks: Infinity, ...limits })
}

/** What a new start replays, which makes it as good as one that has seen it all. */
async function replayedBy(live: CountingMemory): Promise<readonly string[]> {
  const restored = new CountingMemory()
  await memoryOf(restored).open()
  assert.equal(toHex(restored.snapshot()), toHex(live.snapshot()))
  return restored.keys
}

/** As a node that stops. */
async function save(scorer: Memory): Promise<void> {
  const memory = memoryOf({
    executed: () => undefined,
    released: () => undefined,
    restore: () => undefined,
    snapshot: () => scorer.snapshot(),
  })
  await memory.open()
  await memory.save()
}

/** Settled, held, partly held, failed, an empty block, and a held one that goes on. */
async function history(memory: Memory): Promise<void> {
  const tell = async (...parameters: Parameters<NodeChain['execute']>): Promise<void> => {
    const execution = await chain.execute(...parameters)
    memory.executed(outcomesOf(execution.transfers))
    memory.released(releasedFacts(execution.endedHolds))
  }
  await tell([
    chain.tx('alice', [transferTo('bob', 500n)]),
    chain.tx('bob', [transferTo('carol', 7_000_000n)]),
  ])
  await tell([chain.tx('alice', [transferTo('carol', 5n), transferTo('bob', 6n)])], { held: [verdict(0, 1)] })
  await tell([])
  await tell([chain.tx('carol', [transferTo('bob', START_BALANCE)])])
  await tell([chain.tx('carol', [transferTo('dave', 20_000_000n)])])
  const [hold] = (await chain.ledger.holdsOpen()).items
  assert.ok(hold !== undefined)
  const release: Action = { type: 'hold.review', hold: hold.id, side: 'release' }
  await tell(['op0', 'op1', 'op2'].map((operator) => chain.tx(operator, [release])))
}

test('a replay of the ledger is as good as having seen it', async () => {
  const live = new CountingMemory()
  await history(live)
  const replayed = new CountingMemory()
  await memoryOf(replayed).open()
  assert.deepEqual(replayed.keys, live.keys)
  assert.equal(toHex(replayed.snapshot()), toHex(live.snapshot()))
  assert.deepEqual(warnings, [])
})

test('so is a snapshot with a replay of what came after it', async () => {
  const live = new CountingMemory()
  await history(live)
  await save(live)
  const before = live.keys.length
  await history(live)
  assert.deepEqual(await replayedBy(live), live.keys.slice(before))
})

test('a node that is killed has a snapshot once enough blocks were executed', async () => {
  const live = new CountingMemory()
  await history(live)
  const memory = memoryOf(live, { snapshotBlocks: chain.ledger.height + 5 })
  memory.executed(chain.ledger.height)
  await memory.written
  assert.equal(existsSync(file), false, 'too early')
  await history(live)
  memory.executed(chain.ledger.height)
  await memory.written
  const before = live.keys.length
  await history(live)
  assert.deepEqual(await replayedBy(live), live.keys.slice(before))
})

test('a long replay ends with a snapshot, so that nobody has to do it twice', async () => {
  const live = new CountingMemory()
  await history(live)
  const memory = memoryOf(new CountingMemory(), { snapshotBlocks: chain.ledger.height })
  await memory.open()
  await memory.written
  assert.deepEqual(await replayedBy(live), [])
})

test('a large snapshot is made only when the node stops', async () => {
  const live = new CountingMemory()
  const memory = memoryOf(live, { snapshotBlocks: 1, runningSnapshotBytes: 100 })
  await history(live)
  memory.executed(chain.ledger.height)
  await memory.written
  assert.deepEqual(await replayedBy(live), [], 'how large it is shows itself by the first')
  const before = live.keys.length
  await history(live)
  memory.executed(chain.ledger.height)
  await memory.written
  assert.deepEqual(await replayedBy(live), live.keys.slice(before))
  await memory.save()
  assert.deepEqual(await replayedBy(live), [])
})

test('of snapshots that are made while another is written the newest stays', async () => {
  const live = new CountingMemory()
  await history(live)
  const memory = memoryOf(live, { snapshotBlocks: 1 })
  memory.executed(1)
  memory.executed(2)
  memory.executed(chain.ledger.height)
  await memory.written
  assert.deepEqual(await replayedBy(live), [])
})

test('a snapshot that cannot be used means a replay, never a refusal', async () => {
  const live = new CountingMemory()
  await history(live)
  await save(live)
  const good = readFileSync(file)
  const [otherVersion, tooHigh, flipped] = [Buffer.from(good), Buffer.from(good), Buffer.from(good)]
  otherVersion[0] = 9
  tooHigh[8] = 99 // of a height that this ledger has not reached
  for (const bytes of [otherVersion, tooHigh])
    bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4)
  const middle = flipped.length >> 1
  flipped[middle] = (flipped[middle] as number) ^ 4
  const cut = [good.subarray(0, 20), good.subarray(0, -1), Buffer.alloc(0)]
  for (const bad of [...cut, otherVersion, tooHigh, flipped]) {
    writeFileSync(file, bad)
    const restored = new CountingMemory()
    await memoryOf(restored).open()
    assert.deepEqual(restored.keys, live.keys)
    assert.equal(toHex(restored.snapshot()), toHex(live.snapshot()))
  }
  assert.equal(warnings.length, 4)
})

test('a snapshot that cannot be written is told, and the node stops all the same', async () => {
  file = join(chain.directory, 'no such folder', 'fraud-memory.bin')
  await memoryOf(new CountingMemory()).save()
  assert.equal(warnings.length, 1)
})
