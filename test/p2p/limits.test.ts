import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { PeerScores } from '../../p2p/scores.ts'
import { TokenBucket } from '../../p2p/token-bucket.ts'

describe('token bucket', () => {
  test('lets a burst through, then the rate', () => {
    let nowMs = 0
    const bucket = new TokenBucket(100, 10, () => nowMs)
    const taken = (): number => {
      let count = 0
      while (bucket.take()) count += 1
      return count
    }
    assert.equal(taken(), 10)
    assert.equal(bucket.waitMs(), 50) // half a burst of 10 at 100 per second
    nowMs = 50
    assert.equal(taken(), 5)
    nowMs = 1e9
    assert.equal(taken(), 10)
  })
})

describe('scores', () => {
  const offencesUntilBan = (validator: boolean): number => {
    const scores = new PeerScores(() => 0)
    let count = 1
    while (!scores.penalize('p', validator)) count += 1
    return count
  }

  test('a stranger is banned after five quick offences, a validator after ten', () => {
    assert.equal(offencesUntilBan(false), 5)
    assert.equal(offencesUntilBan(true), 10)
  })

  test('recover by half in every half-life, and end clean', () => {
    let nowMs = 0
    const scores = new PeerScores(() => nowMs)
    scores.penalize('p', false)
    assert.equal(scores.of('p'), -LIMITS.penaltyPoints)
    nowMs = LIMITS.scoreHalfLifeMs
    assert.equal(scores.of('p'), -LIMITS.penaltyPoints / 2)
    nowMs = 100 * LIMITS.scoreHalfLifeMs
    assert.equal(scores.of('p'), 0)
  })

  test('a ban ends', () => {
    let nowMs = 0
    const scores = new PeerScores(() => nowMs)
    scores.ban('p')
    assert.equal(scores.isBanned('p'), true)
    nowMs = LIMITS.banMs
    assert.equal(scores.isBanned('p'), false)
  })

  test('are remembered for so many peers and no more', () => {
    const scores = new PeerScores(() => 0)
    for (let peer = 0; peer <= LIMITS.rememberedScores; peer++) scores.penalize(String(peer), false)
    assert.equal(scores.of('0'), 0)
    assert.notEqual(scores.of('1'), 0)
  })
})
