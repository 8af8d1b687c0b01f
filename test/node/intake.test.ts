/** The way in, over real ledger and pending log: what `accepted` promises, also when things happen at once. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { toHex, utf8 } from '../../crypto/bytes.ts'
import { hash } from '../../crypto/hash.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import { assignmentRank } from '../../node/assignment.ts'
import { TAKEOVER_MS, txName } from '../../node/pending.ts'
import type { PendingStore } from '../../node/store/pending-store.ts'
import { FEE, START_BALANCE, transferTo, type TxOptions } from '../ledger/helpers.ts'
import { NO_LOAD, NodeChain, makeIntake, turns, type IntakeHarness } from './fixtures.ts'

const CLIENT = { origin: 'rpc 10.0.0.1', isOpen: true }
const FLOOD = { origin: 'rpc 10.0.0.2', isOpen: true }

let chain: NodeChain
let opened: IntakeHarness[]

beforeEach(async () => {
  chain = await NodeChain.open()
  opened = []
  await chain.execute([], { timeMs: Date.now() }) // the intake reads the clock
})

afterEach(async () => {
  mock.timers.reset()
  mock.restoreAll()
  for (const { intake } of opened) intake.stop()
  await chain[Symbol.asyncDispose]()
})

async function open(
  ...options: Parameters<typeof makeIntake> extends [unknown, ...infer Rest] ? Rest : never
): Promise<IntakeHarness> {
  const harness = await makeIntake(chain, ...options)
  opened.push(harness)
  return harness
}

function transfer(amount: bigint, options: TxOptions = {}): DecodedTransaction {
  return chain.tx('alice', [transferTo('bob', amount)], options)
}

test('accepted is answered only after the pending log has it', async () => {
  const store = await chain.pendingStore()
  const written = Promise.withResolvers<undefined>()
  const slow = Object.create(store) as PendingStore
  slow.put = async (txId, bytes) => {
    await written.promise
    await store.put(txId, bytes)
  }
  slow.all = () => store.all()
  const { intake, logged } = await open({ store: slow })
  const tx = transfer(5n)
  let answered = false
  const answer = intake.submit(tx.bytes, CLIENT).finally(() => (answered = true))
  await turns(5)
  assert.equal(answered, false)
  written.resolve(undefined)
  assert.deepEqual(await answer, { id: tx.id, known: false })
  assert.deepEqual(await logged(), [toHex(tx.id)])
})

test('a log that cannot be written refuses, and keeps nothing', async () => {
  const store = await chain.pendingStore()
  const { intake, pending } = await open({ store })
  await store.close()
  await assert.rejects(intake.submit(transfer(5n).bytes, CLIENT))
  assert.equal(pending.size, 0)
})

test('a validator offers what it accepted at once, and remembers that it checked it', async () => {
  const { intake, offered, gossiped, checked } = await open({ self: 2 })
  const tx = transfer(5n)
  await intake.submit(tx.bytes, CLIENT)
  assert.deepEqual(offered, [tx.bytes])
  assert.deepEqual(gossiped, [])
  assert.deepEqual(
    checked.map(({ id }) => id),
    [tx.id],
  )
})

test('a full node gossips it instead', async () => {
  const { intake, offered, gossiped, logged } = await open({ self: null })
  const tx = transfer(5n)
  await intake.submit(tx.bytes, CLIENT)
  assert.deepEqual(gossiped, [tx.bytes])
  assert.deepEqual(offered, [])
  assert.deepEqual(await logged(), [toHex(tx.id)])
})

test('the same bytes again are known, pending or final', async () => {
  const { intake, offered, pending } = await open()
  const tx = transfer(5n)
  await intake.submit(tx.bytes, CLIENT)
  assert.deepEqual(await intake.submit(tx.bytes, CLIENT), { id: tx.id, known: true })
  assert.equal(offered.length, 1)
  await chain.execute([tx])
  pending.settle([toHex(tx.id)])
  assert.deepEqual(await intake.submit(tx.bytes, CLIENT), { id: tx.id, known: true })
  assert.equal(pending.size, 0)
})

test('the same bytes twice at once are one payment', async () => {
  const { intake, offered, pending, logged } = await open()
  const tx = transfer(5n)
  const answers = await Promise.all([intake.submit(tx.bytes, CLIENT), intake.submit(tx.bytes, CLIENT)])
  assert.deepEqual(answers.map(({ known }) => known).sort(), [false, true])
  assert.equal(offered.length, 1)
  assert.deepEqual(pending.outgoing(toHex(tx.transaction.sender)), { amount: 5n + FEE, count: 1 })
  assert.deepEqual(await logged(), [toHex(tx.id)])
})

test('payments that come at once cannot spend the same money', async () => {
  const { intake, pending } = await open()
  const half = START_BALANCE / 2n
  const answers = await Promise.allSettled(
    [half, half, half].map((amount) => intake.submit(transfer(amount).bytes, CLIENT)),
  )
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  )
  for (const answer of answers.slice(1))
    assert.equal((answer as { reason: { code?: string } }).reason.code, 'tx-insufficient-funds')
  assert.equal(pending.size, 1)
})

test('a block that is executed while the account is read does not let money be spent twice', async () => {
  const { intake, pending, admission } = await open()
  const first = transfer(START_BALANCE / 2n)
  pending.track(admission.toPending(first), 0)
  // Executed, and pending no longer, in between: the account that was read first is not that of this moment.
  const read = chain.ledger.account.bind(chain.ledger)
  let reads = 0
  mock.method(chain.ledger, 'account', async (id: Uint8Array) => {
    const account = await read(id)
    if (++reads === 1) {
      await chain.execute([first])
      pending.settle([toHex(first.id)])
    }
    return account
  })
  await assert.rejects(intake.submit(transfer(START_BALANCE / 2n).bytes, CLIENT), {
    code: 'tx-insufficient-funds',
  })
  assert.equal(reads, 2)
})

test('a busy node says when to come back, and keeps nothing', async () => {
  let nowMs = 0
  mock.method(performance, 'now', () => nowMs)
  const harness = await open()
  const { intake, pending, logged } = harness
  intake.start()
  for (const [load, why] of [
    [{ ownOpenBatches: 1_000 }, /batches of this validator wait/],
    [{ queuedTxs: 4_001 }, /4001 transactions wait for a batch/],
    [{ executionBacklogTxs: 20_001 }, /20001 ordered transactions wait/],
    [{ executionBacklogBlocks: 1_025 }, /1025 blocks behind/],
  ] as const) {
    harness.load = { ...NO_LOAD, ...load }
    nowMs += 50
    await assert.rejects(intake.submit(transfer(5n).bytes, CLIENT), {
      code: 'busy',
      message: why,
      payload: { retryAfterMs: 250 },
    })
  }
  assert.equal(pending.size, 0)
  assert.deepEqual(await logged(), [])
  harness.load = NO_LOAD
  nowMs += 50
  await intake.submit(transfer(5n).bytes, CLIENT)
})

test('a busy node checks no signature, and knows what it knows', async () => {
  let nowMs = 0
  mock.method(performance, 'now', () => nowMs)
  const harness = await open()
  const { intake, pending } = harness
  const [waiting, final] = [transfer(5n), transfer(6n)]
  await intake.submit(waiting.bytes, CLIENT)
  await chain.execute([final])
  harness.load = { ...NO_LOAD, queuedTxs: 4_001 }
  nowMs += 50
  const forged = transfer(7n).bytes.slice()
  forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1
  await assert.rejects(intake.submit(forged, CLIENT), { code: 'busy' })
  await assert.rejects(intake.submit(forged.subarray(1), CLIENT), { code: /^tx-/ })
  for (const { id, bytes } of [waiting, final])
    assert.deepEqual(await intake.submit(bytes, CLIENT), { id, known: true })
  assert.equal(pending.size, 1)
})

test('a client that fills the room is busy, another one and another account still come in', async () => {
  let nowMs = 0
  mock.method(performance, 'now', () => nowMs)
  const { intake, pending, admission } = await open()
  const some = admission.toPending(transfer(5n))
  const room = 2 * chain.chain.genesis.parameters.batchMaxTxs
  for (let n = 0; n <= room; n++)
    await pending.accept({ ...some, name: `tx ${n}`, id: hash('block', utf8(String(n))) }, 0, FLOOD)
  nowMs += 50
  const { name, sender } = some
  assert.deepEqual(pending.sharesOf(FLOOD, sender), [
    { own: room + 1, holders: 1 },
    { own: room + 1, holders: 1 },
  ])
  const other = chain.tx('bob', [transferTo('alice', 6n)])
  await assert.rejects(intake.submit(other.bytes, FLOOD), { code: 'busy' }, 'not from there, whoever pays')
  await assert.rejects(intake.submit(transfer(7n).bytes, CLIENT), { code: 'busy' }, 'not that account')
  const forged = other.bytes.slice()
  forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1
  await assert.rejects(intake.submit(forged, CLIENT), { code: 'tx-signature' })
  await assert.rejects(intake.submit(other.bytes, CLIENT), { code: 'busy' }, 'for a moment, after a failure')
  nowMs += 50
  await intake.submit(other.bytes, CLIENT)
  assert.deepEqual(pending.sharesOf(CLIENT, 'nobody'), [
    { own: 1, holders: 2 },
    { own: 0, holders: 3 },
  ])
  pending.settle([txName(other.id), `tx 0`, name])
  assert.deepEqual(pending.sharesOf(CLIENT, sender), [
    { own: 0, holders: 2 },
    { own: room, holders: 1 },
  ])
})

test('a full pool is busy; what is in it is known all the same', async () => {
  let nowMs = 0
  mock.method(performance, 'now', () => nowMs)
  const { intake, pending, admission } = await open()
  intake.start()
  const tx = transfer(5n)
  await intake.submit(tx.bytes, CLIENT)
  const large = admission.toPending(transfer(6n))
  pending.track({ ...large, bytes: new Uint8Array(LIMITS.pendingBytes) }, 0)
  nowMs += 50
  await assert.rejects(intake.submit(transfer(7n).bytes, CLIENT), { code: 'busy' })
  assert.equal((await intake.submit(tx.bytes, CLIENT)).known, true)
  assert.equal(await intake.onGossip(transfer(8n).bytes), 'accept') // passed on, but not kept
  assert.equal(pending.size, 2)
})

test('after a start what was accepted is offered again; what became final meanwhile is dropped', async () => {
  const store = await chain.pendingStore()
  const [waiting, inBatch, final] = [transfer(5n), transfer(6n), transfer(7n)]
  for (const tx of [waiting, inBatch, final]) await store.put(tx.id, tx.bytes)
  await chain.execute([final])
  const { intake, offered, pending, logged, log } = await open({ store })
  await intake.restore(new Map([[toHex(inBatch.id), chain.timeMs]]))
  assert.deepEqual(new Set(await logged()), new Set([toHex(waiting.id), toHex(inBatch.id)]))
  assert.equal(pending.size, 2)
  assert.equal(log.length, 1)
  intake.start()
  await turns()
  assert.deepEqual(offered.map(toHex), [toHex(waiting.bytes)])
  assert.deepEqual(await intake.submit(inBatch.bytes, CLIENT), { id: inBatch.id, known: true })
})

test('an accepted transaction that this build cannot read does not stop the start, and stays on disk', async () => {
  const store = await chain.pendingStore()
  const tx = transfer(5n)
  const id = new Uint8Array(32).fill(1)
  await store.put(id, Uint8Array.of(99, 1, 2))
  await store.put(tx.id, tx.bytes)
  const { intake, pending, logged, log } = await open({ store })
  await intake.restore(new Map())
  assert.equal(pending.size, 1)
  assert.equal((await logged()).length, 2)
  assert.deepEqual(
    log.map(({ level }) => level),
    ['error', 'info'],
  )
})

test('gossip: new and good is passed on, known is ignored, never valid is rejected', async () => {
  const { intake, pending, logged } = await open()
  const tx = transfer(5n)
  assert.equal(await intake.onGossip(tx.bytes), 'accept')
  assert.equal(await intake.onGossip(tx.bytes), 'ignore')
  assert.deepEqual(await logged(), [])
  await chain.execute([tx])
  pending.settle([toHex(tx.id)])
  assert.equal(await intake.onGossip(tx.bytes), 'ignore')

  const forged = Uint8Array.from(transfer(6n).bytes)
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
  for (const bytes of [forged, Uint8Array.of(1, 2, 3), transfer(5n, { fee: 1n }).bytes])
    assert.equal(await intake.onGossip(bytes), 'reject')

  // What depends on the state may look different to an honest node.
  for (const bytes of [transfer(START_BALANCE).bytes, transfer(5n, { validUntilMs: 1 }).bytes])
    assert.equal(await intake.onGossip(bytes), 'ignore')
  assert.equal(pending.size, 0)
})

test('the same transaction gossiped twice at once is kept once', async () => {
  const { intake, pending } = await open()
  const tx = transfer(5n)
  const verdicts = await Promise.all([intake.onGossip(tx.bytes), intake.onGossip(tx.bytes)])
  assert.deepEqual(verdicts.sort(), ['accept', 'ignore'])
  assert.equal(pending.size, 1)
})

test('a gossiped transaction is batched by the validator whose turn it is, at once', async () => {
  const tx = transfer(5n)
  const first = chain.set.validators.findIndex((_, index) => assignmentRank(chain.set, index, tx.id) === 0)
  const second = chain.set.validators.findIndex((_, index) => assignmentRank(chain.set, index, tx.id) === 1)
  const store = await chain.pendingStore()
  const its = await open({ self: first, store })
  const others = await open({ self: second, store })
  await its.intake.onGossip(tx.bytes)
  await others.intake.onGossip(tx.bytes)
  await turns()
  assert.deepEqual(its.offered, [tx.bytes])
  assert.deepEqual(others.offered, [])
  assert.ok(others.pending.nextDueMs() > performance.now())
  assert.ok(others.pending.nextDueMs() <= performance.now() + TAKEOVER_MS)
})

test('a full node passes gossip on and keeps none of it', async () => {
  const { intake, pending } = await open({ self: null })
  assert.equal(await intake.onGossip(transfer(5n).bytes), 'accept')
  assert.equal(pending.size, 0)
})

test('what was only heard by gossip is durable once it is submitted', async () => {
  const { intake, logged, pending } = await open()
  const tx = transfer(5n)
  await intake.onGossip(tx.bytes)
  assert.deepEqual(await logged(), [])
  assert.deepEqual(await intake.submit(tx.bytes, CLIENT), { id: tx.id, known: true })
  assert.deepEqual(await logged(), [toHex(tx.id)])
  assert.equal(pending.outgoing(toHex(tx.transaction.sender)).count, 1)
})

test('handed over: each is taken or not, and what is taken is durable', async () => {
  const { intake, logged } = await open()
  const [good, poor] = [transfer(5n), transfer(START_BALANCE)]
  assert.deepEqual(await intake.onSubmitted([good.bytes, poor.bytes, good.bytes], CLIENT), [
    true,
    false,
    true,
  ])
  assert.deepEqual(await logged(), [toHex(good.id)])
})

test('handing over what can never be valid is no honest mistake', async () => {
  const { intake, pending } = await open()
  await assert.rejects(intake.onSubmitted([transfer(5n).bytes, Uint8Array.of(1, 2, 3)], CLIENT), {
    code: 'tx-malformed',
  })
  assert.equal(pending.size, 0)
})

test('a full node hands over again until it is final, whatever the validators say', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  let monotonicMs = 0
  mock.method(performance, 'now', () => monotonicMs)
  let fails = true
  const { intake, pending, handed } = await open({
    self: null,
    handOver: () => (fails ? Promise.reject(new Error('no answer')) : Promise.resolve(0)),
  })
  intake.start()
  const tx = transfer(5n)
  await intake.submit(tx.bytes, CLIENT)
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      monotonicMs += 250
      mock.timers.tick(250)
      await turns(1)
    }
  }
  await pass(750)
  assert.equal(handed.length, 0) // gossip gets its chance
  await pass(1_250)
  assert.deepEqual(handed, [[tx.bytes], [tx.bytes]])
  fails = false
  await pass(1_000)
  assert.equal(handed.length, 3)
  await chain.execute([tx])
  pending.settle([toHex(tx.id)])
  await pass(3_000)
  assert.equal(handed.length, 3)
})

test('a validator that signs nothing hands over as a full node does, and batches again once it signs', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  let monotonicMs = 0
  mock.method(performance, 'now', () => monotonicMs)
  let signs = false
  const { intake, gossiped, handed, offered } = await open({ writesBatches: () => signs })
  intake.start()
  const tx = transfer(5n)
  await intake.submit(tx.bytes, CLIENT)
  assert.deepEqual(gossiped, [tx.bytes])
  for (let passed = 0; passed < 2_000; passed += 250) {
    monotonicMs += 250
    mock.timers.tick(250)
    await turns(1)
  }
  assert.deepEqual(handed[0], [tx.bytes])
  assert.deepEqual(offered, [])
  signs = true
  intake.offerDue() // as after every executed block
  await turns(1)
  assert.deepEqual(offered, [tx.bytes])
  const rounds = handed.length
  monotonicMs += 5_000
  mock.timers.tick(5_000)
  await turns(1)
  assert.equal(handed.length, rounds)
})

test('nothing is armed again after stop', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  let monotonicMs = 0
  mock.method(performance, 'now', () => monotonicMs)
  const answer = Promise.withResolvers<undefined>()
  const harness = await open({ self: null, handOver: () => answer.promise })
  const { intake, pending, admission, handed } = harness
  pending.restore(admission.toPending(transfer(5n)), null)
  intake.start()
  mock.timers.tick(250)
  assert.equal(handed.length, 1)
  intake.stop()
  answer.resolve(undefined)
  await turns()
  monotonicMs = 10_000
  mock.timers.tick(10_000)
  assert.equal(handed.length, 1)
})

test('a validator that stops offers nothing more', async () => {
  const { intake, pending, admission, offered } = await open()
  intake.start()
  intake.stop()
  pending.track(admission.toPending(transfer(5n)), 0)
  intake.offerDue()
  await turns()
  assert.deepEqual(offered, [])
})
