/** A batch of signatures in one buffer, and the check of it. Runs in the worker and, for small batches, beside it. */
import { FEWEST, MOST, verifyAll, type Signed } from '../../crypto/batch/verify.ts'
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, verifyFast, verifyReference } from '../../crypto/ed25519.ts'

export type SignatureToCheck = Signed

const FIXED_BYTES = PUBLIC_KEY_BYTES + SIGNATURE_BYTES
const LENGTH_BYTES = 4

/**
 * count u32, then per signature { key 32 · signature 64 · message length u32 · message }, big-endian, in a buffer of its
 * own, to be transferred.
 * @throws RangeError if a key or signature has another length.
 */
export function packSignatures(signatures: readonly SignatureToCheck[]): Uint8Array<ArrayBuffer> {
  const length = signatures.reduce(
    (sum, { message }) => sum + FIXED_BYTES + LENGTH_BYTES + message.length,
    LENGTH_BYTES,
  )
  const packed = new Uint8Array(length)
  const view = new DataView(packed.buffer)
  view.setUint32(0, signatures.length)
  let at = LENGTH_BYTES
  for (const { key, message, signature } of signatures) {
    if (key.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) {
      throw new RangeError(
        `expected a key of ${PUBLIC_KEY_BYTES} and a signature of ${SIGNATURE_BYTES} bytes, got ${key.length} and ${signature.length}`,
      )
    }
    packed.set(key, at)
    packed.set(signature, at + PUBLIC_KEY_BYTES)
    view.setUint32(at + FIXED_BYTES, message.length)
    packed.set(message, at + FIXED_BYTES + LENGTH_BYTES)
    at += FIXED_BYTES + LENGTH_BYTES + message.length
  }
  return packed
}

/** The signatures of a packed batch, as views. */
function unpack(packed: Uint8Array): SignatureToCheck[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  let at = LENGTH_BYTES
  return Array.from({ length: view.getUint32(0) }, () => {
    const key = packed.subarray(at, at + PUBLIC_KEY_BYTES)
    const signature = packed.subarray(at + PUBLIC_KEY_BYTES, at + FIXED_BYTES)
    const messageEnd = at + FIXED_BYTES + LENGTH_BYTES + view.getUint32(at + FIXED_BYTES)
    const message = packed.subarray(at + FIXED_BYTES + LENGTH_BYTES, messageEnd)
    at = messageEnd
    return { key, message, signature }
  })
}

/**
 * 0 bad, 1 accepted, 2 accepted by the reference only, per signature: at once where there are enough of them, and one by one
 * where that does not accept all. Ends at the first bad one and when more than `slowAllowed` needed the reference: what is
 * left stays 0.
 */
export function checkPacked(packed: Uint8Array, slowAllowed: number): Uint8Array<ArrayBuffer> {
  const signatures = unpack(packed)
  const answers = new Uint8Array(signatures.length)
  let slow = 0
  for (let first = 0; first < signatures.length; first += MOST) {
    const part = signatures.slice(first, first + MOST)
    if (part.length >= FEWEST && verifyAll(part)) {
      answers.fill(1, first, first + part.length)
      continue
    }
    for (const [i, { key, message, signature }] of part.entries()) {
      if (verifyFast(signature, message, key)) {
        answers[first + i] = 1
        continue
      }
      if (slow++ >= slowAllowed || !verifyReference(signature, message, key)) return answers
      answers[first + i] = 2
    }
  }
  return answers
}
