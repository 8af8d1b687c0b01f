import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { sign, verify } from '../../crypto/ed25519.ts'
import type { Signer } from '../../consensus/replica-types.ts'
import { openSigner } from '../../consensus/signer.ts'
import { ackMessage, batchMessage, voteMessage } from '../../consensus/wire.ts'
import { digestOf, keyPair, validatorSet } from './fixtures.ts'
import { MemoryJournal, type CrashPoint } from './memory-journal.ts'

const set = validatorSet()
const P = digestOf('P')
const Q = digestOf('Q')

function open(
  storage: MemoryJournal,
  epochSet = set,
  index = 1,
  lost?: { readonly firstBatchSeq: number },
): Promise<Signer> {
  return openSigner({
    ...(lost !== undefined && { lost }),
    set: epochSet,
    index,
    storage,
    key: { sign: (message) => sign(message, keyPair(index).secretKey) },
  })
}

test('signs over context, kind, epoch, view and proposal', async () => {
  const signer = await open(new MemoryJournal())
  const answer = signer.notarize(4, P)
  assert.ok(answer.ok)
  assert.ok(verify(answer.signature, voteMessage(set.context, 'notarize', 1, 4, P), keyPair(1).publicKey))
})

test('nothing reaches storage before flush, and one sync covers all votes so far', async () => {
  const storage = new MemoryJournal()
  const signer = await open(storage)
  const [bytes, syncs] = [storage.bytes.length, storage.syncs]
  signer.notarize(1, P)
  signer.nullify(1)
  assert.equal(signer.dirty, true)
  assert.equal(storage.bytes.length, bytes)
  await signer.flush()
  assert.equal(signer.dirty, false)
  assert.equal(storage.unsyncedBytes, 0)
  assert.equal(storage.syncs, syncs + 1)
})

test('after a restart the guards hold and the same vote has the same bytes', async () => {
  const storage = new MemoryJournal()
  const before = await open(storage)
  const first = before.notarize(1, P)
  before.finalize(1, P)
  before.nullify(2)
  await before.flush()
  const after = await open(storage.afterCrash())
  assert.deepEqual(after.notarize(1, P), { ...first, repeated: true })
  assert.equal(after.notarize(1, Q).ok, false)
  assert.equal(after.nullify(1).ok, false)
  assert.equal(after.finalize(2, P).ok, false)
  assert.deepEqual(
    after.ownVotes().map(({ kind, view }) => [kind, view]),
    [
      ['notarize', 1],
      ['finalize', 1],
      ['nullify', 2],
    ],
  )
})

for (const point of ['append', 'sync'] as const satisfies readonly CrashPoint[]) {
  test(`a crash after ${point}: every prefix of the unsynced bytes opens, and a flushed vote is never lost`, async () => {
    const storage = new MemoryJournal()
    const signer = await open(storage)
    signer.notarize(1, P)
    await signer.flush()
    signer.finalize(1, P)
    storage.failAfter = point
    await assert.rejects(signer.flush(), /crashed/)
    assert.equal(signer.notarize(2, P).ok, false, 'a signer whose journal failed signs nothing more')
    await assert.rejects(signer.flush(), /crashed/)
    for (let kept = 0; kept <= storage.unsyncedBytes; kept++) {
      const after = await open(storage.afterCrash(kept))
      assert.equal(after.notarize(1, Q).ok, false)
      const lost = after.nullify(1).ok
      assert.equal(lost, point === 'append' && kept < storage.unsyncedBytes)
    }
  })
}

test('after a torn tail was dropped, later votes are read back', async () => {
  const storage = new MemoryJournal()
  const signer = await open(storage)
  signer.notarize(1, P)
  storage.failAfter = 'append'
  await assert.rejects(signer.flush())
  const torn = storage.afterCrash(storage.unsyncedBytes - 3)
  const second = await open(torn)
  second.nullify(1)
  await second.flush()
  const third = await open(torn.afterCrash())
  assert.deepEqual(
    third.ownVotes().map(({ kind }) => kind),
    ['nullify'],
  )
})

test('the journal is written anew when it grows, without the rows below the floor', async () => {
  const storage = new MemoryJournal()
  const signer = await open(storage)
  const perFlush = 500
  let view = 0
  while (storage.bytes.length < 1024 * 1024) {
    for (let i = 0; i < perFlush; i++) signer.nullify(++view)
    await signer.flush()
  }
  signer.raiseFloor(view - 10)
  signer.nullify(view + 1)
  await signer.flush()
  assert.ok(storage.bytes.length < 4096)
  const after = await open(storage.afterCrash())
  assert.equal(after.ownVotes().length, 11)
  assert.equal(after.finalize(view, P).ok, false)
  assert.equal(after.notarize(view - 10, P).ok, false)
  assert.ok(after.notarize(view + 2, P).ok)
})

test('batch numbers are handed out only from a durable range, and never twice', async () => {
  const storage = new MemoryJournal()
  const signer = await open(storage)
  const used: number[] = []
  for (let seq = signer.nextBatchSeq(); seq !== null; seq = signer.nextBatchSeq()) used.push(seq)
  assert.equal(used.length, LIMITS.batchSeqReservation)
  assert.equal(signer.dirty, true, 'the next range waits for a flush')
  const restarted = await open(storage.afterCrash())
  const next = restarted.nextBatchSeq() as number
  assert.ok(next > (used.at(-1) as number))
  await signer.flush()
  assert.equal(signer.nextBatchSeq(), (used.at(-1) as number) + 1)
})

test('records of another epoch are ignored; another chain or key is refused', async () => {
  const storage = new MemoryJournal()
  const signer = await open(storage)
  signer.nullify(1)
  await signer.flush()
  const nextEpoch = await open(storage.afterCrash(), validatorSet([1n, 1n, 1n, 1n], 2))
  assert.equal(nextEpoch.ownVotes().length, 0)
  assert.ok(nextEpoch.finalize(1, P).ok)
  await assert.rejects(open(storage.afterCrash(), validatorSet([1n, 1n, 1n, 2n])), { code: 'other-chain' })
  await assert.rejects(open(storage.afterCrash(), set, 2), { code: 'other-chain' })
})

test('signs acks, batches and hellos, and nothing else under their names', async () => {
  const signer = await open(new MemoryJournal())
  const ack = ackMessage(set.context, { epoch: 1, author: 0, seq: 1, digest: P, flags: [], modelId: Q })
  assert.ok(verify(signer.signAck(ack), ack, keyPair(1).publicKey))
  assert.ok(verify(signer.signBatch(P), batchMessage(P), keyPair(1).publicKey))
  const vote = voteMessage(set.context, 'nullify', 1, 9, null)
  assert.throws(() => signer.signAck(vote), RangeError)
  assert.throws(() => signer.signHello(vote), RangeError)
  assert.ok(verify(signer.signHello(P), P, keyPair(1).publicKey))
})

test('P10: a lost table: nothing is signed, also after a restart, until it may go on; batch numbers begin far ahead', async () => {
  const storage = new MemoryJournal()
  const first = await open(storage, set, 1, { firstBatchSeq: 70_000 })
  assert.equal(first.abstention, 'signer-lost')
  for (const answer of [first.notarize(5, P), first.nullify(5), first.finalize(5, P)])
    assert.equal(answer.ok, false)
  assert.equal(first.nextBatchSeq(), null)
  const waiting = await open(storage.afterCrash())
  assert.equal(waiting.abstention, 'signer-lost')
  waiting.resumeAbove(90)
  assert.equal(waiting.nullify(90).ok, false)
  assert.ok(waiting.nullify(91).ok)
  assert.equal(waiting.dirty, true)
  const disk = storage.afterCrash()
  const crashed = await open(disk)
  assert.equal(crashed.abstention, 'signer-lost', 'nothing had left: the wait goes on')
  crashed.resumeAbove(95)
  await crashed.flush()
  assert.ok((crashed.nextBatchSeq() ?? 0) >= 70_000)
  const after = await open(disk.afterCrash())
  assert.equal(after.abstention, null)
  assert.equal(after.nullify(95).ok, false)
  assert.ok(after.nullify(96).ok)
})

test('P10: the flag does nothing to a table that is there', async () => {
  const storage = new MemoryJournal()
  const before = await open(storage)
  before.nullify(5)
  await before.flush()
  const after = await open(storage.afterCrash(), set, 1, { firstBatchSeq: 70_000 })
  assert.equal(after.abstention, null)
  assert.equal(after.finalize(5, P).ok, false)
  assert.ok((after.nextBatchSeq() ?? Infinity) < 70_000)
})

test('P11: once stopped it signs no vote and numbers no batch, also after a restart; the flag of P10 ends it by waiting', async () => {
  const storage = new MemoryJournal()
  const signer = await open(storage)
  signer.stop({ kind: 'notarize', view: 7, pid: P })
  assert.equal(signer.nullify(8).ok, false)
  assert.equal(signer.nextBatchSeq(), null)
  await signer.flush()
  const after = await open(storage.afterCrash())
  assert.equal(after.abstention, 'key-used-elsewhere')
  assert.equal(after.notarize(7, Q).ok, false)
  const waiting = await open(storage.afterCrash(), set, 1, { firstBatchSeq: 70_000 })
  assert.equal(waiting.abstention, 'signer-lost')
})
