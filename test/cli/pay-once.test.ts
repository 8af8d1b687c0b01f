/** Attempts at one payment: whose time is counted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RpcClient } from '../../client/rpc-client.ts'
import { payOnce, type Attempt } from '../../cli/wallet/pay-once.ts'

const TIMEOUT_MS = 30_000
const MINUTE_MS = 60_000

function attempt(number: number): Attempt {
  return {
    txId: new Uint8Array(32).fill(number),
    bytes: new Uint8Array(1),
    validUntilMs: 100 * number,
    attempt: number,
    own: number > 1,
    refused: false,
  }
}

test('a person who takes their time over another attempt takes none from it', async (t) => {
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  const waits: unknown[] = []
  const client = {
    call: (method: string, params: { readonly timeoutMs?: number }) => {
      nowMs += 1_000
      if (method === 'tx_wait') waits.push(params.timeoutMs)
      const status = method === 'tx_get' ? 'expired' : method === 'tx_wait' ? 'settled' : 'pending'
      return Promise.resolve({ status, executedTimeMs: 150 })
    },
  } as unknown as RpcClient
  const { info } = await payOnce({
    client,
    timeoutMs: TIMEOUT_MS,
    attempts: {
      newest: () => attempt(1),
      sign: (number) => {
        nowMs += MINUTE_MS
        return Promise.resolve(attempt(number))
      },
      markRefused: () => assert.fail('nothing was refused'),
      unmarkRefused: () => assert.fail('nothing was refused'),
    },
  })
  assert.equal(info.status, 'settled')
  // A second to see that the first attempt has expired, and one to submit the other.
  assert.deepEqual(waits, [TIMEOUT_MS - 2_000])
})
