/** Rows of judged transfers: found again by transfer, as long as their batch is there and there is room. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { INPUT } from '../../fraud/model/tail.ts'
import { COLUMN, FEATURE_COUNT } from '../../fraud/schema.ts'
import type { TransferFacts } from '../../fraud/types.ts'
import { JudgedRows } from '../../node/learning/judged-rows.ts'

const INPUTS = new Float32Array(2 * INPUT.tailThreshold + 2)

function transfers(transaction: string, count: number): TransferFacts[] {
  return Array.from({ length: count }, (_, action) => ({
    key: `${transaction}:${action}`,
    transaction,
    payer: 'a',
    payee: `b${action}`,
    amount: 1n,
    payerBalance: 2n,
    timeMs: 3,
  }))
}

/** Rows whose only known number is the amount: `from`, `from + 1`, … */
function rowsOf(count: number, from: number): Float32Array {
  const rows = new Float32Array(count * FEATURE_COUNT)
  for (let i = 0; i < count; i++) rows[i * FEATURE_COUNT + COLUMN.amount] = from + i
  return rows
}

test('each transfer of a payout is found by itself, and those of other transactions beside it', () => {
  const judged = new JudgedRows()
  const batch = [...transfers('x', 3), ...transfers('y', 1), ...transfers('z', 2)]
  judged.add('batch', batch, rowsOf(batch.length, 10), INPUTS)
  assert.equal(judged.size, 6)
  const examples = batch.map((facts) => judged.example(facts))
  assert.deepEqual(
    examples.map((example) => example?.key),
    batch.map(({ key }) => key),
  )
  const alone = batch.map((facts, i) => {
    const one = new JudgedRows()
    one.add('one', [facts], rowsOf(1, 10 + i), INPUTS)
    return one.example(facts)
  })
  assert.deepEqual(examples, alone)
  assert.equal(judged.example({ ...(batch[0] as TransferFacts), key: 'x:9' }), null)
  assert.equal(judged.example({ ...(batch[0] as TransferFacts), transaction: 'none' }), null)
})

test('a transaction in two batches is where it was judged last, and goes with that batch', () => {
  const judged = new JudgedRows()
  const batch = transfers('x', 2)
  judged.add('first', batch, rowsOf(2, 10), INPUTS)
  judged.add('second', batch, rowsOf(2, 50), INPUTS)
  const newest = judged.example(batch[1] as TransferFacts)
  judged.drop('first')
  assert.deepEqual(judged.example(batch[1] as TransferFacts), newest)
  judged.drop('second')
  assert.equal(judged.example(batch[1] as TransferFacts), null)
  assert.equal(judged.size, 0)
})

test('without room the oldest batch is forgotten', () => {
  const judged = new JudgedRows(4)
  for (const name of ['x', 'y', 'z']) judged.add(name, transfers(name, 2), rowsOf(2, 1), INPUTS)
  assert.equal(judged.size, 4)
  const known = ['x', 'y', 'z'].map((name) => judged.example(transfers(name, 1)[0] as TransferFacts) !== null)
  assert.deepEqual(known, [false, true, true])
})
