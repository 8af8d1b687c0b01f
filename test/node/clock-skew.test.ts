/** The local clock against what others date: late messages and a few wrong clocks do not move the estimate. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LIMITS } from '../../config/limits.ts'
import { makeValidatorSet } from '../../consensus/validator-set.ts'
import type { ValidatorSet } from '../../consensus/types.ts'
import { keyPairFromSeed } from '../../crypto/ed25519.ts'
import { ClockSkew, clockSkewLimitMs } from '../../node/clock-skew.ts'
import { ClockWatch, describeSkew } from '../../node/clock-watch.ts'

const EPOCH_MS = 1_700_000_000_000
const WAY_MS = 80

function setOf(weights: readonly number[]): ValidatorSet {
  const validators = weights.map((weight, index) => ({
    name: `v${index + 1}`,
    publicKey: keyPairFromSeed(new Uint8Array(32).fill(index + 1)).publicKey,
    weight: BigInt(weight),
  }))
  return makeValidatorSet({ genesisHash: new Uint8Array(32) }, 1, validators)
}

/** Each of the others dates `count` messages; the local clock is `aheadMs` ahead of theirs, and messages take `wayMs`. */
function hear(
  skew: Pick<ClockSkew, 'note'>,
  others: readonly number[],
  { aheadMs = 0, wayMs = () => 20, count = 8, nowMs = 0 }: Partial<Heard>,
): void {
  for (let round = 0; round < count; round++) {
    const madeMs = EPOCH_MS + nowMs + round
    for (const author of others) skew.note(author, madeMs, madeMs + aheadMs + wayMs(), nowMs + round)
  }
}

interface Heard {
  readonly aheadMs: number
  readonly wayMs: () => number
  readonly count: number
  readonly nowMs: number
}

test('the estimate is the skew and a usual way, whatever single messages took', () => {
  const aheadMs = fc.integer({ min: -5_000, max: 5_000 })
  const ways = fc.infiniteStream(fc.integer({ min: 0, max: WAY_MS }))
  fc.assert(
    fc.property(aheadMs, ways, fc.integer({ min: 0, max: 3 }), (ahead, way, late) => {
      const skew = new ClockSkew(setOf([1, 1, 1, 1]), 0)
      hear(skew, [1, 2, 3], { aheadMs: ahead, wayMs: () => way.next().value as number })
      hear(skew, [1], { aheadMs: ahead, wayMs: () => 60_000, count: late, nowMs: 100 })
      const estimate = skew.estimateMs(200) ?? NaN
      assert.ok(estimate >= ahead && estimate <= ahead + WAY_MS, `${estimate} for ${ahead}`)
    }),
  )
})

test('clocks with less than half of the stake that was heard do not move it, however wrong', () => {
  for (const wrongMs of [-60_000, 60_000]) {
    const skew = new ClockSkew(setOf([1, 3, 2, 2]), 0)
    hear(skew, [2, 3], { aheadMs: 10 })
    hear(skew, [1], { aheadMs: wrongMs })
    assert.equal(skew.estimateMs(10), 30)
  }
})

test('the half with the greater stake has it', () => {
  const skew = new ClockSkew(setOf([1, 5, 2, 2]), 0)
  hear(skew, [2, 3], { aheadMs: 0 })
  hear(skew, [1], { aheadMs: -500 })
  assert.equal(skew.estimateMs(10), -480)
})

test('too few messages, or those of too little stake, say nothing', () => {
  const set = setOf([1, 1, 1, 1])
  const few = new ClockSkew(set, 0)
  hear(few, [1, 2, 3], { count: 5 })
  assert.equal(few.estimateMs(10), null)
  few.note(1, EPOCH_MS, EPOCH_MS + 20, 10)
  assert.equal(few.estimateMs(10), 20)

  const one = new ClockSkew(set, 0)
  hear(one, [1], { count: 16 })
  assert.equal(one.estimateMs(20), null, 'a third of the others')
  const two = new ClockSkew(set, 0)
  hear(two, [1, 2], { count: 8 })
  assert.equal(two.estimateMs(20), 20, 'two thirds of them')
  const follower = new ClockSkew(set, null)
  hear(follower, [1, 2], { count: 8 })
  assert.equal(follower.estimateMs(20), 20, 'half of all')
})

test('a clock that was set is seen as right once newer messages are the more', () => {
  const skew = new ClockSkew(setOf([1, 1, 1, 1]), 0)
  hear(skew, [1, 2, 3], { aheadMs: 700, count: LIMITS.clockSamples })
  assert.equal(skew.estimateMs(100), 720)
  hear(skew, [1, 2, 3], { aheadMs: 0, count: LIMITS.clockSamples / 2, nowMs: 1_000 })
  assert.equal(skew.estimateMs(1_100), 20)
})

test('old messages count no longer', () => {
  const skew = new ClockSkew(setOf([1, 1, 1, 1]), 0)
  hear(skew, [1, 2, 3], { count: 8 })
  assert.equal(skew.estimateMs(LIMITS.clockSampleAgeMs), 20)
  assert.equal(skew.estimateMs(LIMITS.clockSampleAgeMs + 8), null)
})

test('the limit is half of what consensus bears, but never so small that the way alone reaches it', () => {
  assert.equal(clockSkewLimitMs({ maxClockDriftMs: 500 }), LIMITS.clockSkewMs)
  assert.equal(clockSkewLimitMs({ maxClockDriftMs: 1 }), LIMITS.clockSkewMs)
  assert.equal(clockSkewLimitMs({ maxClockDriftMs: 4_000 }), 2_000)
})

test('a wrong clock is said once, again when it turns to the other side, and its end when it is clear', () => {
  const said: string[] = []
  const watch = new ClockWatch({
    skew: new ClockSkew(setOf([1, 1, 1, 1]), 0),
    limitMs: 250,
    onWrong: (skewMs) => said.push(`wrong ${skewMs}`),
    onRight: (skewMs) => said.push(`right ${skewMs}`),
  })
  let nowMs = 0
  const after = (aheadMs: number): readonly string[] => {
    said.length = 0
    for (let round = 0; round < 4; round++) {
      nowMs += 10_000
      hear(watch, [1, 2, 3], { aheadMs, count: LIMITS.clockSamples, nowMs })
    }
    return [...said]
  }
  assert.deepEqual(after(0), [])
  assert.deepEqual(after(300), ['wrong 320'])
  assert.equal(watch.wrongByMs(nowMs), 320)
  assert.deepEqual(after(400), [], 'said already')
  assert.deepEqual(after(150), [], 'not clearly right')
  assert.equal(watch.wrongByMs(nowMs), null)
  assert.deepEqual(after(10), ['right 30'])
  assert.deepEqual(after(-500), ['wrong -480'])
  assert.deepEqual(after(500), ['wrong 520'])
})

test('the sentence says which way', () => {
  assert.match(describeSkew(320.4), /320 ms ahead of/)
  assert.match(describeSkew(-480), /480 ms behind/)
})
