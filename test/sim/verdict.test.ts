/**
 * Opinions under attack, through the whole protocol (dissemination.md, "The verdict", first two rows). Seven equal
 * validators: F = 2, q = 5, so the faulty ones are at the very limit.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Block } from '../../consensus/types.ts'
import type { Execution, Outcome } from './application.ts'
import { calmOptions } from './options.ts'
import { World } from './world.ts'

const WEIGHTS = [1n, 1n, 1n, 1n, 1n, 1n, 1n]
const SEED = 7

interface Seen {
  readonly block: Block
  readonly execution: Execution
}

async function play(
  faulty: Parameters<typeof calmOptions>[2],
  suspicion: 'nobody' | 'everybody',
): Promise<Seen[]> {
  const blocks: Seen[] = []
  const witness = 6
  const world = await World.create(calmOptions(SEED, WEIGHTS, faulty), {
    suspicion,
    executed: (node, block, execution) => {
      if (node === witness) blocks.push({ block, execution })
    },
  })
  await world.run()
  return blocks
}

function outcomes(blocks: readonly Seen[], wanted: (author: number, leads: number) => boolean): Outcome[] {
  return blocks.flatMap(({ block, execution }) =>
    block.payload.flatMap((certificate, i) =>
      wanted(certificate.author, block.author)
        ? (execution.batches[i] ?? []).map(({ outcome }) => outcome)
        : [],
    ),
  )
}

test(`a faulty author with a faulty leader cannot settle what all honest validators flag (seed ${SEED})`, async () => {
  const faulty = [0, 1].map((index) => ({ index, behaviour: 'stripper' as const }))
  const blocks = await play(faulty, 'everybody')
  const isFaulty = (index: number): boolean => index < 2
  // They did leave opinions out, as many as they could: of five honest flaggers three are left.
  const stripped = blocks.flatMap(({ block }) =>
    isFaulty(block.author)
      ? block.payload.filter(
          ({ author, acks }) => isFaulty(author) && acks.filter(({ flags }) => flags.length > 0).length === 3,
        )
      : [],
  )
  assert.ok(stripped.length >= 5, `only ${stripped.length} batches of the faulty were stripped by them`)
  const decided = outcomes(blocks, (author, leads) => isFaulty(author) && isFaulty(leads)).filter(
    (outcome) => outcome !== 'duplicate',
  )
  assert.ok(decided.length >= 5)
  assert.deepEqual([...new Set(decided)], ['held'])
  assert.deepEqual(
    [...new Set(outcomes(blocks, () => true).filter((outcome) => outcome !== 'duplicate'))],
    ['held'],
  )
})

test(`faulty validators that flag everything hold nothing (seed ${SEED})`, async () => {
  for (const indexes of [[0], [0, 1]]) {
    const blocks = await play(
      indexes.map((index) => ({ index, behaviour: 'flagger' as const })),
      'nobody',
    )
    const flagging = blocks.flatMap(({ block }) =>
      block.payload.filter(({ acks }) => acks.some(({ flags }) => flags.length > 0)),
    )
    assert.ok(flagging.length >= 20, `only ${flagging.length} certificates hold an opinion of the flaggers`)
    const decided = outcomes(blocks, () => true).filter((outcome) => outcome !== 'duplicate')
    assert.ok(decided.length >= 100)
    assert.deepEqual([...new Set(decided)], ['settled'])
  }
})
