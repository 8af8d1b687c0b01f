import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MISS_REASONS, MissedVotes, type MissCounts } from '../../node/missed-votes.ts'

interface Watched {
  readonly votes: MissedVotes
  readonly reports: Partial<MissCounts>[]
  busy: number
  mute: boolean
}

function watch(): Watched {
  const reports: Partial<MissCounts>[] = []
  const watched: Watched = {
    reports,
    busy: 0,
    mute: false,
    votes: new MissedVotes({
      busyShare: () => watched.busy,
      isMute: () => watched.mute,
      onReport: (missed) => reports.push(missed),
    }),
  }
  return watched
}

/** Four more blocks, all voted for, after which the block before is judged. */
function goOn({ votes }: Watched, after: number, nowMs = 1_000): void {
  for (let view = after + 1; view <= after + 4; view++) {
    votes.proposed(view)
    votes.voted('finalize', view)
    votes.final(view, 10, nowMs)
  }
}

function missed(counts: MissCounts): Partial<MissCounts> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

test('a block that was voted for is not missed, nor one whose vote is cast a little later', () => {
  const watched = watch()
  const { votes } = watched
  votes.final(1, 10, 0)
  votes.voted('notarize', 1)
  goOn(watched, 1)
  assert.deepEqual(missed(votes.counts), {})
})

test('each reason is told by what was seen', () => {
  const cases: [reason: keyof MissCounts, happen: (watched: Watched) => void][] = [
    ['not-voting', (watched) => (watched.mute = true)],
    ['behind', ({ votes }) => votes.final(1, 2_001, 0)],
    ['gave-up', ({ votes }) => votes.voted('nullify', 1)],
    ['busy', (watched) => (watched.busy = 0.96)],
    ['no-proposal', () => undefined],
    ['outrun', ({ votes }) => votes.proposed(1)],
  ]
  assert.deepEqual(cases.map(([reason]) => reason).sort(), Object.keys(MISS_REASONS).sort())
  for (const [reason, happen] of cases) {
    const watched = watch()
    happen(watched)
    if (reason !== 'behind') watched.votes.final(1, 10, 0)
    Object.assign(watched, { mute: false, busy: 0 })
    goOn(watched, 1)
    assert.deepEqual(missed(watched.votes.counts), { [reason]: 1 })
  }
})

test('they are told together, once a minute', () => {
  const watched = watch()
  const { votes, reports } = watched
  for (let view = 1; view <= 10; view++) votes.final(view, 10, view)
  assert.deepEqual(reports, [{ 'no-proposal': 1 }])
  votes.final(11, 10, 60_005)
  assert.deepEqual(reports, [{ 'no-proposal': 1 }, { 'no-proposal': 6 }])
})

test('views that never become final are forgotten', () => {
  const { votes } = watch()
  for (let view = 1; view < 100_000; view++) votes.proposed(view)
  votes.final(100_000, 10, 0)
  assert.ok(votes.size < 1_000, `${votes.size} views are kept`)
})
