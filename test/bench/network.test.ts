/** What the network benchmark makes of its figures; the figures themselves are no test. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MEASURES } from '../../bench/network/measures.ts'
import { ratiosOf, readBaselines, regressions } from '../../bench/network/ratios.ts'
import { comparisonOf, reportOf, summary } from '../../bench/network/report.ts'
import { sweepSvg } from '../../bench/network/sweep.ts'

function samplesOf(values: Readonly<Record<string, readonly number[]>>): { key: string; value: number }[] {
  return Object.entries(values).flatMap(([key, all]) => all.map((value) => ({ key, value })))
}

test('keys are unique, and a report has the median with its spread, and whether bars are met', () => {
  assert.equal(new Set(MEASURES.map(({ key }) => key)).size, MEASURES.length)
  const rows = summary(samplesOf({ settledPerSecond: [3_000, 2_000, 2_700], lightP50Ms: [30] }))
  const [settled = '', light = ''] = reportOf(rows).split('\n').slice(2)
  assert.equal(settled, '| single payments settled | 2700 (2000–3000) /s | ≥ 2600 met | ≥ 5000 missed |')
  assert.equal(light, '| finality at 50/s, p50 | 30 ms | ≤ 25 missed | ≤ 12 missed |')
})

test('two builds stand side by side, with the ratio', () => {
  const [own, other] = [2_200, 2_000].map((value) => summary(samplesOf({ settledPerSecond: [value] })))
  assert.equal(
    comparisonOf(own ?? [], other ?? []).split('\n')[2],
    '| single payments settled | 2200 /s | 2000 /s | 1.10 |',
  )
})

test('ratios do not change with the speed of the machine', () => {
  const measured = (speed: number): ReturnType<typeof ratiosOf> =>
    ratiosOf(
      summary(
        samplesOf({
          verifyLimitPerSecond: [8_000 * speed],
          settledPerSecond: [2_000 * speed],
          lightP50Ms: [20 / speed],
          cpuMsPerPayment: [1 / speed],
          oneDownShare: [110],
        }),
      ),
    )
  assert.deepEqual(measured(1), measured(2))
  assert.deepEqual(measured(1), {
    oneDownShare: 1.1,
    settledPerSecond: 0.25,
    cpuMsPerPayment: 8,
    lightP50Ms: 160,
  })
})

test('a ratio that is more than 15 % worse is a regression, whichever way is worse', () => {
  const baselines = { settledPerSecond: 0.25, lightP50Ms: 160 }
  assert.deepEqual(regressions({ settledPerSecond: 0.22, lightP50Ms: 180 }, baselines), [])
  assert.deepEqual(regressions({ settledPerSecond: 0.9, lightP50Ms: 1 }, baselines), [])
  assert.deepEqual(regressions({ settledPerSecond: 0.2, lightP50Ms: 190 }, baselines), [
    'settledPerSecond: 0.200, expected at least 0.250 (25 % worse; 15 % are allowed)',
    'lightP50Ms: 190, expected at most 160 (19 % worse; 15 % are allowed)',
  ])
  assert.match(regressions({ overloadShare: 1 }, baselines)[0] ?? '', /^overloadShare: has no baseline/)
})

test('every baseline is of a measure that there is', () => {
  const keys = MEASURES.map(({ key }) => key)
  for (const [key, ratio] of Object.values(readBaselines()).flatMap((size) => Object.entries(size))) {
    assert.ok(keys.includes(key), key)
    assert.ok(ratio > 0, key)
  }
})

test('the plot has each point once in each line, within its frame', () => {
  const points = [
    { offeredPerSecond: 50, settledPerSecond: 50, p50Ms: 20, p99Ms: 40 },
    { offeredPerSecond: 2_000, settledPerSecond: 1_900, p50Ms: 900, p99Ms: 2_400 },
  ]
  const svg = sweepSvg(points, 'title')
  const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ])
  assert.equal(circles.length, 4)
  for (const [x = -1, y = -1] of circles) assert.ok(x >= 70 && x <= 550 && y >= 50 && y <= 360, `${x}, ${y}`)
  const [[firstX = 0, firstY = 0] = [], [secondX = 0, secondY = 0] = []] = circles
  assert.ok(firstX < secondX && firstY > secondY, 'faster is to the right, slower is up')
})
