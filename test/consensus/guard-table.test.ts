import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GuardTable } from '../../consensus/guard-table.ts'
import type { VoteKind } from '../../consensus/types.ts'
import { digestOf } from './fixtures.ts'

const P = digestOf('P')
const Q = digestOf('Q')

function signs(table: GuardTable, kind: VoteKind, view: number, pid: Uint8Array | null): boolean {
  const judged = table.judge(kind, view, pid)
  if (judged.verdict === 'sign') table.record({ kind, view, pid, signature: digestOf(`${kind} ${view}`) })
  return judged.verdict !== 'refuse'
}

test('notarize: once per view; the same proposal again is answered with the first signature', () => {
  const table = new GuardTable()
  assert.ok(signs(table, 'notarize', 1, P))
  assert.equal(signs(table, 'notarize', 1, Q), false)
  const again = table.judge('notarize', 1, P)
  assert.ok(again.verdict === 'repeat')
  assert.deepEqual(again.vote.signature, digestOf('notarize 1'))
})

test('notarize after finalize: only the same proposal', () => {
  const table = new GuardTable()
  assert.ok(signs(table, 'finalize', 1, P))
  assert.equal(signs(table, 'notarize', 1, Q), false)
  assert.ok(signs(table, 'notarize', 1, P))
})

test('finalize: not after nullify, not another proposal than notarized or finalized', () => {
  const table = new GuardTable()
  assert.ok(signs(table, 'nullify', 1, null))
  assert.equal(signs(table, 'finalize', 1, P), false)
  assert.ok(signs(table, 'notarize', 2, P))
  assert.equal(signs(table, 'finalize', 2, Q), false)
  assert.ok(signs(table, 'finalize', 2, P))
  assert.equal(signs(table, 'finalize', 2, Q), false)
})

test('nullify: not after finalize; after notarize it is legal, and so is notarize after it', () => {
  const table = new GuardTable()
  assert.ok(signs(table, 'finalize', 1, P))
  assert.equal(signs(table, 'nullify', 1, null), false)
  assert.ok(signs(table, 'notarize', 2, P))
  assert.ok(signs(table, 'nullify', 2, null))
  assert.ok(signs(table, 'nullify', 3, null))
  assert.ok(signs(table, 'notarize', 3, P))
})

test('at or below the floor everything is refused, even what was signed before; the floor never sinks', () => {
  const table = new GuardTable()
  signs(table, 'notarize', 5, P)
  assert.ok(table.raiseFloor(5))
  assert.equal(table.size, 0)
  assert.equal(table.raiseFloor(4), false)
  for (const kind of ['notarize', 'finalize'] as const) assert.equal(signs(table, kind, 5, P), false)
  assert.equal(signs(table, 'nullify', 5, null), false)
  assert.ok(signs(table, 'nullify', 6, null))
})

test('no order of requests yields a pair that consensus.md §10 calls a fault', () => {
  const request = fc.record({
    kind: fc.constantFrom<VoteKind>('notarize', 'nullify', 'finalize'),
    view: fc.integer({ min: 1, max: 3 }),
    first: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const table = new GuardTable()
      const signed = new Set<string>()
      for (const { kind, view, first } of requests) {
        const pid = kind === 'nullify' ? null : first ? P : Q
        if (signs(table, kind, view, pid))
          signed.add(`${kind} ${view} ${pid === P ? 'P' : pid === Q ? 'Q' : ''}`.trim())
      }
      for (const view of [1, 2, 3]) {
        const has = (vote: string): boolean => signed.has(vote)
        assert.ok(!(has(`notarize ${view} P`) && has(`notarize ${view} Q`)))
        assert.ok(!(has(`finalize ${view} P`) && has(`finalize ${view} Q`)))
        for (const name of ['P', 'Q']) assert.ok(!(has(`nullify ${view}`) && has(`finalize ${view} ${name}`)))
        assert.ok(
          !(has(`notarize ${view} P`) && has(`finalize ${view} Q`)) &&
            !(has(`notarize ${view} Q`) && has(`finalize ${view} P`)),
        )
      }
    }),
  )
})
