/**
 * A slow and obvious state tree: the definition, written down once more. It shares nothing with the ledger's own but
 * SHA-256, so the two can be held against each other.
 */
import { createHash } from 'node:crypto'

const EMPTY = Buffer.alloc(32)

function tagged(domain: string, ...parts: readonly Uint8Array[]): Buffer {
  const hasher = createHash('sha256')
    .update(Buffer.from([domain.length]))
    .update(domain, 'ascii')
  for (const part of parts) hasher.update(part)
  return hasher.digest()
}

/** Bits of a key as a string of 0 and 1. */
const bitsOf = (key: Uint8Array): string => [...key].map((byte) => byte.toString(2).padStart(8, '0')).join('')

/** Root over entries by key in hex. */
export function referenceRoot(entries: ReadonlyMap<string, Uint8Array>): string {
  const leaves = [...entries].map(([hex, value]) => {
    const key = Buffer.from(hex, 'hex')
    return { bits: bitsOf(key), hash: tagged('state-leaf', key, value) }
  })
  const subtree = (members: typeof leaves, depth: number): Buffer => {
    const [first, ...rest] = members
    if (first === undefined) return EMPTY
    if (rest.length === 0) return first.hash
    const left = members.filter(({ bits }) => bits[depth] === '0')
    const right = members.filter(({ bits }) => bits[depth] === '1')
    return tagged('state-node', subtree(left, depth + 1), subtree(right, depth + 1))
  }
  return subtree(leaves, 0).toString('hex')
}
