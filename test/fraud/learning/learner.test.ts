/** The learner changes its head only for a better one, forgets what it must, and takes no lesson from strangers. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeadByHand, type Head } from '../../../fraud/head/head.ts'
import { HEAD_INPUTS } from '../../../fraud/head/inputs.ts'
import { exampleOf, Outcomes, Sample, type Example } from '../../../fraud/learning/examples.ts'
import { FROM_TAIL, fromNetwork, teach } from '../../../fraud/learning/fit.ts'
import { Learner } from '../../../fraud/learning/learner.ts'
import { LEARNING_LIMITS } from '../../../fraud/learning/limits.ts'
import { COLUMN, FEATURE_COUNT } from '../../../fraud/schema.ts'
import { BASELINE_INPUTS } from '../../../fraud/model/tail.ts'
import { random } from '../play.ts'

const SILENT_BASELINE = new Float32Array(BASELINE_INPUTS)

/** The tail's sum is 0. */
function exampleFrom(key: string, payer: string, row: Float32Array): Example {
  return exampleOf({ key, payer }, row, 0, SILENT_BASELINE)
}

/** Learns what there is to learn, as a node does in a worker. */
function learn(learner: Learner): Head | null {
  const { head, lesson } = learner.next()
  return lesson === null ? head : (learner.learned(teach(lesson)) ?? head)
}

/** Held transfers of two kinds: large amounts are laundering if `truth`, and otherwise small ones. */
function rowOf(large: boolean, unit: () => number): Float32Array {
  const row = new Float32Array(FEATURE_COUNT)
  row[COLUMN.amount] = (large ? 1_000 : 10) * (0.5 + unit())
  row[COLUMN.pair_count] = 10 * unit()
  return row
}

class Village {
  readonly learner: Learner
  readonly #unit = random(7)
  #next = 0
  heads: Head[] = []

  constructor(learner = new Learner(FROM_TAIL, random(1))) {
    this.learner = learner
  }

  /** A day of traffic, with holds whose outcomes come at once. */
  day(largeIsLaundering: boolean, holds = 10): void {
    for (let i = 0; i < 100; i++) this.learner.transfer(() => this.#example(this.#unit() < 0.3), 'ordinary')
    for (let i = 0; i < holds; i++) {
      const large = i % 2 === 0
      const example = this.#example(large)
      this.learner.transfer(() => example, 'held')
      this.learner.outcome(example.key, large === largeIsLaundering)
    }
    const head = learn(this.learner)
    if (head !== null) this.heads.push(head)
  }

  #example(large: boolean): Example {
    const key = `${this.#next++}`
    return exampleFrom(key, `payer ${key}`, rowOf(large, this.#unit))
  }
}

function prefersLarge(head: Head): boolean {
  const byHand = new HeadByHand(head)
  const logit = (large: boolean): number =>
    byHand.logit(
      rowOf(large, () => 0.5),
      0,
      SILENT_BASELINE,
    )
  return logit(true) > logit(false)
}

describe('learner', () => {
  test('nothing before there are enough outcomes, then what they say', () => {
    const village = new Village()
    village.day(true)
    village.day(true)
    assert.equal(village.heads.length, 0, 'the first challenger waits for its trial')
    for (let day = 0; day < 6; day++) village.day(true)
    assert.ok(village.heads.length >= 1)
    assert.ok(prefersLarge(village.heads.at(-1)!))
  })

  test('follows when the world turns', () => {
    const village = new Village()
    for (let day = 0; day < 8; day++) village.day(true)
    for (let day = 0; day < 40; day++) village.day(false)
    assert.equal(prefersLarge(village.heads.at(-1)!), false)
  })

  test('a challenger that loses its trial leaves what it started from to judge', () => {
    const village = new Village()
    for (let day = 0; day < 2; day++) village.day(true)
    assert.equal(village.heads.length, 0)
    // Nothing of what is held next is laundering, as the start, which suspects little, would have it.
    const unit = random(9)
    for (let i = 0; i < 16; i++) {
      const example = exampleFrom(`innocent ${i}`, `${i}`, rowOf(i % 2 === 0, unit))
      village.learner.transfer(() => example, 'held')
      village.learner.outcome(example.key, false)
    }
    const head = learn(village.learner)
    assert.ok(head?.direct.every((weight) => weight === 0) === true)
    assert.equal(head.tailWeight, FROM_TAIL.weight)
  })

  test('fewer lies than truths change nothing that counts', () => {
    const village = new Village()
    for (let day = 0; day < 12; day++) village.day(true)
    const before = village.heads.length
    for (let day = 0; day < 6; day++) village.day(false, 16)
    assert.ok(village.heads.length > before)
    assert.ok(village.heads.slice(before - 1).every(prefersLarge))
  })

  test('outcomes of unknown holds, and all of one kind, teach nothing', () => {
    const learner = new Learner(FROM_TAIL, random(1))
    for (let i = 0; i < 100; i++) learner.outcome(`${i}`, true)
    assert.equal(learn(learner), null)
    const unit = random(2)
    for (let i = 0; i < 100; i++) {
      const example = exampleFrom(`${i}`, `${i}`, rowOf(true, unit))
      learner.transfer(() => example, 'held')
      learner.outcome(example.key, false)
    }
    assert.equal(learn(learner), null)
  })

  test('from a network it starts where the network is', () => {
    const width = HEAD_INPUTS.length
    const network: Head = {
      means: new Float32Array(width),
      deviations: new Float32Array(width).fill(1),
      layers: [
        {
          inputs: width,
          outputs: 1,
          weights: new Float32Array(width).fill(0.01),
          biases: Float32Array.of(-2),
        },
      ],
      direct: new Float32Array(width),
      bias: 0,
      tailWeight: 0,
      threshold: 0,
      lowestThreshold: 0.25,
    }
    const village = new Village(new Learner(fromNetwork(network), random(1)))
    for (let day = 0; day < 10; day++) village.day(true)
    const head = village.heads.at(-1)!
    assert.equal(head.layers.length, 1)
    assert.ok(head.layers[0]!.weights[0]! > 0)
    assert.ok(prefersLarge(head))
    assert.equal(head.lowestThreshold, 0.25)
  })
})

describe('memory', () => {
  const example = (key: string, payer = key): Example => ({
    key,
    payer,
    inputs: new Float32Array(HEAD_INPUTS.length),
    tail: 0,
  })

  test('the sample is bounded, and the latest have the best chance', () => {
    const sample = new Sample(random(3))
    const count = 20 * LEARNING_LIMITS.sampledTransfers
    for (let i = 0; i < count; i++) sample.offer(() => example(`${i}`))
    assert.equal(sample.examples.length, LEARNING_LIMITS.sampledTransfers)
    const late = sample.examples.filter(({ key }) => Number(key) >= count / 2).length
    assert.ok(late > 0.55 * LEARNING_LIMITS.sampledTransfers, `${late} of the later half`)
  })

  test('one payer teaches a few examples, the latest', () => {
    const outcomes = new Outcomes()
    for (let i = 0; i < 3 * LEARNING_LIMITS.labelsPerAccount; i++) {
      outcomes.hold(example(`${i}`, 'thief'))
      assert.equal(outcomes.label(`${i}`, true), true)
    }
    assert.equal(outcomes.labelled.length, LEARNING_LIMITS.labelsPerAccount)
    assert.equal(outcomes.labelled.at(-1)!.key, `${3 * LEARNING_LIMITS.labelsPerAccount - 1}`)
  })

  test('an alert teaches when it is reviewed; until then it is a transfer like any other', () => {
    const outcomes = new Outcomes()
    outcomes.alert(example('a'))
    assert.deepEqual([...outcomes.keys()], [])
    assert.equal(outcomes.label('a', false), true)
    assert.deepEqual([...outcomes.keys()], ['a'])
    assert.equal(outcomes.label('a', true), false, 'an outcome counts once')
  })

  test('alerts are bounded, and never take the place of a hold', () => {
    const outcomes = new Outcomes()
    outcomes.hold(example('held'))
    for (let i = 0; i <= LEARNING_LIMITS.waitingAlerts; i++) outcomes.alert(example(`${i}`))
    assert.equal(outcomes.waitingAlerts.length, LEARNING_LIMITS.waitingAlerts)
    assert.equal(outcomes.label('0', true), false)
    assert.equal(outcomes.label('1', true), true)
    assert.equal(outcomes.label('held', true), true)
  })

  test('a full store of outcomes takes new ones, and the oldest go', () => {
    const outcomes = new Outcomes()
    for (let i = 0; i <= LEARNING_LIMITS.labels; i++) {
      outcomes.hold(example(`${i}`))
      assert.equal(outcomes.label(`${i}`, i % 2 === 0), true)
    }
    assert.equal(outcomes.labelled.length, LEARNING_LIMITS.labels)
    assert.equal(outcomes.labelled[0]?.key, '1')
    assert.equal(outcomes.labelled.at(-1)?.key, `${LEARNING_LIMITS.labels}`)
    const restored = new Outcomes([], [], [...outcomes.labelled, { ...example('later'), laundering: true }])
    assert.equal(restored.labelled.length, LEARNING_LIMITS.labels)
    assert.equal(restored.labelled.at(-1)?.key, 'later')
  })

  test('outcomes and waiting holds are bounded, the oldest go', () => {
    const outcomes = new Outcomes()
    for (let i = 0; i <= LEARNING_LIMITS.waitingHolds; i++) outcomes.hold(example(`${i}`))
    assert.equal(outcomes.label('0', true), false)
    assert.equal(outcomes.label('1', true), true)
    assert.equal(outcomes.label('1', true), false, 'an outcome counts once')
  })
})
