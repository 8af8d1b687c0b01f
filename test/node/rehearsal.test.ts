/** The rehearsal plays to its end, and leaves nothing behind in the parts that it borrows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { Rehearsal, rehearse, type RehearsalOptions } from '../../node/rehearsal.ts'
import type { Scorer } from '../../node/scoring/scorer.ts'

class Parts {
  readonly open = new Set<string>()
  readonly checked: number[] = []
  judged = 0
  executed = 0
  onJudged: () => void = () => undefined

  readonly scorer = {
    assess: (batchKey: string, transfers: readonly { readonly key: string }[]) => {
      this.open.add(batchKey)
      this.judged += transfers.length
      this.onJudged()
      const assessments = transfers.map(({ key }) => ({
        key,
        score: 0,
        flagged: false,
        reasons: 0,
        details: [],
      }))
      return Promise.resolve({ assessments, modelId: new Uint8Array(32) })
    },
    dropBatch: (batchKey: string) => this.open.delete(batchKey),
    executed: () => this.executed++,
  } as unknown as Scorer

  readonly signatures = {
    check: (list: readonly unknown[]) => {
      this.checked.push(list.length)
      return Promise.resolve(list.map(() => 1 as const))
    },
    close: () => Promise.resolve(),
  } as unknown as RehearsalOptions['signatures']
}

test('executes its payments and forgets every batch it had judged', async () => {
  const parts = new Parts()
  const payments = await rehearse(parts, 5, new AbortController().signal)
  assert.equal(payments, 5)
  assert.equal(parts.judged, 4 * payments, 'each of the four replicas asks for an opinion')
  assert.equal(parts.checked.length, 4 * payments)
  assert.deepEqual([...parts.open], [])
  assert.equal(parts.executed, 0, 'the feature store must not learn from play money')
})

test('a real payment ends the play', async () => {
  const parts = new Parts()
  const rehearsal = new Rehearsal(parts, pino({ level: 'silent' }))
  parts.onJudged = () => {
    rehearsal.interrupt()
  }
  await rehearsal.play()
  const { judged } = parts
  assert.ok(judged > 0 && judged <= 4, `${judged} opinions`)
  await rehearsal.play()
  assert.equal(parts.judged, judged)
})
