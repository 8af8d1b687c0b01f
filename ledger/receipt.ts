/**
 * Receipts: the outcome of one transaction. The receipts of a block form a Merkle tree over H("receipt", encoded
 * receipt) in order; its root goes into a later header.
 *
 *   version u8 · txId 32 · height u64 · index u32 · timeMs u64 · outcome u8 · fee u64 · failure u8
 *   holds: count u8, each { action u8, id 32 } ascending by action
 */
import { LIMITS } from '../config/limits.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { hash } from '../crypto/hash.ts'
import { merkleRoot } from '../crypto/merkle.ts'
import type { Bytes32, FailureCode, Outcome, Receipt } from './types.ts'

const RECEIPT_VERSION = 1
const OUTCOMES: readonly Outcome[] = ['settled', 'held', 'failed']
/** In the order of their codes, from 1. Append only. */
const FAILURES: readonly FailureCode[] = [
  'insufficient-funds',
  'fee-not-covered',
  'hold-unknown',
  'hold-not-yours',
  'hold-ended',
  'hold-due',
  'not-an-operator',
  'already-voted',
  'not-the-guardian',
  'account-unknown',
]

/** Canonical bytes. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  const writer = new Writer(72 + 33 * receipt.holds.length)
  writer
    .u8(RECEIPT_VERSION)
    .fixed(receipt.txId, 32)
    .u48(receipt.height)
    .u32(receipt.index)
    .u48(receipt.timeMs)
  writer.u8(OUTCOMES.indexOf(receipt.outcome)).u64(receipt.fee)
  writer.u8(receipt.failure === null ? 0 : FAILURES.indexOf(receipt.failure) + 1)
  writer.u8(receipt.holds.length)
  for (const { action, holdId } of receipt.holds) writer.u8(action).fixed(holdId, 32)
  return writer.finish()
}

/** @throws DecodeError if the bytes are no canonical receipt. */
export function decodeReceipt(bytes: Uint8Array): Receipt {
  const reader = new Reader(bytes)
  const version = reader.u8()
  if (version !== RECEIPT_VERSION)
    throw new DecodeError(`expected receipt version ${RECEIPT_VERSION}, got ${version}`)
  const head = { txId: reader.fixed(32), height: reader.u48(), index: reader.u32(), timeMs: reader.u48() }
  const outcome = OUTCOMES[reader.u8()]
  const fee = reader.u64()
  const failureCode = reader.u8()
  const failure = failureCode === 0 ? null : FAILURES[failureCode - 1]
  if (outcome === undefined || failure === undefined)
    throw new DecodeError('expected an outcome and failure of the table')
  if ((failure !== null) !== (outcome === 'failed'))
    throw new DecodeError('expected a failure exactly with the outcome failed')
  const holds = decodeHolds(reader)
  if (holds.length > 0 !== (outcome === 'held'))
    throw new DecodeError('expected holds exactly with the outcome held')
  reader.end()
  return { ...head, outcome, fee, failure, holds }
}

function decodeHolds(reader: Reader): Receipt['holds'] {
  const count = reader.u8()
  if (count > LIMITS.actionsPerTx)
    throw new DecodeError(`expected at most ${LIMITS.actionsPerTx} holds, got ${count}`)
  const holds: { action: number; holdId: Bytes32 }[] = []
  for (let left = count; left > 0; left--) {
    const action = reader.u8()
    const previous = holds.at(-1)
    if (previous !== undefined && previous.action >= action)
      throw new DecodeError('expected holds strictly ascending by action')
    holds.push({ action, holdId: reader.fixed(32) })
  }
  return holds
}

/** Leaf of a receipt in the tree of its block. */
export function receiptDigest(encoded: Uint8Array): Bytes32 {
  return hash('receipt', encoded)
}

/** Root over the encoded receipts of a block. */
export function receiptsRootOf(encoded: readonly Uint8Array[]): Bytes32 {
  return merkleRoot(encoded.map(receiptDigest))
}
