/** The parts of the chaos runner that decide: that plans are drawn from the seed, and that the book sees what is wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BlockEvent } from '../../client/api.ts'
import { LedgerBook } from './ledger-book.ts'
import { planFillers, planRounds, type Fault, type Round } from './plan.ts'

const NAMES = ['v1', 'v2', 'v3', 'v4']

function rounds(seed: string, count: number): Round[] {
  const plan = planRounds(seed, NAMES)
  return Array.from({ length: count }, () => plan.next().value)
}

test('the same seed plans the same faults, another one others', () => {
  assert.deepEqual(rounds('7', 5), rounds('7', 5))
  assert.notDeepEqual(rounds('7', 5), rounds('8', 5))
})

test('faults follow each other within 3.5 s, all kinds come, and a round ends with short ones', () => {
  const kinds = new Set<string>()
  for (const round of rounds('1', 40)) {
    for (const [index, { atMs, fault }] of round.entries()) {
      kinds.add(fault.kind)
      const gapMs = atMs - (round[index - 1]?.atMs ?? atMs)
      assert.ok(gapMs >= 0 && gapMs <= 3_501)
      if (fault.kind === 'partition') assert.ok(fault.names.length < NAMES.length)
      if (index >= round.length - 4) {
        assert.ok(fault.forMs <= 1_500)
        assert.ok(fault.kind !== 'kill' && fault.kind !== 'restart')
      }
    }
  }
  assert.deepEqual(kinds, new Set(['kill', 'pause', 'restart', 'partition', 'delay', 'loss']))
})

test('fillers are short faults of the network, the same for the same seed', () => {
  const fillers = (seed: string): Fault[] => {
    const plan = planFillers(seed, NAMES)
    return Array.from({ length: 50 }, () => plan.next().value)
  }
  assert.deepEqual(fillers('7'), fillers('7'))
  assert.notDeepEqual(fillers('7'), fillers('8'))
  for (const { kind, forMs } of fillers('1')) {
    assert.ok(kind === 'delay' || kind === 'loss')
    assert.ok(forMs <= 1_500)
  }
})

function block(
  height: number,
  hash: string,
  settled: readonly string[] = [],
  expired: readonly string[] = [],
): BlockEvent {
  const results = settled.map((txId) => ({ txId, status: 'settled' as const, holds: [] }))
  return { height, hash, timeMs: height, results, expired }
}

test('an accepted payment that ends alike everywhere is counted; one that was never accepted is not', () => {
  const book = new LedgerBook(2)
  book.accepted(book.add('a', 1))
  book.accepted(book.add('b', 1))
  book.add('c', 1)
  for (const node of [0, 1]) book.block(node, block(1, 'x', ['a', 'c'], ['b']))
  assert.deepEqual(book.count(), { accepted: 2, settled: 1, held: 0, failed: 0, expired: 1, lost: 0 })
  assert.deepEqual(book.findings, [])
})

test('lost: an end that one node does not know, or knows otherwise', () => {
  const book = new LedgerBook(2)
  book.accepted(book.add('a', 1))
  book.accepted(book.add('b', 1))
  book.block(0, block(1, 'x', ['a', 'b']))
  book.block(1, block(1, 'x', ['a']))
  assert.equal(book.count().lost, 1)
  book.outcome(1, 'b', 'held')
  assert.equal(book.count().lost, 1)
})

test('two blocks at one height are a fork; an end that changes is a finding', () => {
  const book = new LedgerBook(2)
  book.accepted(book.add('a', 1))
  book.block(0, block(1, 'x', ['a']))
  book.block(1, block(1, 'y'))
  assert.equal(book.forks, 1)
  book.outcome(0, 'a', 'failed')
  assert.equal(book.findings.length, 2)
})
