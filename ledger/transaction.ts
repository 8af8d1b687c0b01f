/**
 * Transactions: one canonical encoding, version 1 (ledger.md, Transaction).
 *
 *   version u8 · chain 8 · sender 32 · sequence u64 · validUntilMs u64 · salt u64 · fee u64
 *   count u8, actions { tag u8, body } · count u8, auth { key 32, signature 64 } strictly ascending by key
 *
 * A transaction of the system (evidence) has a sender of zeros and no auth.
 *
 * The id is H("tx", everything before auth), so signatures do not change it. What is signed is the id itself: 32 bytes
 * that hold the domain, the chain and every field.
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { compareBytes, equalBytes } from '../crypto/bytes.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { sign, type KeyPair } from '../crypto/ed25519.ts'
import { hash } from '../crypto/hash.ts'
import { decodeAction, encodeAction, type Action } from './actions/index.ts'
import type { Bytes32 } from './types.ts'

export const TRANSACTION_VERSION = 1

/** Everything that is signed. */
export interface TransactionContent {
  /** First 8 bytes of the genesis hash. */
  readonly chain: Uint8Array
  /** Account id: its first Ed25519 public key. */
  readonly sender: Bytes32
  /** 0: unordered. Else the sender's next sequence. */
  readonly sequence: bigint
  /** Last block time at which it may execute, ms. */
  readonly validUntilMs: number
  /** Makes unordered transactions distinct. */
  readonly salt: bigint
  /** In uCRD, for the whole transaction. */
  readonly fee: bigint
  /** 1–100; all apply or none. */
  readonly actions: readonly Action[]
}

export interface Authorization {
  readonly key: Bytes32
  readonly signature: Uint8Array
}

export interface Transaction extends TransactionContent {
  /** Up to 4, strictly ascending by key; none only in a transaction of the system. */
  readonly auth: readonly Authorization[]
}

/** A transaction with its canonical bytes and its id, so that neither is computed twice. */
export interface DecodedTransaction {
  readonly id: Bytes32
  readonly bytes: Uint8Array
  readonly transaction: Transaction
}

function writeContent(writer: Writer, content: TransactionContent): void {
  writer.u8(TRANSACTION_VERSION).fixed(content.chain, 8).fixed(content.sender, 32).u64(content.sequence)
  writer.u48(content.validUntilMs).u64(content.salt).u64(content.fee).u8(content.actions.length)
  for (const action of content.actions) encodeAction(writer, action)
}

/** Id of a transaction: also the 32 bytes that its keys sign. */
export function transactionId(content: TransactionContent): Bytes32 {
  const writer = new Writer()
  writeContent(writer, content)
  return writer.use((written) => hash('tx', written))
}

/**
 * Canonical bytes. Shape errors of the caller (a wrong length, auth out of order) are RangeErrors of the codec or
 * found by `decodeTransaction`; the function encodes what it is given.
 */
export function encodeTransaction(transaction: Transaction): Uint8Array {
  const writer = new Writer()
  writeContent(writer, transaction)
  writer.u8(transaction.auth.length)
  for (const { key, signature } of transaction.auth) writer.fixed(key, 32).fixed(signature, 64)
  return writer.finish()
}

/** The signed transaction, ready to send, with its id. */
export function signTransaction(
  content: TransactionContent,
  keyPairs: readonly KeyPair[],
): DecodedTransaction {
  const id = transactionId(content)
  const auth = keyPairs.map(({ publicKey, secretKey }) => ({
    key: publicKey,
    signature: sign(id, secretKey),
  }))
  auth.sort((a, b) => compareBytes(a.key, b.key))
  const transaction: Transaction = { ...content, auth }
  return { id, bytes: encodeTransaction(transaction), transaction }
}

/**
 * Decodes canonical bytes; the result holds views into them.
 * @throws CordonError `tx-too-large`, `tx-version`, `tx-malformed`, or `tx-action-invalid` for a reserved action.
 */
export function decodeTransaction(bytes: Uint8Array): DecodedTransaction {
  if (bytes.length > LIMITS.txBytes) {
    throw new CordonError(
      'tx-too-large',
      `expected a transaction of at most ${LIMITS.txBytes} bytes, got ${bytes.length}; split it`,
      { bytes: bytes.length },
    )
  }
  if (bytes.length > 0 && bytes[0] !== TRANSACTION_VERSION) {
    throw new CordonError(
      'tx-version',
      `expected transaction version ${TRANSACTION_VERSION}, got ${bytes[0]}; use a wallet of this network's version`,
      { version: bytes[0] },
    )
  }
  try {
    return decodeBody(bytes)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new CordonError(
      'tx-malformed',
      `not a canonical transaction: ${error.message}`,
      {},
      { cause: error },
    )
  }
}

function decodeBody(bytes: Uint8Array): DecodedTransaction {
  const reader = new Reader(bytes)
  reader.u8()
  const chain = sameChain(reader.fixed(8))
  const sender = reader.fixed(32)
  const sequence = reader.u64()
  const validUntilMs = reader.u48()
  const salt = reader.u64()
  const fee = reader.u64()
  const actions: Action[] = []
  for (let left = smallCount(reader, 1, LIMITS.actionsPerTx, 'actions'); left > 0; left--)
    actions.push(decodeAction(reader))
  const id = hash('tx', bytes.subarray(0, reader.offset))
  const auth: Authorization[] = []
  for (let left = smallCount(reader, 0, LIMITS.signaturesPerTx, 'signatures'); left > 0; left--) {
    const key = reader.fixed(32)
    const previous = auth.at(-1)
    if (previous !== undefined && compareBytes(previous.key, key) >= 0)
      throw new DecodeError('expected signing keys strictly ascending')
    // A transaction waits for a second or so, and each view that it holds is copied by collections meanwhile.
    auth.push({ key: equalBytes(key, sender) ? sender : key, signature: reader.fixed(64) })
  }
  reader.end()
  return { id, bytes, transaction: { chain, sender, sequence, validUntilMs, salt, fee, actions, auth } }
}

/** Of the transaction decoded last: nearly all are of one chain, and share it. */
let lastChain: Uint8Array = new Uint8Array(0)

function sameChain(chain: Uint8Array): Uint8Array {
  if (!equalBytes(chain, lastChain)) lastChain = Uint8Array.from(chain)
  return lastChain
}

function smallCount(reader: Reader, min: number, max: number, what: string): number {
  const count = reader.u8()
  if (count < min || count > max) throw new DecodeError(`expected ${min} to ${max} ${what}, got ${count}`)
  return count
}
