/**
 * The fraud engine over a real ledger: it learns from reviews of holds, what it learned votes and is there after a
 * restart, and an operator can take it back.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { toHex } from '../../crypto/bytes.ts'
import { encodeHead } from '../../fraud/head/file.ts'
import { LEARNING_LIMITS } from '../../fraud/learning/limits.ts'
import { FLAG_SCORE } from '../../fraud/model/model-spec.ts'
import type { Outcome } from '../../fraud/review/events.ts'
import type { ReviewCase } from '../../fraud/review/state.ts'
import type { Action } from '../../ledger/actions/index.ts'
import type { Hold } from '../../ledger/types.ts'
import { FraudEngine } from '../../node/fraud-engine.ts'
import { transferFacts } from '../../node/transfers.ts'
import { someHead } from '../fraud/head/some-head.ts'
import { START_BALANCE, transferTo, verdict } from '../ledger/helpers.ts'
import { NodeChain } from './fixtures.ts'

const PAYERS = ['alice', 'bob', 'carol']
const LONG_MS = 10_000

let chain: NodeChain
let engine: FraudEngine
let warnings: string[]

beforeEach(async () => {
  chain = await NodeChain.open()
  warnings = []
  engine = await open()
  await engine.scorer.started
})

afterEach(async () => {
  await engine.close()
  await chain[Symbol.asyncDispose]()
})

function open({ alert = FLAG_SCORE }: { readonly alert?: number } = {}): Promise<FraudEngine> {
  const directory = join(chain.directory, 'node')
  const dataDirectory = join(directory, 'data')
  mkdirSync(dataDirectory, { recursive: true })
  return FraudEngine.open({
    config: { directory, dataDirectory, fraudModel: 'label-free', fraudLearn: true },
    parameters: chain.chain.genesis.parameters,
    ledger: chain.ledger,
    thresholds: { hold: FLAG_SCORE, alert },
    log: { info: () => undefined, warn: (_: object, message: string) => warnings.push(message) } as never,
  })
}

async function restart(): Promise<void> {
  await engine.close()
  engine = await open()
}

/** A block with one transfer, judged and then executed without a hold. @returns its case, closed by a reviewer. */
async function settle(payer: string, outcome: Outcome): Promise<ReviewCase> {
  const tx = chain.tx(payer, [transferTo('dave', 1_000n)])
  const facts = transferFacts(tx, START_BALANCE, Date.now()).map((each) => each.facts)
  await engine.scorer.assess('batch', facts, LONG_MS)
  await engine.executed(await chain.execute([tx]), [])
  return { txId: toHex(tx.id), action: 0, status: 'closed', outcome } as ReviewCase
}

/** A block with one transfer, judged and then executed. @returns the id of its hold. */
async function hold(payer: string, amount: bigint, judged = true): Promise<Uint8Array> {
  const tx = chain.tx(payer, [transferTo('dave', amount)])
  const facts = transferFacts(tx, START_BALANCE, Date.now()).map((each) => each.facts)
  if (judged) await engine.scorer.assess('batch', facts, LONG_MS)
  const execution = await chain.execute([tx], { held: [verdict(0)] })
  await engine.executed(execution, [])
  const id = execution.receipts[0]?.holds[0]?.holdId
  assert.ok(id !== undefined)
  return id
}

/** Reviews by more than half of the stake. @param tell whether the engine is there to hear of it. */
async function review(id: Uint8Array, side: 'release' | 'return', tell = true): Promise<void> {
  const action: Action = { type: 'hold.review', hold: id, side }
  const execution = await chain.execute(['op0', 'op1', 'op2'].map((operator) => chain.tx(operator, [action])))
  if (tell) await engine.executed(execution, [])
}

/** Large transfers are fraud. */
async function outcomes(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const isFraud = i % 2 === 0
    const id = await hold(PAYERS[i % PAYERS.length] ?? 'alice', isFraud ? 9_000_000n + BigInt(i) : 1_000n)
    await review(id, isFraud ? 'return' : 'release')
    await engine.lesson
  }
}

test('learns from reviews, votes with what it learned, keeps it over a restart, and gives it back', async () => {
  const before = engine.models.get('label-free')
  assert.equal(before.role, 'votes')
  await outcomes(LEARNING_LIMITS.labelsNeeded)
  assert.equal(engine.models.get('label-free').role, 'votes', 'the first challenger waits for its trial')
  await outcomes(LEARNING_LIMITS.trialLabels)
  const [learned] = engine.models.list()
  assert.ok(learned !== undefined)
  assert.deepEqual([learned.origin, learned.role], ['learned', 'votes'])
  assert.match(learned.about, /28 outcomes, 14 of them fraud/)
  assert.equal(engine.scorer.status().id, learned.id)

  await restart()
  assert.equal(engine.models.get(learned.id).role, 'votes')
  assert.equal(engine.scorer.status().id, learned.id)
  assert.equal(engine.models.rollBack().name, 'label-free')
  assert.equal(engine.scorer.status().id, before.id)
  // Begun anew with the same outcomes: a lesson at the next one, and a trial some outcomes later.
  await outcomes(1)
  assert.equal(engine.models.get('label-free').role, 'votes')
  await outcomes(LEARNING_LIMITS.trialLabels)
  assert.equal(engine.models.list().find(({ role }) => role === 'votes')?.origin, 'learned')
  assert.deepEqual(warnings, [])
})

test('outcomes that came while it was away are learned from at the next start', async () => {
  const id = await hold('alice', 5_000_000n)
  assert.equal(engine.outcomesLearned, 0)
  await engine.close()
  await review(id, 'return', false)
  engine = await open()
  assert.equal(engine.outcomesLearned, 1)
  await restart()
  assert.equal(engine.outcomesLearned, 1, 'and only once')
})

test('a hold that this node did not judge teaches nothing', async () => {
  await review(await hold('alice', 5_000_000n, false), 'return')
  assert.equal(engine.outcomesLearned, 0)
})

test('a case that reviewers closed teaches, once, whether it was held or not; without an alert there is none', async () => {
  const unsuspicious = await settle('alice', 'confirmed-fraud')
  engine.reviewed([unsuspicious])
  assert.equal(engine.outcomesLearned, 0)

  await engine.close()
  engine = await open({ alert: 0 }) // everything is suspicious
  await engine.scorer.started
  const [fraud, harmless, unclear] = [
    await settle('alice', 'confirmed-fraud'),
    await settle('bob', 'false-positive'),
    await settle('carol', 'inconclusive'),
  ]
  engine.reviewed([unclear, { ...fraud, status: 'closing' }])
  assert.equal(engine.outcomesLearned, 0)
  engine.reviewed([fraud])
  await restart()
  engine.reviewed([fraud, harmless])
  assert.equal(engine.outcomesLearned, 2)

  const held = await hold('alice', 5_000_000n)
  const { txId } = (await chain.ledger.hold(held)) as Hold
  engine.reviewed([{ ...fraud, txId: toHex(txId) }])
  assert.equal(engine.outcomesLearned, 3)
  await review(held, 'release')
  assert.equal(engine.outcomesLearned, 3, 'the end of its hold comes too late')
})

test('a model in the shadow is compared, also after a restart, and has no vote', async () => {
  const voting = engine.scorer.status().id
  assert.equal(engine.models.shadowReport(), null)
  const shadow = engine.models.setShadow('pretrained')
  assert.equal(shadow?.role, 'shadow')
  await review(await hold('alice', 5_000_000n), 'return')
  const report = engine.models.shadowReport()
  assert.equal(report?.transfers, 1)
  assert.equal(report.fraud.holds, 1)
  assert.equal(engine.scorer.status().id, voting)
  await restart()
  await engine.scorer.started
  await hold('alice', 5_000_000n)
  assert.equal(engine.models.shadowReport()?.transfers, 1)
  assert.equal(engine.models.setShadow(null), null)
  assert.equal(engine.models.shadowReport(), null)
})

test('a model file is taken in and can be chosen; a bad one is refused', async () => {
  const file = encodeHead(someHead(3), { name: 'mine', trainedOn: '2026-11-27', data: ['a file'] })
  const { id, role } = engine.models.add(file)
  assert.equal(role, null)
  assert.equal(engine.models.use('mine').role, 'votes')
  assert.equal(engine.scorer.status().id, id)
  assert.throws(() => engine.models.add('{}'), { code: 'model-invalid' })
  assert.throws(() => engine.models.use('yours'), { code: 'not-found' })
  assert.ok(readdirSync(join(chain.directory, 'node', 'models')).includes(`${id}.json`))
})
