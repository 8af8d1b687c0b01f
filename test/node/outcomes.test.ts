import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Outcomes } from '../../node/outcomes.ts'

const NEVER = new AbortController().signal
const LONG_MS = 60_000

function event(height: number, txId: string): Parameters<Outcomes['publish']>[0] {
  return { height, hash: '', timeMs: 0, results: [{ txId, status: 'settled', holds: [] }], expired: [] }
}

test('whoever waits for a transaction is woken by the block that ends it, and only by that', async () => {
  const outcomes = new Outcomes()
  let woken = false
  const waiting = outcomes.waitFor('a', LONG_MS, NEVER)
  void waiting.promise.then(() => (woken = true))
  outcomes.publish(event(1, 'b'))
  await Promise.resolve()
  assert.equal(woken, false)
  outcomes.publish(event(2, 'a'))
  await waiting.promise
  assert.equal(woken, true)
})

test('an expired transaction, an abort and a cancel end the wait too', async () => {
  const outcomes = new Outcomes()
  const expired = outcomes.waitFor('a', LONG_MS, NEVER)
  outcomes.publish({ height: 1, hash: '', timeMs: 0, results: [], expired: ['a'] })
  await expired.promise
  const controller = new AbortController()
  const aborted = outcomes.waitFor('a', LONG_MS, controller.signal)
  controller.abort()
  await aborted.promise
  const cancelled = outcomes.waitFor('a', LONG_MS, NEVER)
  cancelled.cancel()
  await cancelled.promise
})

test('an aborted signal does not wait at all', async () => {
  const outcomes = new Outcomes()
  await outcomes.waitFor('a', LONG_MS, AbortSignal.abort()).promise
})

test('listeners hear of each block until they stop', () => {
  const outcomes = new Outcomes()
  let calls = 0
  const stop = outcomes.onExecuted(() => calls++)
  outcomes.publish(event(1, 'a'))
  stop()
  outcomes.publish(event(2, 'a'))
  assert.equal(calls, 1)
  assert.equal(outcomes.recent(2)?.height, 2)
  assert.equal(outcomes.recent(3), null)
})
