/** Judging batches: nothing invalid is acked, no signature is checked twice, and a model that fails costs no ack. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { chainIdOf } from '../../config/genesis.ts'
import { LIMITS } from '../../config/limits.ts'
import type { SignedBatch } from '../../consensus/types.ts'
import type { Assessment } from '../../fraud/types.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import { Assessor, type AssessorOptions, type BatchAssessment } from '../../node/assessor.ts'
import { DecodedBatches } from '../../node/decoded-batches.ts'
import { refOf } from '../../node/store/chain-store.ts'
import { START_BALANCE, transferTo } from '../ledger/helpers.ts'
import { NodeChain } from './fixtures.ts'

const MODEL_ID = new Uint8Array(32).fill(5)

let chain: NodeChain
/** How many signatures came with each batch. */
let asked: number[]
/** What the checker answers: 0 bad, 1 good, 2 only the slow verifier accepts. */
let answer: number

beforeEach(async () => {
  chain = await NodeChain.open()
  asked = []
  answer = 1
})

afterEach(async () => {
  await chain[Symbol.asyncDispose]()
})

/** No lists: the model's opinion counts. */
const AS_JUDGED: AssessorOptions['review'] = { judge: (_facts, assessment) => assessment }

function open(assess?: AssessorOptions['scorer']['assess'], review = AS_JUDGED): Assessor {
  return new Assessor({
    ledger: chain.ledger,
    decoded: new DecodedBatches(),
    parameters: chain.chain.genesis.parameters,
    chainId: chainIdOf(chain.chain.genesisHash),
    signatures: {
      check: (signatures) => {
        asked.push(signatures.length)
        return Promise.resolve(new Uint8Array(signatures.length).fill(answer))
      },
      close: () => Promise.resolve(),
    },
    scorer: {
      assess: assess ?? (() => Promise.resolve({ assessments: [], modelId: MODEL_ID })),
    } as AssessorOptions['scorer'],
    review,
  })
}

const transfer = (amount: bigint): DecodedTransaction => chain.tx('alice', [transferTo('bob', amount)])

function judge(assessor: Assessor, batch: SignedBatch): Promise<BatchAssessment> {
  return assessor.assess({ type: 'assess', ref: refOf(batch), batch })
}

test('what the model flags becomes a flag on its action, with the facts of the executed state', async () => {
  const [first, second] = [transfer(5n), chain.tx('alice', [transferTo('bob', 6n), transferTo('carol', 7n)])]
  const seen: unknown[] = []
  const assessor = open((_key, facts) => {
    seen.push(...facts.map(({ amount, payerBalance }) => [amount, payerBalance]))
    const assessments = facts.map(
      ({ key }, i): Assessment => ({ key, score: i, flagged: i === 2, reasons: 3, details: [] }),
    )
    return Promise.resolve({ assessments, modelId: MODEL_ID })
  })
  const batch = chain.batch([first, second])
  assert.deepEqual(await judge(assessor, batch), {
    ref: refOf(batch),
    valid: true,
    flags: [{ tx: 1, action: 1, score: 2, reasons: 3 }],
    modelId: MODEL_ID,
  })
  assert.deepEqual(seen, [
    [5n, START_BALANCE],
    [6n, START_BALANCE],
    [7n, START_BALANCE],
  ])
})

test('the lists of the operator decide what becomes a flag', async () => {
  const assess = (
    _key: string,
    facts: readonly { key: string }[],
  ): ReturnType<AssessorOptions['scorer']['assess']> =>
    Promise.resolve({
      assessments: facts.map(({ key }) => ({ key, score: 200, flagged: true, reasons: 1, details: [] })),
      modelId: MODEL_ID,
    })
  const overruled: AssessorOptions['review']['judge'] = ({ amount }, assessment) =>
    amount === 5n ? { ...assessment, flagged: false } : { flagged: true, score: 150, reasons: 2 }
  const batch = chain.batch([transfer(5n), transfer(6n)])
  const { flags } = await judge(open(assess, { judge: overruled }), batch)
  assert.deepEqual(flags, [{ tx: 1, action: 0, score: 150, reasons: 2 }])
})

test('a signature checked at admission is not checked again, but another one for the same payment is', async () => {
  const assessor = open()
  const [known, unknown] = [transfer(5n), transfer(6n)]
  assessor.remember(known)
  assert.equal((await judge(assessor, chain.batch([known, unknown]))).valid, true)
  assert.deepEqual(asked, [1])
  const forged = Uint8Array.from(known.bytes)
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
  answer = 0
  assert.equal((await judge(assessor, chain.batch([{ ...known, bytes: forged }]))).valid, false)
  assert.deepEqual(asked, [1, 1])
})

test('one bad transaction makes the batch invalid', async () => {
  const assessor = open()
  const cheap = chain.tx('alice', [transferTo('bob', 5n)], { fee: 1n })
  const garbage = { ...transfer(5n), bytes: Uint8Array.of(1, 2, 3) }
  for (const bad of [cheap, garbage])
    assert.equal((await judge(assessor, chain.batch([transfer(6n), bad]))).valid, false)
  assert.deepEqual(asked, [])
})

test('a few signatures that only the slow verifier accepts are taken, more are not', async () => {
  const assessor = open()
  answer = 2
  const txs = Array.from({ length: LIMITS.slowSignaturesPerBatch + 1 }, (_, i) => transfer(BigInt(i + 1)))
  assert.equal((await judge(assessor, chain.batch(txs.slice(1)))).valid, true)
  assert.equal((await judge(assessor, chain.batch(txs))).valid, false)
})

test('a model that fails gives no flags, and the batch is still good', async () => {
  const assessor = open(() => Promise.reject(new Error('worker ended')))
  const { valid, flags, modelId } = await judge(assessor, chain.batch([transfer(5n)]))
  assert.deepEqual({ valid, flags, modelId }, { valid: true, flags: [], modelId: new Uint8Array(32) })
})
