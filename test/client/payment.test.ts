import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isProvablyExpired, submit, submitAndWait, waitForTransaction } from '../../client/payment.ts'
import { RpcClient } from '../../client/rpc-client.ts'
import type { TxInfo, TxStatus } from '../../client/api.ts'
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import { FakeNode, NO_ANSWER, rpcFailure, type Handler } from './fake-node.ts'

const payment = { txId: new Uint8Array(32).fill(7), bytes: new Uint8Array(100).fill(1) }
const txId = toHex(payment.txId)

function info(status: TxStatus, executedTimeMs = 0): TxInfo {
  return {
    txId,
    status,
    height: 3,
    timeMs: 4,
    fee: '1000',
    failure: null,
    holds: [],
    sender: null,
    validUntilMs: 100,
    transfers: [],
    executedTimeMs,
  }
}

/** Answers by method. */
function node(answers: Readonly<Record<string, () => unknown>>): Handler {
  return ({ method }) => answers[method]?.() ?? null
}

function code(expected: string): (error: unknown) => boolean {
  return (error) => error instanceof CordonError && error.code === expected
}

const accepted = (): unknown => ({ txId, result: 'accepted', status: 'pending' })

test('submits, waits, and tells how long it took', async () => {
  await using fake = await FakeNode.start(node({ tx_submit: accepted, tx_wait: () => info('settled') }))
  await using client = await RpcClient.connect([fake.url])
  const end = await submitAndWait(client, payment, 5_000)
  assert.equal(end.info.status, 'settled')
  assert.ok(end.latencyMs > 0)
  assert.deepEqual(
    fake.requests.map(({ method }) => method),
    ['tx_submit', 'tx_wait'],
  )
  assert.equal(fake.requests[0]?.params.tx, toHex(payment.bytes))
})

test('a refusal is the error of the node', async () => {
  await using fake = await FakeNode.start(
    node({
      tx_submit: () => {
        throw rpcFailure('tx-insufficient-funds', 'poor')
      },
    }),
  )
  await using client = await RpcClient.connect([fake.url])
  await assert.rejects(submitAndWait(client, payment, 5_000), code('tx-insufficient-funds'))
  await assert.rejects(submit(client, payment, 5_000), code('tx-insufficient-funds'))
})

test('a busy node is asked again', async () => {
  let times = 0
  await using fake = await FakeNode.start(
    node({
      tx_submit: () => {
        if (++times < 3) throw rpcFailure('busy', 'later', { retryAfterMs: 1 })
        return accepted()
      },
      tx_wait: () => info('settled'),
    }),
  )
  await using client = await RpcClient.connect([fake.url])
  await submitAndWait(client, payment, 5_000)
  assert.equal(times, 3)
})

test('when its node dies the bytes go to another one, whose refusal does not count any more', async () => {
  await using first = await FakeNode.start(node({ tx_submit: accepted, tx_wait: () => NO_ANSWER }))
  let refusals = 0
  await using second = await FakeNode.start(
    node({
      tx_submit: () => {
        if (refusals++ === 0) throw rpcFailure('tx-insufficient-funds', 'the first node has reserved it')
        return accepted()
      },
      tx_wait: () => info('settled'),
    }),
  )
  await using client = await RpcClient.connect([first.url, second.url])
  const end = submitAndWait(client, payment, 10_000)
  while (first.requests.length < 2) await new Promise((resolve) => setImmediate(resolve))
  await first[Symbol.asyncDispose]()
  assert.equal((await end).info.status, 'settled')
  assert.equal(refusals, 2)
})

test('when the time is up the outcome is unknown, and the error says how to go on', async () => {
  await using fake = await FakeNode.start(node({ tx_submit: accepted, tx_wait: () => NO_ANSWER }))
  await using client = await RpcClient.connect([fake.url])
  await assert.rejects(submitAndWait(client, payment, 30), (error) => {
    assert.ok(error instanceof CordonError)
    assert.equal(error.code, 'outcome-unknown')
    assert.equal(error.payload.txId, txId)
    assert.ok(error.message.includes(`cordon tx wait ${txId}`))
    return true
  })
})

test('the loss of every node after sending is an unknown outcome, not a failure to connect', async () => {
  const fake = await FakeNode.start(node({ tx_submit: accepted, tx_wait: () => NO_ANSWER }))
  await using client = await RpcClient.connect([fake.url])
  const end = submitAndWait(client, payment, 300)
  while (fake.requests.length < 2) await new Promise((resolve) => setImmediate(resolve))
  await Promise.all([assert.rejects(end, code('outcome-unknown')), fake[Symbol.asyncDispose]()])
})

test('waiting for a known id takes whatever end it has', async () => {
  await using fake = await FakeNode.start(node({ tx_wait: () => info('expired') }))
  await using client = await RpcClient.connect([fake.url])
  assert.equal((await waitForTransaction(client, txId, 1_000)).status, 'expired')
})

test('only executed block time past the validity proves that a payment expired', () => {
  assert.equal(isProvablyExpired(info('pending', 101), 100), true)
  assert.equal(isProvablyExpired(info('unknown', 101), 100), true)
  assert.equal(isProvablyExpired(info('expired', 100), 100), false)
  for (const status of ['settled', 'held', 'failed'] as const)
    assert.equal(isProvablyExpired(info(status, 101), 100), false)
})
