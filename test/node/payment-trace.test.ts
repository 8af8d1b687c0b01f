/** What a node remembers of the way of a payment: first times count, and only so many are kept. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import type { Effect, Input } from '../../consensus/replica-types.ts'
import type { BatchCertificate, Block, SignedBatch } from '../../consensus/types.ts'
import { hash } from '../../crypto/hash.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import { PaymentTraces } from '../../node/payment-trace.ts'
import { transferTo } from '../ledger/helpers.ts'
import { NodeChain } from './fixtures.ts'

const AUTHOR = 2
const digestOf = (height: number): Uint8Array => hash('block', Uint8Array.of(height >> 8, height & 255))

/** Traces with a clock that goes on by one ms whenever it is read, and the steps of a payment. */
async function open(): Promise<{
  readonly traces: PaymentTraces
  readonly tx: DecodedTransaction
  readonly batch: (seq: number, tx?: DecodedTransaction) => SignedBatch
  readonly final: (height: number, seqs: readonly number[]) => void
}> {
  await using chain = await NodeChain.open()
  let nowMs = 0
  const traces = new PaymentTraces(chain.set, () => ++nowMs)
  const tx = chain.tx('alice', [transferTo('bob', 5n, 'lunch')])
  const batch = (seq: number, held = tx): SignedBatch =>
    ({ batch: { epoch: 1, author: AUTHOR, seq, createdMs: 0, txs: [held.bytes] } }) as unknown as SignedBatch
  const final = (height: number, seqs: readonly number[]): void => {
    const payload = seqs.map((seq) => ({ author: AUTHOR, seq }) as BatchCertificate)
    const block = { height, author: 1, payload } as unknown as Block
    traces.left({ type: 'deliver', digest: digestOf(height), block } as Effect)
    traces.executed(height)
  }
  return { traces, tx, batch, final }
}

function proposal(view: number, height: number): Input {
  const message = {
    type: 'proposal',
    proposal: { proposal: { view, blockDigest: digestOf(height) }, block: { author: 1 } },
  }
  return { type: 'message', from: { id: 'p', validator: 1 }, message } as unknown as Input
}

test('a payment goes its way at the node that makes its batch and its block', async () => {
  const { traces, tx, batch, final } = await open()
  traces.submitted(tx.id) // 1
  traces.left({ type: 'assess', batch: batch(1) } as Effect) // 2
  traces.received({ type: 'assessed', ref: batch(1).batch } as unknown as Input) // 3
  traces.left({
    type: 'note',
    note: { kind: 'batch-certified', ref: batch(1).batch, txCount: 1 },
  } as unknown as Effect) // 4
  traces.left({ type: 'send', message: (proposal(9, 7) as { message: unknown }).message } as Effect) // 5
  traces.left({ type: 'note', note: { kind: 'vote-cast', vote: 'notarize', view: 9 } }) // 6
  traces.left({ type: 'note', note: { kind: 'vote-cast', vote: 'finalize', view: 9 } }) // 7
  final(7, [1]) // 8, 9
  assert.deepEqual(traces.of({ txId: tx.id, height: 7 }, tx.bytes), {
    txId: Buffer.from(tx.id).toString('hex'),
    height: 7,
    author: 'v3',
    leader: 'v2',
    stages: [
      'submitted',
      'batched',
      'assessed',
      'certified',
      'proposed',
      'notarized',
      'finalized',
      'final',
      'executed',
    ].map((stage, index) => ({ stage, atMs: index + 1 })),
  })
})

test('elsewhere it begins with the batch that comes; what comes again changes nothing', async () => {
  const { traces, tx, batch, final } = await open()
  const message = {
    type: 'message',
    from: { id: 'p', validator: AUTHOR },
    message: { type: 'batch', batch: batch(1) },
  } as unknown as Input
  traces.received(message) // 1
  traces.received({ type: 'gossiped-batch', batch: batch(1) } as unknown as Input)
  traces.left({
    type: 'send',
    message: { type: 'ack', ack: { author: AUTHOR, seq: 1 } },
  } as unknown as Effect) // 2
  traces.received(proposal(9, 7)) // 3
  traces.received(proposal(9, 7)) // 4, not kept
  final(7, [1]) // 5, 6
  const stages = traces
    .of({ txId: tx.id, height: 7 }, tx.bytes)
    ?.stages.map(({ stage, atMs }) => `${stage} ${atMs}`)
  assert.deepEqual(stages, ['batched 1', 'acked 2', 'proposed 3', 'final 5', 'executed 6'])
})

test('of a payment that is in no block it remembers there is no trace', async () => {
  const { traces, tx, batch, final } = await open()
  traces.left({ type: 'assess', batch: batch(1) } as Effect)
  assert.equal(traces.of({ txId: tx.id, height: 7 }, tx.bytes), null)
  final(7, [2])
  assert.equal(traces.of({ txId: tx.id, height: 7 }, tx.bytes), null)
  final(8, [1])
  assert.ok(traces.of({ txId: tx.id, height: 8 }, tx.bytes) !== null)
  for (let more = 0; more < LIMITS.tracedBlocks; more++) final(9 + more, [10 + more])
  assert.equal(traces.of({ txId: tx.id, height: 8 }, tx.bytes), null)
})

test('nobody speaks for another, and strangers not at all', async () => {
  const { traces, tx, batch, final } = await open()
  for (const validator of [null, 0])
    traces.received({
      type: 'message',
      from: { id: 'p', validator },
      message: { type: 'batch', batch: batch(1) },
    } as unknown as Input)
  final(7, [1])
  assert.equal(traces.of({ txId: tx.id, height: 7 }, tx.bytes), null)
})

test('large batches are forgotten sooner', async () => {
  const { traces, batch } = await open()
  const large = { bytes: new Uint8Array(LIMITS.batchBytes) } as DecodedTransaction
  const kept = Math.floor(LIMITS.tracedBatchBytes / LIMITS.batchBytes)
  for (let seq = 1; seq <= kept + 1; seq++)
    traces.left({ type: 'assess', batch: batch(seq, large) } as Effect)
  const has = (seq: number, height: number): boolean => {
    const block = { height, author: 1, payload: [{ author: AUTHOR, seq }] } as unknown as Block
    traces.left({ type: 'deliver', digest: digestOf(height), block } as Effect)
    return traces.of({ txId: new Uint8Array(32), height }, large.bytes) !== null
  }
  assert.ok(!has(1, 7))
  assert.ok(has(2, 8))
})

test('a batch that is too long ago is forgotten', async () => {
  const { traces, tx, batch, final } = await open()
  for (let seq = 1; seq <= LIMITS.tracedBatches + 1; seq++)
    traces.left({ type: 'assess', batch: batch(seq) } as Effect)
  final(7, [1])
  final(8, [2])
  assert.equal(traces.of({ txId: tx.id, height: 7 }, tx.bytes), null)
  assert.ok(traces.of({ txId: tx.id, height: 8 }, tx.bytes) !== null)
})
