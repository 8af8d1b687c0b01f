/**
 * A page at the edge of the state tree: all entries below one prefix, with the hashes of the small tree they form. All of it
 * is in one piece of memory, about 130 bytes an account, since a node holds hundreds of thousands of them:
 *
 *   keys 32·n, ascending · hashes of entries 32·n · hashes of subtrees 32·n · lengths of values u16·n · values
 *
 * Every subtree with entries on both sides has a place of its own among the subtrees: the index of its first entry on the
 * right. What is kept there is its hash where it hangs below the next such subtree above it; an entry that changes
 * invalidates those above it.
 */
import { DecodeError, Reader, Writer } from '../../crypto/codec.ts'
import { DIGEST_BYTES } from '../../crypto/hash.ts'
import { EMPTY_SUBTREE, keyBit, keyNibble, nodeHash, writeLeafHash } from './hashing.ts'

/** First byte of an encoded bucket. */
export const BUCKET_PAGE = 1

/** Longest value of an entry: a hold that all validators flagged and reviewed fits. */
const MAX_VALUE_BYTES = 65_535
const KEY_BYTES = 32
const LENGTH_BYTES = 2
const FIXED_BYTES = KEY_BYTES + 2 * DIGEST_BYTES + LENGTH_BYTES
/** Entries up to which hashes of subtrees are kept, one bit for each. A bucket at the deepest path may have more. */
const MAX_KEPT = 33

const NO_BYTES = new Uint8Array(0)

export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** What a lookup ends in: siblings from the bucket's root downwards, and the entry met, if any. */
export interface BucketWalk {
  readonly siblings: readonly Uint8Array[]
  readonly entry: Entry | null
}

/** A subtree with entries on both sides: the bit in which they differ, and its first entry on the right. */
interface Fork {
  readonly depth: number
  readonly right: number
}

export class Bucket {
  /** Nibbles of the prefix, as hex digits. */
  readonly path: string
  /** Tick of the last use, for eviction. */
  lastUsed = 0
  /** Changed, and in the list of pages to be written. */
  waits = false
  #count = 0
  #bytes: Uint8Array = NO_BYTES
  /** Which hashes of subtrees are right: bit `right mod 32`. */
  #kept = 0
  readonly #root = new Uint8Array(DIGEST_BYTES)
  /** Whether `#root` is the hash of the entries; it is that of none at first. */
  #rooted = true

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

  /** Until an entry changes. */
  get hash(): Uint8Array {
    this.rehash()
    return this.#root
  }

  /** Computes the hash now. */
  rehash(): void {
    if (this.#rooted) return
    this.#root.set(this.#subtree(0, this.#count, this.depth))
    this.#rooted = true
  }

  /** A copy, or null. */
  get(key: Uint8Array): Uint8Array | null {
    const index = this.#indexOf(key)
    return this.#isAt(index, key) ? this.#valueAt(index) : null
  }

  /** Sets an entry, or removes it if `value` is null. */
  set(key: Uint8Array, value: Uint8Array | null): void {
    const index = this.#indexOf(key)
    const isHere = this.#isAt(index, key)
    if (value === null) {
      if (isHere) this.#rebuild(index, 1, null)
    } else if (isHere && this.#lengthAt(index) === value.length) {
      this.#bytes.set(value, this.#valueOffset(index))
      writeLeafHash(this.#bytes, this.#leafOffset(index), key, value)
      this.#changed(index)
    } else this.#rebuild(index, isHere ? 1 : 0, { key, value })
  }

  /** Follows `key` down, for a proof. */
  walk(key: Uint8Array): BucketWalk {
    const siblings: Uint8Array[] = []
    let [from, to] = [0, this.#count]
    for (let depth = this.depth; to - from > 1; depth++) {
      const right = this.#firstWithBit(from, to, depth)
      const goesRight = keyBit(key, depth) === 1
      const [otherFrom, otherTo] = goesRight ? [from, right] : [right, to]
      siblings.push(new Uint8Array(this.#lifted(otherFrom, otherTo, depth + 1)))
      if (goesRight) from = right
      else to = right
    }
    return { siblings, entry: to > from ? this.#entryAt(from) : null }
  }

  /** Copies of all entries, ascending by key. */
  entries(): readonly Entry[] {
    return Array.from({ length: this.#count }, (_, index) => this.#entryAt(index))
  }

  /** The same entries in buckets one nibble deeper, by that nibble. */
  split(): Map<number, Bucket> {
    const parts = new Map<number, Bucket>()
    for (let from = 0, to = 0; from < this.#count; from = to) {
      const nibble = keyNibble(this.#key(from), this.depth)
      while (to < this.#count && keyNibble(this.#key(to), this.depth) === nibble) to++
      const part = new Bucket(this.path + nibble.toString(16))
      part.#allocate(to - from, this.#valueOffset(to) - this.#valueOffset(from))
      part.#copy(this, from, to, 0)
      parts.set(nibble, part)
    }
    return parts
  }

  encode(): Uint8Array {
    const writer = new Writer(128 * this.#count + 8)
    writer.u8(BUCKET_PAGE).u32(this.#count)
    let offset = this.#valueOffset(0)
    for (let index = 0; index < this.#count; index++) {
      const length = this.#lengthAt(index)
      writer.fixed(this.#key(index), KEY_BYTES).bytes(this.#bytes.subarray(offset, offset + length))
      offset += length
    }
    return writer.finish()
  }

  /** @throws DecodeError. */
  static decode(path: string, bytes: Uint8Array): Bucket {
    const reader = new Reader(bytes)
    if (reader.u8() !== BUCKET_PAGE) throw new DecodeError('expected a bucket page')
    const entries: Entry[] = []
    for (let left = reader.u32(); left > 0; left--) {
      const key = reader.fixed(KEY_BYTES)
      const previous = entries.at(-1)
      if (previous !== undefined && Buffer.compare(previous.key, key) >= 0)
        throw new DecodeError('expected the keys of a bucket page strictly ascending')
      entries.push({ key, value: reader.bytes(MAX_VALUE_BYTES) })
    }
    reader.end()
    const bucket = new Bucket(path)
    bucket.#allocate(
      entries.length,
      entries.reduce((sum, { value }) => sum + value.length, 0),
    )
    for (const [index, entry] of entries.entries()) bucket.#put(index, entry)
    return bucket
  }

  // ---- hashes ----

  /** Hash of the entries of a range where they hang below the fork above them, or at the top. */
  #subtree(from: number, to: number, depth: number): Uint8Array {
    if (to - from < 2) return this.#lifted(from, to, depth)
    const { right } = this.#forkOf(from, to)
    const offset = KEY_BYTES * this.#count + DIGEST_BYTES * (this.#count + right)
    const bit = 1 << (right & 31)
    if ((this.#kept & bit) === 0) {
      const hash = this.#lifted(from, to, depth)
      if (this.#count > MAX_KEPT) return hash
      this.#bytes.set(hash, offset)
      this.#kept |= bit
    }
    return this.#bytes.subarray(offset, offset + DIGEST_BYTES)
  }

  /** Hash of the entries of a range, which have their bits before `depth` in common, at that depth. */
  #lifted(from: number, to: number, depth: number): Uint8Array {
    if (to === from) return EMPTY_SUBTREE
    if (to - from === 1) {
      const offset = this.#leafOffset(from)
      return this.#bytes.subarray(offset, offset + DIGEST_BYTES)
    }
    const fork = this.#forkOf(from, to)
    let hash = nodeHash(
      this.#subtree(from, fork.right, fork.depth + 1),
      this.#subtree(fork.right, to, fork.depth + 1),
    )
    for (let above = fork.depth - 1; above >= depth; above--)
      hash = this.#bit(from, above) === 0 ? nodeHash(hash, EMPTY_SUBTREE) : nodeHash(EMPTY_SUBTREE, hash)
    return hash
  }

  /** The hashes above an entry are to be computed again. */
  #changed(index: number): void {
    this.#rooted = false
    let [from, to] = [0, this.#count]
    while (to - from > 1) {
      const { right } = this.#forkOf(from, to)
      this.#kept &= ~(1 << (right & 31))
      if (index < right) to = right
      else from = right
    }
  }

  /** Where two entries or more part first. */
  #forkOf(from: number, to: number): Fork {
    const [first, last] = [KEY_BYTES * from, KEY_BYTES * (to - 1)]
    let byte = this.depth >> 3
    while (this.#bytes[first + byte] === this.#bytes[last + byte]) byte++
    const difference = (this.#bytes[first + byte] as number) ^ (this.#bytes[last + byte] as number)
    const depth = 8 * byte + Math.clz32(difference) - 24
    return { depth, right: this.#firstWithBit(from, to, depth) }
  }

  #firstWithBit(from: number, to: number, depth: number): number {
    let index = from
    while (index < to && this.#bit(index, depth) === 0) index++
    return index
  }

  #bit(index: number, depth: number): number {
    return ((this.#bytes[KEY_BYTES * index + (depth >> 3)] as number) >> (7 - (depth & 7))) & 1
  }

  // ---- memory ----

  /** Index of the first key that is not below this one. All share the prefix of the bucket. */
  #indexOf(key: Uint8Array): number {
    let [low, high] = [0, this.#count]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#isBelow(middle, key)) low = middle + 1
      else high = middle
    }
    return low
  }

  #isBelow(index: number, key: Uint8Array): boolean {
    const at = KEY_BYTES * index
    for (let byte = this.depth >> 3; byte < KEY_BYTES; byte++) {
      const difference = (this.#bytes[at + byte] as number) - (key[byte] as number)
      if (difference !== 0) return difference < 0
    }
    return false
  }

  #isAt(index: number, key: Uint8Array): boolean {
    return index < this.#count && Buffer.compare(this.#key(index), key) === 0
  }

  #key(index: number): Uint8Array {
    return this.#bytes.subarray(KEY_BYTES * index, KEY_BYTES * (index + 1))
  }

  #leafOffset(index: number): number {
    return KEY_BYTES * this.#count + DIGEST_BYTES * index
  }

  #lengthOffset(index: number): number {
    return (KEY_BYTES + 2 * DIGEST_BYTES) * this.#count + LENGTH_BYTES * index
  }

  #lengthAt(index: number): number {
    const at = this.#lengthOffset(index)
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number)
  }

  #valueOffset(index: number): number {
    let offset = FIXED_BYTES * this.#count
    for (let before = 0; before < index; before++) offset += this.#lengthAt(before)
    return offset
  }

  #valueAt(index: number): Uint8Array {
    const offset = this.#valueOffset(index)
    return new Uint8Array(this.#bytes.subarray(offset, offset + this.#lengthAt(index)))
  }

  #entryAt(index: number): Entry {
    return { key: new Uint8Array(this.#key(index)), value: this.#valueAt(index) }
  }

  /** Makes room, to be filled by `#put` and `#copy` from the first entry on: where a value goes follows from those before. */
  #allocate(count: number, valueBytes: number): void {
    this.#count = count
    this.#bytes = new Uint8Array(FIXED_BYTES * count + valueBytes)
    this.#kept = 0
    this.#rooted = false
  }

  #put(index: number, { key, value }: Entry): void {
    if (value.length > MAX_VALUE_BYTES)
      throw new RangeError(`expected a value of at most ${MAX_VALUE_BYTES} bytes, got ${value.length}`)
    const length = this.#lengthOffset(index)
    this.#bytes[length] = value.length >> 8
    this.#bytes[length + 1] = value.length & 0xff
    this.#bytes.set(key, KEY_BYTES * index)
    writeLeafHash(this.#bytes, this.#leafOffset(index), key, value)
    this.#bytes.set(value, this.#valueOffset(index))
  }

  /** Copies a range of another bucket's entries to an index of this one. */
  #copy(other: Bucket, from: number, to: number, index: number): void {
    const copy = (start: number, end: number, at: number): void => {
      this.#bytes.set(other.#bytes.subarray(start, end), at)
    }
    copy(KEY_BYTES * from, KEY_BYTES * to, KEY_BYTES * index)
    copy(other.#leafOffset(from), other.#leafOffset(to), this.#leafOffset(index))
    copy(other.#lengthOffset(from), other.#lengthOffset(to), this.#lengthOffset(index))
    copy(other.#valueOffset(from), other.#valueOffset(to), this.#valueOffset(index)) // after the lengths
  }

  /** Removes so many entries at an index, none or one, and puts another one there. */
  #rebuild(index: number, removed: number, put: Entry | null): void {
    const before = new Bucket(this.path)
    before.#count = this.#count
    before.#bytes = this.#bytes
    const gone = before.#valueOffset(index + removed) - before.#valueOffset(index)
    const added = put === null ? 0 : 1
    this.#allocate(
      before.#count - removed + added,
      before.#bytes.length - FIXED_BYTES * before.#count - gone + (put?.value.length ?? 0),
    )
    this.#copy(before, 0, index, 0)
    if (put !== null) this.#put(index, put)
    this.#copy(before, index + removed, before.#count, index + added)
  }
}
