/** Portable receipts: there as soon as the proof is, and then it convinces somebody who has only genesis. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { verifyPortableReceipt } from '../../client/receipt.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import { Outcomes } from '../../node/outcomes.ts'
import { ReceiptAssembler } from '../../node/receipts.ts'
import { transferTo } from '../ledger/helpers.ts'
import { NodeChain, type FinalBlock } from './fixtures.ts'

const LONG_MS = 60_000
const NEVER = new AbortController().signal

let chain: NodeChain
let outcomes: Outcomes
let receipts: ReceiptAssembler

beforeEach(async () => {
  chain = await NodeChain.open()
  outcomes = new Outcomes()
  receipts = new ReceiptAssembler(chain.ledger, chain.store, outcomes)
})

afterEach(async () => {
  await chain[Symbol.asyncDispose]()
})

/** Final, executed and published, as the node does it. */
async function run(final: FinalBlock, txs: readonly DecodedTransaction[] = []): Promise<void> {
  await chain.storeFinal(final)
  const { height, timeMs } = final.block
  const batches = txs.length === 0 ? [] : [chain.executionBatch(chain.batch(txs))]
  const execution = await chain.ledger.execute({ height, digest: final.digest, timeMs, batches })
  outcomes.publish({
    height,
    hash: toHex(final.digest),
    timeMs,
    results: execution.receipts.map(({ txId, outcome }) => ({
      txId: toHex(txId),
      status: outcome,
      holds: [],
    })),
    expired: [],
  })
}

test('a receipt is complete once a later header commits to it, and verifies offline', async () => {
  const [tx, other] = [chain.tx('alice', [transferTo('bob', 5n)]), chain.tx('carol', [transferTo('bob', 6n)])]
  await run(chain.block())
  await run(chain.block(), [other, tx])
  let file: string | undefined
  const waiting = receipts.portable(tx.id, LONG_MS, NEVER).then((answer) => (file = answer?.file))
  await run(chain.block()) // commits to nothing
  assert.equal(file, undefined)
  await run(chain.block([], { executed: await chain.results(0, 3) }))
  await waiting
  const verified = verifyPortableReceipt(file ?? assert.fail(), chain.chain.genesis)
  assert.deepEqual(verified.txId, tx.id)
  assert.equal(verified.receipt.outcome, 'settled')
  assert.equal(verified.receipt.height, 2)
  assert.equal(verified.finalizedHeight, 4)
  assert.deepEqual(verified.signers, ['v1', 'v2', 'v3'])
})

test('a block that became final with a later one is linked to the finalization of that', async () => {
  const tx = chain.tx('alice', [transferTo('bob', 5n)])
  await run(chain.block(), [tx])
  const committing = chain.block([], { executed: await chain.results(0, 1) })
  const child = chain.block()
  await run({ ...committing, finalization: child.finalization })
  assert.equal(await receipts.portable(tx.id, 0, NEVER), null)
  await run(child)
  const answer = await receipts.portable(tx.id, 0, NEVER)
  const verified = verifyPortableReceipt(answer?.file ?? assert.fail(), chain.chain.genesis)
  assert.equal(verified.finalizedHeight, 3)
})

test('when the time is up, or nobody waits any more, there is none, and nothing is left behind', async () => {
  const tx = chain.tx('alice', [transferTo('bob', 5n)])
  await run(chain.block(), [tx])
  assert.equal(await receipts.portable(tx.id, 0, NEVER), null)
  assert.equal(await receipts.portable(tx.id, 5, NEVER), null)
  const controller = new AbortController()
  const waiting = receipts.portable(tx.id, LONG_MS, controller.signal)
  controller.abort()
  assert.equal(await waiting, null)
  assert.equal(await receipts.portable(new Uint8Array(32), 0, NEVER), null)
})

test('a ledger that fails is told to whoever waits, and leaves no timer behind', async () => {
  await chain.ledger.close()
  const failing = Object.create(chain.ledger) as typeof chain.ledger
  failing.receiptProof = () => Promise.reject(new Error('closed'))
  let listening = 0
  const counting = new Outcomes()
  counting.onExecuted = () => {
    listening++
    return () => listening--
  }
  const assembler = new ReceiptAssembler(failing, chain.store, counting)
  await assert.rejects(assembler.portable(new Uint8Array(32), LONG_MS, NEVER), /closed/)
  assert.equal(listening, 0)
})
