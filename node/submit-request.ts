/** How a full node hands its clients' transactions to a validator: a request with some, answered with a byte for each. */
import { LIMITS } from '../config/limits.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'

/** First byte of a request on the request protocol. */
const REQUEST = { submit: 1 } as const
/** Transactions of one request. */
export const SUBMIT_TXS_MAX = 256
/** Kind and count before the transactions, and the length before each. */
const SUBMIT_HEAD_BYTES = 5
const SUBMIT_LENGTH_BYTES = 4

export function encodeSubmit(txs: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer().u8(REQUEST.submit).u32(txs.length)
  for (const tx of txs) writer.bytes(tx)
  return writer.finish()
}

/** @throws DecodeError */
export function decodeSubmit(bytes: Uint8Array): Uint8Array[] {
  const reader = new Reader(bytes)
  const kind = reader.u8()
  if (kind !== REQUEST.submit)
    throw new DecodeError(`expected a request of kind ${REQUEST.submit}, got ${kind}`)
  const count = reader.count(SUBMIT_TXS_MAX, 'transactions')
  const txs = Array.from({ length: count }, () => reader.bytes(LIMITS.txBytes))
  reader.end()
  return txs
}

/** In order, each part small enough for one request. */
export function partsOf(txs: readonly Uint8Array[]): Uint8Array[][] {
  const parts: Uint8Array[][] = []
  let part: Uint8Array[] = []
  let bytes = SUBMIT_HEAD_BYTES
  for (const tx of txs) {
    const more = SUBMIT_LENGTH_BYTES + tx.length
    if (part.length === SUBMIT_TXS_MAX || bytes + more > LIMITS.requestBytes) {
      parts.push(part)
      part = []
      bytes = SUBMIT_HEAD_BYTES
    }
    part.push(tx)
    bytes += more
  }
  if (part.length > 0) parts.push(part)
  return parts
}
