/** Every figure by hand on a small example, and against a slow version that follows its definition word by word. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CordonError } from '../../../config/errors.ts'
import { measure, precisionRecallCurve, type ScoredTransfers } from '../../../fraud/evaluation/metrics.ts'

type Row = readonly [score: number, laundering: 0 | 1, value?: number, type?: string]

function columns(rows: readonly Row[]): ScoredTransfers {
  return {
    scores: rows.map(([score]) => score),
    laundering: rows.map(([, label]) => label === 1),
    values: rows.map(([, , value]) => value ?? 1),
    patternTypes: rows.map(([, , , type]) => type ?? null),
  }
}

describe('by hand', () => {
  // Ranked: 0.9 laundering, 0.8 ordinary, 0.8 laundering (later), 0.3 ordinary, 0.1 laundering.
  const five: readonly Row[] = [
    [0.1, 1, 10, 'cycle'],
    [0.8, 0, 7],
    [0.9, 1, 30, 'fan_in'],
    [0.3, 0, 9],
    [0.8, 1, 60, 'fan_in'],
  ]

  test('ROC-AUC counts pairs, equal ones by half', () => {
    // 0.9 beats both; 0.8 beats 0.3 and ties with 0.8; 0.1 beats none: 2 + 1.5 of 6.
    assert.equal(measure(columns(five)).rocAuc, 3.5 / 6)
  })

  test('average precision is the mean of the precisions at the laundering transfers', () => {
    assert.ok(Math.abs(measure(columns(five)).averagePrecision - (1 + 2 / 3 + 3 / 5) / 3) < 1e-15)
  })

  test('the curve has a point for each of them', () => {
    assert.deepEqual(precisionRecallCurve(columns(five)), [
      { recall: 1 / 3, precision: 1 },
      { recall: 2 / 3, precision: 2 / 3 },
      { recall: 1, precision: 3 / 5 },
    ])
  })

  test('recall stops before the first false positive that the rate does not allow', () => {
    const { recallAtFpr, valueRecallAtFpr, byPattern, positives, negatives } = measure(columns(five))
    assert.deepEqual([positives, negatives], [3, 2])
    // Two negatives allow no false positive at any of the rates.
    assert.deepEqual(recallAtFpr, { '0.001': 1 / 3, '0.005': 1 / 3, '0.01': 1 / 3 })
    assert.deepEqual(valueRecallAtFpr, { '0.001': 0.3, '0.005': 0.3, '0.01': 0.3 })
    assert.deepEqual(byPattern, {
      cycle: { count: 1, recallAtFpr: { '0.01': 0 } },
      fan_in: { count: 2, recallAtFpr: { '0.01': 1 / 2 } },
    })
  })

  test('a rate allows whole false positives, exactly', () => {
    // 1,000 ordinary transfers, and a laundering one after each of the first twelve.
    const rows = Array.from({ length: 1_000 }, (_, i): Row[] => [
      [1_000 - i, 0],
      ...(i < 12 ? [[999.5 - i, 1] satisfies Row] : []),
    ]).flat()
    const { recallAtFpr } = measure(columns(rows))
    assert.deepEqual(recallAtFpr, { '0.001': 1 / 12, '0.005': 5 / 12, '0.01': 10 / 12 })
  })

  test('the top is a hundred transfers, or all if there are fewer', () => {
    assert.equal(measure(columns(five)).precisionAt100, 3 / 5)
    const rows = Array.from({ length: 150 }, (_, i): Row => [-i, i < 40 || i >= 100 ? 1 : 0])
    assert.equal(measure(columns(rows)).precisionAt100, 0.4)
  })

  test('equal scores are cut in order of time', () => {
    const ordinary = Array.from({ length: 200 }, (): Row => [0.5, 0])
    const first = measure(columns([[0.5, 1], ...ordinary]))
    const last = measure(columns([...ordinary, [0.5, 1]]))
    assert.equal(first.averagePrecision, 1)
    assert.equal(last.averagePrecision, 1 / 201)
    assert.deepEqual([first.recallAtFpr['0.01'], last.recallAtFpr['0.01']], [1, 0])
    assert.deepEqual([first.rocAuc, last.rocAuc], [0.5, 0.5])
  })

  test('perfect and reversed rankings', () => {
    assert.equal(
      measure(
        columns([
          [2, 1],
          [1, 0],
        ]),
      ).rocAuc,
      1,
    )
    assert.equal(
      measure(
        columns([
          [1, 1],
          [2, 0],
        ]),
      ).rocAuc,
      0,
    )
  })
})

describe('refused', () => {
  for (const [what, rows] of [
    ['nothing', []],
    ['ordinary transfers only', [[1, 0]]],
    ['laundering transfers only', [[1, 1]]],
  ] as const satisfies readonly (readonly [string, readonly Row[]])[]) {
    test(what, () => {
      assert.throws(
        () => measure(columns(rows)),
        (error) => error instanceof CordonError && error.code === 'labelled-file-invalid',
      )
    })
  }

  test('a score that is no number', () => {
    assert.throws(
      () =>
        measure(
          columns([
            [NaN, 1],
            [0, 0],
          ]),
        ),
      RangeError,
    )
  })
})

/** Few different scores, so that there are ties. */
const rows = fc
  .array(
    fc.tuple(
      fc.integer({ min: 0, max: 8 }),
      fc.constantFrom<0 | 1>(0, 0, 0, 1),
      fc.integer({ min: 1, max: 1_000 }),
      fc.constantFrom('cycle', 'stack'),
    ),
    { minLength: 2, maxLength: 400 },
  )
  .filter((all) => all.some(([, label]) => label === 1) && all.some(([, label]) => label === 0))

test('agrees with the definitions on anything', () => {
  fc.assert(
    fc.property(rows, (all) => {
      const positives = all.filter(([, label]) => label === 1)
      const negatives = all.filter(([, label]) => label === 0)
      const pairs = positives.flatMap(([a]) => negatives.map(([b]) => (a > b ? 1 : a === b ? 0.5 : 0)))
      const found = measure(columns(all))
      const near = (actual: number, expected: number): void =>
        assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} for ${expected}`)
      near(found.rocAuc, pairs.reduce<number>((sum, won) => sum + won, 0) / pairs.length)

      const ranked = all
        .map((row, time) => ({ row, time }))
        .sort((a, b) => b.row[0] - a.row[0] || a.time - b.time)
        .map(({ row }) => row)
      const precisionAt = (count: number): number =>
        ranked.slice(0, count).filter(([, label]) => label === 1).length / count
      const precisions = ranked.flatMap(([, label], above) => (label === 1 ? [precisionAt(above + 1)] : []))
      near(found.averagePrecision, precisions.reduce((sum, each) => sum + each, 0) / positives.length)
      near(found.precisionAt100, precisionAt(Math.min(100, all.length)))
      assert.deepEqual(
        precisionRecallCurve(columns(all)).map(({ precision }) => precision),
        precisions,
      )

      for (const rate of ['0.001', '0.005', '0.01'] as const) {
        // The longest top whose false positives stay within the rate.
        let top: (typeof ranked)[number][] = []
        for (let count = 0; count <= ranked.length; count++) {
          const candidate = ranked.slice(0, count)
          const wrong = candidate.filter(([, label]) => label === 0).length
          if (wrong <= Number(rate) * negatives.length) top = candidate
        }
        const caught = top.filter(([, label]) => label === 1)
        const value = (list: readonly (typeof ranked)[number][]): number =>
          list.reduce((sum, [, , each]) => sum + each, 0)
        near(found.recallAtFpr[rate], caught.length / positives.length)
        near(found.valueRecallAtFpr[rate], value(caught) / value(positives))
        if (rate !== '0.01') continue
        for (const [type, { count, recallAtFpr }] of Object.entries(found.byPattern)) {
          const all = positives.filter(([, , , each]) => each === type)
          assert.equal(count, all.length)
          near(recallAtFpr['0.01'], caught.filter(([, , , each]) => each === type).length / count)
        }
      }
    }),
  )
})
