/** What the model did not judge is counted, said, and not said all the time; and it stands in the metrics. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics, type Gauges } from '../../node/metrics.ts'
import { FALLBACKS, Fallbacks } from '../../node/scoring/fallbacks.ts'

const MINUTE_MS = 60_000

function watched(): { fallbacks: Fallbacks; said: string[]; clock: { nowMs: number } } {
  const said: string[] = []
  const clock = { nowMs: 0 }
  return {
    fallbacks: new Fallbacks(
      (message) => void said.push(message),
      () => clock.nowMs,
    ),
    said,
    clock,
  }
}

test('said at once, then once a minute with all that came since', () => {
  const { fallbacks, said, clock } = watched()
  fallbacks.note('no-number', 3)
  for (clock.nowMs = 1; clock.nowMs < MINUTE_MS; clock.nowMs += 1_000) fallbacks.note('no-number', 1)
  assert.equal(said.length, 1)
  assert.match(said[0] ?? '', /no number for 3 transfers/)
  clock.nowMs = MINUTE_MS
  fallbacks.note('no-number', 2)
  assert.equal(said.length, 2)
  assert.match(said[1] ?? '', /no number for 62 transfers/)
  assert.equal(fallbacks.counts['no-number'], 65)
})

test('one kind does not silence another; nothing is no news', () => {
  const { fallbacks, said } = watched()
  fallbacks.note('no-number', 1)
  fallbacks.note('slow', 1)
  fallbacks.note('slow', 0)
  assert.equal(said.length, 2)
  assert.match(said[1] ?? '', /no answer in time for 1 transfers/)
})

test('what is said elsewhere when it begins is only counted', () => {
  const { fallbacks, said } = watched()
  fallbacks.note('loading', 4)
  fallbacks.note('down', 5)
  assert.deepEqual(said, [])
  assert.deepEqual(fallbacks.counts, { loading: 4, slow: 0, 'no-number': 0, down: 5 })
})

test('the metrics have all of them, as they are when somebody asks', async () => {
  const { fallbacks } = watched()
  const metrics = new Metrics({} as Gauges, {
    fallbacks: () => fallbacks.counts,
    storeBytes: () => Promise.resolve({}),
    missedVotes: () => ({}),
    roundTripsMs: () => ({}),
  })
  const counted = async (): Promise<(string | undefined)[][]> =>
    [...(await metrics.text()).matchAll(/^cordon_fraud_fallbacks_total\{why="([^"]*)"\} (\d+)$/gm)].map(
      ([, why, count]) => [why, count],
    )
  assert.deepEqual(
    await counted(),
    FALLBACKS.map((why) => [why, '0']),
  )
  for (let again = 0; again < 2; again++) fallbacks.note('slow', 2)
  assert.deepEqual((await counted())[1], ['slow', '4'])
})
