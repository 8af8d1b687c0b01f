/**
 * Proofs that the state holds an entry, or holds none under a key. They verify against a state root with no store.
 *
 *   version u8 · siblings: count u16, 32 bytes each, from the root downwards · terminal u8
 *   terminal 0: the path ends in an empty subtree
 *   terminal 1: it ends in the entry of the key itself      · value u32-length bytes
 *   terminal 2: it ends in the entry of another key         · key 32, value u32-length bytes
 */
import { equalBytes } from '../../crypto/bytes.ts'
import { DecodeError, Reader, Writer } from '../../crypto/codec.ts'
import { EMPTY_SUBTREE, KEY_BITS, keyBit, leafHash, nodeHash } from './hashing.ts'

const PROOF_VERSION = 1
const MAX_VALUE_BYTES = 65_535

export interface StateProof {
  /** From the root downwards. */
  readonly siblings: readonly Uint8Array[]
  /** The entry in which the path of the key ends, or null: an empty subtree. */
  readonly entry: { readonly key: Uint8Array; readonly value: Uint8Array } | null
}

/** What a proof shows of its key. */
export type Proven = { readonly present: true; readonly value: Uint8Array } | { readonly present: false }

/** What `proof` shows of `key` under `root`, or null if it shows nothing. */
export function verifyStateProof(root: Uint8Array, key: Uint8Array, proof: StateProof): Proven | null {
  const depth = proof.siblings.length
  if (depth > KEY_BITS || key.length * 8 !== KEY_BITS) return null
  const { entry } = proof
  if (entry !== null && !sharesBits(entry.key, key, depth)) return null
  let node = entry === null ? EMPTY_SUBTREE : leafHash(entry.key, entry.value)
  for (let level = depth - 1; level >= 0; level--) {
    const sibling = proof.siblings[level] as Uint8Array
    node = keyBit(key, level) === 0 ? nodeHash(node, sibling) : nodeHash(sibling, node)
  }
  if (!equalBytes(node, root)) return null
  return entry !== null && equalBytes(entry.key, key)
    ? { present: true, value: entry.value }
    : { present: false }
}

function sharesBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  if (a.length !== b.length) return false
  for (let depth = 0; depth < bits; depth++) if (keyBit(a, depth) !== keyBit(b, depth)) return false
  return true
}

/** Canonical bytes of a proof about `key`. */
export function encodeStateProof(key: Uint8Array, proof: StateProof): Uint8Array {
  const writer = new Writer()
  writer.u8(PROOF_VERSION).u16(proof.siblings.length)
  for (const sibling of proof.siblings) writer.fixed(sibling, 32)
  if (proof.entry === null) writer.u8(0)
  else if (equalBytes(proof.entry.key, key)) writer.u8(1).bytes(proof.entry.value)
  else writer.u8(2).fixed(proof.entry.key, 32).bytes(proof.entry.value)
  return writer.finish()
}

/** @throws DecodeError if the bytes are no canonical proof about `key`. */
export function decodeStateProof(key: Uint8Array, bytes: Uint8Array): StateProof {
  const reader = new Reader(bytes)
  const version = reader.u8()
  if (version !== PROOF_VERSION)
    throw new DecodeError(`expected state proof version ${PROOF_VERSION}, got ${version}`)
  const count = reader.u16()
  if (count > KEY_BITS) throw new DecodeError(`expected at most ${KEY_BITS} siblings, got ${count}`)
  const siblings = Array.from({ length: count }, () => reader.fixed(32))
  const entry = decodeTerminal(reader, key)
  reader.end()
  return { siblings, entry }
}

function decodeTerminal(reader: Reader, key: Uint8Array): StateProof['entry'] {
  const terminal = reader.u8()
  if (terminal === 0) return null
  if (terminal === 1) return { key, value: reader.bytes(MAX_VALUE_BYTES) }
  if (terminal !== 2) throw new DecodeError(`expected terminal 0, 1 or 2, got ${terminal}`)
  const other = reader.fixed(32)
  if (equalBytes(other, key)) throw new DecodeError('expected the entry of another key')
  return { key: other, value: reader.bytes(MAX_VALUE_BYTES) }
}
