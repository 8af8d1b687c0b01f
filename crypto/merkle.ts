/**
 * Binary Merkle tree over an ordered list of digests. An odd node is carried up unchanged, so a list of one leaf has
 * that leaf as its root; leaves are domain-separated by whoever hashes them.
 */
import { DIGEST_BYTES, hash } from './hash.ts'

/** Root of the empty list. */
export const EMPTY_ROOT: Uint8Array = new Uint8Array(DIGEST_BYTES)

export interface MerklePath {
  /** Position of the leaf. */
  readonly index: number
  /** Number of leaves in the tree. */
  readonly count: number
  /** Sibling digests from the leaf upwards; levels at which the node is carried up have none. */
  readonly siblings: readonly Uint8Array[]
}

function parent(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash('merkle-node', left, right)
}

function levelAbove(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = []
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i] as Uint8Array
    const right = level[i + 1]
    above.push(right === undefined ? left : parent(left, right))
  }
  return above
}

/** Root over `leaves` (32-byte digests) in order. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves
  while (level.length > 1) level = levelAbove(level)
  return level[0] ?? EMPTY_ROOT
}

/** Path that proves leaf `index` of `leaves`. */
export function merklePath(leaves: readonly Uint8Array[], index: number): MerklePath {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) {
    throw new RangeError(`no leaf ${index} among ${leaves.length}`)
  }
  const siblings: Uint8Array[] = []
  let level = leaves
  for (let i = index; level.length > 1; i >>= 1) {
    const sibling = level[i ^ 1]
    if (sibling !== undefined) siblings.push(sibling)
    level = levelAbove(level)
  }
  return { index, count: leaves.length, siblings }
}

/** The root that `leaf` has under `path`, or null if the path does not fit its own index and count. */
export function rootOfPath(leaf: Uint8Array, path: MerklePath): Uint8Array | null {
  if (path.index < 0 || path.index >= path.count) return null
  let node = leaf
  let used = 0
  let index = path.index
  for (let count = path.count; count > 1; count = (count + 1) >> 1) {
    if ((index ^ 1) < count) {
      const sibling = path.siblings[used++]
      if (sibling === undefined) return null
      node = index % 2 === 0 ? parent(node, sibling) : parent(sibling, node)
    }
    index >>= 1
  }
  return used === path.siblings.length ? node : null
}

/** One level of a path: the sibling, and on which side of the node it stands. */
export interface MerkleStep {
  readonly side: 'left' | 'right'
  readonly sibling: Uint8Array
}

/**
 * A path as steps. Index and count of a path are not all bound by the root (5 and 6 leaves share most paths); steps
 * are, bit by bit, so stored proofs carry these.
 */
export function stepsOfPath(path: MerklePath): MerkleStep[] {
  const steps: MerkleStep[] = []
  let index = path.index
  for (let count = path.count; count > 1; count = (count + 1) >> 1) {
    const sibling = (index ^ 1) < count ? path.siblings[steps.length] : undefined
    if (sibling !== undefined) steps.push({ side: index % 2 === 0 ? 'right' : 'left', sibling })
    index >>= 1
  }
  return steps
}

/** The root that `leaf` has under `steps`. */
export function rootOfSteps(leaf: Uint8Array, steps: readonly MerkleStep[]): Uint8Array {
  return steps.reduce(
    (node, { side, sibling }) => (side === 'left' ? parent(sibling, node) : parent(node, sibling)),
    leaf,
  )
}
