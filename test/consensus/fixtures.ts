/** Deterministic objects for the tests of consensus: keys from names, every field with a value of its own. */
import { hash } from '../../crypto/hash.ts'
import { keyPairFromSeed, sign, type KeyPair } from '../../crypto/ed25519.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import type {
  BatchCertificate,
  Block,
  Certificate,
  Proposal,
  ValidatorSet,
  VoteKind,
} from '../../consensus/types.ts'
import {
  ackMessage,
  batchDigest,
  blockDigest,
  justHash,
  proposalId,
  voteMessage,
} from '../../consensus/wire.ts'

export const GENESIS_HASH: Uint8Array = hash('genesis', utf8('consensus tests'))
export const CREATED_MS = 1_700_000_000_000

export function digestOf(text: string): Uint8Array {
  return hash('genesis', utf8(text))
}

export function keyPair(index: number): KeyPair {
  return keyPairFromSeed(hash('devnet-key', utf8(`validator ${index}`)))
}

export function validatorSet(weights: readonly bigint[] = [1n, 1n, 1n, 1n], epoch = 1): ValidatorSet {
  const validators = weights.map((weight, index) => ({
    name: `v${index + 1}`,
    publicKey: keyPair(index).publicKey,
    weight,
  }))
  return makeValidatorSet({ genesisHash: GENESIS_HASH }, epoch, validators)
}

/** A certificate over a batch of one transaction with real acks. */
export function batchCertificate(
  set: ValidatorSet,
  author: number,
  seq: number,
  signers: readonly number[],
): BatchCertificate {
  const fields = {
    epoch: set.epoch,
    author,
    seq,
    createdMs: CREATED_MS + seq,
    txCount: 1,
    bytes: 100,
    txsHash: digestOf(`txs ${author} ${seq}`),
  }
  const digest = batchDigest(set.context, fields)
  const acks = signers.map((signer) => {
    const flags = signer === 0 ? [{ tx: 0, action: 2, score: 200, reasons: 5 }] : []
    const modelId = digestOf('model')
    const message = ackMessage(set.context, { ...fields, digest, flags, modelId })
    return { signer, flags, modelId, signature: sign(message, keyPair(signer).secretKey) }
  })
  return { ...fields, acks }
}

export function sampleBlock(set: ValidatorSet, payload: readonly BatchCertificate[] = []): Block {
  return {
    genesisHash: GENESIS_HASH,
    height: 7,
    parentDigest: digestOf('parent'),
    epoch: set.epoch,
    author: 2,
    timeMs: CREATED_MS + 7_000,
    payload,
    executed: { height: 5, stateRoot: digestOf('state'), resultsRoot: digestOf('results') },
    validatorSetHash: set.hash,
    nextValidatorSetHash: set.hash,
  }
}

export function sampleProposal(set: ValidatorSet, view: number, block: Block, parentView = 0): Proposal {
  return { epoch: set.epoch, view, parentView, blockDigest: blockDigest(block), justHash: justHash(null, []) }
}

export function certificate(
  set: ValidatorSet,
  kind: VoteKind,
  view: number,
  proposal: Proposal | null,
  signers: readonly number[],
): Certificate {
  const pid = proposal === null ? null : proposalId(set.context, proposal)
  const message = voteMessage(set.context, kind, set.epoch, view, pid)
  return {
    kind,
    epoch: set.epoch,
    view,
    proposal,
    signers,
    signatures: signers.map((signer) => sign(message, keyPair(signer).secretKey)),
  }
}
