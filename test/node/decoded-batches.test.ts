import { test } from 'node:test'
import assert from 'node:assert/strict'
import { DecodedBatches } from '../../node/decoded-batches.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'

const decodedOf = (txs: readonly Uint8Array[]): DecodedTransaction[] =>
  txs.map((bytes) => ({ bytes }) as DecodedTransaction)
const batchOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => Uint8Array.of(index))

test('what was decoded is had once, by the same array of transactions and no other', () => {
  const batches = new DecodedBatches()
  const txs = batchOf(2)
  const decoded = decodedOf(txs)
  batches.remember(txs, decoded)
  assert.equal(batches.take([...txs]), null)
  assert.equal(batches.take(txs), decoded)
  assert.equal(batches.take(txs), null)
})

test('beyond 8,192 transactions the oldest batches are forgotten', () => {
  const batches = new DecodedBatches()
  const [first, second, third] = [batchOf(4_096), batchOf(4_096), batchOf(1)]
  batches.remember(first, decodedOf(first))
  batches.remember(second, decodedOf(second))
  batches.remember(second, decodedOf(second))
  batches.remember(third, decodedOf(third))
  assert.equal(batches.take(first), null)
  assert.equal(batches.take(second)?.length, 4_096)
  assert.equal(batches.take(third)?.length, 1)
})
