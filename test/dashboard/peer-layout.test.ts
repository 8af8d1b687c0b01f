/** Where the map of peers puts whom. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerReport } from '../../client/operator-api.ts'
import {
  DRAWN_PEERS,
  MAP_HEIGHT,
  MAP_WIDTH,
  paceOf,
  placePeers,
  radiusOf,
  RINGS,
  roundTrip,
} from '../../node/dashboard/page/peer-layout.ts'

const peer = (id: string, roundTripMs: number | null): PeerReport => ({ id, roundTripMs }) as PeerReport

test('ten times the round trip is one ring farther, and never off the map', () => {
  assert.deepEqual(
    RINGS.map(({ name }) => name),
    ['1 ms', '10 ms', '100 ms', '1 s'],
  )
  const [first, second, third, fourth] = RINGS.map(({ radius }) => radius)
  assert.deepEqual([1, 10, 100, 1_000].map(radiusOf), [first, second, third, fourth])
  assert.equal(radiusOf(0), first)
  assert.equal(radiusOf(60_000), fourth)
  assert.ok(radiusOf(null) > Number(fourth))
  assert.ok(radiusOf(null) < Math.min(MAP_WIDTH, MAP_HEIGHT) / 2)
})

test('peers stand around the middle at their distance, none on another', () => {
  const placed = placePeers(['a', 'b', 'c', 'd'].map((id, i) => peer(id, 10 ** i)))
  for (const { peer: each, x, y } of placed)
    assert.ok(Math.abs(Math.hypot(x, y) - radiusOf(each.roundTripMs)) < 1e-9, each.id)
  const same = placePeers(Array.from({ length: 100 }, (_, i) => peer(String(i), 10)))
  assert.equal(same.length, DRAWN_PEERS)
  assert.equal(new Set(same.map(({ x, y }) => `${x.toFixed(3)} ${y.toFixed(3)}`)).size, DRAWN_PEERS)
})

test('colours and words for round trips', () => {
  assert.deepEqual([0, 99, 100, 399, 400, null].map(paceOf), ['good', 'good', 'held', 'held', 'bad', 'quiet'])
  assert.deepEqual([0, 1, 250, null].map(roundTrip), ['below 1 ms', '1 ms', '250 ms', 'not measured yet'])
})
