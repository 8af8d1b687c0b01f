/** What `cordon doctor stall` says, for the ways in which a chain can stand still. */
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { makeParameters } from '../../config/parameters.ts'
import type { ProgressReport } from '../../consensus/progress-report.ts'
import { StallWatch } from '../../node/stall-watch.ts'
import { chainProgress, type StallQuestion } from '../../node/stall.ts'
import { digestOf, validatorSet } from '../consensus/fixtures.ts'

const PROPOSAL = digestOf('proposal')

function question(
  report: Partial<ProgressReport>,
  more: Partial<Omit<StallQuestion, 'report'>> = {},
): StallQuestion {
  return {
    set: validatorSet([10n, 20n, 30n, 40n]),
    parameters: makeParameters('devnet'),
    sinceFinalMs: 11_000,
    connected: new Set([0, 1, 2, 3]),
    abstention: null,
    report: {
      view: 9,
      leader: 1,
      inViewMs: 8_400,
      lastFinalView: 7,
      lastFinalHeight: 6,
      hasProposal: true,
      proposalInvalid: null,
      votes: [],
      notarizedViews: [],
      missesBlocks: false,
      ...report,
    },
    ...more,
  }
}

test('who voted what, by name and stake, and who did not', () => {
  const progress = chainProgress(
    question({
      votes: [
        { kind: 'notarize', proposalId: PROPOSAL, voters: [0, 2] },
        { kind: 'nullify', proposalId: null, voters: [1] },
      ],
    }),
  )
  const { set } = question({})
  const names = set.validators.map(({ name }) => name)
  assert.deepEqual(
    progress.votes.map(({ kind, validators, shareBps }) => [kind, validators, shareBps]),
    [
      ['notarize', [names[0], names[2]], 4_000],
      ['nullify', [names[1]], 2_000],
    ],
  )
  assert.deepEqual(progress.missing, [{ name: names[3], shareBps: 4_000, connected: true }])
  assert.equal(progress.stalled, true)
  assert.equal(progress.leader, names[1])
  assert.equal(progress.quorumBps, 6_700)
  assert.match(progress.advice, new RegExp(`logs of ${names[3] ?? ''}: connected, but no vote`))
  assert.equal(progress.lacking, 'a notarization or nullification of view 9')
})

test('a finalize vote does not end the view: who cast only that one is missing', () => {
  const progress = chainProgress(
    question({ votes: [{ kind: 'finalize', proposalId: PROPOSAL, voters: [0, 1, 2, 3] }] }),
  )
  assert.equal(progress.missing.length, 4)
})

test('too little stake connected: those who are away are named, whoever else was silent', () => {
  const progress = chainProgress(question({}, { connected: new Set([0, 2]) }))
  assert.equal(progress.connectedBps, 4_000)
  assert.match(progress.findings[0] ?? '', /hold 40\.00 % of the stake; 67\.00 % are needed/)
  const away = [1, 3].map((index) => question({}).set.validators[index]?.name ?? '')
  assert.match(progress.advice, new RegExp(`^start ${away.join(', ')}, `))
})

test('notarized views that nobody finalizes, blocks that are missing, a proposal that is invalid', () => {
  const votes = [{ kind: 'nullify', proposalId: null, voters: [0, 1, 2, 3] }] as const
  assert.equal(
    chainProgress(question({ notarizedViews: [9, 8], votes })).lacking,
    'a finalization of view 9 or 8, or a notarization or nullification of view 9',
  )
  assert.match(chainProgress(question({ missesBlocks: true, votes })).advice, /wait for the blocks/)
  assert.ok(
    chainProgress(question({ proposalInvalid: 'a wrong height' })).findings.some((finding) =>
      finding.includes('invalid: a wrong height'),
    ),
  )
  assert.match(chainProgress(question({ votes })).advice, /nothing to do here/)
})

test('a chain that goes on is not stalled', () => {
  assert.equal(chainProgress(question({}, { sinceFinalMs: 10_000 })).stalled, false)
})

test('a stall is told once, and so is its end', () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const told: string[] = []
  const watch = new StallWatch(1_000, {
    onStall: () => told.push('stall'),
    onEnd: () => told.push('end'),
  })
  try {
    mock.timers.tick(900)
    watch.noteFinal()
    mock.timers.tick(900)
    assert.deepEqual(told, [])
    mock.timers.tick(5_000)
    assert.deepEqual(told, ['stall'])
    watch.noteFinal()
    watch.noteFinal()
    assert.deepEqual(told, ['stall', 'end'])
    mock.timers.tick(1_000)
    assert.deepEqual(told, ['stall', 'end', 'stall'])
    watch.noteFinal()
    watch.stop()
    mock.timers.tick(5_000)
    assert.deepEqual(told, ['stall', 'end', 'stall', 'end'])
  } finally {
    mock.timers.reset()
  }
})
