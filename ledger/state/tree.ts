/**
 * The authenticated state: a compact sparse Merkle tree (`hashing.ts`) kept in pages. An inner page has sixteen
 * children; a bucket holds up to `PAGE_ENTRIES` entries and becomes an inner page when it outgrows that. Pages are read
 * when a key below them is asked for and checked against the hash their parent has for them.
 *
 * Reading is asynchronous (`load`), changing is not: `set` needs the page of its key in memory.
 *
 * Writing lags behind. A page that changes in every block would be written with every block, so a changed page waits
 * some heights for more changes (`takePages`), and meanwhile the store keeps the changed entries of each block. After a
 * restart `replay` sets them again. Why that is enough:
 * - A page without a change in the kept heights is on disk as it is, and so is what its parent says of it, because a
 *   change of a page is a change of all pages above it, and all were written within the lag.
 * - A bucket that is split is written in the same block, with its parts; so no entry is ever only in a page that was
 *   replaced.
 */
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { CordonError } from '../../config/errors.ts'
import { DecodeError } from '../../crypto/codec.ts'
import { Bucket, BUCKET_PAGE, type Entry } from './bucket.ts'
import { EMPTY_SUBTREE, keyNibble } from './hashing.ts'
import { Inner, type Child, type Page, type Stub } from './inner.ts'
import type { StateProof } from './proof.ts'

/** Entries of a bucket before it is split: 2 KiB of accounts. */
const PAGE_ENTRIES = 32
/** Deepest bucket, in nibbles; a bucket there grows instead. No two keys share 60 nibbles unless SHA-256 breaks. */
const MAX_PATH = 60

/** Where pages come from: in the order of `paths`, undefined if there is none. */
export type PageSource = (paths: readonly string[]) => Promise<readonly (Uint8Array | undefined)[]>

/** A page to be written, or to be deleted if `bytes` is null. */
export interface PageWrite {
  readonly path: string
  readonly bytes: Uint8Array | null
}

/** A changed entry; null: removed. */
export interface Change {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

type PageDecoder = (stub: Stub, bytes: Uint8Array | undefined) => Page

export class StateTree {
  #root: Page | Stub
  readonly #source: PageSource
  readonly #buckets = new Set<Bucket>()
  /** Changed pages, null for removed ones, with the height since which they wait; ascending by it. */
  readonly #dirty = new Map<string, { page: Page | null; readonly since: number }>()
  /** Buckets changed since `rehash`. */
  readonly #unhashed = new Set<Bucket>()
  /** Paths of pages that must be written with this block. */
  readonly #urgent = new Set<string>()
  #height = 0
  #entriesInMemory = 0
  #tick = 0

  private constructor(root: Page | Stub, source: PageSource) {
    this.#root = root
    this.#source = source
  }

  /** A tree without entries. */
  static empty(source: PageSource): StateTree {
    const root = new Bucket('')
    const tree = new StateTree(root, source)
    tree.#buckets.add(root)
    return tree
  }

  /** The tree with this root and number of entries, whose pages are in `source`. */
  static stored(root: Uint8Array, count: number, source: PageSource): StateTree {
    return count === 0
      ? StateTree.empty(source)
      : new StateTree({ path: '', hash: root, count, stub: true }, source)
  }

  /** A copy. */
  get root(): Uint8Array {
    return new Uint8Array(this.#root.hash)
  }

  get count(): number {
    return this.#root.count
  }

  /** Entries of the pages in memory. */
  get entriesInMemory(): number {
    return this.#entriesInMemory
  }

  /**
   * Brings the pages of all `keys` into memory.
   * @throws CordonError `data-inconsistent` if a stored page is missing or does not have the hash it must have.
   */
  async load(keys: Iterable<Uint8Array>): Promise<void> {
    await this.#load(keys, decodePage)
  }

  async #load(keys: Iterable<Uint8Array>, decode: PageDecoder): Promise<void> {
    let wanted = [...keys]
    this.#tick++
    while (wanted.length > 0) {
      const stubs = new Map<string, Stub>()
      wanted = wanted.filter((key) => {
        const end = this.#descend(key)
        if (end === null || !('stub' in end)) return false
        stubs.set(end.path, end)
        return true
      })
      await this.#fetch([...stubs.values()], decode)
    }
  }

  async #fetch(stubs: readonly Stub[], decode: PageDecoder): Promise<void> {
    if (stubs.length === 0) return
    const pages = await this.#source(stubs.map((stub) => stub.path))
    for (const [index, stub] of stubs.entries()) {
      const slot = this.#slotOf(stub)
      // Somebody else loaded it, and perhaps changed it, while this read was under way.
      if (slot === null) continue
      const page = decode(stub, pages[index])
      slot(page)
      this.#adopt(page)
    }
  }

  #adopt(page: Page): void {
    if (!(page instanceof Bucket)) return
    page.lastUsed = this.#tick
    this.#buckets.add(page)
    this.#entriesInMemory += page.count
  }

  /** How to replace a stub where it stands, or null if it does not stand there any more. */
  #slotOf(stub: Stub): ((page: Page) => void) | null {
    if (this.#root === stub) {
      return (page) => {
        this.#root = page
      }
    }
    let at: Child = this.#root
    for (const digit of stub.path.slice(0, -1)) {
      if (!(at instanceof Inner)) return null
      at = at.child(parseInt(digit, 16))
    }
    const nibble = parseInt(stub.path.slice(-1), 16)
    if (!(at instanceof Inner) || at.child(nibble) !== stub) return null
    const parent = at
    return (page) => {
      parent.setChild(nibble, page)
    }
  }

  /** The bucket or stub in which the path of `key` ends, or null: an inner page has no child there. */
  #descend(key: Uint8Array): Bucket | Stub | null {
    let at: Child = this.#root
    for (let depth = 0; at instanceof Inner; depth += 4) at = at.child(keyNibble(key, depth))
    if (at instanceof Bucket) at.lastUsed = this.#tick
    return at
  }

  /** From now on changes belong to this height. */
  advance(height: number): void {
    this.#height = height
  }

  /** The page is to be written. Mostly it waits for that already. */
  #markDirty(page: Page): void {
    if (page.waits) return
    page.waits = true
    this.#putDirty(page.path, page)
  }

  /** @param page null: it is to be deleted. */
  #putDirty(path: string, page: Page | null): void {
    const waiting = this.#dirty.get(path)
    if (waiting === undefined) this.#dirty.set(path, { page, since: this.#height })
    else waiting.page = page
  }

  /** Value of a key, null if it has none, undefined if its page is not in memory. */
  peek(key: Uint8Array): Uint8Array | null | undefined {
    const end = this.#descend(key)
    if (end === null) return null
    return end instanceof Bucket ? end.get(key) : undefined
  }

  /** Value of a key whose page is in memory, or null. */
  get(key: Uint8Array): Uint8Array | null {
    const value = this.peek(key)
    if (value === undefined) throw new Error('a state page was not loaded')
    return value
  }

  /** Sets an entry, or removes it if `value` is null. Its page must be loaded. */
  set(key: Uint8Array, value: Uint8Array | null): void {
    let parent: Inner | null = null
    let nibble = 0
    let at: Child = this.#root
    for (let depth = 0; at instanceof Inner; depth += 4) {
      this.#markDirty(at)
      parent = at
      nibble = keyNibble(key, depth)
      parent.touch(nibble)
      at = parent.child(nibble)
    }
    if (at === null) {
      if (value === null || parent === null) return
      at = new Bucket(parent.path + nibble.toString(16))
      parent.setChild(nibble, at)
      this.#adopt(at)
    }
    if (!(at instanceof Bucket)) throw new Error(`state page ${at.path} was not loaded`)
    this.#change(parent, nibble, at, key, value)
  }

  #change(
    parent: Inner | null,
    nibble: number,
    bucket: Bucket,
    key: Uint8Array,
    value: Uint8Array | null,
  ): void {
    const before = bucket.count
    bucket.set(key, value)
    this.#entriesInMemory += bucket.count - before
    this.#markDirty(bucket)
    this.#unhashed.add(bucket)
    if (bucket.count === 0 && parent !== null) {
      parent.setChild(nibble, null)
      this.#buckets.delete(bucket)
      this.#putDirty(bucket.path, null)
    } else if (bucket.count > PAGE_ENTRIES && bucket.path.length < MAX_PATH) {
      const inner = this.#split(bucket)
      if (parent === null) this.#root = inner
      else parent.setChild(nibble, inner)
    }
  }

  #split(bucket: Bucket): Inner {
    this.#buckets.delete(bucket)
    this.#entriesInMemory -= bucket.count
    const inner = new Inner(bucket.path)
    this.#markDirty(inner)
    this.#urgent.add(inner.path)
    for (const [nibble, part] of bucket.split()) {
      this.#adopt(part)
      this.#markDirty(part)
      this.#urgent.add(part.path)
      const tooLarge = part.count > PAGE_ENTRIES && part.path.length < MAX_PATH
      inner.setChild(nibble, tooLarge ? this.#split(part) : part)
    }
    return inner
  }

  /** Computes the hashes of what changed, some pages at a time; `root` would do it all in one turn. */
  *rehash(pagesPerStep = 64): Generator<void> {
    let step = 0
    for (const bucket of this.#unhashed) {
      bucket.rehash()
      if (++step % pagesPerStep === 0) yield
    }
    this.#unhashed.clear()
  }

  /**
   * Pages to be written now: those that have waited since `upTo` or longer, and those that cannot wait. The store must
   * keep the changed entries of all later heights. Without `upTo`: all changed pages.
   */
  takePages(upTo = Infinity): readonly PageWrite[] {
    const writes: PageWrite[] = []
    const take = (path: string, page: Page | null): void => {
      writes.push({ path, bytes: page?.encode() ?? null })
      if (page !== null) page.waits = false
      this.#dirty.delete(path)
      this.#urgent.delete(path)
    }
    for (const path of this.#urgent) {
      const waiting = this.#dirty.get(path)
      if (waiting !== undefined) take(path, waiting.page)
    }
    this.#urgent.clear()
    for (const [path, { page, since }] of this.#dirty) {
      if (since > upTo) break
      take(path, page)
    }
    return writes
  }

  /**
   * Sets again what the kept heights changed, ascending, on pages as old as the store has them.
   * @throws CordonError `data-inconsistent` if a page is damaged. Whether the root is right then is for the caller.
   */
  async replay(
    heights: readonly { readonly height: number; readonly changes: readonly Change[] }[],
  ): Promise<void> {
    const last = new Map<string, Change & { readonly height: number }>()
    for (const { height, changes } of heights) {
      for (const change of changes) {
        const name = toHex(change.key)
        last.set(name, { ...change, height: last.get(name)?.height ?? height })
      }
    }
    const changes = [...last.values()]
    await this.#load(
      changes.map(({ key }) => key),
      decodeAnyPage,
    )
    for (const { key, value, height } of changes) {
      this.advance(height)
      this.set(key, value)
    }
  }

  /** Lets go of the written pages not used for longest until at most half of `maxEntries` are left, if there are more. */
  evict(maxEntries: number): void {
    if (this.#entriesInMemory <= maxEntries) return
    const oldestFirst = [...this.#buckets]
      .filter(({ path }) => !this.#dirty.has(path))
      .sort((a, b) => a.lastUsed - b.lastUsed)
    for (const bucket of oldestFirst) {
      if (this.#entriesInMemory <= maxEntries / 2) return
      this.#drop(bucket)
    }
  }

  #drop(bucket: Bucket): void {
    const stub: Stub = { path: bucket.path, hash: bucket.hash, count: bucket.count, stub: true }
    if (this.#root === bucket) return // a tree of one page is no burden
    let at: Child = this.#root
    for (const digit of bucket.path.slice(0, -1)) at = (at as Inner).child(parseInt(digit, 16))
    const parent = at as Inner
    parent.setChild(parseInt(bucket.path.slice(-1), 16), stub)
    this.#buckets.delete(bucket)
    this.#entriesInMemory -= bucket.count
  }

  /** Proof of presence or absence of a key. */
  async prove(key: Uint8Array): Promise<StateProof> {
    await this.load([key])
    const siblings: Uint8Array[] = []
    let at: Child = this.#root
    for (let depth = 0; at instanceof Inner; depth += 4) {
      const page: Inner = at
      let node = 1
      while (node < 16) {
        if (page.countOf(node) <= 1) return { siblings, entry: await this.#entryBelow(page, node) }
        const bit = (keyNibble(key, depth) >> (3 - (31 - Math.clz32(node)))) & 1
        siblings.push(new Uint8Array(page.hashOf((2 * node + bit) ^ 1)))
        node = 2 * node + bit
      }
      at = page.child(node - 16)
    }
    if (at === null) return { siblings, entry: null }
    const walk = (at as Bucket).walk(key)
    return { siblings: [...siblings, ...walk.siblings], entry: walk.entry }
  }

  /** The only entry below a node of an inner page, or null if there is none. */
  async #entryBelow(page: Inner, from: number): Promise<Entry | null> {
    let node = from
    if (page.countOf(node) === 0) return null
    while (node < 16) node = page.countOf(2 * node) === 1 ? 2 * node : 2 * node + 1
    let child = page.child(node - 16)
    if (child !== null && 'stub' in child) {
      await this.#fetch([child], decodePage)
      child = page.child(node - 16)
    }
    if (child instanceof Inner) return this.#entryBelow(child, 1)
    return (child as Bucket).entries()[0] ?? null
  }

  /** Every entry, page by page, for audits; pages are checked as they are read and not kept. */
  async *entries(): AsyncGenerator<Entry> {
    yield* this.#entriesOf(this.#root)
  }

  async *#entriesOf(child: Child): AsyncGenerator<Entry> {
    if (child === null) return
    if ('stub' in child) yield* this.#entriesOf(decodePage(child, (await this.#source([child.path]))[0]))
    else if (child instanceof Bucket) yield* child.entries()
    else for (let nibble = 0; nibble < 16; nibble++) yield* this.#entriesOf(child.child(nibble))
  }
}

/** A page whose content is the one its parent names. */
function decodePage(stub: Stub, bytes: Uint8Array | undefined): Page {
  if (bytes === undefined) throw inconsistent(`${nameOf(stub)} of the state is missing`)
  const page = parsePage(stub, bytes)
  if (page.count !== stub.count || !equalBytes(page.hash, stub.hash)) {
    throw inconsistent(`${nameOf(stub)} of the state does not have the hash its parent names`)
  }
  return page
}

/** A page older or newer than its parent; one that is missing has lost its last entry. */
function decodeAnyPage(stub: Stub, bytes: Uint8Array | undefined): Page {
  return bytes === undefined ? new Bucket(stub.path) : parsePage(stub, bytes)
}

function parsePage(stub: Stub, bytes: Uint8Array): Page {
  try {
    return bytes[0] === BUCKET_PAGE ? Bucket.decode(stub.path, bytes) : Inner.decode(stub.path, bytes)
  } catch (error) {
    if (error instanceof DecodeError)
      throw inconsistent(`${nameOf(stub)} of the state is damaged (${error.message})`)
    throw error
  }
}

function nameOf({ path }: Stub): string {
  return path === '' ? 'the root page' : `page ${path}`
}

function inconsistent(what: string): CordonError {
  return new CordonError(
    'data-inconsistent',
    `${what}; delete the ledger directory and start again: it is rebuilt from the final blocks`,
  )
}

/** Root of a state without entries. */
export const EMPTY_STATE_ROOT: Uint8Array = EMPTY_SUBTREE
