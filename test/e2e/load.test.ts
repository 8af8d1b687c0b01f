/**
 * Two thousand payments by four clients at once, over 500 accounts and through different validators, with the model on:
 * every receipt settled or held, at most 1 % held, all nodes alike, value conserved.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { RpcClient } from '../../client/rpc-client.ts'
import type { TxInfo } from '../../client/api.ts'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import { DEFAULT_SEED, deriveKeys } from '../../devnet/keys.ts'
import { Random } from '../../devnet/random.ts'
import { signTransaction } from '../../ledger/transaction.ts'
import { Devnet, assertAgreement, eventually, rpc } from './harness.ts'

const CLIENTS = 4
const PAYMENTS_PER_CLIENT = 500
const ACCOUNTS = 500
const IN_FLIGHT_PER_CLIENT = 16
const SEED = 'load-test'

test('2,000 payments by four clients settle, and every node agrees', async (t) => {
  await using devnet = await Devnet.start(['--load-accounts', String(ACCOUNTS)])
  const urls = devnet.ready.validators.map((validator) => validator.rpc)
  const supply = (await rpc<{ totalSupply: string }>(urls[0] as string, 'chain_status')).totalSupply
  const keys = deriveKeys(DEFAULT_SEED, 'load', ACCOUNTS)
  t.diagnostic(`seed ${SEED}`)

  const results = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      const random = new Random(`${SEED}/${index}`)
      await using client = await RpcClient.connect([urls[index % urls.length] as string], {
        timeoutMs: 5_000,
      })
      const info = await client.call('chain_info', {})
      const results: TxInfo[] = []
      let left = PAYMENTS_PER_CLIENT
      const worker = async (): Promise<void> => {
        while (left-- > 0) {
          const from = random.below(ACCOUNTS)
          const to = (from + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS
          const payer = keys[from]
          const payee = keys[to]
          assert.ok(payer !== undefined && payee !== undefined)
          const { bytes } = signTransaction(
            {
              chain: fromHex(info.chainId, 8),
              sender: payer.publicKey,
              sequence: 0n,
              validUntilMs: Date.now() + info.walletValidityMs,
              salt: randomBytes(8).readBigUInt64BE(),
              fee: BigInt(info.minFee),
              actions: [
                {
                  type: 'transfer',
                  to: payee.publicKey,
                  amount: BigInt(1 + random.below(5_000_000)),
                  memo: new Uint8Array(0),
                },
              ],
            },
            [payer],
          )
          const { txId } = await client.call('tx_submit', { tx: toHex(bytes) })
          results.push(await client.call('tx_wait', { txId, timeoutMs: 30_000 }))
        }
      }
      await Promise.all(Array.from({ length: IN_FLIGHT_PER_CLIENT }, worker))
      return results
    }),
  )

  const all = results.flat()
  assert.equal(all.length, CLIENTS * PAYMENTS_PER_CLIENT)
  const other = all.filter((info) => info.status !== 'settled' && info.status !== 'held')
  assert.deepEqual(other, [])
  const held = all.filter((info) => info.status === 'held').length
  t.diagnostic(`held ${held} of ${all.length}`)
  assert.ok(held <= all.length / 100, `${held} held`)
  await eventually('all nodes executed alike', 10_000, async () => {
    await assertAgreement(urls)
    return true
  })
  assert.equal((await rpc<{ totalSupply: string }>(urls[0] as string, 'chain_status')).totalSupply, supply)
})
