/**
 * Blocks from the last delivered one upwards (consensus.md §3): `has(P)` = the block of P and all its ancestors up to the
 * last delivered block are here. Blocks whose ancestors are missing wait detached.
 */
import { toHex } from '../crypto/bytes.ts'
import type { Block, Digest, ExecutedResults } from './types.ts'

/** What a child needs to know of its parent. Genesis has no block, so this is all there is of it. */
export interface ParentInfo {
  readonly digest: Digest
  readonly height: number
  readonly timeMs: number
  readonly executed: ExecutedResults
}

interface Entry {
  readonly digest: Digest
  readonly block: Block
  readonly parent: string
  /** Whether a chain of held blocks leads down to the root. */
  connected: boolean
}

export function infoOf(digest: Digest, { height, timeMs, executed }: Block): ParentInfo {
  return { digest, height, timeMs, executed }
}

export class BlockTree {
  #root: ParentInfo
  #rootName: string
  readonly #entries = new Map<string, Entry>()
  readonly #children = new Map<string, Set<string>>()

  constructor(root: ParentInfo) {
    this.#root = root
    this.#rootName = toHex(root.digest)
  }

  /** The last delivered block, or genesis. */
  get root(): ParentInfo {
    return this.#root
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether the block and its whole chain down to the root are held. */
  has(digest: Digest): boolean {
    const name = toHex(digest)
    return name === this.#rootName || this.#entries.get(name)?.connected === true
  }

  /** Whether the block itself is held, connected or not. */
  holds(digest: Digest): boolean {
    const name = toHex(digest)
    return name === this.#rootName || this.#entries.has(name)
  }

  block(digest: Digest): Block | null {
    return this.#entries.get(toHex(digest))?.block ?? null
  }

  info(digest: Digest): ParentInfo | null {
    const name = toHex(digest)
    if (name === this.#rootName) return this.#root
    const entry = this.#entries.get(name)
    return entry === undefined ? null : infoOf(entry.digest, entry.block)
  }

  /** Adds a block above the root; false if it is held already or not above it. */
  add(digest: Digest, block: Block): boolean {
    const name = toHex(digest)
    if (block.height <= this.#root.height || this.#entries.has(name)) return false
    const parent = toHex(block.parentDigest)
    this.#entries.set(name, { digest, block, parent, connected: false })
    const siblings = this.#children.get(parent)
    if (siblings === undefined) this.#children.set(parent, new Set([name]))
    else siblings.add(name)
    if (parent === this.#rootName || this.#entries.get(parent)?.connected === true) this.#connect(name)
    return true
  }

  #connect(name: string): void {
    const open = [name]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const entry = this.#entries.get(next)
      if (entry === undefined) continue
      entry.connected = true
      open.push(...(this.#children.get(next) ?? []))
    }
  }

  /** The digest to fetch next so that the chain of `digest` connects, or null if it does. */
  missing(digest: Digest): Digest | null {
    let wanted = digest
    for (;;) {
      const name = toHex(wanted)
      if (name === this.#rootName) return null
      const entry = this.#entries.get(name)
      if (entry === undefined) return wanted
      if (entry.connected) return null
      wanted = entry.block.parentDigest
    }
  }

  /** Blocks above the root up to `digest`, ascending; empty unless `has(digest)`. */
  chain(digest: Digest): { readonly digest: Digest; readonly block: Block }[] {
    if (!this.has(digest)) return []
    const chain: Entry[] = []
    for (
      let entry = this.#entries.get(toHex(digest));
      entry !== undefined;
      entry = this.#entries.get(entry.parent)
    )
      chain.push(entry)
    return chain.reverse()
  }

  /** Makes a child of the root the new root. Returns what can never be final now: its siblings and what was built upon them. */
  advance(digest: Digest): Digest[] {
    const name = toHex(digest)
    const entry = this.#entries.get(name)
    if (entry?.parent !== this.#rootName)
      throw new Error(`block ${name} is not a child of the last delivered block`)
    const dead: Digest[] = []
    for (const sibling of this.#children.get(this.#rootName) ?? [])
      if (sibling !== name) dead.push(...this.#remove(sibling))
    this.#children.delete(this.#rootName)
    this.#entries.delete(name)
    this.#root = infoOf(digest, entry.block)
    this.#rootName = name
    return dead
  }

  /** Drops detached blocks at or below the root, with what was built upon them, and returns them: the chain has passed them by. */
  dropStale(): Digest[] {
    const dead: Digest[] = []
    for (const [name, { block, connected }] of this.#entries)
      if (!connected && block.height <= this.#root.height) dead.push(...this.#remove(name))
    return dead
  }

  #remove(name: string): Digest[] {
    const removed: Digest[] = []
    const open = [name]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const entry = this.#entries.get(next)
      if (entry === undefined) continue
      removed.push(entry.digest)
      this.#entries.delete(next)
      this.#children.get(entry.parent)?.delete(next)
      open.push(...(this.#children.get(next) ?? []))
      this.#children.delete(next)
    }
    return removed
  }
}
