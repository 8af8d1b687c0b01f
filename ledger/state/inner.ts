/**
 * A page inside the state tree: sixteen children, four bits apart, with the hashes of the fifteen nodes between them.
 * Children that are not in memory are stubs that know their hash and how many entries they hold.
 */
import { DecodeError, Reader, Writer } from '../../crypto/codec.ts'
import { DIGEST_BYTES } from '../../crypto/hash.ts'
import type { Bucket } from './bucket.ts'
import { EMPTY_SUBTREE, writeNodeHash } from './hashing.ts'

/** First byte of an encoded inner page. */
export const INNER_PAGE = 2

const FAN_OUT = 16

/** A page that is on disk only. */
export interface Stub {
  readonly path: string
  readonly hash: Uint8Array
  readonly count: number
  readonly stub: true
}

export type Page = Bucket | Inner
export type Child = Page | Stub | null

export class Inner {
  /** Nibbles of the prefix, as hex digits. */
  readonly path: string
  /** Changed, and in the list of pages to be written. */
  waits = false
  readonly #children: Child[] = new Array<Child>(FAN_OUT).fill(null)
  /**
   * Of the nodes in between, numbered as in a heap: 1 is the root of the page, 16 + i is child i. A hash is written where
   * the one before was: a block changes thousands of them, and what lives as long as a block is copied by the collector.
   */
  readonly #hashes: Uint8Array[] = []
  readonly #counts = new Uint32Array(FAN_OUT)
  /** Bit n: hash and count of node n are those of what is below it. */
  #known = 0

  constructor(path: string) {
    this.path = path
  }

  get count(): number {
    return this.countOf(1)
  }

  /** Until something below changes. */
  get hash(): Uint8Array {
    return this.hashOf(1)
  }

  child(nibble: number): Child {
    return this.#children[nibble] ?? null
  }

  /** Puts a child in place. Call `touch` too if its content differs from what was there. */
  setChild(nibble: number, child: Child): void {
    this.#children[nibble] = child
  }

  /** Forgets the hashes above a child. */
  touch(nibble: number): void {
    for (let node = (FAN_OUT + nibble) >> 1; node >= 1; node >>= 1) this.#known &= ~(1 << node)
  }

  /** Entries below heap node 1…31. */
  countOf(node: number): number {
    if (node >= FAN_OUT) return this.#children[node - FAN_OUT]?.count ?? 0
    this.#know(node)
    return this.#counts[node] as number
  }

  /** Hash of heap node 1…31, until something below changes. */
  hashOf(node: number): Uint8Array {
    if (node >= FAN_OUT) return this.#children[node - FAN_OUT]?.hash ?? EMPTY_SUBTREE
    this.#know(node)
    return this.#hashes[node] as Uint8Array
  }

  /** The compact rule: a single entry is carried up, everything else is hashed. */
  #know(node: number): void {
    if ((this.#known & (1 << node)) !== 0) return
    const [left, right] = [2 * node, 2 * node + 1]
    const [leftCount, rightCount] = [this.countOf(left), this.countOf(right)]
    const hash = (this.#hashes[node] ??= new Uint8Array(DIGEST_BYTES))
    if (leftCount + rightCount > 1) writeNodeHash(hash, 0, this.hashOf(left), this.hashOf(right))
    else if (leftCount + rightCount === 1) hash.set(this.hashOf(leftCount === 1 ? left : right))
    else hash.set(EMPTY_SUBTREE)
    this.#counts[node] = leftCount + rightCount
    this.#known |= 1 << node
  }

  encode(): Uint8Array {
    const writer = new Writer(1 + FAN_OUT * 36)
    writer.u8(INNER_PAGE)
    for (const child of this.#children) {
      writer.u32(child?.count ?? 0)
      if (child !== null && child.count > 0) writer.fixed(child.hash, 32)
    }
    return writer.finish()
  }

  /** @throws DecodeError. */
  static decode(path: string, bytes: Uint8Array): Inner {
    const reader = new Reader(bytes)
    if (reader.u8() !== INNER_PAGE) throw new DecodeError('expected an inner page')
    const inner = new Inner(path)
    for (let nibble = 0; nibble < FAN_OUT; nibble++) {
      const count = reader.u32()
      if (count > 0)
        inner.setChild(nibble, {
          path: path + nibble.toString(16),
          count,
          hash: reader.fixed(32),
          stub: true,
        })
    }
    reader.end()
    return inner
  }
}
