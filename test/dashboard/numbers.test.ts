/** How the dashboard counts, writes and finds things. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BlockVotes, VoteState } from '../../client/api.ts'
import {
  amount,
  bytes,
  count,
  duration,
  listed,
  sentence,
  share,
  short,
} from '../../node/dashboard/page/format.ts'
import { pathOfSearch } from '../../node/dashboard/page/search.ts'
import { Seconds, quantile } from '../../node/dashboard/page/series.ts'
import { missedVotes } from '../../node/dashboard/page/votes.ts'

describe('what numbers look like', () => {
  test('amounts have their unit and groups of thousands', () => {
    assert.equal(amount('12500000'), '12.50 CRD')
    assert.equal(amount('1234567890123'), '1,234,567.890123 CRD')
    assert.equal(amount('0'), '0.00 CRD')
  })

  test('counts, shares and durations', () => {
    assert.equal(count(1_234_567), '1,234,567')
    assert.deepEqual([share(2_500), share(3_333)], ['25 %', '33.3 %'])
    assert.deepEqual([7, 999, 1_000, 65_000, 600_000, 7_200_000, 86_400_000 * 3].map(duration), [
      '7 ms',
      '999 ms',
      '1.0 s',
      '65 s',
      '10 min',
      '2 h',
      '3 d',
    ])
  })

  test('sizes in steps of 1,024', () => {
    assert.deepEqual([0, 1_023, 1_024, 150 * 1_024, 12.5 * 1_024 ** 2, 3 * 1_024 ** 3].map(bytes), [
      '0 B',
      '1023 B',
      '1.0 KiB',
      '150 KiB',
      '12.5 MiB',
      '3.0 GiB',
    ])
  })

  test('what the node says becomes a sentence, names a list', () => {
    assert.deepEqual(['it is gone', 'Wait …'].map(sentence), ['It is gone.', 'Wait …'])
    assert.deepEqual([[], ['v1'], ['v1', 'v2'], ['v1', 'v2', 'v3']].map(listed), [
      '',
      'v1',
      'v1 and v2',
      'v1, v2 and v3',
    ])
  })

  test('ids are shortened in the middle, and only if that saves anything', () => {
    assert.equal(short('0123456789abcdef0123'), '01234567…ef0123')
    assert.equal(short('0123456789abcde'), '0123456789abcde')
  })
})

describe('payments of each second', () => {
  test('the second that is not over is left out, empty ones are there', () => {
    const seconds = new Seconds(4)
    seconds.add('settled', 10_100)
    seconds.add('settled', 10_900)
    seconds.add('held', 12_000)
    seconds.add('settled', 13_000)
    assert.deepEqual(seconds.list(13_500), [
      { atS: 10, settled: 2, held: 0, failed: 0 },
      { atS: 11, settled: 0, held: 0, failed: 0 },
      { atS: 12, settled: 0, held: 1, failed: 0 },
    ])
    assert.equal(seconds.rate(13_500, 2), 0)
    assert.equal(seconds.rate(13_500, 3), 2 / 3)
  })

  test('old seconds are forgotten', () => {
    const seconds = new Seconds(3)
    seconds.add('settled', 1_000)
    seconds.add('settled', 9_000)
    assert.deepEqual(
      seconds.list(10_000).map(({ settled }) => settled),
      [0, 1],
    )
  })

  test('quantiles of samples, and of none', () => {
    assert.equal(quantile([], 0.5), null)
    assert.deepEqual([quantile([5, 1, 3], 0.5), quantile([5, 1, 3], 0.95)], [3, 5])
  })
})

test('votes count as missed once their block is not the newest any more', () => {
  const block = (...votes: VoteState[]): BlockVotes => ({ votes }) as unknown as BlockVotes
  const blocks = [block('finalize', 'none'), block('notarize', 'finalize'), block('none', 'none')]
  assert.deepEqual(missedVotes(blocks), { missed: 1, of: 4 })
  assert.deepEqual(missedVotes([]), { missed: 0, of: 0 })
})

test('a search leads to what the text looks like', () => {
  const id = 'AB'.repeat(32)
  assert.equal(pathOfSearch(id), `/tx/${id.toLowerCase()}`)
  assert.equal(pathOfSearch('1,234'), '/block/1234')
  assert.equal(pathOfSearch('12'), '/block/12')
  const address = 'dcdn1gstt6k5spnpnul7nd84mcqyz6e24q4e29f5tt32h85e06yx5658sxu45ta'
  assert.equal(pathOfSearch(address), `/account/${address}`)
  for (const text of ['', 'alice', 'ab'.repeat(31), '12,34', '<script>'])
    assert.equal(pathOfSearch(text), null, text)
})
