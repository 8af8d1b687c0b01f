/** The parts of the crash runner that decide: the plan, and the book of votes with every row of the table of faults. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAIL_POINT_NAMES } from '../../node/fail-points.ts'
import { planRounds, type Round } from './plan.ts'
import { VoteBook, type Kind } from './vote-book.ts'

const NAMES = ['v1', 'v2', 'v3', 'v4']

function plan(seed: string, passes: number): Round[] {
  return [...planRounds(seed, NAMES, FAIL_POINT_NAMES, passes)]
}

test('the same seed plans the same deaths, another one others', () => {
  assert.deepEqual(plan('7', 2), plan('7', 2))
  assert.notDeepEqual(plan('7', 2), plan('8', 2))
})

test('each pass has every point once; all validators at once, one of them, and both kinds of recovery come', () => {
  const rounds = plan('1', 10)
  for (let pass = 0; pass < 10; pass++) {
    const points = rounds.slice(pass * FAIL_POINT_NAMES.length, (pass + 1) * FAIL_POINT_NAMES.length)
    assert.deepEqual(points.map(({ point }) => point).sort(), [...FAIL_POINT_NAMES].sort())
  }
  assert.deepEqual(new Set(rounds.map(({ deaths }) => deaths.length)), new Set([1, 4]))
  assert.deepEqual(new Set(rounds.map(({ thenRest }) => thenRest)), new Set([false, true]))
  assert.deepEqual(new Set(rounds.flatMap(({ deaths }) => deaths.map(({ name }) => name))), new Set(NAMES))
})

test('another validator dies only after the one before is back: a quorum stays, but where all die', () => {
  const rounds = plan('1', 10)
  for (const [index, { deaths, thenRest }] of rounds.entries()) {
    const next = rounds[index + 1]
    if (next === undefined || thenRest || next.deaths.length > 1) continue
    assert.equal(next.deaths[0]?.name, deaths[0]?.name)
  }
})

type Vote = readonly [kind: Kind, pid: string | null]

function findings(...votes: readonly Vote[]): number {
  const book = new VoteBook()
  for (const [kind, pid] of votes) {
    // Of another validator, and of another view: never a contradiction.
    book.vote({ validator: 1, view: 5, kind: 'nullify', pid: null })
    book.vote({ validator: 0, view: 6, kind: 'finalize', pid: 'other' })
    book.vote({ validator: 0, view: 5, kind, pid })
    book.vote({ validator: 0, view: 5, kind, pid })
  }
  return book.findings.length
}

test('what no honest validator signs both is found, in either order', () => {
  const faults: readonly (readonly [Vote, Vote])[] = [
    [
      ['notarize', 'a'],
      ['notarize', 'b'],
    ],
    [
      ['finalize', 'a'],
      ['finalize', 'b'],
    ],
    [
      ['nullify', null],
      ['finalize', 'a'],
    ],
    [
      ['notarize', 'a'],
      ['finalize', 'b'],
    ],
  ]
  for (const [first, second] of faults) {
    assert.equal(findings(first, second), 1)
    assert.equal(findings(second, first), 1)
  }
})

test('what an honest validator may sign is not', () => {
  assert.equal(findings(['notarize', 'a'], ['finalize', 'a']), 0)
  assert.equal(findings(['notarize', 'a'], ['nullify', null]), 0)
  assert.equal(findings(['notarize', 'a']), 0)
})

test('two batches under one number are found; the same again, and those of others, are not', () => {
  const book = new VoteBook()
  for (const [author, seq, digest] of [
    [0, 1, 'a'],
    [0, 1, 'a'],
    [1, 1, 'b'],
    [0, 2, 'c'],
  ] as const)
    book.batch(author, seq, digest)
  assert.deepEqual(book.findings, [])
  assert.equal(book.batches, 3)
  book.batch(0, 1, 'd')
  assert.equal(book.findings.length, 1)
})
