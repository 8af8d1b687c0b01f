/** The reader of queries that the other tests here rest on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricsIn } from './promql.ts'

test('PromQL: metrics are told from functions, labels, ranges and numbers', () => {
  assert.deepEqual(
    metricsIn(
      'histogram_quantile(0.95, sum by (instance, le) (rate(a_bucket{x="b"}[5m]))) > 3e9 and on (c) d offset 5m or up{job="e"} / 2',
    ),
    ['a_bucket', 'd', 'up'],
  )
  assert.deepEqual(metricsIn('clamp_min(a - b, 0)'), ['a', 'b'])
})
