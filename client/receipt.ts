/**
 * Portable receipts: proof, from genesis alone, that a payment is final and how it ended (ledger.md, State and proofs;
 * consensus.md §12). The chain of reasons, each checked below in this order:
 *
 *   transaction → its receipt → receipts root of its block → results root in a later header → child headers → a header
 *   named by a finalization → signed by validators of more than two thirds of the genesis stake.
 */
import { genesisHash as hashOfGenesis, chainIdOf, type Genesis } from '../config/genesis.ts'
import { CordonError } from '../config/errors.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { verify } from '../crypto/ed25519.ts'
import { rootOfSteps } from '../crypto/merkle.ts'
import { checkCertificate } from '../consensus/certificates.ts'
import { makeValidatorSet, weightOf } from '../consensus/validator-set.ts'
import { headerDigest, resultLeaf, type BlockHeader } from '../consensus/wire.ts'
import { encodeReceipt, receiptDigest } from '../ledger/receipt.ts'
import { checkTransactionBytes } from '../ledger/rules.ts'
import type { Transaction } from '../ledger/transaction.ts'
import type { Receipt } from '../ledger/types.ts'
import { decodeReceiptFile, invalid, type DecodedReceiptFile } from './receipt-file.ts'

export { encodePortableReceipt, RECEIPT_FORMAT, type PortableReceiptParts } from './receipt-file.ts'

/** Epoch that starts at genesis. */
export const GENESIS_EPOCH = 1

/** What a receipt proves. */
export interface VerifiedReceipt {
  readonly txId: Uint8Array
  readonly transaction: Transaction
  readonly receipt: Receipt
  /** Height of the header that the validators' finalization names. */
  readonly finalizedHeight: number
  readonly signers: readonly string[]
  readonly signedWeight: bigint
  readonly totalWeight: bigint
}

/**
 * Checks the file of a portable receipt against genesis; needs no node and no network.
 * @throws CordonError `receipt-invalid` with the reason, for anything that is not the canonical text of a proof that holds.
 */
export function verifyPortableReceipt(text: string, genesis: Genesis): VerifiedReceipt {
  const file = decodeReceiptFile(text)
  checkChain(file, genesis)
  checkTransaction(file, genesis)
  checkResult(file)
  return checkFinalization(file, genesis, checkLinks(file))
}

function checkChain({ genesisHash, headers }: DecodedReceiptFile, genesis: Genesis): void {
  const expected = hashOfGenesis(genesis)
  if (!equalBytes(genesisHash, expected)) {
    throw invalid(
      `the receipt is of the chain with genesis ${toHex(genesisHash)}, the given genesis file has ${toHex(expected)}`,
    )
  }
  if (headers.some(({ header }) => !equalBytes(header.genesisHash, expected)))
    throw invalid('a header belongs to another chain')
}

function checkTransaction({ transaction, receipt, genesisHash }: DecodedReceiptFile, genesis: Genesis): void {
  if (!equalBytes(transaction.id, receipt.txId)) {
    throw invalid(
      `the receipt is for transaction ${toHex(receipt.txId)}, but the file holds ${toHex(transaction.id)}`,
    )
  }
  try {
    checkTransactionBytes(
      transaction.bytes,
      { chain: chainIdOf(genesisHash), minFee: genesis.parameters.minFee },
      verify,
    )
  } catch (error) {
    if (error instanceof CordonError) throw invalid(`the transaction is not valid: ${error.message}`)
    throw error
  }
}

/** The receipt is under the results root of the first header. */
function checkResult({ receipt, receiptPath, resultsPath, headers }: DecodedReceiptFile): void {
  const committing = headers[0]?.header
  if (committing === undefined) throw invalid('expected at least one header, got none')
  const receiptsRoot = rootOfSteps(receiptDigest(encodeReceipt(receipt)), receiptPath)
  const resultsRoot = rootOfSteps(resultLeaf(receipt.height, receiptsRoot), resultsPath)
  if (!equalBytes(resultsRoot, committing.executed.resultsRoot)) {
    throw invalid(
      `the receipt is not among the results that header ${committing.height} commits to: it leads to ${toHex(resultsRoot)}, the header says ${toHex(committing.executed.resultsRoot)}`,
    )
  }
  if (receipt.height > committing.executed.height) {
    throw invalid(
      `header ${committing.height} commits to results up to height ${committing.executed.height}, the receipt is of height ${receipt.height}`,
    )
  }
}

interface LastHeader {
  readonly header: BlockHeader
  readonly digest: Uint8Array
}

/** Every header is the child of the one before it. @returns the last one. */
function checkLinks({ headers }: DecodedReceiptFile): LastHeader {
  let last: LastHeader | null = null
  for (const { bytes, header } of headers) {
    if (
      last !== null &&
      (!equalBytes(header.parentDigest, last.digest) || header.height !== last.header.height + 1)
    ) {
      throw invalid(`header ${header.height} is not the child of header ${last.header.height}`)
    }
    last = { header, digest: headerDigest(bytes) }
  }
  if (last === null) throw invalid('expected at least one header, got none')
  return last
}

function checkFinalization(
  { finalization, receipt, transaction, genesisHash }: DecodedReceiptFile,
  genesis: Genesis,
  last: LastHeader,
): VerifiedReceipt {
  if (finalization.kind !== 'finalize' || finalization.proposal === null)
    throw invalid(`expected a finalization, got a certificate of ${finalization.kind} votes`)
  if (!equalBytes(finalization.proposal.blockDigest, last.digest)) {
    throw invalid(
      `the finalization is of block ${toHex(finalization.proposal.blockDigest)}, the last header is ${toHex(last.digest)}`,
    )
  }
  if (finalization.epoch !== GENESIS_EPOCH)
    throw invalid(
      `the finalization is of epoch ${finalization.epoch} and the file has no proof from genesis to it`,
    )
  const validators = genesis.validators.map(({ name, publicKey, stake }) => ({
    name,
    publicKey,
    weight: stake,
  }))
  const set = makeValidatorSet({ genesisHash }, GENESIS_EPOCH, validators)
  const problem = checkCertificate(set, finalization, { verify })
  if (problem !== null) throw invalid(`the finalization does not hold: ${problem}`)
  return {
    txId: transaction.id,
    transaction: transaction.transaction,
    receipt,
    finalizedHeight: last.header.height,
    signers: finalization.signers.map((signer) => set.validators[signer]?.name ?? String(signer)),
    signedWeight: weightOf(set, finalization.signers),
    totalWeight: set.totalWeight,
  }
}
