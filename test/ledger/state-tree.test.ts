import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CordonError } from '../../config/errors.ts'
import { toHex, utf8 } from '../../crypto/bytes.ts'
import { DecodeError } from '../../crypto/codec.ts'
import { hash } from '../../crypto/hash.ts'
import { decodeStateProof, encodeStateProof, verifyStateProof } from '../../ledger/state/proof.ts'
import { EMPTY_STATE_ROOT, StateTree } from '../../ledger/state/tree.ts'
import { referenceRoot } from './reference.ts'

/** Pages in a map, as a store would keep them. */
class Pages {
  readonly map = new Map<string, Uint8Array>()
  readonly source = (paths: readonly string[]): Promise<(Uint8Array | undefined)[]> =>
    Promise.resolve(paths.map((path) => this.map.get(path)))

  write(tree: StateTree, upTo?: number): void {
    for (const { path, bytes } of tree.takePages(upTo)) {
      if (bytes === null) this.map.delete(path)
      else this.map.set(path, bytes)
    }
  }

  reopen(tree: StateTree): StateTree {
    return StateTree.stored(tree.root, tree.count, this.source)
  }
}

const keyOf = (name: number | string): Uint8Array => hash('state-key', utf8(String(name)))

async function apply(tree: StateTree, changes: ReadonlyMap<string, Uint8Array | null>): Promise<void> {
  await tree.load([...changes.keys()].map((key) => Buffer.from(key, 'hex')))
  for (const [key, value] of changes) tree.set(Buffer.from(key, 'hex'), value)
}

/** Rounds of changes over few names, so that entries are replaced and removed often. Some keys share many bits. */
const changesOf = (names: number) =>
  fc.uniqueArray(
    fc.record(
      { name: fc.nat(names), near: fc.boolean(), value: fc.option(fc.uint8Array({ maxLength: 40 })) },
      { noNullPrototype: true },
    ),
    { maxLength: 120, selector: ({ name, near }) => `${name}/${near}` },
  )
const rounds = fc.array(changesOf(300), { maxLength: 6 })

function keyFor({ name, near }: { name: number; near: boolean }): string {
  const key = Uint8Array.from(keyOf(name))
  if (near) key.fill(0, 0, 3)
  return toHex(key)
}

describe('state tree', () => {
  it('has the root of its definition, after any changes, written and read again or not', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, fc.boolean(), fc.boolean(), async (changesByRound, reopen, evict) => {
        const pages = new Pages()
        let tree = StateTree.empty(pages.source)
        const expected = new Map<string, Uint8Array>()
        for (const round of changesByRound) {
          const changes = new Map(round.map((change) => [keyFor(change), change.value]))
          await apply(tree, changes)
          for (const [key, value] of changes) {
            if (value === null) expected.delete(key)
            else expected.set(key, value)
          }
          assert.equal(toHex(tree.root), referenceRoot(expected))
          assert.equal(tree.count, expected.size)
          pages.write(tree)
          if (evict) tree.evict(10)
          if (reopen) tree = pages.reopen(tree)
        }
        for (const [key, value] of expected) {
          await tree.load([Buffer.from(key, 'hex')])
          assert.equal(toHex(tree.get(Buffer.from(key, 'hex')) ?? new Uint8Array(1)), toHex(value))
        }
        const listed: string[] = []
        for await (const { key } of tree.entries()) listed.push(toHex(key))
        assert.deepEqual(listed, [...expected.keys()].sort())
      }),
      { numRuns: 40 },
    )
  })

  it('comes back after a crash at any time, with pages that lag behind', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(changesOf(900), fc.nat(5)), { maxLength: 14 }),
        fc.integer({ min: 1, max: 5 }),
        async (blocks, lag) => {
          const pages = new Pages()
          const kept = new Map<number, { key: Uint8Array; value: Uint8Array | null }[]>()
          const expected = new Map<string, Uint8Array>()
          let tree = StateTree.empty(pages.source)
          for (const [index, [block, crash]] of blocks.entries()) {
            const height = index + 1
            const changes = new Map(block.map((change) => [keyFor(change), change.value]))
            tree.advance(height)
            await apply(tree, changes)
            for (const [key, value] of changes) {
              if (value === null) expected.delete(key)
              else expected.set(key, value)
            }
            for (const _ of tree.rehash()) assert.fail('so few pages are hashed in one step')
            pages.write(tree, height - lag)
            kept.delete(height - lag)
            kept.set(
              height,
              [...changes].map(([key, value]) => ({ key: Buffer.from(key, 'hex'), value })),
            )
            tree.evict(20)
            if (crash > 0) continue
            const { root, count } = tree
            tree = pages.reopen(tree)
            await tree.replay([...kept].map(([at, list]) => ({ height: at, changes: list })))
            assert.deepEqual([toHex(tree.root), tree.count], [toHex(root), count], `height ${height}`)
          }
          assert.equal(toHex(tree.root), referenceRoot(expected))
          const listed: string[] = []
          for await (const { key } of tree.entries()) listed.push(toHex(key))
          assert.deepEqual(listed, [...expected.keys()].sort())
        },
      ),
      { numRuns: 60 },
    )
  })

  it('does not depend on the order of changes', async () => {
    const names = Array.from({ length: 200 }, (_, index) => index)
    const rootOf = async (order: readonly number[]): Promise<string> => {
      const tree = StateTree.empty(new Pages().source)
      await apply(tree, new Map(order.map((name) => [toHex(keyOf(name)), utf8(`value ${name}`)])))
      return toHex(tree.root)
    }
    assert.equal(await rootOf(names), await rootOf(names.toReversed()))
  })

  it('has the empty root again when everything is removed', async () => {
    const pages = new Pages()
    const tree = StateTree.empty(pages.source)
    const keys = Array.from({ length: 500 }, (_, index) => toHex(keyOf(index)))
    await apply(tree, new Map(keys.map((key) => [key, utf8('x')])))
    pages.write(tree)
    await apply(tree, new Map(keys.map((key) => [key, null])))
    assert.equal(toHex(tree.root), toHex(EMPTY_STATE_ROOT))
    pages.write(tree)
    assert.ok(pages.map.size < 40, `${pages.map.size} pages are left`)
  })

  it('notices a page that is missing, changed or no page', async () => {
    const pages = new Pages()
    const tree = StateTree.empty(pages.source)
    await apply(
      tree,
      new Map(Array.from({ length: 400 }, (_, index) => [toHex(keyOf(index)), utf8(`value ${index}`)])),
    )
    pages.write(tree)
    const keys = Array.from({ length: 400 }, (_, index) => keyOf(index))
    const damaged = (error: unknown): boolean =>
      error instanceof CordonError && error.code === 'data-inconsistent'
    for (const [path, bytes] of [...pages.map]) {
      for (const damage of [
        undefined,
        bytes.subarray(0, bytes.length - 1),
        bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte)),
        Uint8Array.of(9),
      ]) {
        if (damage === undefined) pages.map.delete(path)
        else pages.map.set(path, damage)
        await assert.rejects(pages.reopen(tree).load(keys), damaged, `page ${path}`)
      }
      pages.map.set(path, bytes)
    }
    await pages.reopen(tree).load(keys)
  })

  it('reads a page once when two ask for it, and keeps what was changed in between', async () => {
    const pages = new Pages()
    const tree = StateTree.empty(pages.source)
    await apply(tree, new Map(Array.from({ length: 400 }, (_, index) => [toHex(keyOf(index)), utf8('old')])))
    pages.write(tree)
    const again = pages.reopen(tree)
    const slow = again.load([keyOf(1)])
    await again.load([keyOf(1)])
    again.set(keyOf(1), utf8('new'))
    await slow
    assert.equal(toHex(again.get(keyOf(1)) ?? new Uint8Array(0)), toHex(utf8('new')))
  })
})

describe('state proofs', () => {
  it('show presence and absence, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(2_000), { maxLength: 200 }),
        fc.nat(2_000),
        async (names, asked) => {
          const pages = new Pages()
          const tree = StateTree.empty(pages.source)
          await apply(tree, new Map(names.map((name) => [toHex(keyOf(name)), utf8(`value ${name}`)])))
          pages.write(tree)
          const key = keyOf(asked)
          const proof = await pages.reopen(tree).prove(key)
          const proven = verifyStateProof(tree.root, key, proof)
          assert.ok(proven !== null)
          assert.equal(proven.present, names.includes(asked))
          if (proven.present) assert.equal(toHex(proven.value), toHex(utf8(`value ${asked}`)))
          const encoded = encodeStateProof(key, proof)
          assert.equal(toHex(encodeStateProof(key, decodeStateProof(key, encoded))), toHex(encoded))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('fail when any byte of them changes', async () => {
    const tree = StateTree.empty(new Pages().source)
    await apply(
      tree,
      new Map(Array.from({ length: 100 }, (_, index) => [toHex(keyOf(index)), utf8(`value ${index}`)])),
    )
    for (const name of [5, 1_000, 1_001, 1_002, 1_003]) {
      const key = keyOf(name)
      const encoded = encodeStateProof(key, await tree.prove(key))
      for (let at = 0; at < encoded.length; at++) {
        const changed = encoded.map((byte, index) => (index === at ? byte ^ 0x01 : byte))
        assert.ok(!shows(tree.root, key, changed), `byte ${at} of the proof about ${name}`)
      }
      assert.ok(shows(tree.root, key, encoded))
      assert.ok(!shows(keyOf('another root'), key, encoded))
      assert.ok(!shows(tree.root, keyOf(7), encoded))
    }
  })

  it('cannot present an inner node as an entry, nor a short path as absence', async () => {
    const tree = StateTree.empty(new Pages().source)
    await apply(
      tree,
      new Map(Array.from({ length: 100 }, (_, index) => [toHex(keyOf(index)), utf8(`value ${index}`)])),
    )
    const proof = await tree.prove(keyOf(5))
    assert.equal(
      verifyStateProof(tree.root, keyOf(5), { siblings: proof.siblings.slice(0, -1), entry: null }),
      null,
    )
    assert.equal(verifyStateProof(tree.root, keyOf(5), { siblings: [], entry: null }), null)
    const other = await tree.prove(keyOf(6))
    assert.equal(verifyStateProof(tree.root, keyOf(5), other), null)
  })
})

function shows(root: Uint8Array, key: Uint8Array, encoded: Uint8Array): boolean {
  try {
    return verifyStateProof(root, key, decodeStateProof(key, encoded)) !== null
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error))
    return false
  }
}
