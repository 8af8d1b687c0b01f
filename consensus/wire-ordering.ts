/** Encodings and digests of the ordering half: blocks, proposals, votes, certificates (consensus.md §2). */
import { LIMITS } from '../config/limits.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { SIGNATURE_BYTES } from '../crypto/ed25519.ts'
import { DIGEST_BYTES, hash } from '../crypto/hash.ts'
import type {
  BatchCertificate,
  Block,
  Certificate,
  Digest,
  FinalizedBlock,
  Proposal,
  ProposalMessage,
  Vote,
  VoteKind,
} from './types.ts'
import { decodeBatchCertificate, encodeBatchCertificate } from './wire-batch.ts'
import { Memo, readSigners, readVersion, WIRE_VERSION, writeSigners } from './wire-common.ts'
import { SIGNED_TAGS } from './wire-signed.ts'

/** Bytes of a header before its payload hash: version, 4 × u64, author, 6 × 32 bytes. */
const HEADER_CORE_BYTES = 1 + 4 * 8 + 2 + 6 * DIGEST_BYTES
/** Most certificates a block may carry under any parameters. */
const MAX_PAYLOAD = 512
/** Every nested object has a length before it; a certificate of the largest set fits. */
const CERTIFICATE_BYTES = 256 + LIMITS.validators * SIGNATURE_BYTES

/** A block without its payload: enough to follow the chain and check committed results. */
export type BlockHeader = Omit<Block, 'payload'> & { readonly payloadHash: Digest }

const encodedBlocks = new Memo<Block, Uint8Array>()
const encodedHeaders = new Memo<Block, Uint8Array>()
const digestsByBlock = new Memo<Block, Digest>()
const encodedCertificates = new Memo<Certificate, Uint8Array>()
const encodedProposals = new Memo<ProposalMessage, Uint8Array>()
const idsByProposal = new Memo<Proposal, { readonly context: Digest; readonly pid: Digest }>()

// ---- blocks ----

function writeCore(writer: Writer, block: Omit<Block, 'payload'>): void {
  writer
    .u8(WIRE_VERSION)
    .fixed(block.genesisHash, DIGEST_BYTES)
    .u48(block.height)
    .fixed(block.parentDigest, DIGEST_BYTES)
  writer.u48(block.epoch).u16(block.author).u48(block.timeMs)
  writer
    .u48(block.executed.height)
    .fixed(block.executed.stateRoot, DIGEST_BYTES)
    .fixed(block.executed.resultsRoot, DIGEST_BYTES)
  writer.fixed(block.validatorSetHash, DIGEST_BYTES).fixed(block.nextValidatorSetHash, DIGEST_BYTES)
}

function readCore(reader: Reader): Omit<Block, 'payload'> {
  readVersion(reader, 'a block')
  return {
    genesisHash: reader.fixed(DIGEST_BYTES),
    height: reader.u48(),
    parentDigest: reader.fixed(DIGEST_BYTES),
    epoch: reader.u48(),
    author: reader.u16(),
    timeMs: reader.u48(),
    executed: {
      height: reader.u48(),
      stateRoot: reader.fixed(DIGEST_BYTES),
      resultsRoot: reader.fixed(DIGEST_BYTES),
    },
    validatorSetHash: reader.fixed(DIGEST_BYTES),
    nextValidatorSetHash: reader.fixed(DIGEST_BYTES),
  }
}

export function encodeBlock(block: Block): Uint8Array {
  return encodedBlocks.get(block, () => {
    if (block.payload.length > MAX_PAYLOAD)
      throw new RangeError(`expected at most ${MAX_PAYLOAD} certificates, got ${block.payload.length}`)
    const certificates = block.payload.map(encodeBatchCertificate)
    const writer = new Writer(
      certificates.reduce((sum, bytes) => sum + 4 + bytes.length, HEADER_CORE_BYTES + 64),
    )
    writeCore(writer, block)
    writer.u32(certificates.length)
    for (const bytes of certificates) writer.bytes(bytes)
    return writer.finish()
  })
}

/** @throws DecodeError if the bytes are not canonical or over a limit. */
export function decodeBlock(bytes: Uint8Array): Block {
  if (bytes.length > LIMITS.blockBytes)
    throw new DecodeError(`expected a block of at most ${LIMITS.blockBytes} bytes, got ${bytes.length}`)
  const reader = new Reader(bytes)
  const core = readCore(reader)
  const count = reader.count(MAX_PAYLOAD, 'certificates in a block')
  const payload: BatchCertificate[] = []
  for (let i = 0; i < count; i++) payload.push(decodeBatchCertificate(reader.bytes(LIMITS.blockBytes)))
  reader.end()
  const block: Block = { ...core, payload }
  encodedBlocks.set(block, bytes)
  return block
}

/** The header of a block: its fields and the hash of its payload. */
export function encodeHeader(block: Block): Uint8Array {
  return encodedHeaders.get(block, () => {
    const encoded = encodeBlock(block)
    const writer = new Writer(HEADER_CORE_BYTES + 64)
    writeCore(writer, block)
    const coreBytes = writer.written.length
    return writer.fixed(hash('payload', encoded.subarray(coreBytes)), DIGEST_BYTES).finish()
  })
}

/** @throws DecodeError if the bytes are not canonical. */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  const reader = new Reader(bytes)
  const header = { ...readCore(reader), payloadHash: reader.fixed(DIGEST_BYTES) }
  reader.end()
  return header
}

/** Digest of the block whose encoded header this is: H("block", header). */
export function headerDigest(encodedHeader: Uint8Array): Digest {
  return hash('block', encodedHeader)
}

/** H("block", header); the header covers the payload by its hash, so that a chain of headers proves without payloads. */
export function blockDigest(block: Block): Digest {
  return digestsByBlock.get(block, () => headerDigest(encodeHeader(block)))
}

/** Leaf of the tree under a header's `resultsRoot`: the results of one height (§12). */
export function resultLeaf(height: number, receiptsRoot: Digest): Digest {
  return new Writer(8).u48(height).use((written) => hash('res', written, receiptsRoot))
}

// ---- proposals and votes ----

function writeProposal(writer: Writer, proposal: Proposal): void {
  writer.u48(proposal.epoch).u48(proposal.view).u48(proposal.parentView)
  writer.fixed(proposal.blockDigest, DIGEST_BYTES).fixed(proposal.justHash, DIGEST_BYTES)
}

function readProposal(reader: Reader): Proposal {
  return {
    epoch: reader.u48(),
    view: reader.u48(),
    parentView: reader.u48(),
    blockDigest: reader.fixed(DIGEST_BYTES),
    justHash: reader.fixed(DIGEST_BYTES),
  }
}

/** pid = H("prop", ctx, all fields). */
export function proposalId(context: Digest, proposal: Proposal): Digest {
  const make = (): Digest => {
    const writer = new Writer(96)
    writeProposal(writer, proposal)
    return writer.use((fields) => hash('prop', context, fields))
  }
  const known = idsByProposal.get(proposal, () => ({ context, pid: make() }))
  return known.context === context ? known.pid : make()
}

/**
 * H("just", parent certificate ‖ nullifications): what the leader claims to have seen. Where the list leaves out views, they
 * stand in it by their numbers, behind a length of 0 that no certificate has: each voter holds nullifications of its own
 * for them, and certificates are not unique.
 */
export function justHash(parentCertificate: Certificate | null, skips: readonly Certificate[]): Digest {
  const writer = new Writer(1024)
  writer.bytes(parentCertificate === null ? new Uint8Array() : encodeCertificate(parentCertificate))
  for (const [position, skip] of skips.entries()) {
    const before = skips[position - 1]
    if (before !== undefined && skip.view > before.view + 1)
      writer
        .bytes(new Uint8Array())
        .u48(before.view + 1)
        .u48(skip.view - 1)
    writer.bytes(encodeCertificate(skip))
  }
  return writer.use((seen) => hash('just', seen))
}

const KIND_OF_TAG = new Map<number, VoteKind>([
  [SIGNED_TAGS.notarize, 'notarize'],
  [SIGNED_TAGS.nullify, 'nullify'],
  [SIGNED_TAGS.finalize, 'finalize'],
])

function readKind(reader: Reader): VoteKind {
  const tag = reader.u8()
  const kind = KIND_OF_TAG.get(tag)
  if (kind === undefined) throw new DecodeError(`expected the tag of a vote, got ${tag}`)
  return kind
}

export function encodeVote(vote: Vote): Uint8Array {
  if ((vote.pid === null) !== (vote.kind === 'nullify'))
    throw new RangeError(`proposal id and kind ${vote.kind} do not fit`)
  const writer = new Writer(128)
    .u8(WIRE_VERSION)
    .u8(SIGNED_TAGS[vote.kind])
    .u48(vote.epoch)
    .u48(vote.view)
    .u16(vote.signer)
  if (vote.pid !== null) writer.fixed(vote.pid, DIGEST_BYTES)
  return writer.fixed(vote.signature, SIGNATURE_BYTES).finish()
}

/** @throws DecodeError if the bytes are not canonical. */
export function decodeVote(bytes: Uint8Array): Vote {
  const reader = new Reader(bytes)
  readVersion(reader, 'a vote')
  const kind = readKind(reader)
  const head = { kind, epoch: reader.u48(), view: reader.u48(), signer: reader.u16() }
  const pid = kind === 'nullify' ? null : reader.fixed(DIGEST_BYTES)
  const vote: Vote = { ...head, pid, signature: reader.fixed(SIGNATURE_BYTES) }
  reader.end()
  return vote
}

// ---- certificates ----

/** The proposal's epoch and view are the certificate's own and not repeated. */
export function encodeCertificate(certificate: Certificate): Uint8Array {
  return encodedCertificates.get(certificate, ({ kind, epoch, view, proposal, signers, signatures }) => {
    if ((proposal === null) !== (kind === 'nullify'))
      throw new RangeError(`proposal and kind ${kind} do not fit`)
    if (signers.length !== signatures.length)
      throw new RangeError(`${signers.length} signers but ${signatures.length} signatures`)
    const writer = new Writer(160 + SIGNATURE_BYTES * signers.length)
      .u8(WIRE_VERSION)
      .u8(SIGNED_TAGS[kind])
      .u48(epoch)
      .u48(view)
    if (proposal !== null) {
      if (proposal.epoch !== epoch || proposal.view !== view)
        throw new RangeError('a certificate and its proposal have one epoch and view')
      writer
        .u48(proposal.parentView)
        .fixed(proposal.blockDigest, DIGEST_BYTES)
        .fixed(proposal.justHash, DIGEST_BYTES)
    }
    writeSigners(writer, signers)
    for (const signature of signatures) writer.fixed(signature, SIGNATURE_BYTES)
    return writer.finish()
  })
}

/** @throws DecodeError if the bytes are not canonical. */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  const reader = new Reader(bytes)
  readVersion(reader, 'a certificate')
  const kind = readKind(reader)
  const epoch = reader.u48()
  const view = reader.u48()
  const proposal: Proposal | null =
    kind === 'nullify'
      ? null
      : {
          epoch,
          view,
          parentView: reader.u48(),
          blockDigest: reader.fixed(DIGEST_BYTES),
          justHash: reader.fixed(DIGEST_BYTES),
        }
  const signers = readSigners(reader)
  const signatures = signers.map(() => reader.fixed(SIGNATURE_BYTES))
  reader.end()
  const certificate: Certificate = { kind, epoch, view, proposal, signers, signatures }
  encodedCertificates.set(certificate, bytes)
  return certificate
}

// ---- composite messages ----

export function encodeProposalMessage(message: ProposalMessage): Uint8Array {
  return encodedProposals.get(message, ({ proposal, block, parentCertificate, skips, signature }) => {
    const encodedBlock = encodeBlock(block)
    const writer = new Writer(1024 + encodedBlock.length).u8(WIRE_VERSION)
    writeProposal(writer, proposal)
    writer.fixed(signature, SIGNATURE_BYTES)
    writer.bytes(parentCertificate === null ? new Uint8Array() : encodeCertificate(parentCertificate))
    writer.u32(skips.length)
    for (const skip of skips) writer.bytes(encodeCertificate(skip))
    return writer.bytes(encodedBlock).finish()
  })
}

/** @throws DecodeError if the bytes are not canonical or over a limit. */
export function decodeProposalMessage(bytes: Uint8Array): ProposalMessage {
  const reader = new Reader(bytes)
  readVersion(reader, 'a proposal')
  const proposal = readProposal(reader)
  const signature = reader.fixed(SIGNATURE_BYTES)
  const parent = reader.bytes(CERTIFICATE_BYTES)
  const parentCertificate = parent.length === 0 ? null : decodeCertificate(parent)
  const skipCount = reader.count(LIMITS.skipsPerProposal, 'nullifications in a proposal')
  const skips: Certificate[] = []
  for (let i = 0; i < skipCount; i++) skips.push(decodeCertificate(reader.bytes(CERTIFICATE_BYTES)))
  const block = decodeBlock(reader.bytes(LIMITS.blockBytes))
  reader.end()
  const message: ProposalMessage = { proposal, block, parentCertificate, skips, signature }
  encodedProposals.set(message, bytes)
  return message
}

/** What the `block` topic carries. */
export function encodeFinalizedBlock({ block, finalization }: FinalizedBlock): Uint8Array {
  const encodedBlock = encodeBlock(block)
  const writer = new Writer(encodedBlock.length + 1024).u8(WIRE_VERSION)
  return writer.bytes(encodeCertificate(finalization)).bytes(encodedBlock).finish()
}

/** @throws DecodeError if the bytes are not canonical or over a limit. */
export function decodeFinalizedBlock(bytes: Uint8Array): FinalizedBlock {
  const reader = new Reader(bytes)
  readVersion(reader, 'a finalized block')
  const finalization = decodeCertificate(reader.bytes(CERTIFICATE_BYTES))
  const block = decodeBlock(reader.bytes(LIMITS.blockBytes))
  reader.end()
  return { block, finalization }
}
