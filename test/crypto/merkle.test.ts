import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { equalBytes, toHex, utf8 } from '../../crypto/bytes.ts'
import { hash } from '../../crypto/hash.ts'
import { EMPTY_ROOT, merklePath, merkleRoot, rootOfPath } from '../../crypto/merkle.ts'

const leafOf = (i: number): Uint8Array => hash('receipt', utf8(String(i)))
const leavesOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => leafOf(i))

/** The root by definition: split at the largest power of two below the count. */
function rootByDefinition(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0]!
  const left = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return hash('merkle-node', rootByDefinition(leaves.slice(0, left)), rootByDefinition(leaves.slice(left)))
}

test('no leaf has the empty root, one leaf is its own root', () => {
  assert.deepEqual(merkleRoot([]), EMPTY_ROOT)
  assert.deepEqual(merkleRoot([leafOf(7)]), leafOf(7))
})

test('the root follows the definition, for every count up to 70', () => {
  for (let count = 1; count <= 70; count++) {
    const leaves = leavesOf(count)
    assert.equal(toHex(merkleRoot(leaves)), toHex(rootByDefinition(leaves)), `${count} leaves`)
  }
})

test('every leaf has a path to the root, and no other leaf has the same', () => {
  for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 31, 33]) {
    const leaves = leavesOf(count)
    const root = merkleRoot(leaves)
    for (let i = 0; i < count; i++) {
      const path = merklePath(leaves, i)
      assert.deepEqual(rootOfPath(leaves[i]!, path), root)
      assert.notDeepEqual(rootOfPath(leafOf(1_000), path), root)
    }
  }
})

test('a changed path proves nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), fc.nat(), fc.nat(), (count, a, b, c) => {
      const leaves = leavesOf(count)
      const root = merkleRoot(leaves)
      const index = a % count
      const path = merklePath(leaves, index)
      const proves = (changed: Partial<typeof path>): boolean => {
        const found = rootOfPath(leaves[index]!, { ...path, ...changed })
        return found !== null && equalBytes(found, root)
      }
      assert.ok(proves({}))
      const at = b % path.siblings.length
      assert.equal(proves({ siblings: path.siblings.toSpliced(at, 1) }), false)
      assert.equal(proves({ siblings: path.siblings.toSpliced(at, 0, leafOf(c)) }), false)
      assert.equal(proves({ siblings: path.siblings.with(at, leafOf(1_000 + c)) }), false)
      const elsewhere = (index + 1 + (c % (count - 1))) % count
      assert.equal(proves({ index: elsewhere }), false)
    }),
  )
})

test('indexes outside the tree are refused', () => {
  const leaves = leavesOf(3)
  for (const index of [-1, 3, 0.5, Number.NaN]) assert.throws(() => merklePath(leaves, index), RangeError)
  assert.equal(rootOfPath(leafOf(0), { index: 3, count: 3, siblings: [] }), null)
  assert.equal(rootOfPath(leafOf(0), { index: -1, count: 3, siblings: [] }), null)
  assert.equal(rootOfPath(leafOf(0), { index: 0, count: 0, siblings: [] }), null)
})
