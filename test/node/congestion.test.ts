/** When a node takes nothing in: it keeps no more on its way than it can bring to an end in a few seconds. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { Congestion, type Load, type Share } from '../../node/congestion.ts'
import { sourceOf, type Source } from '../../node/source.ts'
import { NO_LOAD } from './fixtures.ts'

const BATCH = 500
const LEAST = 2 * BATCH

let size: number
let load: Load
let nowMs: number
let congestion: Congestion

beforeEach(() => {
  size = 0
  load = NO_LOAD
  nowMs = 0
  congestion = new Congestion({
    pending: {
      get size() {
        return size
      },
      full: false,
    },
    maxOpenBatches: 32,
    batchMaxTxs: BATCH,
    load: () => load,
  })
})

/** A hundred transactions end every 100 ms. @returns when the last ones did. */
function drain(fromMs: number, forMs: number): number {
  for (let ms = fromMs; ms <= fromMs + forMs; ms += 100) congestion.ended(100, ms)
  return fromMs + forMs
}

test('two full batches are taken in although nothing has ever ended, and no more', () => {
  size = LEAST
  assert.equal(congestion.shortage(0), null)
  size = LEAST + 1
  const refusal = congestion.shortage(50)?.refusal
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
  assert.equal(congestion.shortage(nowMs), null)
  size = 3_200
  assert.equal(congestion.shortage(nowMs + 50)?.refusal.code, 'busy')
})

test('a rate is forgotten when nothing ends any more', () => {
  const nowMs = drain(0, 30_000)
  size = 2_900
  assert.equal(congestion.shortage(nowMs + 3_000)?.refusal.code, 'busy')
  size = LEAST
  assert.equal(congestion.shortage(nowMs + 3_050), null)
  size = LEAST + 50
  assert.equal(congestion.shortage(nowMs + 3_100), null)
  assert.equal(congestion.shortage(nowMs + 10_000)?.refusal.code, 'busy')
})

test('it looks every 50 ms, and says the same in between', () => {
  size = LEAST + 1
  const shortage = congestion.shortage(0)
  size = 0
  assert.equal(congestion.shortage(49), shortage)
  assert.equal(congestion.shortage(50), null)
})

const CLIENT = sourceOf('rpc 10.0.0.1')

function comesIn(...shares: readonly Share[]): boolean | undefined {
  return congestion.shortage((nowMs += 50))?.spares(CLIENT, shares)
}

test('when there is no room, who has less than an equal share comes in, by connection and by account', () => {
  size = LEAST + 1
  assert.equal(comesIn({ own: LEAST, holders: 1 }), false, 'alone, all of it is its share')
  assert.equal(comesIn({ own: LEAST / 2, holders: 2 }), false)
  assert.equal(comesIn({ own: LEAST / 2 - 1, holders: 2 }), true)
  assert.equal(comesIn({ own: 0, holders: 10 * LEAST }), true)
  assert.equal(comesIn({ own: 0, holders: 2 }, { own: LEAST / 2, holders: 2 }), false, 'both must be below')
})

test('nobody comes in once twice the room is taken, or where waiting does not help', () => {
  const some = { own: 0, holders: 2 }
  size = 2 * LEAST + 1
  assert.equal(comesIn(some), false)
  load = { ...NO_LOAD, queuedTxs: 2_001 }
  assert.equal(comesIn(some), false, 'too many on their way are not hidden by too many in the queue')
  size = LEAST + 1
  assert.equal(comesIn(some), true)
  assert.equal(comesIn({ own: LEAST / 2, holders: 2 }), false, 'the smaller room counts')
  load = { ...NO_LOAD, queuedTxs: 4_001 }
  assert.equal(comesIn(some), false)
  load = { ...NO_LOAD, executionBacklogTxs: 20_001 }
  assert.equal(comesIn(some), false)
})

test('who brings something that is no good is not spared again for a moment, and after eight nobody is', () => {
  size = LEAST + 1
  const some = [{ own: 0, holders: 2 }]
  const shortage = congestion.shortage(0)
  assert.ok(shortage !== null)
  assert.ok(shortage.spares(CLIENT, some))
  shortage.failed(CLIENT)
  assert.ok(!shortage.spares(sourceOf(CLIENT.origin), some), 'another request from there')
  const sockets = Array.from({ length: 8 }, () => ({ origin: CLIENT.origin, isOpen: true }))
  for (const socket of sockets.slice(1)) {
    assert.ok(shortage.spares(socket, some))
    shortage.failed(socket)
  }
  assert.ok(!shortage.spares(sockets[0] as Source, some))
  assert.ok(congestion.shortage(50)?.spares(CLIENT, some), 'the next moment')
})
