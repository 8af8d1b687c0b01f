import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchCheck, checkBatchSignature } from '../../consensus/batch-check.ts'
import type { Ack, BatchCertificate, Flag, SignedBatch } from '../../consensus/types.ts'
import { ackMessage, batchDigestOfBatch, batchMessage } from '../../consensus/wire.ts'
import { makeParameters } from '../../config/parameters.ts'
import { sign, verify } from '../../crypto/ed25519.ts'
import { batchCertificate, CREATED_MS, digestOf, keyPair, validatorSet } from './fixtures.ts'

const set = validatorSet([3n, 2n, 1n, 1n])
const parameters = makeParameters('devnet', { batchMaxTxs: 3 })
let verifications = 0
const verifier = {
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) {
    verifications++
    return verify(signature, message, publicKey)
  },
}
const fresh = (): BatchCheck => new BatchCheck({ set, parameters, verifier })
const good = batchCertificate(set, 1, 5, [0, 1])
const acks = good.acks

function signedBatch(txs: readonly Uint8Array[], change: Partial<SignedBatch['batch']> = {}): SignedBatch {
  const batch = { epoch: 1, author: 1, seq: 5, createdMs: CREATED_MS, txs, ...change }
  const digest = batchDigestOfBatch(set.context, batch)
  return { batch, digest, signature: sign(batchMessage(digest), keyPair(1).secretKey) }
}

function signedAck(flags: readonly Flag[], change: Partial<Ack> = {}): Ack {
  const unsigned = {
    epoch: 1,
    author: 1,
    seq: 5,
    digest: digestOf('batch'),
    flags,
    modelId: digestOf('model'),
    signer: 2,
    ...change,
  }
  let signature: Uint8Array = new Uint8Array(64)
  try {
    signature = sign(ackMessage(set.context, unsigned), keyPair(2).secretKey)
  } catch (error) {
    assert.ok(error instanceof RangeError) // flags out of order have no encoding
  }
  return { ...unsigned, signature, ...change }
}

const flag = (tx: number, action: number): Flag => ({ tx, action, score: 1, reasons: 1 })

test('a certificate with acks of weight q passes, and its signatures are checked once', () => {
  const check = fresh()
  verifications = 0
  assert.equal(check.certificate(good), null)
  assert.equal(check.certificate(good), null)
  assert.equal(check.certificate({ ...good }), null)
  assert.equal(verifications, 2)
})

const badCertificates: readonly [string, BatchCertificate, RegExp][] = [
  ['weight below q', { ...good, acks: acks.slice(0, 1) }, /weight/],
  ['a signer twice', { ...good, acks: [acks[0] ?? assert.fail(), ...acks] }, /ascend/],
  ['signers out of order', { ...good, acks: [...acks].reverse() }, /ascend/],
  ['a field changed, so another digest', { ...good, createdMs: good.createdMs + 1 }, /did not sign/],
  ['another transaction count', { ...good, txCount: 2 }, /did not sign/],
  ['another author', { ...good, author: 2 }, /did not sign/],
  ['another number', { ...good, seq: 6 }, /did not sign/],
  ['an opinion changed', { ...good, acks: acks.map((ack) => ({ ...ack, flags: [] })) }, /did not sign/],
  [
    'another model',
    { ...good, acks: acks.map((ack) => ({ ...ack, modelId: digestOf('other') })) },
    /did not sign/,
  ],
  [
    'a flag outside the batch',
    { ...good, acks: acks.map((ack) => ({ ...ack, flags: [flag(1, 0)] })) },
    /outside/,
  ],
  [
    'flags out of order',
    {
      ...good,
      txCount: 2,
      bytes: 84,
      acks: acks.map((ack) => ({ ...ack, flags: [flag(1, 0), flag(0, 0)] })),
    },
    /flags must ascend/,
  ],
  ['an unknown author', { ...good, author: 4 }, /no validator 4/],
  [
    'an unknown signer',
    { ...good, acks: [...acks, { ...(acks[0] ?? assert.fail()), signer: 9 }] },
    /no validator 9/,
  ],
  ['another epoch', { ...good, epoch: 2 }, /epoch/],
  ['no transactions', { ...good, txCount: 0 }, /transactions/],
  ['too many transactions', { ...good, txCount: 4 }, /transactions/],
  ['too many bytes', { ...good, bytes: parameters.batchMaxBytes + 1 }, /bytes/],
]
for (const [name, certificate, reason] of badCertificates) {
  test(`a certificate is refused for ${name}`, () => {
    assert.match(fresh().certificate(certificate) ?? '', reason)
  })
}

function refused(wrong: ReturnType<BatchCheck['batch']>, guilty: 'sender' | 'author', reason: RegExp): void {
  assert.equal(wrong?.guilty, guilty)
  assert.match(wrong.reason, reason)
}

test('a batch passes; another digest, author, epoch or size does not', () => {
  const txs = [new Uint8Array(50), new Uint8Array(60)]
  const signed = signedBatch(txs)
  assert.equal(fresh().batch(signed), null)
  assert.ok(checkBatchSignature(set, verifier, signed))
  refused(fresh().batch({ ...signed, digest: digestOf('other') }), 'sender', /digest/)
  assert.equal(checkBatchSignature(set, verifier, { ...signed, digest: digestOf('other') }), false)
  refused(fresh().batch(signedBatch(txs, { author: 0 })), 'sender', /did not sign/)
  assert.equal(checkBatchSignature(set, verifier, signedBatch(txs, { author: 0 })), false)
  refused(fresh().batch(signedBatch(txs, { author: 7 })), 'sender', /no validator 7/)
  assert.equal(checkBatchSignature(set, verifier, signedBatch(txs, { author: 7 })), false)
  refused(fresh().batch(signedBatch(txs, { epoch: 3 })), 'author', /epoch/)
  refused(fresh().batch(signedBatch([])), 'author', /transactions/)
  refused(fresh().batch(signedBatch([...txs, ...txs])), 'author', /transactions/)
  refused(fresh().batch(signedBatch([new Uint8Array(parameters.batchMaxBytes + 1)])), 'author', /bytes/)
})

test('the time window of a batch: local − batchTtlMs ≤ createdMs ≤ local + maxClockDriftMs', () => {
  const check = fresh()
  const { batchTtlMs, maxClockDriftMs } = parameters
  assert.equal(check.createdInWindow(CREATED_MS, CREATED_MS + batchTtlMs), null)
  assert.match(check.createdInWindow(CREATED_MS, CREATED_MS + batchTtlMs + 1) ?? '', /too old/)
  assert.equal(check.createdInWindow(CREATED_MS + maxClockDriftMs, CREATED_MS), null)
  assert.match(check.createdInWindow(CREATED_MS + maxClockDriftMs + 1, CREATED_MS) ?? '', /ahead/)
})

test('an ack: signer, author, epoch, order of flags and signature', () => {
  assert.equal(fresh().ack(signedAck([flag(0, 1), flag(1, 0)])), null)
  assert.match(fresh().ack(signedAck([flag(1, 0), flag(0, 1)])) ?? '', /ascend/)
  assert.match(fresh().ack(signedAck([flag(1, 1), flag(1, 1)])) ?? '', /ascend/)
  assert.match(fresh().ack(signedAck([flag(0, 100)])) ?? '', /outside/)
  assert.match(fresh().ack(signedAck([], { signer: 3 })) ?? '', /did not sign/)
  assert.match(fresh().ack(signedAck([], { signer: 8 })) ?? '', /no validator 8/)
  assert.match(fresh().ack(signedAck([], { author: 8 })) ?? '', /no validator 8/)
  assert.match(fresh().ack(signedAck([], { epoch: 2 })) ?? '', /epoch/)
})

test('flags must fit the batch: indexes, and no more than it can have transfers', () => {
  const check = fresh()
  assert.equal(check.flags([flag(0, 0), flag(1, 0)], { txCount: 2, bytes: 84 }), null)
  assert.match(check.flags([flag(0, 0), flag(1, 0)], { txCount: 2, bytes: 83 }) ?? '', /at most 1 flags/)
  assert.match(check.flags([flag(2, 0)], { txCount: 2, bytes: 84 }) ?? '', /outside/)
})
