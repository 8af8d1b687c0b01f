/** What is told of the holds of a payment: all that can be read, and what keeps the rest from being read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HoldInfo, TxInfo } from '../../client/api.ts'
import { RpcClient } from '../../client/rpc-client.ts'
import { describeEnd, explainHolds, readHolds } from '../../cli/outcome.ts'
import { FakeNode, rpcFailure } from '../client/fake-node.ts'

const [KNOWN, UNKNOWN] = ['aa'.repeat(32), 'bb'.repeat(32)]
const TX = 'cc'.repeat(32)
const HOLD: Partial<HoldInfo> = {
  id: KNOWN,
  amount: '1000000',
  classes: [{ name: 'new-payee', text: 'a new payee' }],
  onExpiry: 'return',
  expiresMs: 0,
}

/** A node that knows one hold, or answers with an error of this code. */
function holds(code: () => string | null): Promise<FakeNode> {
  return FakeNode.start(({ params }) => {
    const error = code() ?? (params.id === KNOWN ? null : 'hold-unknown')
    if (error !== null) throw rpcFailure(error, 'no answer now')
    return HOLD
  })
}

test('a hold that the node does not know is left out; any other error is not', async () => {
  let code: string | null = null
  await using node = await holds(() => code)
  await using client = await RpcClient.connect([node.url])
  const ids = [UNKNOWN, KNOWN]
  assert.deepEqual(await readHolds(client, ids), [HOLD])
  assert.match((await explainHolds(client, { txId: TX, holds: ids })).join(), /held because: a new payee/)
  code = 'busy'
  await assert.rejects(readHolds(client, ids), { code: 'busy' })
})

test('holds that cannot be read do not hide how the payment ended', async () => {
  await using node = await holds(() => 'busy')
  await using client = await RpcClient.connect([node.url])
  const info: Partial<TxInfo> = { txId: TX, status: 'held', height: 7, fee: '1000', holds: [KNOWN] }
  const end = { info: info as TxInfo, latencyMs: 1 }
  const { exit, text } = await describeEnd(client, end, [], false)
  assert.equal(exit, 6)
  assert.match(
    text,
    new RegExp(`^held for review at height 7(.|\n)*could not be read .no answer now.; .* tx get ${TX}$`),
  )
})
