/** Lists of partners: room grows with them, up to a most; memory of lists that are gone is used again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PAYER_FIELDS, PartnerField, PartnerList, Partners } from '../../fraud/store/partners.ts'

const MOST = 16
const tagOf = (i: number): number => 2 ** 33 * (i + 1) + i

function partners(): { all: Partners; list: PartnerList; add: (slot: number, i: number) => number } {
  const all = new Partners(PAYER_FIELDS, MOST, 8)
  const list = new PartnerList()
  return {
    all,
    list,
    add(slot, i) {
      all.look(slot, list)
      const place = all.add(slot, list, tagOf(i))
      list.set(PartnerField.lastS, place, 100 + i)
      list.set(PartnerField.payments, place, i)
      return place
    },
  }
}

test('an account without partners has no room; room doubles as they come, and they stay as they are', () => {
  const { all, list, add } = partners()
  all.look(0, list)
  assert.deepEqual([list.room, list.length, list.indexOf(tagOf(0))], [0, 0, -1])
  const rooms = []
  for (let i = 0; i < 9; i++) {
    assert.equal(add(0, i), i)
    rooms.push(list.room)
  }
  assert.deepEqual(rooms, [4, 4, 4, 4, 8, 8, 8, 8, 16])
  assert.equal(list.length, 9)
  for (let i = 0; i < 9; i++) {
    assert.equal(list.indexOf(tagOf(i)), i)
    assert.equal(list.at(PartnerField.lastS, i), 100 + i)
    assert.equal(list.at(PartnerField.payments, i), i)
  }
})

test('beyond the most, the partner of longest ago makes room, and nothing of it is left', () => {
  const { all, list, add } = partners()
  for (let i = 0; i < MOST; i++) add(0, i)
  all.look(0, list)
  list.set(PartnerField.lastS, 5, 1)
  list.set(PartnerField.slot, 5, 77)
  assert.equal(add(0, 99), 5)
  assert.deepEqual([list.room, list.length], [MOST, MOST])
  assert.equal(list.indexOf(tagOf(5)), -1)
  assert.equal(list.indexOf(tagOf(99)), 5)
  assert.equal(list.at(PartnerField.slot, 5), 0)
})

test('the list of a forgotten account is gone, and its memory serves another one, empty', () => {
  const { all, list, add } = partners()
  for (let i = 0; i < 3; i++) add(0, i)
  const { base } = list
  all.forget(0)
  all.look(0, list)
  assert.equal(list.room, 0)
  assert.equal(add(1, 7), 0)
  assert.deepEqual([list.base, list.length], [base, 1])
})

test('lists of many accounts do not touch each other, over several pieces of memory', () => {
  const accounts = 6_000
  const all = new Partners(PAYER_FIELDS, MOST, 1)
  all.reserve(accounts)
  const list = new PartnerList()
  for (let i = 0; i < MOST; i++) {
    for (let slot = 0; slot < accounts; slot++) {
      all.look(slot, list)
      const place = all.add(slot, list, tagOf(slot + i))
      list.set(PartnerField.payments, place, slot)
    }
  }
  for (let slot = 0; slot < accounts; slot += 37) {
    all.look(slot, list)
    assert.equal(list.length, MOST)
    for (let i = 0; i < MOST; i++) {
      assert.equal(list.indexOf(tagOf(slot + i)), i)
      assert.equal(list.at(PartnerField.payments, i), slot)
    }
  }
})
