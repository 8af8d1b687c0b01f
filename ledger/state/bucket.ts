/**
 * A page at the edge of the state tree: all entries below one prefix, with the hashes of the small tree they form.
 * Hashes of inner nodes are computed when asked for and kept until an entry below changes.
 */
import { DecodeError, Reader, Writer } from '../../crypto/codec.ts'
import { EMPTY_SUBTREE, keyBit, keyNibble, leafHash, nodeHash } from './hashing.ts'

/** First byte of an encoded bucket. */
export const BUCKET_PAGE = 1

/** Longest value of an entry: a hold that all validators flagged and reviewed fits. */
const MAX_VALUE_BYTES = 65_535

/** V8 puts typed arrays up to this size on its heap. */
const ON_HEAP_BYTES = 64

export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

interface Leaf extends Entry {
  readonly leaf: true
  readonly hash: Uint8Array
}

/** Holds two leaves or more, so it never collapses into one. */
interface Branch {
  readonly leaf: false
  children: [Node | null, Node | null]
  hash: Uint8Array | null
}

type Node = Leaf | Branch

/** What a lookup ends in: siblings from the bucket's root downwards, and the entry met, if any. */
export interface BucketWalk {
  readonly siblings: readonly Uint8Array[]
  readonly entry: Entry | null
}

export class Bucket {
  /** Nibbles of the prefix, as hex digits. */
  readonly path: string
  /** Tick of the last use, for eviction. */
  lastUsed = 0
  #root: Node | null = null
  #count = 0

  constructor(path: string) {
    this.path = path
  }

  get count(): number {
    return this.#count
  }

  /** Bits of the prefix. */
  get depth(): number {
    return 4 * this.path.length
  }

  get hash(): Uint8Array {
    return subtreeHash(this.#root)
  }

  /** Computes the hash now. */
  rehash(): void {
    subtreeHash(this.#root)
  }

  get(key: Uint8Array): Uint8Array | null {
    let node = this.#root
    for (let depth = this.depth; node !== null && !node.leaf; depth++)
      node = node.children[keyBit(key, depth)]
    return node !== null && sameKey(node.key, key) ? node.value : null
  }

  /** Sets an entry, or removes it if `value` is null. */
  set(key: Uint8Array, value: Uint8Array | null): void {
    if (value === null) this.#root = this.#remove(this.#root, this.depth, key)
    else this.#put({ leaf: true, key, value: toKeep(value), hash: leafHash(key, value) })
  }

  #put(leaf: Leaf): void {
    const { key } = leaf
    let parent: Branch | null = null
    let side: 0 | 1 = 0
    let node = this.#root
    let depth = this.depth
    for (; node !== null && !node.leaf; depth++) {
      node.hash = null
      parent = node
      side = keyBit(key, depth)
      node = node.children[side]
    }
    const isNew = node === null || !sameKey(node.key, key)
    const put = node !== null && isNew ? branchOf(node, leaf, depth) : leaf
    if (parent === null) this.#root = put
    else parent.children[side] = put
    if (isNew) this.#count++
  }

  #remove(node: Node | null, depth: number, key: Uint8Array): Node | null {
    if (node === null) return null
    if (node.leaf) {
      if (!sameKey(node.key, key)) return node
      this.#count--
      return null
    }
    const side = keyBit(key, depth)
    node.children[side] = this.#remove(node.children[side], depth + 1, key)
    node.hash = null
    const [left, right] = node.children
    if (left === null && (right === null || right.leaf)) return right
    if (right === null && left?.leaf === true) return left
    return node
  }

  /** Follows `key` down, for a proof. */
  walk(key: Uint8Array): BucketWalk {
    const siblings: Uint8Array[] = []
    let node = this.#root
    for (let depth = this.depth; node !== null && !node.leaf; depth++) {
      const side = keyBit(key, depth)
      siblings.push(subtreeHash(node.children[side === 0 ? 1 : 0]))
      node = node.children[side]
    }
    return { siblings, entry: node }
  }

  /** All entries, ascending by key. */
  entries(): readonly Entry[] {
    const entries: Entry[] = []
    collect(this.#root, entries)
    return entries
  }

  /**
   * The same entries in buckets one nibble deeper, by that nibble. They take over this bucket's nodes with their hashes,
   * so it must not be used again.
   */
  split(): Map<number, Bucket> {
    const parts = new Map<number, Bucket>()
    const visit = (node: Node | null, depth: number): void => {
      if (node === null) return
      if (!node.leaf && depth < this.depth + 4) {
        visit(node.children[0], depth + 1)
        visit(node.children[1], depth + 1)
        return
      }
      const leaves: Entry[] = []
      collect(node, leaves)
      const nibble = keyNibble((leaves[0] as Entry).key, this.depth)
      const part = new Bucket(this.path + nibble.toString(16))
      part.#root = node
      part.#count = leaves.length
      parts.set(nibble, part)
    }
    visit(this.#root, this.depth)
    return parts
  }

  encode(): Uint8Array {
    const writer = new Writer(128 * this.#count + 8)
    writer.u8(BUCKET_PAGE).u32(this.#count)
    for (const { key, value } of this.entries()) writer.fixed(key, 32).bytes(value)
    return writer.finish()
  }

  /** @throws DecodeError. */
  static decode(path: string, bytes: Uint8Array): Bucket {
    const reader = new Reader(bytes)
    if (reader.u8() !== BUCKET_PAGE) throw new DecodeError('expected a bucket page')
    const bucket = new Bucket(path)
    let previous: Uint8Array | null = null
    for (let left = reader.u32(); left > 0; left--) {
      const key = reader.fixed(32)
      if (previous !== null && Buffer.compare(previous, key) >= 0)
        throw new DecodeError('expected the keys of a bucket page strictly ascending')
      bucket.set(key, reader.bytes(MAX_VALUE_BYTES))
      previous = key
    }
    reader.end()
    return bucket
  }
}

/** Where the keys of two leaves part, with a branch for every bit before that from `depth` on. */
function branchOf(one: Leaf, other: Leaf, depth: number): Branch {
  const branch: Branch = { leaf: false, children: [null, null], hash: null }
  const [ofOne, ofOther] = [keyBit(one.key, depth), keyBit(other.key, depth)]
  if (ofOne === ofOther) branch.children[ofOne] = branchOf(one, other, depth + 1)
  else branch.children = ofOne === 0 ? [one, other] : [other, one]
  return branch
}

/** Small values are kept on V8's heap, for the reason of `hashToKeep`. */
function toKeep(value: Uint8Array): Uint8Array {
  return value.length <= ON_HEAP_BYTES ? new Uint8Array(value) : value
}

function subtreeHash(node: Node | null): Uint8Array {
  if (node === null) return EMPTY_SUBTREE
  if (node.leaf) return node.hash
  node.hash ??= nodeHash(subtreeHash(node.children[0]), subtreeHash(node.children[1]))
  return node.hash
}

function collect(node: Node | null, into: Entry[]): void {
  if (node === null) return
  if (node.leaf) {
    into.push(node)
    return
  }
  collect(node.children[0], into)
  collect(node.children[1], into)
}

function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
