/** Adversaries of the fraud model: what each tries does not work, in a small town, or is measured as it is. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Figures } from '../../devnet/adversaries/adversary.ts'
import { dusting } from '../../devnet/adversaries/dusting.ts'
import { evader } from '../../devnet/adversaries/evasion.ts'
import { flood } from '../../devnet/adversaries/flood.ts'
import { poisoning } from '../../devnet/adversaries/poisoning.ts'
import { splitDrain } from '../../devnet/adversaries/split-drain.ts'
import { JudgedChain, type Payment } from '../../devnet/trial/chain.ts'
import type { Due } from '../../devnet/trial/raid.ts'
import type { ValidatorsOptions } from '../../devnet/trial/validators.ts'
import { pretrainedHead } from '../../fraud/head/pretrained.ts'
import { chooseBackend } from '../../fraud/model/backend.ts'
import { createModel, type DirectionalModel } from '../../fraud/model/model.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'

const CRD = 1_000_000n
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let model: DirectionalModel
before(async () => {
  await chooseBackend()
  model = createModel(null)
})
after(() => model.dispose())

const share = (figures: Figures, name: string): number => {
  const { part, whole } =
    figures[name] ?? assert.fail(`no figure ${name} in ${Object.keys(figures).join(', ')}`)
  assert.ok(whole > 0, `${name}: nothing was counted`)
  return part / whole
}

test('dust changes little for what its victim pays', () => {
  const figures = dusting({ seed: '1', persons: 200, model, head: null })
  const own = 'payments of victims held in the week after'
  const more = share(figures, `${own}, with dust`) - share(figures, `${own}, without`)
  assert.ok(more < 0.1, `${more} more of the victims' payments held`)
})

test('a drain that is split over four validators is held no less than one through a single one', () => {
  const figures = splitDrain({ seed: '1', persons: 60, model, head: null })
  const split = share(figures, 'drain: value held, at once, split over four')
  assert.ok(split >= share(figures, 'drain: value held, at once, through one validator'), `${split}`)
  assert.ok(split > 0.75, `${split} of the value held`)
})

test('in a small town a month of poisoning lowers what the rules hold of the attacks after it by ten points at most', () => {
  const figures = poisoning({ seed: '1', persons: 120, model, head: null })
  const value = 'in the mix: value held'
  const lost = share(figures, `${value}, without`) - share(figures, `${value}, after poisoning`)
  assert.ok(lost <= 0.1, `${lost} less of the value held`)
})

test('behind a flood the cheap sum still holds most of what the model holds', () => {
  const head = pretrainedHead()
  const byHead = createModel(head)
  const figures = flood({ seed: '1', persons: 80, model: byHead, head })
  byHead.dispose()
  const inMix = (by: string): number => share(figures, `in the mix: value held, ${by}`)
  const [cheap, whole] = [inMix('by the cheap sum'), inMix('by the model')]
  assert.ok(cheap > 0.8 * whole, `${cheap} by the cheap sum, ${whole} by the model`)
})

describe('ends of holds', () => {
  const payment = { atMs: 0, from: 0, to: 1, amountUnits: CRD } as const
  const holdsAll: ValidatorsOptions = {
    head: null,
    model: { score: (rows) => new Float32Array(rows.length / FEATURE_COUNT).fill(1) },
    learns: true,
  }
  const ended = (ifHeld: Payment['ifHeld']): JudgedChain => {
    const chain = new JudgedChain({ openingUnits: [10n * CRD, 0n], judgedFromMs: 0, ...holdsAll })
    chain.submit({ ...payment, ifHeld }, (verdict) => assert.equal(verdict, 'held'))
    chain.advanceTo(2_000)
    chain.advanceTo(2 * DAY_MS)
    return chain
  }

  test('a review teaches, whatever it finds', () => {
    assert.equal(ended('released').labels, 1)
    assert.equal(ended('returned').labels, 1)
  })

  test('a recall brings the money back and teaches nothing', () => {
    const chain = ended('recalled')
    assert.equal(chain.labels, 0)
    assert.deepEqual([chain.available(0), chain.available(1)], [10n * CRD, 0n])
  })

  test('a recall takes effect within the hour', () => {
    const chain = new JudgedChain({ openingUnits: [10n * CRD, 0n], judgedFromMs: 0, ...holdsAll })
    chain.submit({ ...payment, ifHeld: 'recalled' }, () => undefined)
    chain.advanceTo(HOUR_MS - 1)
    assert.equal(chain.available(0), 9n * CRD)
    chain.advanceTo(HOUR_MS)
    assert.equal(chain.available(0), 10n * CRD)
  })
})

describe('several validators', () => {
  /** Flags what has been paid before in what it has seen: the second of two payments, and later ones. */
  const flagsLater: ValidatorsOptions['model'] = {
    score: (rows) =>
      Float32Array.from({ length: rows.length / FEATURE_COUNT }, (_, i) =>
        (rows[i * FEATURE_COUNT] as number) > 1.5 ? 1 : 0,
      ),
  }
  const verdicts = (vias: readonly number[], validators: number): string[] => {
    const chain = new JudgedChain({
      openingUnits: [10n * CRD],
      judgedFromMs: 0,
      model: flagsLater,
      head: null,
      validators,
    })
    const found: string[] = []
    for (const via of vias)
      chain.submit({ atMs: 0, from: 0, to: via + 1, amountUnits: CRD, ifHeld: 'returned', via }, (verdict) =>
        found.push(verdict),
      )
    chain.finish()
    return found
  }

  test('more than a third holds: of four payments to four validators, all that two see late', () => {
    assert.deepEqual(verdicts([0, 0], 1), ['settled', 'held'])
    assert.deepEqual(verdicts([0, 0], 4), ['settled', 'held'])
    const split = verdicts([0, 1, 2, 3], 4)
    assert.ok(split.filter((verdict) => verdict === 'held').length >= 3, split.join(' '))
  })
})

describe('a dry run', () => {
  test('says what would happen, with what is pending, and leaves no trace', () => {
    const chain = new JudgedChain({ openingUnits: [10n * CRD], judgedFromMs: 0, model, head: null })
    const payment = { atMs: 0, from: 0, to: 1, amountUnits: CRD, ifHeld: 'returned' } as const
    assert.equal(chain.wouldHold(payment), false)
    assert.equal(chain.available(0), 10n * CRD)
    for (const to of [2, 3, 4]) chain.submit({ ...payment, to, amountUnits: 2n * CRD }, () => undefined)
    const asked = chain.wouldHold({ ...payment, to: 5, amountUnits: 2n * CRD })
    assert.equal(chain.wouldHold({ ...payment, to: 5, amountUnits: 2n * CRD }), asked)
  })

  const due = (wouldHold: Due['wouldHold']): Due & { asked: number } => {
    const own = {
      to: 1,
      amountUnits: 800n * CRD,
      another: () => 2,
      asked: 0,
      wouldHold: (to: number, amountUnits: bigint): boolean => {
        own.asked++
        return wouldHold(to, amountUnits)
      },
    }
    return own
  }

  test('thieves send what passes as it is, to another account, or in part', () => {
    const whole = 800n * CRD
    assert.deepEqual(evader()(due(() => false)), { now: { to: 1, amountUnits: whole }, againAfterMs: null })
    assert.deepEqual(evader()(due((to) => to === 1)).now, { to: 2, amountUnits: whole })
    const half = evader()(due((_, units) => units > 400n * CRD))
    assert.deepEqual(half.now, { to: 1, amountUnits: 400n * CRD })
    assert.ok((half.againAfterMs ?? 0) > 0)
  })

  test('thieves wait, and give up after twenty questions', () => {
    const hopeless = due(() => true)
    const evasion = evader()
    let sending = evasion(hopeless)
    let waits = 0
    while (sending.againAfterMs !== null) {
      assert.equal(sending.now, null)
      waits++
      sending = evasion(hopeless)
    }
    assert.ok(waits > 1)
    assert.equal(hopeless.asked, 20)
  })
})
