/**
 * Evidence on the ledger: recorded once per validator, free, and without a trace if it is not new and true. What it
 * proves is consensus' to say (`test/consensus/evidence.test.ts`); here a judge of two bytes says it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainIdOf } from '../../config/genesis.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { Action } from '../../ledger/actions/index.ts'
import { Ledger, type LedgerChain } from '../../ledger/ledger.ts'
import { checkTransactionBytes, SYSTEM_SENDER } from '../../ledger/rules.ts'
import { MemoryStore } from '../../ledger/store/memory.ts'
import { encodeTransaction, transactionId, type Transaction } from '../../ledger/transaction.ts'
import type { EvidenceJudge } from '../../ledger/types.ts'
import { GENESIS_MS, idOf, makeChain, TestChain, transferTo } from './helpers.ts'

/** First byte: the validator; second: the view. One byte proves nothing. */
const judgeEvidence: EvidenceJudge = ([validator, position]) =>
  validator === undefined || position === undefined
    ? null
    : { kind: 'double-finalize', validator, epoch: 1, position }

let salt = 0n

function evidenceTx(
  chain: LedgerChain,
  evidence: readonly number[],
  changes: Partial<Transaction> = {},
): Uint8Array {
  return encodeTransaction(contentOf(chain, evidence, changes))
}

function contentOf(
  chain: LedgerChain,
  evidence: readonly number[],
  changes: Partial<Transaction> = {},
): Transaction {
  const actions: readonly Action[] = [{ type: 'evidence', evidence: Uint8Array.from(evidence) }]
  return {
    chain: chainIdOf(chain.genesisHash),
    sender: SYSTEM_SENDER,
    sequence: 0n,
    validUntilMs: GENESIS_MS + 60_000,
    salt: salt++,
    fee: 0n,
    actions,
    auth: [],
    ...changes,
  }
}

async function start(store = new MemoryStore()): Promise<TestChain> {
  const chain = makeChain()
  return new TestChain(chain, await Ledger.inMemory({ ...chain, store, judgeEvidence }))
}

test('evidence is recorded in the validator entry, costs nobody anything, and survives a restart', async () => {
  const store = new MemoryStore()
  const chain = await start(store)
  const before = chain.ledger.totals()
  const content = contentOf(chain.chain, [2, 9])
  const execution = await chain.run([encodeTransaction(content)])
  assert.deepEqual(execution.offenders, [2])
  const [receipt] = execution.receipts
  assert.deepEqual([receipt?.outcome, receipt?.fee, receipt?.failure], ['settled', 0n, null])
  const recorded = {
    kind: 'double-finalize',
    epoch: 1,
    position: 9,
    atMs: execution.timeMs,
    height: 1,
    txId: Uint8Array.from(transactionId(content)),
  }
  assert.deepEqual(chain.ledger.validators()[2]?.offence, recorded)
  assert.deepEqual(chain.ledger.totals(), before)
  assert.equal(await chain.ledger.account(SYSTEM_SENDER), null)
  const again = await Ledger.inMemory({ ...chain.chain, store, judgeEvidence })
  assert.deepEqual(
    again.validators().map(({ offence }) => offence),
    [null, null, recorded, null],
  )
  assert.equal(toHex(again.stateRoot), toHex(chain.ledger.stateRoot))
})

test('a second offence of the same validator leaves no trace, in the same block or later; one of another does', async () => {
  const chain = await start()
  const { receipts, voids, offenders } = await chain.run([
    evidenceTx(chain.chain, [1, 4]),
    evidenceTx(chain.chain, [1, 5]),
    evidenceTx(chain.chain, [3, 4]),
  ])
  assert.equal(receipts.length, 2)
  assert.deepEqual(offenders, [1, 3])
  assert.deepEqual(
    voids.map(({ reason }) => reason),
    ['duplicate'],
  )
  const root = toHex(chain.ledger.stateRoot)
  const later = await chain.run([evidenceTx(chain.chain, [3, 8])])
  assert.deepEqual([later.receipts.length, later.offenders], [0, []])
  assert.equal(chain.ledger.validators()[3]?.offence?.position, 4)
  assert.notEqual(toHex(chain.ledger.stateRoot), root, 'the batch itself is remembered')
})

test('what proves nothing is void, on every ledger alike', async () => {
  const chain = await start()
  const { receipts, voids } = await chain.run([evidenceTx(chain.chain, [1])])
  assert.deepEqual([receipts.length, voids.map(({ reason }) => reason)], [0, ['invalid']])
  const blind = await TestChain.start()
  assert.equal((await blind.run([evidenceTx(blind.chain, [1, 4])])).voids[0]?.reason, 'invalid')
})

test('evidence comes alone, from the system, for nothing; and nothing else does', () => {
  const chain = makeChain()
  const check = (tx: Uint8Array): unknown =>
    checkTransactionBytes(tx, { chain: chainIdOf(chain.genesisHash), minFee: 1_000 }, () => true)
  assert.doesNotThrow(() => check(evidenceTx(chain, [1, 4])))
  const transfer = transferTo('bob', 1n)
  const evidence: Action = { type: 'evidence', evidence: Uint8Array.of(1, 4) }
  const auth = [{ key: idOf('alice'), signature: new Uint8Array(64) }]
  const systemAuth = [{ key: SYSTEM_SENDER, signature: new Uint8Array(64) }]
  const refused: readonly [string, string, Partial<Transaction>][] = [
    ['tx-action-invalid', 'from an account', { sender: idOf('alice'), fee: 1_000n, auth }],
    ['tx-action-invalid', 'beside a transfer', { actions: [evidence, transfer] }],
    ['tx-action-invalid', 'twice', { actions: [evidence, evidence] }],
    ['tx-action-invalid', 'with a fee', { fee: 1_000n }],
    ['tx-action-invalid', 'with a sequence', { sequence: 1n }],
    ['tx-action-invalid', 'empty', { actions: [{ type: 'evidence', evidence: new Uint8Array(0) }] }],
    ['tx-signature', 'signed', { auth: systemAuth }],
    ['tx-action-invalid', 'a transfer of the system', { actions: [transfer], fee: 1_000n, auth: systemAuth }],
    [
      'tx-signature',
      'a transfer without a signature',
      { actions: [transfer], sender: idOf('alice'), fee: 1_000n },
    ],
  ]
  for (const [code, what, changes] of refused)
    assert.throws(() => check(evidenceTx(chain, [1, 4], changes)), { code }, what)
})
