/** When a node takes nothing in: it keeps no more on its way than it can bring to an end in a few seconds. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Congestion } from '../../node/congestion.ts'
import { NO_LOAD } from './fixtures.ts'

const BATCH = 500
const LEAST = 2 * BATCH

let size: number
let congestion: Congestion

beforeEach(() => {
  size = 0
  congestion = new Congestion({
    pending: {
      get size() {
        return size
      },
      full: false,
    },
    maxOpenBatches: 32,
    batchMaxTxs: BATCH,
    load: () => NO_LOAD,
  })
})

/** A hundred transactions end every 100 ms. @returns when the last ones did. */
function drain(fromMs: number, forMs: number): number {
  for (let ms = fromMs; ms <= fromMs + forMs; ms += 100) congestion.ended(100, ms)
  return fromMs + forMs
}

test('two full batches are taken in although nothing has ever ended, and no more', () => {
  size = LEAST
  assert.equal(congestion.refusal(0), null)
  size = LEAST + 1
  const refusal = congestion.refusal(50)
  assert.equal(refusal?.code, 'busy')
  assert.match(
    refusal.message,
    /^1001 transactions are on their way, more than lately ended in 3 s; try again in 250 ms$/,
  )
  assert.deepEqual(refusal.payload, { retryAfterMs: 250 })
})

test('what ends in three seconds may be on its way', () => {
  const nowMs = drain(0, 30_000) // a thousand per second
  size = 2_900
  assert.equal(congestion.refusal(nowMs), null)
  size = 3_200
  assert.equal(congestion.refusal(nowMs + 50)?.code, 'busy')
})

test('a rate is forgotten when nothing ends any more', () => {
  const nowMs = drain(0, 30_000)
  size = 2_900
  assert.equal(congestion.refusal(nowMs + 3_000)?.code, 'busy')
  size = LEAST
  assert.equal(congestion.refusal(nowMs + 3_050), null)
  size = LEAST + 50
  assert.equal(congestion.refusal(nowMs + 3_100), null)
  assert.equal(congestion.refusal(nowMs + 10_000)?.code, 'busy')
})

test('it looks every 50 ms, and says the same in between', () => {
  size = LEAST + 1
  const refusal = congestion.refusal(0)
  size = 0
  assert.equal(congestion.refusal(49), refusal)
  assert.equal(congestion.refusal(50), null)
})
