/**
 * A page inside the state tree: sixteen children, four bits apart, with the hashes of the fifteen nodes between them.
 * Children that are not in memory are stubs that know their hash and how many entries they hold.
 */
import { DecodeError, Reader, Writer } from '../../crypto/codec.ts'
import type { Bucket } from './bucket.ts'
import { EMPTY_SUBTREE, nodeHash } from './hashing.ts'

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

/** Hash and number of entries of a subtree. */
interface Summary {
  readonly hash: Uint8Array
  readonly count: number
}

const EMPTY: Summary = { hash: EMPTY_SUBTREE, count: 0 }

export class Inner {
  /** Nibbles of the prefix, as hex digits. */
  readonly path: string
  readonly #children: Child[] = new Array<Child>(FAN_OUT).fill(null)
  /** Nodes as in a heap: 1 is the root of the page, 16 + i is child i. Null: to be computed. */
  readonly #nodes: (Summary | null)[] = new Array<Summary | null>(FAN_OUT).fill(null)

  constructor(path: string) {
    this.path = path
  }

  get count(): number {
    return this.summary(1).count
  }

  get hash(): Uint8Array {
    return this.summary(1).hash
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
    for (let node = (FAN_OUT + nibble) >> 1; node >= 1; node >>= 1) this.#nodes[node] = null
  }

  /** Hash and count of heap node 1…31. */
  summary(node: number): Summary {
    if (node >= FAN_OUT) return this.#children[node - FAN_OUT] ?? EMPTY
    let summary = this.#nodes[node] ?? null
    if (summary === null) {
      summary = combine(this.summary(2 * node), this.summary(2 * node + 1))
      this.#nodes[node] = summary
    }
    return summary
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

/** The compact rule: a single entry is carried up, everything else is hashed. */
function combine(left: Summary, right: Summary): Summary {
  const count = left.count + right.count
  if (count === 0) return EMPTY
  if (count === 1) return left.count === 1 ? left : right
  return { count, hash: nodeHash(left.hash, right.hash) }
}
