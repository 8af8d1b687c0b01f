/** What the fraud engine remembers over a restart: a snapshot and the rest of the ledger are as good as having seen it all. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { toHex } from '../../crypto/bytes.ts'
import { crc32c } from '../../crypto/crc32c.ts'
import { FeatureStore } from '../../fraud/features.ts'
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import type { TransferOutcome } from '../../fraud/types.ts'
import type { BlockExecution } from '../../ledger/types.ts'
import { FraudMemory, type FraudMemoryOptions } from '../../node/fraud-memory.ts'
import { transferKey } from '../../node/transfers.ts'
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

  snapshot(): Uint8Array {
    return this.features.snapshot()
  }

  restore(bytes: Uint8Array): void {
    this.features.restore(bytes)
  }
}

function memoryOf(scorer: Memory, snapshotBlocks = Infinity): FraudMemory {
  const log = { warn: (_: object, message: string) => warnings.push(message) }
  return new FraudMemory({ scorer, ledger: chain.ledger, file, log, snapshotBlocks })
}

/** As a node that stops. */
async function save(scorer: Memory): Promise<void> {
  const memory = memoryOf({
    executed: () => undefined,
    restore: () => undefined,
    snapshot: () => scorer.snapshot(),
  })
  await memory.open()
  memory.save()
}

/** As the node tells the scorer while it runs. */
function seen({ transfers }: BlockExecution): TransferOutcome[] {
  return transfers.map((transfer) => ({
    held: transfer.held,
    facts: {
      key: transferKey(transfer.txId, transfer.action),
      payer: toHex(transfer.payer),
      payee: toHex(transfer.payee),
      amount: transfer.amount,
      payerBalance: transfer.payerBalanceBefore,
      timeMs: transfer.timeMs,
    },
  }))
}

/** Settled, held, partly held, failed, and an empty block. */
async function history(memory: Memory): Promise<void> {
  const tell = async (...parameters: Parameters<NodeChain['execute']>): Promise<void> => {
    memory.executed(seen(await chain.execute(...parameters)))
  }
  await tell([
    chain.tx('alice', [transferTo('bob', 500n)]),
    chain.tx('bob', [transferTo('carol', 7_000_000n)]),
  ])
  await tell([chain.tx('alice', [transferTo('carol', 5n), transferTo('bob', 6n)])], { held: [verdict(0, 1)] })
  await tell([])
  await tell([chain.tx('carol', [transferTo('bob', START_BALANCE)])])
  await tell([chain.tx('carol', [transferTo('dave', 20_000_000n)])])
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
  const restored = new CountingMemory()
  await memoryOf(restored).open()
  assert.deepEqual(restored.keys, live.keys.slice(before))
  assert.equal(toHex(restored.snapshot()), toHex(live.snapshot()))
})

test('a node that is killed has a snapshot once enough blocks were executed', async () => {
  const live = new CountingMemory()
  await history(live)
  const memory = memoryOf(live, chain.ledger.height + 5)
  memory.executed(chain.ledger.height)
  assert.equal(existsSync(file), false, 'too early')
  await history(live)
  memory.executed(chain.ledger.height)
  const before = live.keys.length
  await history(live)
  const restored = new CountingMemory()
  await memoryOf(restored).open()
  assert.deepEqual(restored.keys, live.keys.slice(before))
  assert.equal(toHex(restored.snapshot()), toHex(live.snapshot()))
})

test('a long replay ends with a snapshot, so that nobody has to do it twice', async () => {
  await history(new CountingMemory())
  await memoryOf(new CountingMemory(), chain.ledger.height).open()
  const restored = new CountingMemory()
  await memoryOf(restored).open()
  assert.deepEqual(restored.keys, [])
})

test('a snapshot that cannot be used means a replay, never a refusal', async () => {
  const live = new CountingMemory()
  await history(live)
  await save(live)
  const good = readFileSync(file)
  const [otherVersion, tooHigh, flipped] = [Buffer.from(good), Buffer.from(good), Buffer.from(good)]
  otherVersion[0] = 9
  tooHigh[8] = 99 // of a height that this ledger has not reached
  tooHigh.writeUInt32BE(crc32c(tooHigh.subarray(0, -4)), tooHigh.length - 4)
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

test('a snapshot that cannot be written is told, and the node stops all the same', () => {
  file = join(chain.directory, 'no such folder', 'fraud-memory.bin')
  memoryOf(new CountingMemory()).save()
  assert.equal(warnings.length, 1)
})
