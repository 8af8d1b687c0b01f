/** `wallet outbox`: what is kept of signed payments, as far as it can be told without a node. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { list } from '../../cli/wallet/outbox.ts'
import { send } from '../../cli/wallet/send.ts'
import { Home } from './cordon.ts'
import { Wallet, WalletNode, type Fate } from './wallet-node.ts'

interface Payment {
  readonly key: string | null
  readonly txId: string
  readonly amount: string
  readonly state: string
  readonly validUntilMs: number
}

interface Data {
  readonly payments: readonly Payment[]
  readonly damaged: readonly { readonly path: string; readonly message: string }[]
}

/** Leaves a payment in the outbox that ended, or did not, as `fate` says. */
async function pay(
  wallet: Wallet,
  fate: Fate,
  key: string | null,
  executedTimeMs = Date.now(),
): Promise<void> {
  await using node = await WalletNode.start(() => fate)
  node.executedTimeMs = executedTimeMs
  const ended = send({
    from: 'alice',
    to: 'bob',
    amount: '12.50CRD',
    memo: '',
    wait: 'final',
    timeout: fate === 'silence' ? 30 : 5_000,
    rpc: node.rpc,
    keystore: wallet.keystore,
    ...(key === null ? {} : { key }),
  })
  if (fate === 'settled') await ended
  else await assert.rejects(ended)
}

async function dataOf(wallet: Wallet): Promise<Data> {
  return (await list({ keystore: wallet.keystore })).data as Data
}

/** Rewrites the only entry. */
function editEntry(wallet: Wallet, edit: (text: string) => string): string {
  const [file] = readdirSync(wallet.outbox)
  const path = join(wallet.outbox, file!)
  writeFileSync(path, edit(readFileSync(path, 'utf8')))
  return path
}

suite('wallet outbox', () => {
  test('payments are open, refused or over; one without a key is gone once its end was seen', async () => {
    using wallet = await Wallet.create()
    assert.deepEqual(await dataOf(wallet), { outbox: wallet.outbox, payments: [], damaged: [] })
    await pay(wallet, 'settled', null)
    await pay(wallet, 'silence', null)
    await pay(wallet, 'settled', 'invoice 7', Date.now() + 60_000)
    await pay(wallet, { refuse: 'tx-insufficient-funds' }, 'invoice 8', Date.now() + 120_000)
    const { payments } = await dataOf(wallet)
    assert.deepEqual(
      payments.map(({ key, state, amount }) => [key, state, amount]),
      [
        [null, 'open', '12500000'],
        ['invoice 7', 'open', '12500000'],
        ['invoice 8', 'refused', '12500000'],
      ],
    )
    const { text } = await list({ keystore: wallet.keystore })
    assert.match(text, new RegExp(`invoice 7 +12\\.50CRD +alice +bob .* open +${payments[1]?.txId ?? ''}`))
  })

  test('past its validity a payment is over', async () => {
    using wallet = await Wallet.create()
    await pay(wallet, 'silence', null)
    editEntry(wallet, (text) => text.replace(/"validUntilMs": \d+/, '"validUntilMs": 1000'))
    const [payment] = (await dataOf(wallet)).payments
    assert.deepEqual([payment?.state, payment?.validUntilMs], ['over', 1_000])
  })

  test('a damaged entry does not hide the others, and is an error with its file', async () => {
    for (const edit of [
      (): string => '{',
      (text: string): string => text.replace('"amount": "12500000"', '"amount": "much"'),
      (text: string): string => text.replace(/"validUntilMs": \d+/, '"validUntilMs": 9e15'),
      (text: string): string => text.replace('cordon-outbox/1', 'cordon-outbox/9'),
    ]) {
      using wallet = await Wallet.create()
      await pay(wallet, 'silence', null)
      const path = editEntry(wallet, edit)
      await pay(wallet, 'silence', null)
      const result = await list({ keystore: wallet.keystore })
      const { payments, damaged } = result.data as Data
      assert.deepEqual([payments.length, damaged.map((file) => file.path)], [1, [path]])
      assert.equal(result.error?.code, 'config-invalid')
    }
  })

  test('on a command line it needs no node, and none answers', async () => {
    using home = new Home()
    const run = await home.run(['wallet', 'outbox', '--json'])
    assert.deepEqual([run.code, run.envelope.data?.payments], [0, []])
  })
})
