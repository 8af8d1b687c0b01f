import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { DecodeError } from '../../crypto/codec.ts'
import { hash } from '../../crypto/hash.ts'
import { toHex } from '../../crypto/bytes.ts'
import { sign } from '../../crypto/ed25519.ts'
import { LIMITS } from '../../config/limits.ts'
import type {
  Ack,
  Batch,
  Certificate,
  Flag,
  Message,
  ProposalMessage,
  SignedBatch,
  Vote,
} from '../../consensus/types.ts'
import * as wire from '../../consensus/wire.ts'
import {
  batchCertificate,
  certificate,
  CREATED_MS,
  digestOf,
  keyPair,
  sampleBlock,
  sampleProposal,
  validatorSet,
} from './fixtures.ts'

const set = validatorSet()
const block = sampleBlock(set, [batchCertificate(set, 1, 42, [0, 1, 3])])
const proposal = sampleProposal(set, 3, block)
const pid = wire.proposalId(set.context, proposal)

function vote(kind: Vote['kind']): Vote {
  const target = kind === 'nullify' ? null : pid
  const signature = sign(wire.voteMessage(set.context, kind, set.epoch, 3, target), keyPair(2).secretKey)
  return { kind, epoch: set.epoch, view: 3, pid: target, signer: 2, signature }
}

function proposalMessage(): ProposalMessage {
  const skips = [
    certificate(set, 'nullify', 1, null, [0, 1, 2]),
    certificate(set, 'nullify', 2, null, [1, 2, 3]),
  ]
  const parentCertificate = certificate(set, 'notarize', 1, sampleProposal(set, 1, block), [0, 1, 2])
  const full = { ...proposal, parentView: 1, justHash: wire.justHash(parentCertificate, skips) }
  return { proposal: full, block, parentCertificate, skips, signature: vote('notarize').signature }
}

/** Past 66 views: the nullifications of views 33 and 34 are not in it (consensus.md §8.8). */
function pagedProposalMessage(): ProposalMessage {
  const views = Array.from({ length: 66 }, (_, i) => i + 1).filter((view) => view !== 33 && view !== 34)
  const skips = views.map((view) => certificate(set, 'nullify', view, null, [0, 1, 2]))
  const past = { ...sampleProposal(set, 67, block), justHash: wire.justHash(null, skips) }
  const message = wire.voteMessage(set.context, 'notarize', 1, 67, wire.proposalId(set.context, past))
  const signature = sign(message, keyPair(2).secretKey)
  return { proposal: past, block, parentCertificate: null, skips, signature }
}

function signedBatch(): SignedBatch {
  const batch: Batch = {
    epoch: 1,
    author: 3,
    seq: 9,
    createdMs: CREATED_MS,
    txs: [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(4)],
  }
  const digest = wire.batchDigestOfBatch(set.context, batch)
  return { batch, digest, signature: sign(wire.batchMessage(digest), keyPair(3).secretKey) }
}

function ack(): Ack {
  const fields = {
    epoch: 1,
    author: 3,
    seq: 9,
    digest: digestOf('batch'),
    flags: [{ tx: 1, action: 2, score: 3, reasons: 4 }],
    modelId: digestOf('model'),
  }
  return { ...fields, signer: 1, signature: sign(wire.ackMessage(set.context, fields), keyPair(1).secretKey) }
}

const ref = { epoch: 1, author: 3, seq: 9, digest: digestOf('batch') }
const finalization = certificate(set, 'finalize', 3, proposal, [0, 2, 3])
const messages: Record<string, Message> = {
  proposal: { type: 'proposal', proposal: proposalMessage() },
  notarize: { type: 'vote', vote: vote('notarize') },
  nullify: { type: 'vote', vote: vote('nullify') },
  finalize: { type: 'vote', vote: vote('finalize') },
  certificate: { type: 'certificate', certificate: finalization },
  batch: { type: 'batch', batch: signedBatch() },
  ack: { type: 'ack', ack: ack() },
  'batch-certificate': { type: 'batch-certificate', certificate: batchCertificate(set, 1, 42, [0, 1, 3]) },
  'certificates-request': { type: 'certificates-request', fromView: 1, toView: 2 ** 47 },
  certificates: {
    type: 'certificates',
    certificates: [finalization, certificate(set, 'nullify', 4, null, [0, 1, 2, 3])],
  },
  'block-request': { type: 'block-request', digest: digestOf('block'), maxBlocks: 64 },
  blocks: { type: 'blocks', blocks: [block, sampleBlock(set)] },
  'batch-request': { type: 'batch-request', refs: [ref, { ...ref, seq: 10 }] },
  batches: { type: 'batches', batches: [signedBatch()] },
}

const digests = {
  set: set.hash,
  context: set.context,
  block: wire.blockDigest(block),
  header: wire.encodeHeader(block),
  proposalId: pid,
  justHash: proposalMessage().proposal.justHash,
  pagedJustHash: pagedProposalMessage().proposal.justHash,
  pagedProposal: hash('genesis', wire.encodeProposalMessage(pagedProposalMessage())),
  notarizeMessage: wire.voteMessage(set.context, 'notarize', 1, 3, pid),
  nullifyMessage: wire.voteMessage(set.context, 'nullify', 1, 3, null),
  finalizeMessage: wire.voteMessage(set.context, 'finalize', 1, 3, pid),
  batch: signedBatch().digest,
  txs: wire.txsHash(signedBatch().batch.txs),
  batchMessage: wire.batchMessage(signedBatch().digest),
  ackMessage: wire.ackMessage(set.context, ack()),
  finalizedBlock: wire.encodeFinalizedBlock({ block, finalization }),
}

const VECTORS = new URL('../vectors/consensus-wire.json', import.meta.url)

test('the wire is what the frozen vectors say', () => {
  const actual = {
    messages: Object.fromEntries(
      Object.entries(messages).map(([name, message]) => [name, toHex(wire.encodeMessage(message))]),
    ),
    digests: Object.fromEntries(Object.entries(digests).map(([name, bytes]) => [name, toHex(bytes)])),
  }
  // A changed layout is a commit of its own: FREEZE_VECTORS=1 writes the file anew.
  if (process.env['FREEZE_VECTORS'] === '1') writeFileSync(VECTORS, `${JSON.stringify(actual, null, 2)}\n`)
  assert.deepEqual(actual, JSON.parse(readFileSync(VECTORS, 'utf8')))
})

for (const [name, message] of Object.entries(messages)) {
  const bytes = wire.encodeMessage(message)

  test(`${name}: decodes to the same object, and encodes to the same bytes without its memory`, () => {
    const decoded = wire.decodeMessage(bytes)
    assert.deepEqual(toComparable(decoded), toComparable(message))
    assert.deepEqual(toHex(wire.encodeMessage(structuredClone(decoded))), toHex(bytes))
  })

  test(`${name}: refuses a missing or an extra byte`, () => {
    for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 200)) {
      assert.throws(() => wire.decodeMessage(bytes.subarray(0, length)), DecodeError)
    }
    assert.throws(() => wire.decodeMessage(Buffer.concat([bytes, Uint8Array.of(0)])), DecodeError)
  })

  test(`${name}: a changed byte gives another canonical message or an error`, () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes)
        changed[at] = (changed[at] as number) ^ flip
        let decoded: Message
        try {
          decoded = wire.decodeMessage(changed)
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
          return
        }
        assert.equal(toHex(wire.encodeMessage(structuredClone(decoded))), toHex(changed))
      }),
    )
  })
}

/** Byte strings as hex, so that a Buffer and a plain array of the same bytes count as equal. */
function toComparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(toComparable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toComparable(field)]))
}

test('random bytes never crash a decoder', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 12 }), (body, tag) => {
      try {
        wire.decodeMessage(Uint8Array.of(tag, wire.WIRE_VERSION, wire.WIRE_VERSION, ...body))
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error))
      }
    }),
  )
})

test('a count is refused before anything is allocated for it', () => {
  const huge = Uint8Array.of(8, wire.WIRE_VERSION, 0xff, 0xff, 0xff, 0xff)
  assert.throws(() => wire.decodeMessage(huge), /at most 1024 certificates, got 4294967295/)
})

test('a message over the limit, an unknown tag and an unknown version are refused by name', () => {
  assert.throws(() => wire.decodeMessage(new Uint8Array(LIMITS.messageBytes + 1)), /at most 4194304 bytes/)
  assert.throws(() => wire.decodeMessage(Uint8Array.of(99, 1)), /tag of a message, got 99/)
  assert.throws(() => wire.decodeMessage(Uint8Array.of(2, 9)), /version 1, got version 9/)
})

test('signers: duplicates, disorder and a trailing zero byte in the bitmap are refused', () => {
  const one: Certificate = { ...certificate(set, 'nullify', 4, null, [1]), signers: [1] }
  assert.throws(
    () =>
      wire.encodeCertificate({ ...one, signers: [1, 1], signatures: [...one.signatures, ...one.signatures] }),
    RangeError,
  )
  assert.throws(
    () =>
      wire.encodeCertificate({ ...one, signers: [2, 1], signatures: [...one.signatures, ...one.signatures] }),
    RangeError,
  )
  const bytes = wire.encodeCertificate(one)
  const bitmapAt = 1 + 1 + 8 + 8
  const padded = Buffer.concat([
    bytes.subarray(0, bitmapAt),
    Uint8Array.of(2, 2, 0),
    bytes.subarray(bitmapAt + 2),
  ])
  assert.throws(() => wire.decodeCertificate(padded), /zero byte/)
})

test('flags must ascend strictly by (tx, action)', () => {
  const flag = (tx: number, action: number): Flag => ({ tx, action, score: 1, reasons: 1 })
  const base = ack()
  wire.encodeAck({ ...base, flags: [flag(0, 1), flag(0, 2), flag(1, 0)] })
  for (const flags of [
    [flag(0, 2), flag(0, 1)],
    [flag(1, 1), flag(1, 1)],
  ]) {
    assert.throws(() => wire.encodeAck({ ...base, flags }), RangeError)
  }
})

test('a header gives the digest of its block, and the payload is covered', () => {
  const header = wire.decodeHeader(wire.encodeHeader(block))
  assert.equal(toHex(wire.headerDigest(wire.encodeHeader(block))), toHex(wire.blockDigest(block)))
  assert.equal(header.height, block.height)
  const otherPayload = { ...block, payload: [] }
  assert.notEqual(toHex(wire.blockDigest(otherPayload)), toHex(wire.blockDigest(block)))
})

test('what is signed differs by kind, epoch, view, proposal and chain', () => {
  const other = digestOf('other')
  const signed = [
    wire.voteMessage(set.context, 'notarize', 1, 3, pid),
    wire.voteMessage(set.context, 'finalize', 1, 3, pid),
    wire.voteMessage(set.context, 'nullify', 1, 3, null),
    wire.voteMessage(set.context, 'nullify', 1, 4, null),
    wire.voteMessage(set.context, 'notarize', 2, 3, pid),
    wire.voteMessage(set.context, 'notarize', 1, 3, other),
    wire.voteMessage(other, 'notarize', 1, 3, pid),
    wire.batchMessage(pid),
    wire.ackMessage(set.context, ack()),
    wire.ackMessage(set.context, { ...ack(), flags: [] }),
    wire.ackMessage(set.context, { ...ack(), modelId: other }),
  ]
  assert.equal(new Set(signed.map(toHex)).size, signed.length)
  for (const message of signed) assert.equal(message.length, wire.SIGNED_MESSAGE_BYTES)
})
