/** Everything that validators send, gossip and store (consensus/wire.ts), and the signer's journal. */
import { DecodeError } from '../../../crypto/codec.ts'
import { crc32c } from '../../../crypto/crc32c.ts'
import { concatBytes } from '../../../crypto/bytes.ts'
import { sign } from '../../../crypto/ed25519.ts'
import { decodeEvidence, encodeEvidence, type Evidence } from '../../../consensus/evidence.ts'
import { decodeRecords, encodeRecord } from '../../../consensus/journal.ts'
import type { Signer } from '../../../consensus/replica-types.ts'
import { openSigner } from '../../../consensus/signer.ts'
import * as wire from '../../../consensus/wire.ts'
import { batchCertificate, digestOf, keyPair, sampleBlock, validatorSet } from '../../consensus/fixtures.ts'
import { MemoryJournal } from '../../consensus/memory-journal.ts'
import { decoder, hexes, refusesAs, refusesWith, vectors, type Decoder } from '../decoder.ts'

const frozen = vectors<{
  readonly messages: Readonly<Record<string, string>>
  readonly digests: Readonly<Record<string, string>>
}>('consensus-wire')

/** Tag and version in front of the body of a message. */
const MESSAGE_HEAD_BYTES = 2

const message = (name: string): Uint8Array => hexes(frozen.messages[name] ?? '')[0]!
const body = (name: string): Uint8Array => message(name).subarray(MESSAGE_HEAD_BYTES)

/** Decoders remember the bytes of what they decoded; a copy has to be encoded anew. */
function canonical<Value extends object>(
  name: string,
  decode: (bytes: Uint8Array) => Value,
  encode: (value: Value) => Uint8Array,
  seeds: () => readonly Uint8Array[],
): Decoder {
  return decoder<Value>({
    name,
    decode,
    encode: (value) => encode(structuredClone(value)),
    refuses: refusesAs(DecodeError),
    seeds,
  })
}

const set = validatorSet()

const EVIDENCE: readonly Evidence[] = [
  {
    type: 'votes',
    epoch: 1,
    validator: 2,
    view: 3,
    choices: [
      { kind: 'notarize', pid: digestOf('a'), signature: new Uint8Array(64).fill(1) },
      { kind: 'nullify', pid: null, signature: new Uint8Array(64).fill(2) },
    ],
  },
  {
    type: 'batches',
    epoch: 1,
    validator: 2,
    seq: 9,
    batches: [1, 2].map((count) => ({
      createdMs: 1_700_000_000_000,
      txCount: count,
      bytes: 100 * count,
      txsHash: digestOf(`txs ${count}`),
      signature: new Uint8Array(64).fill(count),
    })) as unknown as Extract<Evidence, { type: 'batches' }>['batches'],
  },
]

/** A journal with votes in it. */
async function journalOfSigner(): Promise<Uint8Array> {
  const storage = new MemoryJournal()
  const signer = await signerOver(storage)
  signer.notarize(1, digestOf('block'))
  signer.finalize(1, digestOf('block'))
  signer.nullify(2)
  await signer.flush()
  return storage.readAll()
}

function signerOver(storage: MemoryJournal): Promise<Signer> {
  const key = { sign: (bytes: Uint8Array) => sign(bytes, keyPair(0).secretKey) }
  return openSigner({ set, index: 0, key, storage })
}

const RECORD_HEAD_BYTES = 13
const SUM_BYTES = 4

/** Walks the records by their lengths, as far as that goes, and puts right sums behind them. */
function withSums(bytes: Uint8Array): Uint8Array {
  const repaired = Buffer.from(bytes)
  for (let at = 0; at + RECORD_HEAD_BYTES + SUM_BYTES <= repaired.length; ) {
    const sumAt = at + RECORD_HEAD_BYTES + repaired.readUInt32BE(at)
    if (sumAt + SUM_BYTES > repaired.length) break
    repaired.writeUInt32BE(crc32c(repaired.subarray(at, sumAt)), sumAt)
    at = sumAt + SUM_BYTES
  }
  return repaired
}

export const CONSENSUS_DECODERS: readonly Decoder[] = [
  canonical('message', wire.decodeMessage, wire.encodeMessage, () =>
    Object.keys(frozen.messages).map((name) => message(name)),
  ),
  canonical('signed-batch', wire.decodeSignedBatch, wire.encodeSignedBatch, () => [body('batch')]),
  canonical('ack', wire.decodeAck, wire.encodeAck, () => [body('ack')]),
  canonical('batch-certificate', wire.decodeBatchCertificate, wire.encodeBatchCertificate, () => [
    body('batch-certificate'),
    wire.encodeBatchCertificate(batchCertificate(set, 2, 7, [0, 2, 3])),
  ]),
  canonical('vote', wire.decodeVote, wire.encodeVote, () => [
    body('notarize'),
    body('nullify'),
    body('finalize'),
  ]),
  canonical('certificate', wire.decodeCertificate, wire.encodeCertificate, () => [body('certificate')]),
  canonical('proposal', wire.decodeProposalMessage, wire.encodeProposalMessage, () => [body('proposal')]),
  canonical('block', wire.decodeBlock, wire.encodeBlock, () => [
    wire.encodeBlock(sampleBlock(set)),
    wire.encodeBlock(sampleBlock(set, [batchCertificate(set, 1, 42, [0, 1, 3])])),
  ]),
  canonical('finalized-block', wire.decodeFinalizedBlock, wire.encodeFinalizedBlock, () =>
    hexes(frozen.digests.finalizedBlock!),
  ),
  decoder({
    name: 'header',
    decode: wire.decodeHeader,
    refuses: refusesAs(DecodeError),
    seeds: () => hexes(frozen.digests.header!),
  }),
  canonical('evidence', decodeEvidence, encodeEvidence, () => EVIDENCE.map(encodeEvidence)),
  decoder({
    name: 'journal',
    decode: decodeRecords,
    // What comes behind the last whole record is torn, and left as it is.
    encode: ({ records, goodBytes }, bytes) =>
      concatBytes(...records.map(encodeRecord), bytes.subarray(goodBytes)),
    refuses: refusesWith('data-inconsistent'),
    seeds: async () => [
      await journalOfSigner(),
      concatBytes(
        ...[0, 5, 300].map((length) => encodeRecord({ type: 1, epoch: 2, body: new Uint8Array(length) })),
      ),
    ],
    repair: withSums,
  }),
  decoder({
    name: 'signer-journal',
    decode: async (bytes) => (await signerOver(new MemoryJournal(bytes))).ownVotes(),
    refuses: refusesWith('data-inconsistent', 'format-version', 'other-chain'),
    seeds: async () => [await journalOfSigner()],
    repair: withSums,
  }),
]
