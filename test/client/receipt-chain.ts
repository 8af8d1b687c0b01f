/** A chain of a few blocks with four validators and real keys, just enough to prove a payment in it. */
import { hash } from '../../crypto/hash.ts'
import { keyPairFromSeed, sign, type KeyPair } from '../../crypto/ed25519.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { EMPTY_ROOT, merklePath, merkleRoot } from '../../crypto/merkle.ts'
import { chainIdOf, genesisHash, type Genesis } from '../../config/genesis.ts'
import { makeParameters } from '../../config/parameters.ts'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import { blockDigest, proposalId, resultLeaf, voteMessage } from '../../consensus/wire.ts'
import type { Block, Certificate, Proposal, ValidatorSet, VoteKind } from '../../consensus/types.ts'
import { encodeReceipt, receiptDigest } from '../../ledger/receipt.ts'
import { signTransaction } from '../../ledger/transaction.ts'
import type { Receipt } from '../../ledger/types.ts'
import { GENESIS_EPOCH, type PortableReceiptParts } from '../../client/receipt.ts'

const CREATED_MS = 1_700_000_000_000

export function key(name: string): KeyPair {
  return keyPairFromSeed(hash('devnet-key', utf8(name)))
}

export const validatorKeys: readonly KeyPair[] = [1, 2, 3, 4].map((index) => key(`validator ${index}`))
const alice = key('alice')
const bob = key('bob')

export function makeGenesis(nonce = 7): Genesis {
  return {
    network: 'devnet',
    createdMs: CREATED_MS,
    nonce: new Uint8Array(16).fill(nonce),
    parameters: makeParameters('devnet'),
    validators: validatorKeys.map(({ publicKey }, index) => ({
      name: `v${index + 1}`,
      publicKey,
      operator: key(`operator ${index}`).publicKey,
      stake: 1_000n,
    })),
    accounts: [{ id: alice.publicKey, balance: 1_000_000_000n }],
  }
}

export function validatorSetOf(genesis: Genesis, epoch = GENESIS_EPOCH): ValidatorSet {
  const validators = genesis.validators.map(({ name, publicKey, stake }) => ({
    name,
    publicKey,
    weight: stake,
  }))
  return makeValidatorSet({ genesisHash: genesisHash(genesis) }, epoch, validators)
}

export function certify(
  set: ValidatorSet,
  kind: VoteKind,
  block: Block,
  signers: readonly number[],
  view = 9,
): Certificate {
  const proposal: Proposal = {
    epoch: set.epoch,
    view,
    parentView: view - 1,
    blockDigest: blockDigest(block),
    justHash: hash('just', utf8('none')),
  }
  const message = voteMessage(set.context, kind, set.epoch, view, proposalId(set.context, proposal))
  const signatures = signers.map((signer) => sign(message, validatorKeys[signer]!.secretKey))
  return { kind, epoch: set.epoch, view, proposal, signers, signatures }
}

export interface ChainOptions {
  readonly genesis?: Genesis
  /** Receipts in the block of the payment, its own among them. */
  readonly receipts?: number
  /** Position of the payment among them. */
  readonly position?: number
  readonly signers?: readonly number[]
}

/** Block 5 holds the payment, block 7 commits to heights 4–6, block 8 is final by a certificate. */
export function makeParts({
  genesis = makeGenesis(),
  receipts = 5,
  position = 2,
  signers = [0, 1, 3],
}: ChainOptions = {}): PortableReceiptParts {
  const set = validatorSetOf(genesis)
  const signed = signTransaction(
    {
      chain: chainIdOf(genesisHash(genesis)),
      sender: alice.publicKey,
      sequence: 0n,
      validUntilMs: CREATED_MS + 60_000,
      salt: 42n,
      fee: 1_000n,
      actions: [{ type: 'transfer', to: bob.publicKey, amount: 12_500_000n, memo: utf8('lunch') }],
    },
    [alice],
  )
  const all: Receipt[] = Array.from({ length: receipts }, (_, index) => ({
    txId: index === position ? signed.id : hash('tx', utf8(`other ${index}`)),
    height: 5,
    index,
    timeMs: CREATED_MS + 5_000,
    outcome: 'settled',
    fee: 1_000n,
    failure: null,
    holds: [],
  }))
  const leaves = all.map((receipt) => receiptDigest(encodeReceipt(receipt)))
  const results = [resultLeaf(4, EMPTY_ROOT), resultLeaf(5, merkleRoot(leaves)), resultLeaf(6, EMPTY_ROOT)]
  const block = (height: number, parent: Block | null, executed: Block['executed']): Block => ({
    genesisHash: genesisHash(genesis),
    height,
    parentDigest: parent === null ? hash('block', utf8('parent')) : blockDigest(parent),
    epoch: GENESIS_EPOCH,
    author: height % 4,
    timeMs: CREATED_MS + 1_000 * height,
    payload: [],
    executed,
    validatorSetHash: set.hash,
    nextValidatorSetHash: set.hash,
  })
  const stateRoot = hash('state-node', utf8('state'))
  const committing = block(7, null, { height: 6, stateRoot, resultsRoot: merkleRoot(results) })
  const child = block(8, committing, { height: 6, stateRoot, resultsRoot: EMPTY_ROOT })
  return {
    transaction: signed.bytes,
    receipt: all[position]!,
    receiptPath: merklePath(leaves, position),
    resultsPath: merklePath(results, 1),
    blocks: [committing, child],
    finalization: certify(set, 'finalize', child, signers),
  }
}
