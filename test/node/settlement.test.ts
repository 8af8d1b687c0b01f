/** What follows from an executed block, over real ledger and pending log: who waits is told, and nothing stays pending that has ended. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { BlockEvent } from '../../client/api.ts'
import type { Input } from '../../consensus/replica-types.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import type { BlockExecution } from '../../ledger/types.ts'
import { Outcomes } from '../../node/outcomes.ts'
import { Settlement, pastEvent } from '../../node/settlement.ts'
import { transferTo, verdict, type TxOptions } from '../ledger/helpers.ts'
import { NodeChain, makeIntake, turns, type IntakeHarness } from './fixtures.ts'

const NEVER = new AbortController().signal
const LONG_MS = 60_000

let chain: NodeChain
let harness: IntakeHarness
let outcomes: Outcomes
let settlement: Settlement
let inputs: Input[]
let calls: string[]
let ended: number

beforeEach(async () => {
  chain = await NodeChain.open()
  harness = await makeIntake(chain)
  outcomes = new Outcomes()
  inputs = []
  calls = []
  ended = 0
  const note = (name: string) => (): void => {
    calls.push(name)
  }
  settlement = new Settlement(
    {
      ledger: chain.ledger,
      pending: harness.pending,
      congestion: { ended: (txs) => (ended += txs) },
      fraud: {
        executed: async () => {
          calls.push('learn')
        },
      },
      outcomes,
      review: { executed: note('review') },
      log: {} as never,
    },
    {
      status: { noteFinal: note('final') },
      metrics: { note: note('note'), noteFinal: note('final'), noteExecuted: note('count') },
      intake: { offerDue: note('offer') },
      input: (input) => inputs.push(input),
    },
  )
})

afterEach(async () => {
  await chain[Symbol.asyncDispose]()
})

function transfer(amount: bigint, options: TxOptions = {}): DecodedTransaction {
  return chain.tx('alice', [transferTo('bob', amount)], options)
}

function accept(tx: DecodedTransaction): Promise<void> {
  return harness.pending.accept(harness.admission.toPending(tx), 0)
}

const isPending = (tx: DecodedTransaction): boolean => harness.pending.get(toHex(tx.id)) !== null

/** Taking the end of a payment off the disk is not waited for. */
async function assertNothingLogged(): Promise<void> {
  for (let tries = 0; tries < 1_000 && (await harness.logged()).length > 0; tries++) await turns(1)
  assert.deepEqual(await harness.logged(), [])
}

/** Executes a block and settles it, as the executor does. @returns the event. */
async function run(...parameters: Parameters<NodeChain['execute']>): Promise<BlockEvent> {
  return settle(await chain.execute(...parameters))
}

async function settle(
  execution: BlockExecution,
  skippedTxs: readonly Uint8Array[] = [],
): Promise<BlockEvent> {
  await settlement.executed({ execution, refs: [], skippedTxs })
  return outcomes.recent(execution.height) ?? assert.fail('no event')
}

test('an executed payment is pending no longer, and whoever waits for it is told', async () => {
  const tx = transfer(5n)
  await accept(tx)
  const waiting = outcomes.waitFor(toHex(tx.id), LONG_MS, NEVER)
  const event = await run([tx])
  await waiting.promise
  assert.deepEqual(event.results, [{ txId: toHex(tx.id), status: 'settled', holds: [] }])
  assert.equal(isPending(tx), false)
  assert.equal(ended, 1)
  await assertNothingLogged()
  assert.equal(inputs.filter(({ type }) => type === 'executed').length, 1)
})

test('the fraud engine learns before it forgets the batch', async () => {
  const batch = chain.batch([transfer(5n)])
  const refs = [{ epoch: 1, author: 0, seq: 1, digest: batch.digest }]
  await settlement.executed({ execution: await chain.execute([]), refs, skippedTxs: [] })
  assert.deepEqual(calls, ['learn', 'review', 'count', 'offer'])
})

test('what was accepted here and executed by way of another node ends here too', async () => {
  const tx = transfer(5n)
  await harness.store.put(tx.id, tx.bytes)
  await harness.intake.restore(new Map()) // after a start, before this node has caught up
  assert.equal(isPending(tx), true)
  await run([tx])
  assert.equal(isPending(tx), false)
  await assertNothingLogged()
})

test('what turns out to be executed before ends as well', async () => {
  const tx = transfer(5n)
  await chain.execute([tx])
  await accept(tx)
  const event = await run([tx])
  assert.deepEqual(event.results, [])
  assert.equal(isPending(tx), false)
  assert.equal(ended, 1)
})

test('transactions of a skipped batch are offered again, whatever else is in it', async () => {
  const tx = transfer(5n)
  await accept(tx)
  harness.pending.takeDue(0, 0, 10)
  await settle(await chain.execute([]), [Uint8Array.of(1, 2, 3), tx.bytes])
  assert.equal(harness.pending.nextDueMs(), 0)
})

test('past its validity it expires, and whoever waits is told', async () => {
  const tx = transfer(5n, { validUntilMs: chain.timeMs + 1_500 })
  await accept(tx)
  assert.deepEqual((await run()).expired, [])
  const waiting = outcomes.waitFor(toHex(tx.id), LONG_MS, NEVER)
  assert.deepEqual((await run()).expired, [toHex(tx.id)])
  await waiting.promise
  assert.equal(await harness.pending.expired(tx.id), tx.transaction.validUntilMs)
})

test('a gap in the sequence is not offered again before it closes', async () => {
  const [first, second] = [transfer(1n, { sequence: 1n }), transfer(2n, { sequence: 2n })]
  await accept(second)
  harness.pending.takeDue(0, 0, 10)
  await run([second]) // void
  await run()
  assert.equal(isPending(second), true)
  assert.equal(harness.pending.nextDueMs(), Infinity)
  await run([first])
  assert.equal(harness.pending.nextDueMs(), 0)
})

test('what lost its sequence to another one is over, though its validity is not', async () => {
  const [won, lost] = [transfer(1n, { sequence: 1n }), transfer(2n, { sequence: 1n })]
  await accept(lost)
  await chain.execute([won])
  const waiting = outcomes.waitFor(toHex(lost.id), LONG_MS, NEVER)
  const event = await run([lost])
  await waiting.promise
  assert.deepEqual(event.expired, [toHex(lost.id)])
  assert.equal(isPending(lost), false)
  await assertNothingLogged()
})

test('an ordered one that was executed before in another batch is not expired', async () => {
  const tx = transfer(1n, { sequence: 1n })
  await chain.execute([tx])
  await accept(tx)
  const event = await run([tx]) // void for its sequence
  assert.deepEqual(event.expired, [])
  assert.equal(isPending(tx), false)
  assert.equal(await harness.pending.expired(tx.id), null)
})

test('consensus hears when a hold falls due, once per change', async () => {
  await run([transfer(5n)], { held: [verdict(0)] })
  await run()
  assert.deepEqual(
    inputs.filter(({ type }) => type === 'next-due'),
    [{ type: 'next-due', timeMs: chain.ledger.nextDueMs }],
  )
})

test('the event of a block executed long ago is the same', async () => {
  const event = await run([transfer(5n), transfer(6n)], { held: [verdict(1)] })
  assert.equal(event.results[1]?.holds.length, 1)
  assert.deepEqual(await pastEvent(chain.ledger, event.height), event)
  await assert.rejects(pastEvent(chain.ledger, event.height + 1), { code: 'not-found' })
})
