/** The executor over a real ledger and chain store: in order, each block once, waiting for bodies and for nothing else. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { BatchCertificate } from '../../consensus/types.ts'
import { DecodedBatches } from '../../node/decoded-batches.ts'
import { Executor, type ExecutedBlock } from '../../node/executor.ts'
import { refOf } from '../../node/store/chain-store.ts'
import { transferTo } from '../ledger/helpers.ts'
import { NodeChain, type FinalBlock } from './fixtures.ts'

let chain: NodeChain
const decoded = new DecodedBatches()
let executor: Executor
let executed: ExecutedBlock[]
let needed: (readonly BatchCertificate[])[]
let fatal: unknown[]
let onNeed: () => void

beforeEach(async () => {
  chain = await NodeChain.open()
  executed = []
  needed = []
  fatal = []
  onNeed = () => undefined
  executor = makeExecutor()
})

afterEach(async () => {
  await executor.stop()
  await chain[Symbol.asyncDispose]()
})

function makeExecutor(): Executor {
  return new Executor({
    set: chain.set,
    ledger: chain.ledger,
    store: chain.store,
    decoded,
    needBatches: (certificates) => {
      needed.push(certificates)
      onNeed()
    },
    onExecuted: (block) => {
      executed.push(block)
      return Promise.resolve()
    },
    onFatal: (error) => {
      fatal.push(error)
    },
  })
}

function deliver({ digest, block }: FinalBlock): void {
  executor.deliver(digest, block)
}

/** Resolves when execution asks for bodies. */
function asked(): Promise<void> {
  return new Promise((resolve) => (onNeed = resolve))
}

test('final blocks are executed in order, and what they order is marked', async () => {
  const tx = chain.tx('alice', [transferTo('bob', 5n)])
  const batch = chain.batch([tx])
  await chain.storeBatch(batch)
  deliver(chain.block([chain.certificate(batch)]))
  deliver(chain.block())
  assert.equal(executor.backlogBlocks, 2)
  assert.equal(executor.backlogTxs, 1)
  await executor.idle()
  assert.deepEqual(
    executed.map(({ execution }) => execution.height),
    [1, 2],
  )
  assert.equal((await chain.ledger.receipt(tx.id))?.outcome, 'settled')
  assert.deepEqual((await chain.store.restore([], 0)).batches, [])
  assert.equal(executor.backlogBlocks, 0)
  assert.equal(executor.backlogTxs, 0)
})

test('what the assessor has decoded is executed as it is, and forgotten', async () => {
  const tx = chain.tx('alice', [transferTo('bob', 5n)])
  const batch = chain.batch([tx])
  await chain.storeBatch(batch)
  const { txs } = (await chain.store.batch(refOf(batch)))?.batch ?? { txs: [] }
  // Another transaction than the bytes hold, to see that they are not decoded once more.
  const other = chain.tx('alice', [transferTo('bob', 6n)])
  decoded.remember(txs, [other])
  deliver(chain.block([chain.certificate(batch)]))
  await executor.idle()
  assert.equal((await chain.ledger.receipt(other.id))?.outcome, 'settled')
  assert.equal(decoded.take(txs), null)
})

test('a missing body is asked for; execution waits, and goes on when it has come', async () => {
  const [here, missing] = [chain.batch([chain.tx('alice', [transferTo('bob', 5n)])]), chain.batch([])]
  await chain.storeBatch(here)
  const certificate = chain.certificate(missing)
  const waiting = asked()
  deliver(chain.block([chain.certificate(here), certificate]))
  await waiting
  assert.deepEqual(needed, [[certificate]])
  assert.equal(chain.ledger.height, 0)
  // Other bodies came: nothing changes but that it asks again.
  const again = asked()
  executor.bodiesArrived()
  await again
  assert.equal(chain.ledger.height, 0)
  await chain.storeBatch(missing)
  executor.bodiesArrived()
  await executor.idle()
  assert.equal(chain.ledger.height, 1)
  assert.equal(needed.length, 2)
})

test('a batch that is too old needs no body; its transactions are handed back if it is here', async () => {
  const { batchTtlMs } = chain.chain.genesis.parameters
  const tx = chain.tx('alice', [transferTo('bob', 5n)])
  const [here, unknown] = [chain.batch([tx]), chain.batch([])]
  await chain.storeBatch(here)
  const timeMs = here.batch.createdMs + batchTtlMs + 1
  deliver(chain.block([chain.certificate(here), chain.certificate(unknown)], { timeMs }))
  await executor.idle()
  assert.deepEqual(needed, [])
  assert.deepEqual(executed[0]?.skippedTxs, [tx.bytes])
  assert.deepEqual(executed[0].refs, [refOf(here), refOf(unknown)])
  assert.equal(await chain.ledger.receipt(tx.id), null)
})

test('blocks the ledger has are passed over, even if nothing else is delivered with them', async () => {
  const [first, second] = [chain.block(), chain.block()]
  deliver(first)
  await executor.idle()
  executor = makeExecutor()
  deliver(first)
  await executor.idle()
  const third = chain.block()
  for (const final of [second, third, third, second, first]) deliver(final)
  await executor.idle()
  assert.deepEqual(
    executed.map(({ execution }) => execution.height),
    [1, 2, 3],
  )
  assert.deepEqual(fatal, [])
})

test('the verdict of the certificate reaches the ledger', async () => {
  const [held, fine] = [
    chain.tx('alice', [transferTo('bob', 5n)]),
    chain.tx('carol', [transferTo('bob', 6n)]),
  ]
  const batch = chain.batch([fine, held])
  await chain.storeBatch(batch)
  const flags = [{ tx: 1, action: 0, score: 222, reasons: 3 }]
  deliver(chain.block([chain.certificate(batch, { flags })]))
  await executor.idle()
  assert.equal((await chain.ledger.receipt(fine.id))?.outcome, 'settled')
  assert.equal((await chain.ledger.receipt(held.id))?.outcome, 'held')
  const hold = (await chain.ledger.holdsOpen()).items[0]
  assert.deepEqual(
    hold?.flaggers.map(({ signer, score, reasons }) => ({ signer, score, reasons })),
    [0, 1, 2].map((signer) => ({ signer, score: 222, reasons: 3 })),
  )
})

test('after a start it executes what is final in the store, then what is delivered', async () => {
  const finals = [chain.block(), chain.block(), chain.block()]
  await chain.storeFinal(...finals)
  executor.catchUp(2)
  deliver(finals[2] as FinalBlock)
  assert.equal(executor.backlogBlocks, 3)
  await executor.idle()
  assert.equal(chain.ledger.height, 3)
  assert.deepEqual(fatal, [])
})

test('a long backlog is read back from the store, and counted in blocks', async () => {
  const missing = chain.batch([chain.tx('alice', [transferTo('bob', 5n)])])
  const certificate = chain.certificate(missing)
  // Repeated, it is skipped.
  const finals = Array.from({ length: 1_101 }, () => chain.block([certificate], { timeMs: chain.timeMs + 1 }))
  await chain.storeFinal(...finals)
  const waiting = asked()
  for (const final of finals) deliver(final)
  await waiting
  assert.equal(executor.backlogBlocks, 1_101)
  assert.equal(executor.backlogTxs, 1_024)
  await chain.storeBatch(missing)
  executor.bodiesArrived()
  await executor.idle()
  assert.equal(chain.ledger.height, 1_101)
  assert.deepEqual(fatal, [])
})

test('a final block that is missing on disk stops the node with the way out', async () => {
  chain.block()
  executor.catchUp(1)
  await executor.idle()
  assert.equal((fatal[0] as { code: string }).code, 'data-inconsistent')
  assert.match(String(fatal[0]), /height 1 is missing/)
})

test('a stop while it waits for a body ends it', async () => {
  const waiting = asked()
  deliver(chain.block([chain.certificate(chain.batch([]))]))
  await waiting
  await executor.stop()
  assert.equal(chain.ledger.height, 0)
  assert.deepEqual(fatal, [])
})
