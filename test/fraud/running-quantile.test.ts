import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RunningQuantile } from '../../fraud/model/running-quantile.ts'
import { random } from './play.ts'

test('only the share exceeds it', () => {
  const quantile = new RunningQuantile(0, 10)
  const unit = random(3)
  for (let i = 0; i < 30_000; i++) quantile.add(10 * unit())
  assert.ok(Math.abs(quantile.exceededBy(0.01) - 9.9) < 0.1)
  assert.ok(Math.abs(quantile.exceededBy(0.5) - 5) < 0.2)
})

test('older values fade, values outside count at the edge, and it goes on from its state', () => {
  const quantile = new RunningQuantile(0, 10)
  for (let i = 0; i < 20_000; i++) quantile.add(100)
  assert.equal(quantile.exceededBy(0.01), 10)
  for (let i = 0; i < 100_000; i++) quantile.add(-5)
  assert.ok(quantile.exceededBy(0.01) < 0.1)
  const copy = new RunningQuantile(0, 10)
  copy.load(quantile.state())
  quantile.add(7)
  copy.add(7)
  assert.deepEqual(copy.state(), quantile.state())
  assert.equal(copy.count, 120_001)
})

test('weights that grow too large are scaled back, and nothing else changes', () => {
  const quantile = new RunningQuantile(0, 10)
  const unit = random(4)
  for (let i = 0; i < 600_000; i++) quantile.add(10 * unit())
  assert.ok(quantile.state().every((value) => Number.isFinite(value) && value < 1e12))
  assert.ok(Math.abs(quantile.exceededBy(0.5) - 5) < 0.2)
})
