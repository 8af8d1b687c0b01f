/** Trials: what is held stays away from the payee, value is counted once, and a small town keeps its floor. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ATTACK_PATTERNS } from '../../devnet/attacks/attack.ts'
import { JudgedChain } from '../../devnet/trial/chain.ts'
import { MIX, heldShareOfMix } from '../../devnet/trial/mix.ts'
import { addTally, emptyTally, ordinaryTotal, type Tally } from '../../devnet/trial/tally.ts'
import { Timeline } from '../../devnet/trial/timeline.ts'
import { playTrial, type PlayedPayment, type TrialOptions } from '../../devnet/trial/trial.ts'
import { chooseBackend } from '../../fraud/model/backend.ts'
import { createModel, type DirectionalModel } from '../../fraud/model/model.ts'

const CRD = 1_000_000n
const DAY_MS = 86_400_000

/** A model with one opinion of everything. */
const opinion = (score: number): Pick<TrialOptions, 'model' | 'head'> => ({
  head: null,
  model: { score: (rows) => new Float32Array(rows.length).fill(score) },
})

const SMALL = { persons: 100, days: 20, fromDay: 12, untilDay: 15, patterns: ATTACK_PATTERNS } as const

describe('chain', () => {
  const payment = { atMs: 0, from: 0, to: 1, amountUnits: 4n * CRD, ifHeld: 'released' } as const
  const chain = (score: number): JudgedChain =>
    new JudgedChain({ openingUnits: [10n * CRD, 0n], judgedFromMs: 0, ...opinion(score) })

  test('what is let through arrives with its block', () => {
    const settles = chain(0)
    const ends: string[] = []
    settles.submit(payment, (verdict) => ends.push(verdict))
    assert.deepEqual([settles.available(0), settles.available(1)], [6n * CRD, 0n])
    settles.advanceTo(1_000)
    assert.deepEqual([settles.available(0), settles.available(1)], [6n * CRD, 4n * CRD])
    assert.deepEqual(ends, ['settled'])
  })

  test('what is held arrives after the review, or goes back if it was stolen', () => {
    for (const ifHeld of ['released', 'returned'] as const) {
      const holds = chain(1)
      holds.submit({ ...payment, ifHeld }, (verdict) => assert.equal(verdict, 'held'))
      holds.advanceTo(1_000)
      assert.deepEqual([holds.available(0), holds.available(1)], [6n * CRD, 0n])
      holds.advanceTo(DAY_MS)
      assert.deepEqual(
        [holds.available(0), holds.available(1)],
        ifHeld === 'returned' ? [10n * CRD, 0n] : [6n * CRD, 4n * CRD],
      )
    }
  })

  test('from the default alert score on it settles with an alert, from the hold score on it is held', () => {
    const verdicts = [95, 96, 127, 128].map((byte) => {
      const ends: string[] = []
      const judges = chain((byte + 0.5) / 256)
      judges.submit(payment, (verdict) => ends.push(verdict))
      judges.finish()
      return [...ends, judges.available(1) > 0n]
    })
    assert.deepEqual(verdicts, [
      ['settled', true],
      ['alert', true],
      ['alert', true],
      ['held', false],
    ])
  })

  test('nobody pays what is pending already', () => {
    const busy = chain(0)
    busy.submit({ ...payment, amountUnits: 7n * CRD }, () => undefined)
    assert.throws(
      () => busy.submit(payment, () => undefined),
      /account 0 has 3000000 uCRD and cannot pay 4000000/,
    )
  })

  test('before the first judged day nothing is held', () => {
    const young = new JudgedChain({ openingUnits: [10n * CRD, 0n], judgedFromMs: 5_000, ...opinion(1) })
    young.submit(payment, (verdict) => assert.equal(verdict, 'unjudged'))
    young.finish()
    assert.equal(young.available(1), 4n * CRD)
  })
})

test('a timeline goes in order of time, then of arrival, with what is added on the way', () => {
  const timeline = new Timeline()
  const happened: string[] = []
  timeline.add(2, () => happened.push('c'))
  timeline.add(1, () => {
    happened.push('a')
    timeline.add(2, () => happened.push('d'))
    timeline.add(1, () => happened.push('b'))
  })
  const times: number[] = []
  timeline.play((atMs) => times.push(atMs))
  assert.deepEqual(happened, ['a', 'b', 'c', 'd'])
  assert.deepEqual(times, [1, 1, 2, 2])
})

test('the mix weighs every pattern, 1 together, more than half of it paid by manipulated payers', () => {
  assert.ok(Math.abs(Object.values(MIX).reduce((sum, weight) => sum + weight, 0) - 1) < 1e-9)
  assert.ok(MIX.scam + MIX['fan-in'] + MIX.mule / 2 > 0.5)
})

describe('counting', () => {
  const everything = playTrial({ ...SMALL, seed: '1', ...opinion(1) })

  test('a model that flags everything holds all that is stolen at the first leg, and all ordinary transfers', () => {
    const tally = everything
    for (const [pattern, count] of tally.patterns) {
      assert.equal(count.attacks, 1, pattern)
      assert.ok(count.stolenUnits > 0n && count.missed === 0, pattern)
      assert.equal(count.heldAtFirstUnits, count.stolenUnits, pattern)
      assert.equal(count.heldLaterUnits, 0n, pattern)
    }
    assert.equal(heldShareOfMix(tally), 1)
    const { judged, held } = ordinaryTotal(tally)
    assert.ok(judged > 500 && held === judged)
  })

  test('a model that flags nothing misses every attack', () => {
    const tally = playTrial({ ...SMALL, seed: '1', ...opinion(0) })
    for (const [pattern, count] of tally.patterns) assert.equal(count.missed, 1, pattern)
    assert.equal(heldShareOfMix(tally), 0)
    assert.equal(ordinaryTotal(tally).held, 0)
  })

  test('whoever asks is told every payment, in order of time, and of which attack it is', () => {
    const payments: PlayedPayment[] = []
    const tally = playTrial({
      ...SMALL,
      seed: '1',
      attacksEach: 2,
      ...opinion(0),
      onPayment: (payment) => payments.push(payment),
    })
    const times = payments.map(({ atMs }) => atMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    assert.deepEqual(
      new Set(payments.flatMap(({ pattern }) => pattern ?? [])),
      new Set(ATTACK_PATTERNS.filter((pattern) => (tally.patterns.get(pattern)?.attacks ?? 0) > 0)),
    )
    assert.equal(tally.patterns.get('scam')?.attacks, 2)
    assert.ok(ordinaryTotal(tally).judged < payments.filter(({ pattern }) => pattern === null).length)
  })

  test('a model that only suspects gives an alert for each, and holds nothing', () => {
    const { judged, held, alerts } = ordinaryTotal(playTrial({ ...SMALL, seed: '1', ...opinion(0.4) }))
    assert.ok(judged > 500)
    assert.deepEqual([held, alerts], [0, judged])
  })

  test('tallies add up', () => {
    const tally = everything
    const twice = emptyTally(ATTACK_PATTERNS)
    addTally(twice, tally)
    addTally(twice, tally)
    assert.equal(twice.patterns.get('scam')?.stolenUnits, 2n * tally.patterns.get('scam')!.stolenUnits)
    assert.equal(ordinaryTotal(twice).judged, 2 * ordinaryTotal(tally).judged)
    assert.throws(() => addTally(emptyTally(['drain']), tally), /does not count burst/)
  })
})

describe('the model without labels in a small town', () => {
  /** Old enough for a usual life to be known. */
  const GROWN = { persons: 150, days: 34, fromDay: 28, untilDay: 30, patterns: ATTACK_PATTERNS } as const
  let model: DirectionalModel
  let tally: Tally
  const trial = (seed: string): Tally => playTrial({ ...GROWN, seed, model, head: null })
  before(async () => {
    await chooseBackend()
    model = createModel(null)
    tally = trial('1')
  })
  after(() => model.dispose())

  test('the same seed gives the same tally', () => {
    assert.deepEqual(trial('1'), tally)
  })

  test('no unit is held twice', () => {
    for (const [pattern, count] of tally.patterns)
      assert.ok(count.heldAtFirstUnits + count.heldLaterUnits <= count.stolenUnits, pattern)
  })

  test('the floor: value held in the mix, and ordinary transfers let through', () => {
    const share = heldShareOfMix(tally) ?? 0
    assert.ok(share > 0.75, `${share} of the value held`)
    const { judged, held } = ordinaryTotal(tally)
    assert.ok(held / judged < 0.005, `${held} of ${judged} ordinary transfers held`)
  })
})
