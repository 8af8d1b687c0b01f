/** The replay is causal, counts what is pending as a node does, and teaches the store what it should. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { chooseBackend } from '../../../fraud/model/backend.ts'
import { LabelledRowReader, type LabelledRow } from '../../../fraud/evaluation/labelled-rows.ts'
import { LearningScoring, type LearningOptions } from '../../../fraud/evaluation/learning.ts'
import { measure, type ScoredTransfers } from '../../../fraud/evaluation/metrics.ts'
import { BLOCK_MS, BLOCK_ROWS, Replay, Stopwatch } from '../../../fraud/evaluation/replay.ts'
import { SCORED_TOGETHER, Scoring } from '../../../fraud/evaluation/scoring.ts'
import { TrainingRowCollector } from '../../../fraud/evaluation/training-rows.ts'
import { FROM_TAIL } from '../../../fraud/learning/fit.ts'
import { createModel, type DirectionalModel } from '../../../fraud/model/model.ts'
import { COLUMN, FEATURE_COUNT, type FeatureName } from '../../../fraud/schema.ts'
import { random } from '../play.ts'
import { csv, labelledWorld, type WorldRow } from './labelled-world.ts'

const DAY_MS = 86_400_000

function rowsOf(text: string): LabelledRow[] {
  const reader = new LabelledRowReader('world.csv')
  return [...reader.push(Buffer.from(text)), ...reader.end()]
}

function replay(
  rows: readonly LabelledRow[],
  model: Pick<DirectionalModel, 'score'>,
  fromDay = 0,
  nowMs = (): number => 0,
): ScoredTransfers & { readonly judgingMs: number } {
  const stopwatch = new Stopwatch(nowMs)
  const scoring = new Scoring(model, stopwatch)
  const played = new Replay({ judge: scoring, head: null, fromDay, stopwatch })
  for (const row of rows) played.add(row)
  played.finish()
  return { ...scoring.finish(), judgingMs: stopwatch.totalMs }
}

/** A "model" whose score is one feature. */
function seeing(feature: FeatureName): Pick<DirectionalModel, 'score'> {
  return {
    score: (rows) =>
      Float32Array.from(
        { length: rows.length / FEATURE_COUNT },
        (_, i) => rows[i * FEATURE_COUNT + COLUMN[feature]] as number,
      ),
  }
}

const transfer = (atMs: number, from: number, to: number, amount = '10.00'): WorldRow => ({
  atMs,
  fields: ['transfer', from, to, amount, 0, '', ''],
})
const opening = (account: number, amount: string): WorldRow => ({
  atMs: 0,
  fields: ['opening', -2, account, amount, 0, '', ''],
})

function valuesOf(feature: FeatureName, rows: readonly WorldRow[], fromDay = 0): readonly number[] {
  return replay(rowsOf(csv(rows)), seeing(feature), fromDay).scores
}

describe('what a transfer sees', () => {
  test('transfers of the same block count as pending, those of earlier ones as executed', () => {
    const within = [0, BLOCK_MS / 2, BLOCK_MS - 1, BLOCK_MS].map((atMs) => transfer(atMs, 1, 2))
    // CSV has whole seconds: times within one second are equal, and one block.
    const counts = valuesOf('out_count_7d', within)
    assert.deepEqual(
      counts.map((count) => Math.round(count)),
      [1, 2, 3, 4],
    )
    assert.deepEqual(counts.slice(0, 3), [1, 2, 3], 'pending ones have not decayed')
    assert.ok(counts[3]! < 4, 'executed ones have')
  })

  test('the balance is the executed one: income and spending count, this block does not', () => {
    const shares = valuesOf('balance_share', [
      opening(1, '100.00'),
      { atMs: 60_000, fields: ['income', -2, 1, '100.00', 0, '', ''] },
      { atMs: 120_000, fields: ['spend', 1, -1, '150.00', 0, '', ''] },
      transfer(180_000, 1, 2, '25.00'),
      transfer(180_000, 1, 2, '25.00'),
      transfer(240_000, 2, 1, '50.00'),
    ])
    assert.deepEqual(shares, [0.5, 0.5, 1])
  })

  test('payments from and to the outside are no history', () => {
    const rows = [
      opening(1, '100.00'),
      { atMs: 60_000, fields: ['spend', 1, -1, '5.00', 0, '', ''] },
      { atMs: 90_000, fields: ['income', -2, 1, '5.00', 0, '', ''] },
      transfer(120_000, 1, 2),
    ]
    assert.deepEqual(valuesOf('out_count_7d', rows), [1])
    assert.deepEqual(valuesOf('payer_in_count_7d', rows), [0])
  })

  test('a block holds so many rows at most, however many come at once', () => {
    const atOnce = Array.from({ length: BLOCK_ROWS + 1 }, () => transfer(5_000, 1, 2))
    const rows = [opening(1, '10000.00'), ...atOnce]
    const shares = valuesOf('balance_share', rows)
    assert.equal(shares.at(-2), shares[0])
    assert.ok(shares.at(-1)! > shares[0]!, 'the last one sees the block before it executed')
  })

  test('accounts are strangers until they meet, the first one too', () => {
    const rows = [transfer(0, 3, 4), transfer(5_000, 3, 4), transfer(10_000, 4, 3)]
    assert.deepEqual(valuesOf('reciprocal', rows), [0, 0, 1])
  })

  test('nothing later: a longer file scores its beginning the same', () => {
    const rows = rowsOf(labelledWorld())
    const seen = seeing('payee_payers_7d')
    const baselineToo = {
      score: (features: Float32Array, inputs: Float32Array): Float32Array =>
        seen.score(features, inputs).map((value) => value + inputs[0]!),
    }
    const whole = replay(rows, baselineToo).scores
    for (const share of [0.3, 0.5, 0.9]) {
      const part = replay(rows.slice(0, share * rows.length), baselineToo).scores
      assert.deepEqual(part, whole.slice(0, part.length))
    }
  })

  test('labels and patterns change no score', () => {
    const rows = rowsOf(labelledWorld())
    const blind = rows.map((row) => ({ ...row, laundering: false, patternType: null }))
    for (const feature of ['out_count_1d', 'payee_payers_1d', 'pair_new', 'drain_1h'] as const)
      assert.deepEqual(replay(blind, seeing(feature)).scores, replay(rows, seeing(feature)).scores)
  })
})

test('only transfers from the day on are scored; days are those of the calendar', () => {
  const noon = DAY_MS / 2
  const rows = [
    transfer(noon, 1, 2),
    transfer(DAY_MS - 1_000, 1, 2),
    { atMs: DAY_MS, fields: ['income', -2, 1, '1.00', 0, '', ''] },
    transfer(DAY_MS, 1, 2, '77.00'),
    transfer(DAY_MS + noon, 1, 2, '78.00'),
  ]
  const { values, laundering } = replay(rowsOf(csv(rows)), seeing('amount'), 1)
  assert.deepEqual(values, [77, 78])
  assert.deepEqual(laundering, [false, false])
})

test('the model is called with whole batches, and the rest at the end', () => {
  const calls: number[] = []
  const model = {
    score: (rows: Float32Array): Float32Array => {
      calls.push(rows.length / FEATURE_COUNT)
      return new Float32Array(rows.length / FEATURE_COUNT)
    },
  }
  const count = 2 * SCORED_TOGETHER + 7
  // All in one second: blocks are bounded by rows as well.
  replay(rowsOf(csv(Array.from({ length: count }, () => transfer(0, 1, 2)))), model)
  assert.deepEqual(calls, [SCORED_TOGETHER, SCORED_TOGETHER, 7])
})

test('only judging is measured', () => {
  let readings = 0
  const ticking = (): number => readings++
  const rows = rowsOf(csv([opening(1, '5.00'), transfer(DAY_MS, 1, 2), transfer(2 * DAY_MS, 1, 2)]))
  // Features of one transfer, its way to the model, and the scores at the end: one tick each.
  assert.equal(replay(rows, seeing('amount'), 2, ticking).judgingMs, 3)
})

test('rows to learn from are those that are scored, in order, with their labels', () => {
  const rows = rowsOf(labelledWorld())
  const collector = new TrainingRowCollector()
  const stopwatch = new Stopwatch(() => 0)
  const played = new Replay({ judge: collector, head: null, fromDay: 20, stopwatch })
  for (const row of rows) played.add(row)
  played.finish()
  const { rows: features, labels } = collector.finish()
  const { scores, laundering } = replay(rows, seeing('amount'), 20)
  assert.deepEqual([...labels], laundering.map(Number))
  assert.deepEqual(
    scores,
    Array.from(labels, (_, i) => features[i * FEATURE_COUNT + COLUMN.amount]),
  )
})

describe('with the model of the node', () => {
  before(async () => {
    await chooseBackend(['cpu'])
  })

  for (const labels of ['immediate', 'delayed'] as const) {
    test(`learning from ${labels} labels counts the days it is told to, and looks at none too early`, () => {
      const rows = rowsOf(labelledWorld())
      const options: LearningOptions = {
        start: FROM_TAIL,
        labels,
        delayMs: DAY_MS,
        fromDay: 20,
        random: random(1),
        stopwatch: new Stopwatch(() => 0),
      }
      const play = (played: readonly LabelledRow[]): ScoredTransfers => {
        const scoring = new LearningScoring({ ...options, random: random(1) })
        const replayed = new Replay({ judge: scoring, head: null, fromDay: 0, stopwatch: options.stopwatch })
        for (const row of played) replayed.add(row)
        replayed.finish()
        return scoring.finish()
      }
      const whole = play(rows)
      assert.deepEqual(whole.laundering, replay(rows, seeing('amount'), 20).laundering)
      // What is laundering on the last day changes no score up to its end.
      const lastDay = rows.at(-1)!.timeMs - DAY_MS / 2
      const lies = rows.map((row) =>
        row.timeMs > lastDay && row.kind === 'transfer' ? { ...row, laundering: !row.laundering } : row,
      )
      assert.deepEqual(play(lies).scores, whole.scores)
    })
  }

  test('fan-ins stand out', () => {
    const { rocAuc, averagePrecision, positives, byPattern } = measure(
      replay(rowsOf(labelledWorld()), createModel(null), 20),
    )
    assert.equal(positives, 30)
    assert.deepEqual(Object.keys(byPattern), ['fan_in'])
    assert.ok(rocAuc > 0.9, `ROC-AUC ${rocAuc}`)
    assert.ok(averagePrecision > 0.5, `average precision ${averagePrecision}`)
  })
})
