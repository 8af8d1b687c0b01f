import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeParameters } from '../../config/parameters.ts'
import { PeerProgress } from '../../consensus/peer-progress.ts'
import { PeerBudget } from '../../consensus/retransmitter.ts'
import { deltaOf, ViewTimers } from '../../consensus/view-timers.ts'
import { validatorSet } from './fixtures.ts'

const parameters = makeParameters('mainnet') // Δ 500 ms, cap 8 s, T_idle 5 s
const busy = { idle: false, skipLeader: false }

test('Δ grows by a fifth per view from the fourth without finalization on, up to the cap', () => {
  assert.deepEqual(
    [4, 5, 6].map((view) => Math.round(deltaOf(parameters, view, 1))),
    [500, 600, 720],
  )
  assert.equal(deltaOf(parameters, 10_000, 1), parameters.deltaMaxMs)
  assert.equal(deltaOf(parameters, 10_000, 9_999), parameters.deltaMs, 'and shrinks back on a finalization')
})

test('tLead at 2Δ, tAdv at 3Δ, T_idle on top in an idle chain, tLead 0 for a silent leader', () => {
  const timers = new ViewTimers(parameters)
  timers.enter(2, 1, 1_000, busy)
  assert.deepEqual([timers.leaderMs, timers.advanceMs, timers.retryMs], [2_000, 2_500, Infinity])
  timers.enter(2, 1, 1_000, { idle: true, skipLeader: false })
  assert.deepEqual([timers.leaderMs, timers.advanceMs], [7_000, 7_500])
  timers.enter(2, 1, 1_000, { idle: true, skipLeader: true })
  assert.deepEqual([timers.leaderMs, timers.advanceMs], [1_000, 7_500])
})

test('learning of work: min(current, now + 2Δ or 3Δ); falling idle: T_idle counts from the entry', () => {
  const timers = new ViewTimers(parameters)
  timers.enter(2, 1, 0, { idle: true, skipLeader: false })
  timers.setIdle(false, 1_000)
  assert.deepEqual([timers.leaderMs, timers.advanceMs], [2_000, 2_500])
  timers.setIdle(false, 1_500)
  assert.equal(timers.leaderMs, 2_000, 'no news, no change')
  timers.setIdle(true, 1_600)
  assert.deepEqual([timers.leaderMs, timers.advanceMs], [6_000, 6_500])
  timers.setIdle(false, 5_900)
  assert.deepEqual([timers.leaderMs, timers.advanceMs], [6_000, 6_500], 'never later than before')
})

test('once fired, a timer is not armed again by idling; retries come every Δ, at least every 500 ms', () => {
  const timers = new ViewTimers(makeParameters('devnet'))
  timers.enter(2, 1, 0, busy)
  timers.startRetry(300)
  assert.equal(timers.retryMs, 800)
  timers.setIdle(true, 400)
  timers.setIdle(false, 500)
  assert.deepEqual([timers.leaderMs, timers.advanceMs, timers.nextDeadlineMs], [Infinity, Infinity, 800])
})

test('a leader is silent after 32 views unheard, if a quorum was heard meanwhile', () => {
  const set = validatorSet()
  const progress = new PeerProgress(set, 0, 1)
  assert.equal(progress.isSilent(3, 40), false, 'nobody was heard: fails open')
  progress.heard(1, 20, 0)
  progress.heard(2, 20, 0)
  assert.equal(progress.isSilent(3, 32), false)
  assert.equal(progress.isSilent(3, 40), true)
  assert.equal(progress.isSilent(0, 40), false, 'never oneself')
  progress.heard(3, 39, 0)
  assert.equal(progress.isSilent(3, 40), false, 'dropped as soon as it is heard')
})

test('who finalizes a view has left it', () => {
  const progress = new PeerProgress(validatorSet(), 0, 1)
  progress.sawVote({ kind: 'notarize', view: 5, signer: 1 })
  progress.sawVote({ kind: 'finalize', view: 5, signer: 2 })
  assert.deepEqual(progress.notSeenBeyond(5), [1, 3])
})

test('answers to one peer are limited per second, and each peer has its own budget', () => {
  const budget = new PeerBudget(3)
  const taken = Array.from({ length: 5 }, () => budget.take('a', 0))
  assert.deepEqual(taken, [true, true, true, false, false])
  assert.ok(budget.take('b', 0))
  assert.ok(budget.take('a', 334))
  assert.equal(budget.take('a', 335), false)
})
