/** The rehearsal plays to its end, and leaves nothing behind in the parts that it borrows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rehearse } from '../../node/rehearsal.ts'
import type { Scorer } from '../../node/scoring/scorer.ts'

test('executes its payments and forgets every batch it had judged', async () => {
  const open = new Set<string>()
  let judged = 0
  let executed = 0
  const scorer = {
    assess: (batchKey: string, transfers: readonly { readonly key: string }[]) => {
      open.add(batchKey)
      judged += transfers.length
      const assessments = transfers.map(({ key }) => ({
        key,
        score: 0,
        flagged: false,
        reasons: 0,
        details: [],
      }))
      return Promise.resolve({ assessments, modelId: new Uint8Array(32) })
    },
    dropBatch: (batchKey: string) => open.delete(batchKey),
    executed: () => executed++,
  } as unknown as Scorer
  const checked: number[] = []
  const signatures = {
    check: (list: readonly unknown[]) => {
      checked.push(list.length)
      return Promise.resolve(list.map(() => 1 as const))
    },
    close: () => Promise.resolve(),
  } as unknown as Parameters<typeof rehearse>[0]['signatures']

  const payments = await rehearse({ scorer, signatures })
  assert.ok(payments > 0)
  assert.equal(judged, 4 * payments, 'each of the four replicas asks for an opinion')
  assert.equal(checked.length, 4 * payments)
  assert.deepEqual([...open], [])
  assert.equal(executed, 0, 'the feature store must not learn from play money')
})
