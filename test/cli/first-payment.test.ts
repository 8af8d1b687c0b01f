/** `wallet send` on a terminal: the question before the first payment to somebody, and when it is not asked. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { HistoryItem } from '../../client/api.ts'
import type { Terminal } from '../../cli/input.ts'
import type { CommandResult } from '../../cli/output.ts'
import { add } from '../../cli/wallet/contacts.ts'
import { send } from '../../cli/wallet/send.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { key } from '../client/receipt-chain.ts'
import { Home } from './cordon.ts'
import { Person } from './person.ts'
import { Wallet, WalletNode } from './wallet-node.ts'

const CAROL = encodeAddress('dcdn', key('carol').publicKey)
const DAVE = encodeAddress('dcdn', key('dave').publicKey)

type SendOptions = Parameters<typeof send>[0]

function pay(
  wallet: Wallet,
  node: WalletNode,
  person: Terminal,
  extra: Partial<SendOptions> = {},
): Promise<CommandResult> {
  const { keystore } = wallet
  const terms = { from: 'alice', to: CAROL, amount: '12.50CRD', memo: '' }
  return send({ ...terms, wait: 'final', timeout: 5_000, rpc: node.rpc, keystore, ...extra }, person)
}

function item(change: Partial<HistoryItem>): HistoryItem {
  return {
    txId: '00'.repeat(32),
    height: 1,
    timeMs: 1,
    direction: 'out',
    counterparty: CAROL,
    amount: '1',
    fee: '1000',
    memo: '',
    status: 'settled',
    ...change,
  }
}

suite('the first payment to somebody', () => {
  test('is asked about once, and made after a yes', async () => {
    using wallet = await Wallet.create()
    await using node = await WalletNode.start(() => 'settled')
    const person = new Person(true)
    await pay(wallet, node, person)
    assert.deepEqual(person.questions, [`First payment to ${CAROL}, 12.50CRD (12500000uCRD); go on?`])
    assert.equal(node.submitted.length, 1)
  })

  test('is neither signed nor sent after a no', async () => {
    using wallet = await Wallet.create()
    await using node = await WalletNode.start(() => 'settled')
    for (const extra of [{}, { key: 'invoice 7' }, { wait: 'none' }] as const)
      await assert.rejects(pay(wallet, node, new Person(false), extra), { code: 'needs-input' })
    assert.deepEqual(node.submitted, [])
    assert.ok(!existsSync(wallet.outbox) || readdirSync(wallet.outbox).length === 0)
  })

  test('is not asked about with --yes, in a dry run, and where nobody can answer', async () => {
    using wallet = await Wallet.create()
    await using node = await WalletNode.start(() => 'settled')
    for (const [person, extra] of [
      [new Person(false), { yes: true }],
      [new Person(false), { dryRun: true }],
      [new Person(false, { canAsk: false }), {}],
    ] as const) {
      await pay(wallet, node, person, extra)
      assert.deepEqual(person.questions, [])
    }
    assert.ok(
      !node.node.requests.some(({ method }) => method === 'account_history'),
      'a script costs no look-up',
    )
  })
})

suite('known payees', () => {
  test('own keys and contacts are', async () => {
    using wallet = await Wallet.create()
    await using node = await WalletNode.start(() => 'settled')
    await add({ keystore: wallet.keystore }, 'landlord', DAVE)
    const person = new Person(false)
    for (const to of ['bob', 'landlord', DAVE]) await pay(wallet, node, person, { to })
    assert.deepEqual([person.questions, node.submitted.length], [[], 3])
  })

  test('those whom a node remembers as paid are, others in a history are not', async () => {
    using wallet = await Wallet.create()
    for (const [change, isKnown] of [
      [{ status: 'settled' }, true],
      [{ status: 'held' }, true],
      [{ status: 'released' }, true],
      [{ status: 'failed' }, false],
      [{ status: 'returned' }, false],
      [{ status: 'recalled' }, false],
      [{ direction: 'in' }, false],
      [{ counterparty: DAVE }, false],
    ] as const) {
      await using node = await WalletNode.start(() => 'settled')
      node.history.push(item(change))
      const person = new Person(true)
      await pay(wallet, node, person)
      assert.equal(person.questions.length, isKnown ? 0 : 1, JSON.stringify(change))
    }
  })

  test('those with a payment of this key in the outbox are, unless it was refused', async () => {
    using wallet = await Wallet.create()
    await using refusing = await WalletNode.start(() => ({ refuse: 'tx-insufficient-funds' }))
    const person = new Person(true)
    const keyed = { key: 'invoice 7' }
    await assert.rejects(pay(wallet, refusing, person, keyed), { code: 'tx-insufficient-funds' })
    await using silent = await WalletNode.start(() => 'silence')
    await assert.rejects(pay(wallet, silent, person, { timeout: 30 }), { code: 'outcome-unknown' })
    assert.equal(person.questions.length, 2, 'the refused one counts for nothing')
    await using node = await WalletNode.start(() => 'settled')
    await pay(wallet, node, person)
    assert.equal(person.questions.length, 2)
    await pay(wallet, node, person, { from: 'bob' })
    assert.equal(person.questions.length, 3, 'another key has not paid them yet')
  })
})

test('a script pays somebody new without a question', async () => {
  using wallet = await Wallet.create()
  using home = new Home()
  await using node = await WalletNode.start(() => 'settled')
  const env = { CORDON_KEYSTORE: wallet.keystore, CORDON_RPC: node.rpc }
  const args = ['wallet', 'send', '--from', 'alice', '--to', CAROL, '--amount', '1CRD', '--json']
  const run = await home.run(args, { env })
  assert.deepEqual([run.code, run.stderr], [0, ''], run.stdout)
  assert.ok(!existsSync(join(home.path, '.cordon')))
})
