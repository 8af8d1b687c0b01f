/**
 * The file of a portable receipt: one canonical JSON text per proof. Everything in it is either an encoding that a
 * digest or a signature covers, or is derived from one (`summary`), so that no byte can change unnoticed.
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { fromHex, toHex } from '../crypto/bytes.ts'
import { DecodeError } from '../crypto/codec.ts'
import { DIGEST_BYTES } from '../crypto/hash.ts'
import { stepsOfPath, type MerklePath, type MerkleStep } from '../crypto/merkle.ts'
import {
  decodeCertificate,
  decodeHeader,
  encodeCertificate,
  encodeHeader,
  type BlockHeader,
} from '../consensus/wire.ts'
import type { Block, Certificate } from '../consensus/types.ts'
import { decodeReceipt, encodeReceipt } from '../ledger/receipt.ts'
import { decodeTransaction, type DecodedTransaction } from '../ledger/transaction.ts'
import type { Receipt } from '../ledger/types.ts'

export const RECEIPT_FORMAT = 'cordon-receipt/1'

/** What a node puts together for a portable receipt. */
export interface PortableReceiptParts {
  /** Canonical bytes, signatures included. */
  readonly transaction: Uint8Array
  readonly receipt: Receipt
  /** From the receipt's leaf to the receipts root of its block. */
  readonly receiptPath: MerklePath
  /** From the leaf of (height, receipts root) to the results root of the first block in `blocks`. */
  readonly resultsPath: MerklePath
  /** From the block whose header commits to the result up to the one that `finalization` names, each the child of the one before. */
  readonly blocks: readonly Block[]
  readonly finalization: Certificate
}

/** The same, as read back from a file: headers instead of blocks, steps instead of paths. */
export interface DecodedReceiptFile {
  readonly genesisHash: Uint8Array
  readonly transaction: DecodedTransaction
  readonly receipt: Receipt
  readonly receiptPath: readonly MerkleStep[]
  readonly resultsPath: readonly MerkleStep[]
  /** Canonical bytes beside the content: digests are over the bytes. */
  readonly headers: readonly { readonly bytes: Uint8Array; readonly header: BlockHeader }[]
  readonly finalization: Certificate
}

/** Longest path: 2^32 leaves. */
const MAX_STEPS = 32
/** Above the most blocks that may pass from execution to the finalization that proves it. */
const MAX_HEADERS = 4_096

/** The text of the file, its one trailing newline included. */
export function encodePortableReceipt(parts: PortableReceiptParts): string {
  const [committing] = parts.blocks
  if (committing === undefined) throw new RangeError('expected at least the block that commits to the result')
  return fileText({
    genesis: toHex(committing.genesisHash),
    transaction: toHex(parts.transaction),
    receipt: parts.receipt,
    receiptPath: stepsOfPath(parts.receiptPath),
    resultsPath: stepsOfPath(parts.resultsPath),
    headers: parts.blocks.map((block) => toHex(encodeHeader(block))),
    finalization: parts.finalization,
  })
}

interface FileContent {
  readonly genesis: string
  readonly transaction: string
  readonly receipt: Receipt
  readonly receiptPath: readonly MerkleStep[]
  readonly resultsPath: readonly MerkleStep[]
  readonly headers: readonly string[]
  readonly finalization: Certificate
}

function fileText(content: FileContent): string {
  const { receipt } = content
  const file = {
    format: RECEIPT_FORMAT,
    genesis: content.genesis,
    summary: {
      txId: toHex(receipt.txId),
      outcome: receipt.outcome,
      height: receipt.height,
      timeMs: receipt.timeMs,
    },
    transaction: content.transaction,
    receipt: toHex(encodeReceipt(receipt)),
    receiptPath: content.receiptPath.map(stepText),
    resultsPath: content.resultsPath.map(stepText),
    headers: content.headers,
    finalization: toHex(encodeCertificate(content.finalization)),
    // Proofs from genesis to the epoch of the finalization; there is one epoch so far, so none is needed.
    epochProofs: [],
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

function stepText({ side, sibling }: MerkleStep): string {
  return `${side}:${toHex(sibling)}`
}

/**
 * Takes a file apart. It says nothing about whether the proof holds: that is `verifyPortableReceipt`.
 * @throws CordonError `receipt-invalid` unless `text` is the one spelling of what it says.
 */
export function decodeReceiptFile(text: string): DecodedReceiptFile {
  if (text.length > LIMITS.receiptFileBytes) {
    throw invalid(`the file is longer than ${LIMITS.receiptFileBytes} bytes, so it is no receipt`)
  }
  const fields = parseFields(text)
  if (fields.format !== RECEIPT_FORMAT) {
    throw invalid(
      `expected format ${RECEIPT_FORMAT}, got ${JSON.stringify(fields.format)}: another kind of file, or of another version of Cordon`,
    )
  }
  const decoded: DecodedReceiptFile = {
    genesisHash: field('genesis', () => fromHex(string(fields.genesis), DIGEST_BYTES)),
    transaction: field('transaction', () => decodeTransaction(fromHex(string(fields.transaction)))),
    receipt: field('receipt', () => decodeReceipt(fromHex(string(fields.receipt)))),
    receiptPath: field('receiptPath', () => list(fields.receiptPath, MAX_STEPS).map(parseStep)),
    resultsPath: field('resultsPath', () => list(fields.resultsPath, MAX_STEPS).map(parseStep)),
    headers: field('headers', () => list(fields.headers, MAX_HEADERS).map(parseHeader)),
    finalization: field('finalization', () => decodeCertificate(fromHex(string(fields.finalization)))),
  }
  requireCanonical(text, decoded)
  return decoded
}

function parseFields(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw invalid('the file is not JSON: damaged, or no receipt')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('expected a JSON object, got something else')
  return value as Record<string, unknown>
}

/** Rebuilds the text from what was understood: spelling, order, unknown fields and `summary` are all compared at once. */
function requireCanonical(text: string, decoded: DecodedReceiptFile): void {
  const canonical = fileText({
    ...decoded,
    genesis: toHex(decoded.genesisHash),
    transaction: toHex(decoded.transaction.bytes),
    headers: decoded.headers.map(({ bytes }) => toHex(bytes)),
  })
  if (canonical === text) return
  let at = 0
  while (canonical[at] === text[at]) at++
  const line = text.slice(0, at).split('\n').length
  throw invalid(
    `the file is not in its canonical form: it differs at character ${at} (line ${line}) from what its own content says`,
  )
}

function field<Value>(name: string, parse: () => Value): Value {
  try {
    return parse()
  } catch (error) {
    if (error instanceof RangeError || error instanceof DecodeError || error instanceof CordonError) {
      throw invalid(`${name}: ${error.message}`)
    }
    throw error
  }
}

function string(value: unknown): string {
  if (typeof value !== 'string')
    throw new RangeError(`expected a string, got ${value === undefined ? 'nothing' : typeof value}`)
  return value
}

function list(value: unknown, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new RangeError('expected a list')
  if (value.length > max) throw new RangeError(`expected at most ${max} entries, got ${value.length}`)
  return value
}

function parseStep(value: unknown): MerkleStep {
  const match = /^(left|right):([0-9a-f]{64})$/.exec(string(value))
  if (match === null) throw new RangeError('expected left: or right: and 64 lower-case hex digits')
  return { side: match[1] === 'left' ? 'left' : 'right', sibling: fromHex(match[2] ?? '', DIGEST_BYTES) }
}

function parseHeader(value: unknown): { bytes: Uint8Array; header: BlockHeader } {
  const bytes = fromHex(string(value))
  return { bytes, header: decodeHeader(bytes) }
}

/** Every way in which a receipt fails has this code; the message is the reason. */
export function invalid(reason: string): CordonError {
  return new CordonError('receipt-invalid', reason)
}
