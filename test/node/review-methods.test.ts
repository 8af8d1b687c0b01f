/** What `review_hold` tells beside the hold: numbers with ranges, and past holds for those who may review. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HoldReview } from '../../client/operator-api.ts'
import type { Scope } from '../../config/scopes.ts'
import { fromHex } from '../../crypto/bytes.ts'
import { NODE_ACTOR, type ReviewBody } from '../../fraud/review/events.ts'
import { ReviewState } from '../../fraud/review/state.ts'
import type { ReasonDetail } from '../../fraud/types.ts'
import type { OperatorServiceOptions } from '../../node/operator-service.ts'
import { createReviewMethods } from '../../node/review/methods.ts'
import type { OperatorContext } from '../../node/rpc/operator-server.ts'
import { transferKey } from '../../node/transfers.ts'
import { CASE, TRANSFER, eventsOf, opened } from '../fraud/review/some-events.ts'

const PAST = '44'.repeat(32)
const BODIES: readonly ReviewBody[] = [
  opened({ case: PAST, txId: '55'.repeat(32), amount: '7', reasons: ['drain', 'burst'] }),
  { type: 'hold.began', case: PAST, expiresMs: 9 },
  { type: 'hold.ended', case: PAST, how: 'returned', atMs: 8 },
  { type: 'case.closed', case: PAST, outcome: 'confirmed-fraud', needsSecond: false },
  opened(),
]
const DETAIL: ReasonDetail = {
  feature: 'own_ratio_log2',
  value: 5,
  usual: 0,
  usualRange: { from: -0.7, to: 0.7, of: 'account' },
  share: 1,
  text: '640.00 CRD where this account usually pays 20.00 CRD, from 12.31 to 32.49',
}

function ask(id: string, scope: Scope): Promise<HoldReview> {
  const state = new ReviewState()
  for (const event of eventsOf(...BODIES.map((body) => [NODE_ACTOR, body] as const))) state.apply(event)
  const key = transferKey(fromHex(TRANSFER.txId), TRANSFER.action)
  const methods = createReviewMethods({
    review: { state },
    prefix: 'dcdn',
    scorer: { details: (asked: string) => (asked === key ? { details: [DETAIL] } : null) },
    hold: (asked: string) => Promise.resolve({ id: asked }),
  } as unknown as OperatorServiceOptions)
  return methods.review_hold({ id }, { token: { scope } } as OperatorContext)
}

for (const scope of ['review', 'operate'] as const)
  test(`scope ${scope} sees past holds like it, and how they ended`, async () => {
    const { similar, details } = await ask(CASE, scope)
    assert.deepEqual(similar, [
      {
        id: PAST,
        openedMs: 0,
        amount: '7',
        score: 100,
        reasons: ['drain', 'burst'],
        common: ['drain'],
        end: { how: 'returned', atMs: 8 },
        outcome: 'confirmed-fraud',
      },
    ])
    assert.deepEqual(details, [DETAIL])
  })

test('scope read sees the numbers and no past holds', async () => {
  const { similar, details } = await ask(CASE, 'read')
  assert.equal(similar, null)
  assert.deepEqual(details, [DETAIL])
})

test('a hold without a case is like nothing', async () => {
  const { similar, details, case: known } = await ask('66'.repeat(32), 'review')
  assert.deepEqual([similar, details, known], [[], [], null])
})
