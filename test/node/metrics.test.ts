import assert from 'node:assert/strict'
import { test } from 'node:test'
import { someMetrics } from '../deploy/exported-metrics.ts'

test('a gauge is what it is when somebody asks, and absent while there is nothing to tell', async () => {
  let skewMs: number | null = -20
  const metrics = someMetrics({ clockSkewMs: () => skewMs, diskFreeBytes: () => Promise.resolve(4_096) })
  const told = async (): Promise<string[]> =>
    (await metrics.text()).match(/^cordon_(?:clock_skew_ms|disk_free_bytes|store_bytes\S*) .*$/gm) ?? []
  const others = ['cordon_disk_free_bytes 4096', 'cordon_store_bytes{store="chain"} 1']
  assert.deepEqual(await told(), ['cordon_clock_skew_ms -20', ...others])
  skewMs = null
  assert.deepEqual(await told(), others)
  skewMs = 30
  assert.deepEqual(await told(), ['cordon_clock_skew_ms 30', ...others])
})
