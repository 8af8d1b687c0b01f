/** Minimal mode: the three rules of P9 by example, and that they allow nothing a full table would refuse. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GuardTable } from '../../consensus/guard-table.ts'
import { mergeHighWater, NO_HIGH_WATER, whyBelow, type HighWater } from '../../consensus/high-water.ts'
import type { VoteKind } from '../../consensus/types.ts'
import { digestOf } from './fixtures.ts'

const P = digestOf('P')
const Q = digestOf('Q')
const mark: HighWater = { notarize: { view: 10, pid: P }, nullify: 7, finalize: { view: 9, pid: Q } }

const allows = (hw: HighWater, kind: VoteKind, view: number, pid: Uint8Array | null): boolean =>
  whyBelow(hw, kind, view, pid) === null

test('notarize: above the notarize mark, and above the finalize mark or its very proposal', () => {
  assert.equal(allows(mark, 'notarize', 10, P), false)
  assert.equal(allows(mark, 'notarize', 11, Q), true)
  const ahead = { ...mark, finalize: { view: 12, pid: Q } }
  assert.equal(allows(ahead, 'notarize', 11, Q), false)
  assert.equal(allows(ahead, 'notarize', 12, Q), true)
  assert.equal(allows(ahead, 'notarize', 12, P), false)
  assert.equal(allows({ ...ahead, finalize: { view: 12, pid: null } }, 'notarize', 12, Q), false)
})

test('nullify: above both the nullify and the finalize mark', () => {
  assert.equal(allows(mark, 'nullify', 8, null), false)
  assert.equal(allows(mark, 'nullify', 9, null), false)
  assert.equal(allows(mark, 'nullify', 10, null), true)
  assert.equal(allows({ ...mark, nullify: 10 }, 'nullify', 10, null), false)
})

test('finalize: above finalize and nullify marks, and above the notarize mark or its very proposal', () => {
  assert.equal(allows(mark, 'finalize', 9, Q), false)
  assert.equal(allows(mark, 'finalize', 10, P), true)
  assert.equal(allows(mark, 'finalize', 10, Q), false)
  assert.equal(allows({ ...mark, nullify: 10 }, 'finalize', 10, P), false)
  assert.equal(allows(mark, 'finalize', 11, Q), true)
  assert.equal(allows({ ...mark, notarize: { view: 10, pid: null } }, 'finalize', 10, P), false)
})

test('merged marks are the higher ones; where one side forgot the proposal both do; two proposals are a contradiction', () => {
  assert.deepEqual(mergeHighWater(mark, NO_HIGH_WATER), mark)
  assert.deepEqual(mergeHighWater(NO_HIGH_WATER, mark), mark)
  const later = { ...mark, notarize: { view: 11, pid: Q }, nullify: 3 }
  assert.deepEqual(mergeHighWater(mark, later), { ...mark, notarize: { view: 11, pid: Q } })
  assert.deepEqual(mergeHighWater(mark, { ...mark, notarize: { view: 10, pid: null } })?.notarize, {
    view: 10,
    pid: null,
  })
  assert.equal(mergeHighWater(mark, { ...mark, notarize: { view: 10, pid: Q } }), null)
})

interface Request {
  readonly kind: VoteKind
  readonly view: number
  readonly first: boolean
}

const requests = (minLength: number, maxLength: number): fc.Arbitrary<Request[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom<VoteKind>('notarize', 'nullify', 'finalize'),
      view: fc.integer({ min: 1, max: 8 }),
      first: fc.boolean(),
    }),
    { minLength, maxLength },
  )

const pidOf = ({ kind, first }: Request): Uint8Array | null => (kind === 'nullify' ? null : first ? P : Q)

function ask(table: GuardTable, request: Request): boolean {
  const { kind, view } = request
  const pid = pidOf(request)
  const { verdict } = table.judge(kind, view, pid)
  if (verdict === 'sign') table.record({ kind, view, pid, signature: digestOf(`${kind} ${view}`) })
  return verdict !== 'refuse'
}

test('whatever minimal mode allows, a full table built from the same votes allows, too', () => {
  let allowed = 0
  fc.assert(
    fc.property(requests(0, 20), requests(20, 40), fc.integer({ min: 0, max: 4 }), (before, after, floor) => {
      const full = new GuardTable()
      for (const request of before) ask(full, request)
      full.raiseFloor(floor)
      const minimal = new GuardTable()
      assert.ok(minimal.raiseMark(full.highWater()))
      for (const request of after) {
        if (!ask(minimal, request)) continue
        allowed++
        assert.ok(ask(full, request), `a full table refuses ${JSON.stringify(request)}`)
      }
    }),
  )
  assert.ok(allowed > 200, `it allowed ${allowed} votes: enough to say something`)
})

test('marks are done with once the floor is above them: the table is a full one again', () => {
  const table = new GuardTable()
  assert.ok(table.raiseMark(mark))
  assert.equal(table.knownAbove, 10)
  table.raiseFloor(9)
  assert.deepEqual(table.mark, mark)
  table.raiseFloor(10)
  assert.equal(table.mark, null)
  assert.ok(table.raiseMark(mark), 'and marks below it say nothing new')
  assert.equal(table.mark, null)
})
