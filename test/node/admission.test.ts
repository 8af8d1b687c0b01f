/** Admission over a real ledger: each reason to refuse has its own code, and a message with what was expected and what came. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CordonError, type ErrorCode } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { signTransaction, type DecodedTransaction } from '../../ledger/transaction.ts'
import type { Admission } from '../../node/admission.ts'
import type { PendingTransactions } from '../../node/pending.ts'
import {
  FEE,
  START_BALANCE,
  keysOf,
  makeChain,
  makeTx,
  transferTo,
  type TxOptions,
} from '../ledger/helpers.ts'
import { NodeChain, makeIntake } from './fixtures.ts'

let chain: NodeChain
let admission: Admission
let pending: PendingTransactions

before(async () => {
  chain = await NodeChain.open()
  ;({ admission, pending } = await makeIntake(chain))
})

after(async () => {
  await chain[Symbol.asyncDispose]()
})

function transfer(amount: bigint, options: TxOptions = {}, sender = 'alice'): DecodedTransaction {
  return chain.tx(sender, [transferTo('bob', amount)], options)
}

function assertCode(error: unknown, code: ErrorCode, message: RegExp): true {
  assert.ok(error instanceof CordonError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

function refusesBytes(bytes: Uint8Array, code: ErrorCode, message: RegExp): void {
  assert.throws(
    () => admission.decode(bytes),
    (error) => assertCode(error, code, message),
  )
}

async function refuses(tx: DecodedTransaction, code: ErrorCode, message: RegExp): Promise<CordonError> {
  const error: unknown = await admission.check(tx.transaction, chain.timeMs).then(
    () => assert.fail('it was taken'),
    (thrown: unknown) => thrown,
  )
  assertCode(error, code, message)
  return error as CordonError
}

/** Pending as long as `run` takes. */
async function whilePending(txs: readonly DecodedTransaction[], run: () => Promise<unknown>): Promise<void> {
  for (const tx of txs) pending.track(admission.toPending(tx), 0)
  await run()
  pending.settle(txs.map((tx) => admission.toPending(tx).name))
}

test('a good one is decoded and taken', async () => {
  const tx = transfer(5n)
  assert.deepEqual(admission.decode(tx.bytes).id, tx.id)
  await admission.check(tx.transaction, chain.timeMs)
})

test('malformed', () => {
  refusesBytes(new Uint8Array(0), 'tx-malformed', /not a canonical transaction/)
  refusesBytes(Uint8Array.of(1, 2, 3), 'tx-malformed', /not a canonical transaction/)
  const { bytes } = transfer(5n)
  refusesBytes(bytes.subarray(0, -1), 'tx-malformed', /not a canonical transaction/)
  refusesBytes(Uint8Array.of(...bytes, 0), 'tx-malformed', /not a canonical transaction/)
})

test('oversized', () => {
  const bytes = new Uint8Array(LIMITS.txBytes + 1).fill(1)
  refusesBytes(
    bytes,
    'tx-too-large',
    new RegExp(`at most ${LIMITS.txBytes} bytes, got ${bytes.length}; split`),
  )
})

test('of an unknown version', () => {
  const bytes = Uint8Array.from(transfer(5n).bytes)
  bytes[0] = 9
  refusesBytes(bytes, 'tx-version', /expected transaction version 1, got 9; use/)
})

test('of another chain', () => {
  const other = makeChain({ parameters: { quarantineMs: 61_000 } })
  const { bytes } = makeTx(other, 'alice', [transferTo('bob', 5n)], chain.timeMs)
  refusesBytes(
    bytes,
    'tx-wrong-chain',
    /expected a transaction of chain [0-9a-f]{16}, got one of .*; sign it/,
  )
})

test('wrongly signed', () => {
  const bytes = Uint8Array.from(transfer(5n).bytes)
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
  refusesBytes(bytes, 'tx-signature', /the signature of key [0-9a-f]{64} does not fit/)
})

test('a dry run needs no right signature, but everything else', () => {
  const bytes = Uint8Array.from(transfer(5n).bytes)
  bytes.fill(0, bytes.length - 64)
  assert.deepEqual(admission.decodeUnsigned(bytes).bytes, bytes)
  assert.throws(() => admission.decodeUnsigned(transfer(5n, { fee: 1n }).bytes), { code: 'tx-fee-too-low' })
})

test('with a fee that is too low', () => {
  refusesBytes(
    transfer(5n, { fee: FEE - 1n }).bytes,
    'tx-fee-too-low',
    /at least 1000 uCRD for 1 actions, got 999/,
  )
})

test('expired, by the later of both clocks', async () => {
  const validUntilMs = chain.timeMs + 10
  const tx = transfer(5n, { validUntilMs })
  await admission.check(tx.transaction, validUntilMs)
  await assert.rejects(admission.check(tx.transaction, validUntilMs + 1), (error) =>
    assertCode(error, 'tx-expired', new RegExp(`valid until ${validUntilMs}, and it is ${validUntilMs + 1}`)),
  )
  await refuses(transfer(5n, { validUntilMs: chain.timeMs - 1 }), 'tx-expired', /sign it anew/)
})

test('valid too far ahead, if it is unordered', async () => {
  const validUntilMs = chain.timeMs + LIMITS.unorderedValidityMs + 1
  await refuses(transfer(5n, { validUntilMs }), 'tx-validity-too-far', /at most, got \d+; shorten it/)
  await admission.check(transfer(5n, { validUntilMs, sequence: 1n }).transaction, chain.timeMs)
})

test('of an account that does not exist', async () => {
  await refuses(
    transfer(5n, {}, 'nobody'),
    'tx-unknown-account',
    /no account on this chain; it comes into being/,
  )
})

test('underfunded', async () => {
  await admission.check(transfer(START_BALANCE - FEE).transaction, chain.timeMs)
  const error = await refuses(
    transfer(START_BALANCE),
    'tx-insufficient-funds',
    /needs 1000001000 uCRD with the fee, 1000000000 uCRD are available/,
  )
  assert.deepEqual(error.payload, { needed: '1000001000', available: '1000000000' })
})

test('underfunded only because of what is pending', async () => {
  const rest = transfer(START_BALANCE / 2n)
  await admission.check(rest.transaction, chain.timeMs)
  await whilePending([transfer(START_BALANCE / 2n)], () =>
    refuses(rest, 'tx-insufficient-funds', /499999000 uCRD are available .*on their way 500001000/),
  )
  await admission.check(rest.transaction, chain.timeMs)
})

test('with too many of its account pending: later', async () => {
  const { name, ...first } = admission.toPending(transfer(1n))
  const names = Array.from({ length: LIMITS.pendingTxsPerAccount }, (_, i) => `${name}/${i}`)
  for (const each of names) pending.track({ ...first, name: each, outgoing: 0n }, 0)
  const error = await refuses(transfer(1n), 'busy', /has 10000 payments on their way, the most allowed; wait/)
  assert.equal(error.payload.retryAfterMs, 1_000)
  await admission.check(transfer(1n, {}, 'carol').transaction, chain.timeMs)
  pending.settle(names)
})

test('ordered, with another sequence than the next one', async () => {
  const ordered = (sequence: bigint): DecodedTransaction => transfer(1n, { sequence })
  await chain.execute([ordered(1n), ordered(2n)])
  const low = await refuses(
    ordered(2n),
    'tx-sequence',
    /expected sequence 3, got 2: it was used before; sign it anew/,
  )
  assert.deepEqual(low.payload, { expected: '3' })
  await refuses(ordered(4n), 'tx-sequence', /expected sequence 3, got 4: submit those before it first/)
  await admission.check(ordered(3n).transaction, chain.timeMs)
  await whilePending([ordered(3n), ordered(4n)], async () => {
    await refuses(
      ordered(3n),
      'tx-sequence',
      /expected sequence 5, got 3: another payment with it is on its way/,
    )
    await admission.check(ordered(5n).transaction, chain.timeMs)
    await refuses(ordered(6n), 'tx-sequence', /expected sequence 5, got 6/)
  })
})

test('signed by somebody else', () => {
  const content = { ...transfer(5n).transaction, sender: keysOf('alice').publicKey }
  refusesBytes(signTransaction(content, [keysOf('bob')]).bytes, 'tx-signature', /expected a signature of key/)
})
