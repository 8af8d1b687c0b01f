/** The pool of pending transactions over a real database: nothing accepted is forgotten before its end is known. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { PendingTransactions, txName, type PendingTx } from '../../node/pending.ts'
import { PendingStore } from '../../node/store/pending-store.ts'

const GENESIS = new Uint8Array(32).fill(7)
const TTL_MS = 1_000

let directory: string
let store: PendingStore
let pending: PendingTransactions

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cordon-pending-'))
  store = await PendingStore.open(directory, GENESIS)
  pending = new PendingTransactions(store, TTL_MS)
})

afterEach(async () => {
  await store.close()
  rmSync(directory, { recursive: true })
})

function tx(n: number, more: Partial<PendingTx> = {}): PendingTx {
  const id = new Uint8Array(32).fill(n)
  return { id, name: txName(id), bytes: Uint8Array.of(n), sender: 'payer', validUntilMs: 100_000, outgoing: 10n, accepted: true, ...more }
}

async function logged(): Promise<number[]> {
  const found: number[] = []
  for await (const bytes of store.all()) found.push(bytes[0] as number)
  return found
}

test('accepted is on disk before it is answered, and survives reopening', async () => {
  await pending.accept(tx(1), 0)
  await store.close()
  store = await PendingStore.open(directory, GENESIS)
  assert.deepEqual(await logged(), [1])
})

test('a transaction is offered once, and reserves what it takes until its end', async () => {
  await pending.accept(tx(1), 0)
  await pending.accept(tx(2), 0)
  assert.deepEqual(pending.outgoing('payer'), { amount: 20n, count: 2 })
  assert.deepEqual(pending.takeDue(0, 0, 10), [Uint8Array.of(1), Uint8Array.of(2)])
  assert.deepEqual(pending.takeDue(0, 0, 10), [])
  pending.settle([tx(1).name])
  assert.deepEqual(pending.outgoing('payer'), { amount: 10n, count: 1 })
})

test('a gossiped transaction waits for its turn and is not logged', async () => {
  pending.track(tx(3, { accepted: false }), 500, null)
  assert.deepEqual(pending.takeDue(499, 0, 10), [])
  assert.equal(pending.nextDueMs(), 500)
  assert.deepEqual(pending.takeDue(500, 0, 10), [Uint8Array.of(3)])
  assert.deepEqual(await logged(), [])
})

test('what sat in a batch that became void by block time is offered again', async () => {
  await pending.accept(tx(1), 0)
  pending.takeDue(0, 5_000, 10)
  assert.deepEqual(await pending.advance(5_000 + TTL_MS), [])
  assert.deepEqual(pending.takeDue(0, 0, 10), [])
  await pending.advance(5_000 + TTL_MS + 1)
  assert.deepEqual(pending.takeDue(0, 0, 10), [Uint8Array.of(1)])
})

test('past its validity by block time it is expired, and stays so after reopening', async () => {
  await pending.accept(tx(1, { validUntilMs: 7_000 }), 0)
  assert.deepEqual(await pending.advance(7_000), [])
  assert.deepEqual(await pending.advance(7_001), [tx(1).name])
  assert.equal(pending.get(tx(1).name), null)
  assert.deepEqual(await logged(), [])
  await store.close()
  store = await PendingStore.open(directory, GENESIS)
  assert.equal(await store.expired(tx(1).id), 7_000)
})

test('a directory of another chain, or in use, is refused with its code', async () => {
  await assert.rejects(PendingStore.open(directory, GENESIS), { code: 'directory-locked' })
  await store.close()
  await assert.rejects(PendingStore.open(directory, new Uint8Array(32)), { code: 'other-chain' })
  store = await PendingStore.open(directory, GENESIS)
})
