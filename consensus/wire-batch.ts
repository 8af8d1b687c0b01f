/** Encodings and digests of the dissemination half: batches, acks, batch certificates (dissemination.md, Objects). */
import { LIMITS } from '../config/limits.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { SIGNATURE_BYTES } from '../crypto/ed25519.ts'
import { DIGEST_BYTES, hash } from '../crypto/hash.ts'
import type {
  Ack,
  Batch,
  BatchCertificate,
  BatchRef,
  CertifiedAck,
  Digest,
  Flag,
  SignedBatch,
} from './types.ts'
import { Memo, readSigners, readVersion, WIRE_VERSION, writeSigners } from './wire-common.ts'
import { signedMessage } from './wire-signed.ts'

const FLAG_BYTES = 6

/** What the digest of a batch covers; a `BatchCertificate` has all of it. */
export interface BatchFields {
  readonly epoch: number
  readonly author: number
  readonly seq: number
  readonly createdMs: number
  readonly txCount: number
  readonly bytes: number
  readonly txsHash: Digest
}

const encodedBatches = new Memo<SignedBatch, Uint8Array>()
const encodedAcks = new Memo<Ack, Uint8Array>()
const encodedCertificates = new Memo<BatchCertificate, Uint8Array>()
const fieldsByBatch = new Memo<Batch, BatchFields>()
const digestsByFields = new Memo<object, { readonly context: Digest; readonly digest: Digest }>()

// ---- digests and what is signed ----

/** H("txs", count ‖ each transaction behind its length). */
export function txsHash(txs: readonly Uint8Array[]): Digest {
  return hash('txs', encodeTxs(txs))
}

/** The fields that a batch's digest covers. Hashes the transactions once per batch object. */
export function batchFields(batch: Batch): BatchFields {
  return fieldsByBatch.get(batch, () => fieldsOf(batch, encodeTxs(batch.txs)))
}

function fieldsOf(batch: Batch, encodedTxs: Uint8Array): BatchFields {
  const bytes = batch.txs.reduce((sum, tx) => sum + tx.length, 0)
  const { epoch, author, seq, createdMs } = batch
  return { epoch, author, seq, createdMs, txCount: batch.txs.length, bytes, txsHash: hash('txs', encodedTxs) }
}

/** H("batch", ctx, epoch, author, seq, createdMs, txCount, bytes, txsHash). */
export function batchDigest(context: Digest, fields: BatchFields): Digest {
  const known = digestsByFields.get(fields, () => ({ context, digest: hashFields(context, fields) }))
  return known.context === context ? known.digest : hashFields(context, fields)
}

function hashFields(context: Digest, fields: BatchFields): Digest {
  const writer = new Writer(80).u48(fields.epoch).u16(fields.author).u48(fields.seq).u48(fields.createdMs)
  writer.u32(fields.txCount).u32(fields.bytes).fixed(fields.txsHash, DIGEST_BYTES)
  return writer.use((written) => hash('batch', context, written))
}

/** The digest that a batch must have. */
export function batchDigestOfBatch(context: Digest, batch: Batch): Digest {
  return batchDigest(context, batchFields(batch))
}

/** The digest of the batch that a certificate stands for, from the certificate's own fields. */
export function batchDigestOfCertificate(context: Digest, certificate: BatchCertificate): Digest {
  return batchDigest(context, certificate)
}

/** What the author of a batch signs. */
export function batchMessage(digest: Digest): Uint8Array {
  return signedMessage('batch', digest)
}

/** What an acker signs: the batch it holds, its opinion, and the model that formed it. */
export function ackMessage(
  context: Digest,
  ack: Pick<Ack, 'epoch' | 'author' | 'seq' | 'digest' | 'flags' | 'modelId'>,
): Uint8Array {
  const writer = new Writer(96 + FLAG_BYTES * ack.flags.length)
  writer
    .u48(ack.epoch)
    .u16(ack.author)
    .u48(ack.seq)
    .fixed(ack.digest, DIGEST_BYTES)
    .fixed(ack.modelId, DIGEST_BYTES)
  writeFlags(writer, ack.flags)
  return signedMessage(
    'ack',
    writer.use((written) => hash('ack', context, written)),
  )
}

// ---- flags ----

function writeFlags(writer: Writer, flags: readonly Flag[]): void {
  if (flags.length > LIMITS.flagsPerAck)
    throw new RangeError(`expected at most ${LIMITS.flagsPerAck} flags, got ${flags.length}`)
  writer.u32(flags.length)
  let previous = -1
  for (const { tx, action, score, reasons } of flags) {
    const position = flagPosition(tx, action)
    if (position <= previous)
      throw new RangeError(`flags must ascend strictly by (tx, action), got (${tx}, ${action})`)
    previous = position
    writer.u16(tx).u8(action).u8(score).u16(reasons)
  }
}

function readFlags(reader: Reader): Flag[] {
  const count = reader.count(Math.min(LIMITS.flagsPerAck, Math.floor(reader.remaining / FLAG_BYTES)), 'flags')
  const flags: Flag[] = []
  let previous = -1
  for (let i = 0; i < count; i++) {
    const flag = { tx: reader.u16(), action: reader.u8(), score: reader.u8(), reasons: reader.u16() }
    const position = flagPosition(flag.tx, flag.action)
    if (position <= previous)
      throw new DecodeError(`flags must ascend strictly by (tx, action), got (${flag.tx}, ${flag.action})`)
    previous = position
    flags.push(flag)
  }
  return flags
}

function flagPosition(tx: number, action: number): number {
  return tx * 256 + action
}

// ---- batches ----

function encodeTxs(txs: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer(4 + txs.reduce((sum, tx) => sum + 4 + tx.length, 0)).u32(txs.length)
  for (const tx of txs) writer.bytes(tx)
  return writer.finish()
}

function readTxs(reader: Reader): Uint8Array[] {
  const count = reader.count(LIMITS.txsPerBatch, 'transactions in a batch')
  const txs: Uint8Array[] = []
  let bytes = 0
  for (let i = 0; i < count; i++) {
    const tx = reader.bytes(LIMITS.txBytes)
    bytes += tx.length
    if (bytes > LIMITS.batchBytes)
      throw new DecodeError(`expected at most ${LIMITS.batchBytes} bytes of transactions in a batch`)
    txs.push(tx)
  }
  return txs
}

/** A batch with its author's signature, as gossiped, sent and stored. */
export function encodeSignedBatch(signed: SignedBatch): Uint8Array {
  return encodedBatches.get(signed, ({ batch, digest, signature }) => {
    const txs = encodeTxs(batch.txs)
    fieldsByBatch.get(batch, () => fieldsOf(batch, txs))
    const writer = new Writer(128 + txs.length).u8(WIRE_VERSION)
    writer.u48(batch.epoch).u16(batch.author).u48(batch.seq).u48(batch.createdMs)
    writer.fixed(digest, DIGEST_BYTES).fixed(signature, SIGNATURE_BYTES).raw(txs)
    return writer.finish()
  })
}

/**
 * Whether the digest is the batch's own is for the receiver to check: see `batchDigestOfBatch`.
 * @throws DecodeError if the bytes are not canonical or over a limit.
 */
export function decodeSignedBatch(bytes: Uint8Array): SignedBatch {
  const reader = new Reader(bytes)
  readVersion(reader, 'a batch')
  const head = { epoch: reader.u48(), author: reader.u16(), seq: reader.u48(), createdMs: reader.u48() }
  const digest = reader.fixed(DIGEST_BYTES)
  const signature = reader.fixed(SIGNATURE_BYTES)
  const tail = bytes.subarray(reader.offset)
  const batch: Batch = { ...head, txs: readTxs(reader) }
  reader.end()
  const signed: SignedBatch = { batch, digest, signature }
  fieldsByBatch.set(batch, fieldsOf(batch, tail))
  encodedBatches.set(signed, bytes)
  return signed
}

export function writeBatchRef(writer: Writer, ref: BatchRef): void {
  writer.u48(ref.epoch).u16(ref.author).u48(ref.seq).fixed(ref.digest, DIGEST_BYTES)
}

export function readBatchRef(reader: Reader): BatchRef {
  return { epoch: reader.u48(), author: reader.u16(), seq: reader.u48(), digest: reader.fixed(DIGEST_BYTES) }
}

// ---- acks and certificates ----

export function encodeAck(ack: Ack): Uint8Array {
  return encodedAcks.get(ack, () => {
    const writer = new Writer(192 + FLAG_BYTES * ack.flags.length).u8(WIRE_VERSION)
    writeBatchRef(writer, ack)
    writer.u16(ack.signer).fixed(ack.modelId, DIGEST_BYTES).fixed(ack.signature, SIGNATURE_BYTES)
    writeFlags(writer, ack.flags)
    return writer.finish()
  })
}

/** @throws DecodeError if the bytes are not canonical or over a limit. */
export function decodeAck(bytes: Uint8Array): Ack {
  const reader = new Reader(bytes)
  readVersion(reader, 'an ack')
  const ref = readBatchRef(reader)
  const signer = reader.u16()
  const modelId = reader.fixed(DIGEST_BYTES)
  const signature = reader.fixed(SIGNATURE_BYTES)
  const ack: Ack = { ...ref, signer, modelId, signature, flags: readFlags(reader) }
  reader.end()
  encodedAcks.set(ack, bytes)
  return ack
}

/** Signers as a bitmap, then opinion, model and signature of each in the same order. */
export function encodeBatchCertificate(certificate: BatchCertificate): Uint8Array {
  return encodedCertificates.get(certificate, ({ acks, ...fields }) => {
    const writer = new Writer(160 + 112 * acks.length).u8(WIRE_VERSION)
    writer.u48(fields.epoch).u16(fields.author).u48(fields.seq).u48(fields.createdMs)
    writer.u32(fields.txCount).u32(fields.bytes).fixed(fields.txsHash, DIGEST_BYTES)
    writeSigners(
      writer,
      acks.map((ack) => ack.signer),
    )
    for (const ack of acks) {
      writer.fixed(ack.modelId, DIGEST_BYTES).fixed(ack.signature, SIGNATURE_BYTES)
      writeFlags(writer, ack.flags)
    }
    return writer.finish()
  })
}

/** @throws DecodeError if the bytes are not canonical or over a limit. */
export function decodeBatchCertificate(bytes: Uint8Array): BatchCertificate {
  const reader = new Reader(bytes)
  readVersion(reader, 'a batch certificate')
  const head = { epoch: reader.u48(), author: reader.u16(), seq: reader.u48(), createdMs: reader.u48() }
  const body = { txCount: reader.u32(), bytes: reader.u32(), txsHash: reader.fixed(DIGEST_BYTES) }
  if (body.txCount > LIMITS.txsPerBatch || body.bytes > LIMITS.batchBytes) {
    throw new DecodeError(
      `certificate of a batch over the limits: ${body.txCount} transactions, ${body.bytes} bytes`,
    )
  }
  const acks = readSigners(reader).map((signer): CertifiedAck => {
    const modelId = reader.fixed(DIGEST_BYTES)
    const signature = reader.fixed(SIGNATURE_BYTES)
    return { signer, modelId, signature, flags: readFlags(reader) }
  })
  reader.end()
  const certificate: BatchCertificate = { ...head, ...body, acks }
  encodedCertificates.set(certificate, bytes)
  return certificate
}
