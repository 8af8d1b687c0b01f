/**
 * Hashes of the state tree: a compact sparse Merkle tree over 256-bit keys. The subtree of a bit prefix is
 *
 *   no entry     32 zero bytes
 *   one entry    H("state-leaf", key, value), at whatever depth it becomes alone
 *   more         H("state-node", left subtree, right subtree)
 *
 * so the root depends on the entries only, not on the order in which they came nor on how they are stored.
 */
import { DIGEST_BYTES, hashInto, hashToKeep } from '../../crypto/hash.ts'

/** Hash of a subtree without entries. */
export const EMPTY_SUBTREE: Uint8Array = new Uint8Array(DIGEST_BYTES)

/** Bits of a key. */
export const KEY_BITS: number = 8 * DIGEST_BYTES

/** Hash of a subtree with this one entry. */
export function leafHash(key: Uint8Array, value: Uint8Array): Uint8Array {
  return hashToKeep('state-leaf', key, value)
}

/** Hash of a subtree with two entries or more. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hashToKeep('state-node', left, right)
}

/** Writes a leaf's hash into `target` from `offset` on. */
export function writeLeafHash(target: Uint8Array, offset: number, key: Uint8Array, value: Uint8Array): void {
  hashInto(target, offset, 'state-leaf', key, value)
}

/** Writes a node's hash into `target` from `offset` on. */
export function writeNodeHash(target: Uint8Array, offset: number, left: Uint8Array, right: Uint8Array): void {
  hashInto(target, offset, 'state-node', left, right)
}

/** Bit `depth` of a key, the most significant first. */
export function keyBit(key: Uint8Array, depth: number): 0 | 1 {
  return (((key[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1) as 0 | 1
}

/** Four bits of a key, starting at `depth`, a multiple of 4. */
export function keyNibble(key: Uint8Array, depth: number): number {
  const byte = key[depth >> 3] ?? 0
  return (depth & 4) === 0 ? byte >> 4 : byte & 15
}
