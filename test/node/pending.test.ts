/** The pool of pending transactions over a real database: nothing accepted is forgotten before its end is known. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { sourceOf, type Source } from '../../node/source.ts'
import { PendingTransactions, txName, type PendingTx } from '../../node/pending.ts'
import { PendingStore } from '../../node/store/pending-store.ts'

const GENESIS = new Uint8Array(32).fill(7)
const TTL_MS = 1_000
const DAY_MS = 86_400_000

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
  return {
    id,
    name: txName(id),
    bytes: Uint8Array.of(n),
    sender: 'payer',
    sequence: 0n,
    validUntilMs: 100_000,
    outgoing: 10n,
    ...more,
  }
}

async function logged(): Promise<number[]> {
  const found: number[] = []
  for await (const { txId, bytes } of store.all()) {
    assert.equal(txName(txId), tx(bytes[0] as number).name)
    found.push(bytes[0] as number)
  }
  return found
}

async function reopen(): Promise<void> {
  await store.close()
  store = await PendingStore.open(directory, GENESIS)
  pending = new PendingTransactions(store, TTL_MS)
}

const due = (monotonicMs = 0, wallMs = 0): number[] =>
  pending.takeDue(monotonicMs, wallMs, 10).map((bytes) => bytes[0] as number)

test('accepted is on disk before it is answered, and survives reopening', async () => {
  await pending.accept(tx(1), 0)
  await reopen()
  assert.deepEqual(await logged(), [1])
})

test('accepted twice at once is one transaction, and both wait for the disk', async () => {
  await Promise.all([pending.accept(tx(1), 0), pending.accept(tx(1), 0)])
  assert.deepEqual(pending.outgoing('payer'), { amount: 10n, count: 1 })
  assert.deepEqual(await logged(), [1])
  assert.deepEqual(due(), [1])
  pending.settle([tx(1).name])
  assert.deepEqual(pending.outgoing('payer'), { amount: 0n, count: 0 })
})

test('one that was heard by gossip becomes durable when it is submitted, and does not wait any longer', async () => {
  pending.track(tx(1), 500)
  assert.deepEqual(due(), [])
  await pending.accept(tx(1), 0)
  assert.deepEqual(await logged(), [1])
  assert.deepEqual(due(), [1])
  assert.deepEqual(pending.outgoing('payer'), { amount: 10n, count: 1 })
})

test('one that ends before it is on disk leaves nothing there', async () => {
  const writing = pending.accept(tx(2), 0)
  const accepting = pending.accept(tx(1), 0) // to be written after that
  pending.settle([tx(1).name])
  await Promise.all([writing, accepting])
  assert.deepEqual(await logged(), [2])
})

test('what cannot be written is not accepted, and is not pending', async () => {
  await store.close()
  await assert.rejects(pending.accept(tx(1), 0))
  assert.equal(pending.size, 0)
  pending.track(tx(2), 0)
  await assert.rejects(pending.accept(tx(2), 0))
  assert.equal(pending.size, 1)
  await reopen()
})

test('a transaction is offered once, and reserves what it takes until its end', async () => {
  await pending.accept(tx(1), 0)
  await pending.accept(tx(2), 0)
  assert.deepEqual(pending.outgoing('payer'), { amount: 20n, count: 2 })
  assert.deepEqual(due(), [1, 2])
  assert.deepEqual(due(), [])
  pending.settle([tx(1).name])
  assert.deepEqual(pending.outgoing('payer'), { amount: 10n, count: 1 })
})

test('no more are taken at once than asked for, and the rest stays due', async () => {
  for (let n = 1; n <= 3; n++) await pending.accept(tx(n), n)
  assert.deepEqual(pending.takeDue(3, 0, 2), [Uint8Array.of(1), Uint8Array.of(2)])
  assert.equal(pending.nextDueMs(), 3)
  assert.deepEqual(due(3), [3])
  assert.equal(pending.nextDueMs(), Infinity)
})

test('a gossiped transaction waits for its turn and is not logged', async () => {
  pending.track(tx(3), 500)
  assert.deepEqual(due(499), [])
  assert.equal(pending.nextDueMs(), 500)
  assert.deepEqual(due(500), [3])
  assert.deepEqual(await logged(), [])
})

test('what sat in a batch that became void by block time is offered again', async () => {
  await pending.accept(tx(1), 0)
  due(0, 5_000)
  assert.deepEqual(await pending.advance(5_000 + TTL_MS), [])
  assert.deepEqual(due(), [])
  await pending.advance(5_000 + TTL_MS + 1)
  assert.deepEqual(due(), [1])
})

test('what comes back from the log is offered at once, or after its batch is void', async () => {
  pending.restore(tx(1), null)
  pending.restore(tx(2), 5_000)
  assert.deepEqual(due(0, 5_001), [1])
  await pending.advance(5_000 + TTL_MS + 1)
  assert.deepEqual(due(), [2])
})

test('past its validity by block time it is expired, and stays so after reopening', async () => {
  await pending.accept(tx(1, { validUntilMs: 7_000 }), 0)
  assert.deepEqual(await pending.advance(7_000), [])
  assert.deepEqual(await pending.advance(7_001), [tx(1).name])
  assert.equal(pending.get(tx(1).name), null)
  assert.deepEqual(await logged(), [])
  await reopen()
  assert.equal(await store.expired(tx(1).id), 7_000)
})

test('marks of expired transactions are kept for days, not for ever', async () => {
  await store.expire([{ txId: tx(1).id, validUntilMs: 1 }], DAY_MS)
  await store.expire([{ txId: tx(2).id, validUntilMs: 2 }], 8 * DAY_MS)
  assert.equal(await store.expired(tx(1).id), 1)
  await store.expire([{ txId: tx(3).id, validUntilMs: 3 }], 8 * DAY_MS + 1)
  assert.equal(await store.expired(tx(1).id), null)
  assert.equal(await store.expired(tx(2).id), 2)
  assert.equal(await store.expired(tx(3).id), 3)
})

test('void for its sequence: parked, and offered when the sender has got there', async () => {
  for (const n of [4, 5, 7]) await pending.accept(tx(n, { sequence: BigInt(n) }), 0)
  due()
  pending.park([4, 5, 7].map((n) => tx(n).name))
  assert.deepEqual(pending.takeParkedSenders(10), ['payer'])
  assert.deepEqual(pending.unpark('payer', 2n), [])
  assert.deepEqual(due(), [])
  assert.deepEqual(pending.unpark('payer', 3n), [])
  assert.deepEqual(due(), [4, 5])
  assert.deepEqual(
    pending.unpark('payer', 8n).map(({ name }) => name),
    [tx(7).name],
  )
  pending.settle([tx(7).name])
  assert.deepEqual(pending.takeParkedSenders(10), [])
})

test('an unordered transaction is never parked', async () => {
  await pending.accept(tx(1), 0)
  pending.park([tx(1).name])
  assert.deepEqual(pending.takeParkedSenders(10), [])
  assert.deepEqual(due(), [1])
})

test('accounts with parked transactions take turns', async () => {
  for (let n = 1; n <= 3; n++) {
    await pending.accept(tx(n, { sequence: 5n, sender: `payer ${n}` }), 0)
    pending.park([tx(n).name])
  }
  assert.deepEqual(pending.takeParkedSenders(2), ['payer 1', 'payer 2'])
  assert.deepEqual(pending.takeParkedSenders(2), ['payer 3', 'payer 1'])
})

test('sequences on their way are known', async () => {
  await pending.accept(tx(1, { sequence: 5n }), 0)
  pending.track(tx(2, { sequence: 5n }), 0)
  assert.equal(pending.hasSequence('payer', 5n), true)
  assert.equal(pending.hasSequence('payer', 6n), false)
  assert.equal(pending.hasSequence('other', 5n), false)
  pending.settle([tx(1).name])
  assert.equal(pending.hasSequence('payer', 5n), true)
  pending.settle([tx(2).name])
  assert.equal(pending.hasSequence('payer', 5n), false)
})

test('accepted ones without an end are handed over, again and again, each in its turn', async () => {
  for (let n = 1; n <= 3; n++) await pending.accept(tx(n), n)
  pending.track(tx(4), 0)
  const handed = (nowMs: number): number[] =>
    pending.takeForHandover(nowMs, 2).map((bytes) => bytes[0] as number)
  assert.deepEqual(handed(1_000), [])
  assert.deepEqual(handed(1_003), [1, 2])
  assert.deepEqual(handed(1_003), [3])
  assert.deepEqual(handed(1_004), [])
  pending.settle([tx(1).name])
  assert.deepEqual(handed(2_003), [2, 3])
})

test('bytes count as well as transactions', () => {
  assert.equal(pending.full, false)
  const bytes = new Uint8Array(LIMITS.pendingBytes)
  pending.track(tx(1, { bytes }), 0)
  assert.equal(pending.full, true)
  pending.settle([tx(1).name])
  assert.equal(pending.full, false)
})

test('a directory of another chain, or in use, is refused with its code', async () => {
  await assert.rejects(PendingStore.open(directory, GENESIS), { code: 'directory-locked' })
  await store.close()
  await assert.rejects(PendingStore.open(directory, new Uint8Array(32)), { code: 'other-chain' })
  store = await PendingStore.open(directory, GENESIS)
})

test('what a connection brought counts for its origin once it is closed, for all that come from there', async () => {
  const first = { origin: 'rpc 10.0.0.1', isOpen: true }
  const [second, other] = [{ ...first }, { origin: 'rpc 10.0.0.2', isOpen: true }]
  await pending.accept(tx(1), 0, first)
  await pending.accept(tx(2), 0, first)
  await pending.accept(tx(3), 0, second)
  const own = (source: Source): unknown => pending.sharesOf(source, 'nobody')[0]
  assert.deepEqual(
    [own(first), own(second), own(other)],
    [
      { own: 2, holders: 2 },
      { own: 1, holders: 2 },
      { own: 0, holders: 3 },
    ],
  )
  first.isOpen = false
  assert.deepEqual(own(second), { own: 3, holders: 2 })
  assert.deepEqual(own(sourceOf(first.origin)), { own: 2, holders: 2 })
  pending.settle([tx(1).name, tx(3).name])
  assert.deepEqual(own(second), { own: 1, holders: 1 })
  pending.settle([tx(2).name])
  assert.deepEqual(own(second), { own: 0, holders: 1 })
})
