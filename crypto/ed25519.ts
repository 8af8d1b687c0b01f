/**
 * Ed25519 with one acceptance rule on every node: ZIP-215, as `@noble/curves` implements it.
 * libsodium answers first because it is some twenty times faster; what it accepts is a subset of ZIP-215, and what it
 * refuses the reference decides.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import sodium from 'sodium-native'
import { asBuffer } from './bytes.ts'

export const PUBLIC_KEY_BYTES: number = 32
export const SIGNATURE_BYTES: number = 64
export const SEED_BYTES: number = 32

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes: seed ‖ public key, libsodium's form. Secret. */
  readonly secretKey: Uint8Array
}

/** The key pair of a 32-byte seed (RFC 8032). */
export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  if (seed.length !== SEED_BYTES)
    throw new RangeError(`expected a seed of ${SEED_BYTES} bytes, got ${seed.length}`)
  const publicKey = Buffer.alloc(PUBLIC_KEY_BYTES)
  const secretKey = Buffer.alloc(sodium.crypto_sign_SECRETKEYBYTES)
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, asBuffer(seed))
  return { publicKey, secretKey }
}

/** The 64-byte signature of `message`. Deterministic (RFC 8032). */
export function sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const signature = Buffer.alloc(SIGNATURE_BYTES)
  sodium.crypto_sign_detached(signature, asBuffer(message), asBuffer(secretKey))
  return signature
}

/**
 * Whether libsodium accepts. Stricter than the rule: it also refuses small-order points and non-canonical encodings.
 * Admission uses it alone, so that nobody can make other nodes pay for the slow reference.
 */
export function verifyFast(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== PUBLIC_KEY_BYTES) return false
  return sodium.crypto_sign_verify_detached(asBuffer(signature), asBuffer(message), asBuffer(publicKey))
}

/** Whether the reference accepts (ZIP-215). About 1 ms. */
export function verifyReference(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== PUBLIC_KEY_BYTES) return false
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: true })
  } catch {
    return false // noble throws on keys that are no point of the curve
  }
}

/** Whether `signature` is valid under the rule of this ledger. Never throws. */
export function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  return verifyFast(signature, message, publicKey) || verifyReference(signature, message, publicKey)
}

/** Whether signatures can be checked against this key: a point of the curve that is not of small order. */
export function isUsablePublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return false
  try {
    return !ed25519.Point.fromBytes(publicKey, false).isSmallOrder()
  } catch {
    return false
  }
}
