import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { BatchFetch } from '../../consensus/batch-fetch.ts'
import type { Effect } from '../../consensus/replica-types.ts'
import { batchDigestOfCertificate } from '../../consensus/wire.ts'
import { batchCertificate, validatorSet } from './fixtures.ts'

const set = validatorSet()

test('pauses grow while nothing comes, and are at most a second while blocks become final', () => {
  const sent: Effect[] = []
  const fetch = new BatchFetch({ self: null, retryMs: 200, emit: (effect) => sent.push(effect) })
  const certificate = batchCertificate(set, 0, 1, [0, 1, 2])
  fetch.want({ ...certificate, digest: batchDigestOfCertificate(set.context, certificate) }, certificate, 0)
  let nowMs = 0
  for (let attempt = 0; attempt < 20; attempt++) {
    nowMs = fetch.nextDeadlineMs()
    fetch.progress(nowMs)
  }
  assert.equal(sent.length, 20)
  assert.equal(fetch.nextDeadlineMs(), nowMs + LIMITS.batchFetchMaxMs)
  fetch.networkIsAlive(nowMs + 10)
  fetch.networkIsAlive(nowMs + 500)
  assert.equal(fetch.nextDeadlineMs(), nowMs + 1_010, 'a later block does not put it off')
})
