import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CertificateFetcher } from '../../consensus/certificate-fetch.ts'

const RETRY_MS = 100

/** A range of views 11 to 20, of which those in `held` are here. */
function fetching(candidates: readonly number[] = [4, 5, 6]): {
  readonly fetcher: CertificateFetcher
  readonly held: Set<number>
} {
  const held = new Set<number>()
  const fetcher = new CertificateFetcher()
  const isHeld = (view: number): boolean => held.has(view)
  fetcher.want({ fromView: 11, toView: 20, isHeld, candidates, retryMs: RETRY_MS }, 0)
  return { fetcher, held }
}

function asked(request: ReturnType<CertificateFetcher['due']>): unknown {
  return request?.targets.map((target) => (target.kind === 'validator' ? target.index : target))
}

test('a request without an answer is made again, elsewhere, after growing pauses', () => {
  const { fetcher } = fetching()
  assert.deepEqual(asked(fetcher.due(0)), [4, 5])
  assert.equal(fetcher.due(RETRY_MS - 1), null)
  assert.equal(fetcher.nextDeadlineMs, RETRY_MS)
  assert.deepEqual(asked(fetcher.due(RETRY_MS)), [6, 4])
  assert.equal(fetcher.nextDeadlineMs, 2.5 * RETRY_MS)
  assert.deepEqual(asked(fetcher.due(2.5 * RETRY_MS)), [5, 6])
})

test('a page that helps calls for the next one from the same node at once; one that does not, for nothing', () => {
  const { fetcher, held } = fetching()
  fetcher.due(0)
  fetcher.answered('useless')
  assert.equal(fetcher.due(1), null)
  for (const view of [11, 12, 13, 15]) held.add(view)
  fetcher.answered('n4')
  assert.deepEqual(fetcher.due(2), { fromView: 14, toView: 20, targets: [{ kind: 'peer', id: 'n4' }] })
  // What comes otherwise is no reason to ask anybody before it is time.
  held.add(14)
  assert.equal(fetcher.due(3), null)
  assert.deepEqual(asked(fetcher.due(2 + 1.5 * RETRY_MS)), [6, 4])
})

test('nothing is asked for once the range is held, or the view was left', () => {
  const { fetcher, held } = fetching()
  for (let view = 11; view <= 20; view++) held.add(view)
  assert.equal(fetcher.due(0), null)
  assert.equal(fetcher.isWanting(), false)
  assert.equal(fetcher.nextDeadlineMs, Infinity)
  const other = fetching().fetcher
  other.clear()
  assert.equal(other.due(0), null)
})

test('nobody to ask: no requests, and no deadline that stays due', () => {
  const { fetcher } = fetching([])
  assert.deepEqual(fetcher.due(0)?.targets, [])
  assert.equal(fetcher.nextDeadlineMs, RETRY_MS)
})
