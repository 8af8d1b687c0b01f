/** How late the event loop is, from a scripted histogram and given times; and that the real one speaks its language. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { LoopDelay, type LoopDelayFigures, type LoopHistogram } from '../../node/loop-delay.ts'
import { eventually } from '../e2e/harness.ts'

const SAMPLE_MS = 20
const WINDOW_MS = 30_000
const FORGET_MS = 60_000

/** A histogram that has measured what it is told to, and notes what is done with it. */
class ScriptedHistogram implements LoopHistogram {
  readonly done: string[] = []
  count = 0
  max = 0
  percentiles: Readonly<Record<number, number>> = {}

  /** Times between samples, in ms. */
  measure({ p50, p99, max }: Readonly<Record<'p50' | 'p99' | 'max', number>>): void {
    this.count++
    this.max = 1e6 * max
    this.percentiles = { 50: 1e6 * p50, 99: 1e6 * p99 }
  }

  percentile(share: number): number {
    return this.percentiles[share] ?? assert.fail(`nobody shows the percentile ${share}`)
  }

  enable(): boolean {
    return this.done.push('enable') > 0
  }

  disable(): boolean {
    return this.done.push('disable') > 0
  }

  reset(): void {
    this.done.push('reset')
    this.count = 0
  }
}

/** A delay under a clock that stands still, and the histograms it has had made. */
function scripted(t: TestContext): { readonly delay: LoopDelay; readonly made: ScriptedHistogram[] } {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const made: ScriptedHistogram[] = []
  const delay = new LoopDelay(({ resolution }) => {
    assert.equal(resolution, SAMPLE_MS)
    const histogram = new ScriptedHistogram()
    made.push(histogram)
    return histogram
  })
  return { delay, made }
}

test('what is above the period of a sample is delay; who looks first begins to measure', (t) => {
  const { delay, made } = scripted(t)
  assert.equal(made.length, 0, 'nobody has looked')
  assert.equal(delay.figures(1_000), null)
  const [histogram] = made
  assert.ok(histogram)
  assert.equal(delay.figures(1_010), null, 'no sample yet')
  histogram.measure({ p50: 19.5, p99: 25, max: 170 })
  assert.deepEqual(delay.figures(1_250), { p50Ms: 0, p99Ms: 5, maxMs: 150, overMs: 250 })
  assert.deepEqual(histogram.done, ['enable'])
  assert.equal(made.length, 1)
})

test('what was measured longer than a window is shown once more and begun anew', (t) => {
  const { delay, made } = scripted(t)
  delay.figures(0)
  const [histogram] = made
  assert.ok(histogram)
  histogram.measure({ p50: 20, p99: 20, max: 30 })
  assert.equal(delay.figures(WINDOW_MS)?.overMs, WINDOW_MS)
  assert.deepEqual(histogram.done, ['enable'])
  assert.equal(delay.figures(WINDOW_MS + 1)?.maxMs, 10)
  assert.deepEqual(histogram.done, ['enable', 'reset'])
  assert.equal(delay.figures(WINDOW_MS + 2), null)
  histogram.measure({ p50: 20, p99: 20, max: 40 })
  assert.deepEqual(delay.figures(WINDOW_MS + 101), { p50Ms: 0, p99Ms: 0, maxMs: 20, overMs: 100 })
})

test('when nobody has looked for long it stops to measure; each look puts that off', (t) => {
  const { delay, made } = scripted(t)
  delay.figures(0)
  t.mock.timers.tick(FORGET_MS - 1)
  delay.figures(FORGET_MS - 1)
  const [histogram] = made
  assert.ok(histogram)
  t.mock.timers.tick(FORGET_MS - 1)
  assert.ok(!histogram.done.includes('disable'))
  t.mock.timers.tick(1)
  assert.equal(histogram.done.at(-1), 'disable')
  assert.equal(delay.figures(3 * FORGET_MS), null, 'the next one begins anew')
  assert.deepEqual(made[1]?.done, ['enable'])
})

test('stopped, it measures no more, and nothing is left to forget', (t) => {
  const { delay, made } = scripted(t)
  delay.stop()
  delay.figures(0)
  delay.stop()
  t.mock.timers.tick(FORGET_MS)
  assert.deepEqual(made[0]?.done, ['enable', 'disable'])
})

test('the histogram of the process sees a long turn, in milliseconds, none longer than it was measured', async (t) => {
  const delay = new LoopDelay()
  t.after(() => {
    delay.stop()
  })
  let figures: LoopDelayFigures | null = null
  // The first turn that is measured may begin within a long one, which is then not seen: there is another.
  await eventually('a long turn in the figures', 10_000, () => {
    const untilMs = performance.now() + 150
    while (performance.now() < untilMs); // nobody else gets a turn
    figures = delay.figures(performance.now())
    return Promise.resolve(figures !== null && figures.maxMs > 50)
  })
  const { p50Ms, p99Ms, maxMs, overMs } = figures ?? assert.fail('no sample')
  assert.ok(0 <= p50Ms && p50Ms <= p99Ms && p99Ms <= maxMs && maxMs < overMs, JSON.stringify(figures))
})
