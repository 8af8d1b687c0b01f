/** Accounts in memory: they come back as they were set, and the one that nobody looked at makes room. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapKey } from '../../crypto/bytes.ts'
import { AccountCache } from '../../ledger/account-cache.ts'
import { accountKey, type AccountEntry } from '../../ledger/entries.ts'

function idOf(i: number): Uint8Array {
  const id = new Uint8Array(32).fill(i & 0xff)
  id[0] = i >> 8
  return id
}

function entryOf(i: number, more: Partial<AccountEntry> = {}): AccountEntry {
  return {
    id: idOf(i),
    balance: BigInt(i),
    sequence: 3n,
    createdMs: 2 ** 41 + i,
    labels: 2,
    guardian: null,
    ...more,
  }
}

function cacheOf(capacity: number, accounts: number): AccountCache {
  const cache = new AccountCache(capacity)
  for (let i = 0; i < accounts; i++) cache.set(mapKey(idOf(i)), idOf(i), entryOf(i))
  return cache
}

test('an account comes back as it was set last, the largest values too, and so does that there is none', () => {
  const cache = cacheOf(10_000, 5_000)
  const guardian = { before: null, after: idOf(9), fromMs: 5 }
  const most = entryOf(7, { balance: 2n ** 64n - 1n, sequence: 2n ** 64n - 1n, labels: 65_535, guardian })
  cache.set(mapKey(idOf(7)), idOf(7), most)
  assert.deepEqual(cache.get(mapKey(idOf(7))), most)
  cache.set(mapKey(idOf(7)), idOf(7), entryOf(7))
  assert.deepEqual(cache.get(mapKey(idOf(7))), entryOf(7))
  cache.set(mapKey(idOf(8)), idOf(8), null)
  assert.equal(cache.get(mapKey(idOf(8))), null)
  assert.deepEqual(cache.get(mapKey(idOf(4_999))), entryOf(4_999))
  assert.equal(cache.get(mapKey(idOf(6_000))), undefined)
})

test('the key in the state is that of the account, here or not', () => {
  const cache = cacheOf(10, 3)
  for (const i of [2, 5]) assert.deepEqual(cache.treeKey(mapKey(idOf(i)), idOf(i)), accountKey(idOf(i)))
})

test('what it gives out does not change when its place is taken', () => {
  const cache = cacheOf(1, 1)
  const given = cache.get(mapKey(idOf(0)))
  const key = cache.treeKey(mapKey(idOf(0)), idOf(0))
  cache.set(mapKey(idOf(1)), idOf(1), entryOf(1))
  assert.deepEqual(given, entryOf(0))
  assert.deepEqual(key, accountKey(idOf(0)))
})

test('full, it forgets those that nobody looked at since the hand came by', () => {
  const cache = cacheOf(100, 100)
  for (const i of [0, 1, 2, 50]) cache.get(mapKey(idOf(i)))
  for (let i = 100; i < 196; i++) cache.set(mapKey(idOf(i)), idOf(i), entryOf(i))
  assert.equal(cache.size, 100)
  for (const i of [0, 1, 2, 50, 100, 195]) assert.deepEqual(cache.get(mapKey(idOf(i))), entryOf(i))
  for (const i of [3, 49, 51, 99]) assert.equal(cache.get(mapKey(idOf(i))), undefined)
  for (let i = 200; i < 400; i++) cache.set(mapKey(idOf(i)), idOf(i), entryOf(i))
  assert.equal(cache.size, 100)
  assert.deepEqual(cache.get(mapKey(idOf(399))), entryOf(399))
})
