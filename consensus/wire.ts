/**
 * The wire: one canonical encoding per message and stored object (consensus.md §2). A decoder accepts exactly the bytes
 * that the encoder produces; sizes and counts are checked before anything is allocated for them. The layouts are frozen
 * by test/vectors/consensus-*.json. This file is the public face of `wire-*.ts`.
 */
import { LIMITS } from '../config/limits.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { DIGEST_BYTES } from '../crypto/hash.ts'
import type { Message } from './types.ts'
import {
  decodeAck,
  decodeBatchCertificate,
  decodeSignedBatch,
  encodeAck,
  encodeBatchCertificate,
  encodeSignedBatch,
  readBatchRef,
  writeBatchRef,
} from './wire-batch.ts'
import { readVersion, WIRE_VERSION } from './wire-common.ts'
import {
  decodeBlock,
  decodeCertificate,
  decodeProposalMessage,
  decodeVote,
  encodeBlock,
  encodeCertificate,
  encodeProposalMessage,
  encodeVote,
} from './wire-ordering.ts'

export { WIRE_VERSION } from './wire-common.ts'
export {
  ackMessage,
  batchDigest,
  batchDigestOfBatch,
  batchDigestOfCertificate,
  batchFields,
  batchMessage,
  decodeAck,
  decodeBatchCertificate,
  decodeSignedBatch,
  encodeAck,
  encodeBatchCertificate,
  encodeSignedBatch,
  txsHash,
} from './wire-batch.ts'
export type { BatchFields } from './wire-batch.ts'
export {
  blockDigest,
  decodeBlock,
  decodeCertificate,
  decodeFinalizedBlock,
  decodeHeader,
  decodeProposalMessage,
  decodeVote,
  encodeBlock,
  encodeCertificate,
  encodeFinalizedBlock,
  encodeHeader,
  encodeProposalMessage,
  encodeVote,
  headerDigest,
  justHash,
  proposalId,
  resultLeaf,
} from './wire-ordering.ts'
export type { BlockHeader } from './wire-ordering.ts'
export { SIGNED_MESSAGE_BYTES, SIGNED_TAGS, voteMessage } from './wire-signed.ts'

type MessageType = Message['type']

/** First byte of a message, before its version. Never reuse a number. */
export const MESSAGE_TAGS: Readonly<Record<MessageType, number>> = {
  proposal: 1,
  vote: 2,
  certificate: 3,
  batch: 4,
  ack: 5,
  'batch-certificate': 6,
  'certificates-request': 7,
  certificates: 8,
  'block-request': 9,
  blocks: 10,
  'batch-request': 11,
  batches: 12,
}

const TYPE_OF_TAG = new Map(Object.entries(MESSAGE_TAGS).map(([type, tag]) => [tag, type as MessageType]))

/** One frame of a validator stream. */
export function encodeMessage(message: Message): Uint8Array {
  const body = encodeBody(message)
  return new Writer(2 + body.length).u8(MESSAGE_TAGS[message.type]).u8(WIRE_VERSION).raw(body).finish()
}

/** @throws DecodeError if the bytes are not canonical, over a limit, or of another version. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length > LIMITS.messageBytes)
    throw new DecodeError(`expected at most ${LIMITS.messageBytes} bytes, got ${bytes.length}`)
  const reader = new Reader(bytes)
  const tag = reader.u8()
  const type = TYPE_OF_TAG.get(tag)
  if (type === undefined) throw new DecodeError(`expected the tag of a message, got ${tag}`)
  readVersion(reader, `a ${type} message`)
  return decodeBody(type, reader)
}

function encodeBody(message: Message): Uint8Array {
  switch (message.type) {
    case 'proposal':
      return encodeProposalMessage(message.proposal)
    case 'vote':
      return encodeVote(message.vote)
    case 'certificate':
      return encodeCertificate(message.certificate)
    case 'batch':
      return encodeSignedBatch(message.batch)
    case 'ack':
      return encodeAck(message.ack)
    case 'batch-certificate':
      return encodeBatchCertificate(message.certificate)
    case 'certificates-request':
      return new Writer(16).u48(message.fromView).u48(message.toView).finish()
    case 'certificates':
      return encodeList(message.certificates, LIMITS.certificatesPerPage, encodeCertificate)
    case 'block-request':
      return new Writer(36).fixed(message.digest, DIGEST_BYTES).u32(message.maxBlocks).finish()
    case 'blocks':
      return encodeList(message.blocks, LIMITS.blocksPerPage, encodeBlock)
    case 'batch-request': {
      const writer = new Writer(4 + 50 * message.refs.length).u32(
        atMost(message.refs.length, LIMITS.batchesPerPage),
      )
      for (const ref of message.refs) writeBatchRef(writer, ref)
      return writer.finish()
    }
    case 'batches':
      return encodeList(message.batches, LIMITS.batchesPerPage, encodeSignedBatch)
  }
}

function decodeBody(type: MessageType, reader: Reader): Message {
  switch (type) {
    case 'proposal':
      return { type, proposal: decodeProposalMessage(reader.rest()) }
    case 'vote':
      return { type, vote: decodeVote(reader.rest()) }
    case 'certificate':
      return { type, certificate: decodeCertificate(reader.rest()) }
    case 'batch':
      return { type, batch: decodeSignedBatch(reader.rest()) }
    case 'ack':
      return { type, ack: decodeAck(reader.rest()) }
    case 'batch-certificate':
      return { type, certificate: decodeBatchCertificate(reader.rest()) }
    case 'certificates-request':
      return ended(reader, { type, fromView: reader.u48(), toView: reader.u48() })
    case 'certificates':
      return ended(reader, {
        type,
        certificates: decodeList(reader, LIMITS.certificatesPerPage, type, decodeCertificate),
      })
    case 'block-request':
      return ended(reader, { type, digest: reader.fixed(DIGEST_BYTES), maxBlocks: reader.u32() })
    case 'blocks':
      return ended(reader, { type, blocks: decodeList(reader, LIMITS.blocksPerPage, type, decodeBlock) })
    case 'batch-request': {
      const count = reader.count(LIMITS.batchesPerPage, 'batches asked for')
      return ended(reader, { type, refs: Array.from({ length: count }, () => readBatchRef(reader)) })
    }
    case 'batches':
      return ended(reader, {
        type,
        batches: decodeList(reader, LIMITS.batchesPerPage, type, decodeSignedBatch),
      })
  }
}

function ended(reader: Reader, message: Message): Message {
  reader.end()
  return message
}

function encodeList<Item>(
  items: readonly Item[],
  max: number,
  encode: (item: Item) => Uint8Array,
): Uint8Array {
  const writer = new Writer(1024).u32(atMost(items.length, max))
  for (const item of items) writer.bytes(encode(item))
  return writer.finish()
}

function decodeList<Item>(
  reader: Reader,
  max: number,
  what: string,
  decode: (bytes: Uint8Array) => Item,
): Item[] {
  const count = reader.count(max, what)
  const items: Item[] = []
  for (let i = 0; i < count; i++) items.push(decode(reader.bytes(LIMITS.messageBytes)))
  return items
}

function atMost(count: number, max: number): number {
  if (count > max) throw new RangeError(`expected at most ${max} items in a message, got ${count}`)
  return count
}
