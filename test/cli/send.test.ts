/** `wallet send` against a scripted node: outcomes, the outbox, and payments with a key. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { send } from '../../cli/wallet/send.ts'
import type { CommandResult } from '../../cli/output.ts'
import { fromHex } from '../../crypto/bytes.ts'
import { verify } from '../../crypto/ed25519.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { failure } from './failure.ts'
import { Wallet, WALLET_VALIDITY_MS, WalletNode, type Fate } from './wallet-node.ts'

interface Data {
  readonly txId: string
  readonly status: string
  readonly height: number | null
  readonly latencyMs: number | null
  readonly holds: readonly string[]
  readonly fee: string | null
}

type SendOptions = Parameters<typeof send>[0]

function pay(wallet: Wallet, node: WalletNode, extra: Partial<SendOptions> = {}): Promise<CommandResult> {
  return send({
    from: 'alice',
    to: 'bob',
    amount: '12.50CRD',
    memo: '',
    wait: 'final',
    timeout: 5_000,
    json: true,
    rpc: node.rpc,
    keystore: wallet.keystore,
    ...extra,
  })
}

function data(result: CommandResult): Data {
  return result.data as Data
}

function outboxFiles(wallet: Wallet): string[] {
  return existsSync(wallet.outbox) ? readdirSync(wallet.outbox).sort() : []
}

test('a settled payment has exactly the fields of the contract', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  const beforeMs = Date.now()
  const result = await pay(wallet, node, { memo: 'lunch' })
  assert.equal(result.exit, 0)
  assert.deepEqual(Object.keys(result.data), ['txId', 'status', 'height', 'latencyMs', 'holds', 'fee'])
  const { txId, status, height, latencyMs, holds, fee } = data(result)
  assert.deepEqual([status, height, holds, fee], ['settled', 7, [], '1000'])
  assert.ok(latencyMs !== null && latencyMs > 0)

  const { id, transaction } = decodeTransaction(fromHex(node.submitted[0]!))
  assert.equal(Buffer.from(id).toString('hex'), txId)
  assert.equal(transaction.sequence, 0n)
  assert.ok(transaction.validUntilMs >= beforeMs + WALLET_VALIDITY_MS)
  assert.ok(verify(transaction.auth[0]!.signature, id, transaction.sender))
  const [action] = transaction.actions
  assert.ok(
    action?.type === 'transfer' &&
      action.amount === 12_500_000n &&
      Buffer.from(action.memo).toString() === 'lunch',
  )
  assert.deepEqual(outboxFiles(wallet), [])
})

test('held is exit 6 and no error; failed and expired are exit 5 with data and error', async () => {
  using wallet = await Wallet.create()
  for (const [status, exit, code] of [
    ['held', 6, undefined],
    ['failed', 5, 'tx-failed'],
    ['expired', 5, 'tx-expired'],
  ] as const) {
    await using node = await WalletNode.start(() => status)
    const result = await pay(wallet, node)
    assert.equal(result.exit, exit)
    assert.equal(data(result).status, status)
    assert.equal(result.error?.code, code)
  }
})

test('validity counts from the time of the chain when that is ahead', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  node.executedTimeMs = Date.now() + 3_600_000
  await pay(wallet, node)
  assert.equal(
    decodeTransaction(fromHex(node.submitted[0]!)).transaction.validUntilMs,
    node.executedTimeMs + WALLET_VALIDITY_MS,
  )
})

test('equal payments are different transactions', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  await Promise.all([pay(wallet, node), pay(wallet, node)])
  assert.equal(new Set(node.submitted).size, 2)
})

test('when the time is up the bytes stay in the outbox, private and durable before they were sent', async () => {
  using wallet = await Wallet.create()
  const seen: string[][] = []
  await using node = await WalletNode.start(() => {
    seen.push(outboxFiles(wallet))
    return 'silence'
  })
  const error = await failure(pay(wallet, node, { timeout: 30 }))
  assert.equal(error.code, 'outcome-unknown')
  const [file] = outboxFiles(wallet)
  assert.ok(file !== undefined)
  assert.deepEqual(seen[0], [file])
  const path = join(wallet.outbox, file)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const entry = JSON.parse(readFileSync(path, 'utf8')) as { txId: string; tx: string }
  assert.equal(entry.txId, error.payload.txId)
  assert.equal(entry.tx, node.submitted[0])
})

test('a refusal leaves nothing behind', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => ({ refuse: 'tx-insufficient-funds' }))
  assert.equal((await failure(pay(wallet, node))).code, 'tx-insufficient-funds')
  assert.deepEqual(outboxFiles(wallet), [])
})

test('--wait accepted and none do not wait for the end', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'pending')
  const accepted = await pay(wallet, node, { wait: 'accepted' })
  assert.deepEqual(
    [accepted.exit, data(accepted).status, data(accepted).height, data(accepted).fee],
    [0, 'accepted', null, '1000'],
  )
  const sent = await pay(wallet, node, { wait: 'none' })
  assert.deepEqual([sent.exit, data(sent).status, data(sent).latencyMs], [0, 'sent', null])
  assert.equal(node.submitted.length, 2)
})

test('a dry run sends nothing that could be spent, and asks for no password', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  const result = await pay(wallet, node, { dryRun: true, passwordFile: '/nonexistent' })
  assert.equal((result.data as { balanceAfter: string }).balanceAfter, '5')
  const dry = node.node.requests.find(({ method }) => method === 'tx_dryRun')
  const { id, transaction } = decodeTransaction(fromHex(String(dry?.params.tx)))
  assert.equal(verify(transaction.auth[0]!.signature, id, transaction.sender), false)
  assert.deepEqual(node.submitted, [])
  assert.deepEqual(outboxFiles(wallet), [])
})

test('with a key a repeat gives the same receipt and signs nothing', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  const first = await pay(wallet, node, { key: 'invoice 7' })
  const second = await pay(wallet, node, { key: 'invoice 7', passwordFile: '/nonexistent' })
  assert.equal(data(second).txId, data(first).txId)
  assert.equal(new Set(node.submitted).size, 1)
  const other = await pay(wallet, node, { key: 'invoice 8' })
  assert.notEqual(data(other).txId, data(first).txId)
})

test('two processes with one key make one payment', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  const results = await Promise.all(Array.from({ length: 4 }, () => pay(wallet, node, { key: 'k' })))
  assert.equal(new Set(results.map((result) => data(result).txId)).size, 1)
  assert.equal(new Set(node.submitted).size, 1)
})

test('a key of another payment is a usage error', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  await pay(wallet, node, { key: 'k' })
  for (const change of [{ amount: '12.51CRD' }, { memo: 'x' }, { from: 'bob', to: 'alice' }]) {
    const error = await failure(pay(wallet, node, { key: 'k', ...change }))
    assert.equal(error.code, 'usage')
  }
  assert.equal(node.submitted.length, 1)
})

test('an unknown outcome is resumed with the same bytes', async () => {
  using wallet = await Wallet.create()
  let answers = false
  await using node = await WalletNode.start(() => (answers ? 'settled' : 'silence'))
  const error = await failure(pay(wallet, node, { key: 'k', timeout: 30 }))
  assert.equal(error.code, 'outcome-unknown')
  answers = true
  assert.equal(data(await pay(wallet, node, { key: 'k' })).txId, error.payload.txId)
  assert.equal(new Set(node.submitted).size, 1)
})

test('a new payment is signed under a key only once blocks past the validity of the first are executed', async () => {
  using wallet = await Wallet.create()
  let fate: 'silence' | 'settled' = 'silence'
  await using node = await WalletNode.start((tx) => (tx === node.submitted[0] ? 'silence' : fate))
  const first = await failure(pay(wallet, node, { key: 'k', timeout: 30 }))
  const { validUntilMs } = decodeTransaction(fromHex(node.submitted[0]!)).transaction

  node.executedTimeMs = validUntilMs // not past it: the first could still be in this very block
  assert.equal((await failure(pay(wallet, node, { key: 'k', timeout: 30 }))).code, 'outcome-unknown')
  assert.equal(new Set(node.submitted).size, 1)

  node.executedTimeMs = validUntilMs + 1
  fate = 'settled'
  const second = await pay(wallet, node, { key: 'k' })
  assert.equal(data(second).status, 'settled')
  assert.notEqual(data(second).txId, first.payload.txId)
  assert.equal(new Set(node.submitted).size, 2)
})

test('bytes that may have reached another node stay unknown when this one refuses them', async () => {
  using wallet = await Wallet.create()
  let refuse = false
  await using node = await WalletNode.start(() => (refuse ? { refuse: 'tx-insufficient-funds' } : 'silence'))
  await failure(pay(wallet, node, { key: 'k', timeout: 30 }))
  refuse = true
  assert.equal((await failure(pay(wallet, node, { key: 'k', timeout: 30 }))).code, 'outcome-unknown')
})

test('bytes that were refused from the start are refused again as such', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => ({ refuse: 'tx-insufficient-funds' }))
  for (let i = 0; i < 2; i++)
    assert.equal((await failure(pay(wallet, node, { key: 'k' }))).code, 'tx-insufficient-funds')
  assert.equal(new Set(node.submitted).size, 1)
})

for (const wait of ['accepted', 'final'] as const)
  test(`after a refusal the key is free for the same payment: --wait ${wait}`, async () => {
    using wallet = await Wallet.create()
    let fate: Fate = { refuse: 'tx-insufficient-funds' }
    await using node = await WalletNode.start(() => fate)
    const options = { key: 'k', wait, timeout: 1_000 }
    for (let i = 0; i < 2; i++)
      assert.equal((await failure(pay(wallet, node, options))).code, 'tx-insufficient-funds')
    assert.ok(outboxFiles(wallet).some((file) => file.endsWith('.refused')))
    fate = 'settled'
    await pay(wallet, node, options)
    assert.equal(new Set(node.submitted).size, 1, 'the same bytes')
    assert.ok(!outboxFiles(wallet).some((file) => file.endsWith('.refused')))
  })

for (const wait of ['none', 'accepted'] as const) {
  test(`bytes that were refused and are sent again may be taken: --wait ${wait}`, async () => {
    using wallet = await Wallet.create()
    let fate: Fate = { refuse: 'tx-insufficient-funds' }
    await using node = await WalletNode.start(() => fate)
    await failure(pay(wallet, node, { key: 'k' }))
    fate = 'pending'
    await pay(wallet, node, { key: 'k', wait })
    fate = { refuse: 'tx-insufficient-funds' }
    for (const again of ['accepted', 'final'] as const)
      assert.equal(
        (await failure(pay(wallet, node, { key: 'k', wait: again, timeout: 30 }))).code,
        'outcome-unknown',
        again,
      )
    assert.equal(new Set(node.submitted).size, 1)
  })

  test(`a payment that is provably expired is signed anew: --wait ${wait}`, async () => {
    using wallet = await Wallet.create()
    await using node = await WalletNode.start((tx) => (tx === node.submitted[0] ? 'silence' : 'settled'))
    await failure(pay(wallet, node, { key: 'k', timeout: 30 }))
    node.executedTimeMs = decodeTransaction(fromHex(node.submitted[0]!)).transaction.validUntilMs
    if (wait === 'none') await pay(wallet, node, { key: 'k', wait })
    else await failure(pay(wallet, node, { key: 'k', wait, timeout: 30 }))
    assert.equal(new Set(node.submitted).size, 1, 'it could still be executed')
    node.executedTimeMs++
    await pay(wallet, node, { key: 'k', wait })
    assert.equal(new Set(node.submitted).size, 2)
  })
}

test('a refusal of an accepted payment without a key leaves nothing behind', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => ({ refuse: 'tx-insufficient-funds' }))
  const error = await failure(pay(wallet, node, { wait: 'accepted' }))
  assert.equal(error.code, 'tx-insufficient-funds')
  assert.deepEqual(outboxFiles(wallet), [])
})

test('a damaged outbox entry stops the payment instead of risking a second one', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  await pay(wallet, node, { key: 'k' })
  const [file] = outboxFiles(wallet)
  writeFileSync(join(wallet.outbox, file!), '{')
  assert.equal((await failure(pay(wallet, node, { key: 'k' }))).code, 'config-invalid')
  assert.equal(node.submitted.length, 1)
})

test('what is wrong with a payment is said before a node is asked', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  for (const [change, code] of [
    [{ amount: '12.50' }, 'amount-invalid'],
    [{ amount: '0CRD' }, 'amount-invalid'],
    [{ amount: '1.1234567CRD' }, 'amount-invalid'],
    [{ to: 'nobody' }, 'address-invalid'],
    [{ to: 'cdn1qqqq' }, 'address-invalid'],
    [{ to: 'alice' }, 'usage'],
    [{ from: 'carol' }, 'key-unknown'],
    [{ memo: 'x'.repeat(129) }, 'usage'],
  ] as const) {
    assert.equal((await failure(pay(wallet, node, change))).code, code, JSON.stringify(change))
  }
  assert.deepEqual(node.node.requests, [])
})

test('a wrong password is exit 8, and nothing is sent', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  writeFileSync(join(wallet.directory, 'wrong'), 'nope\n')
  assert.equal(
    (await failure(pay(wallet, node, { passwordFile: join(wallet.directory, 'wrong') }))).code,
    'password-wrong',
  )
  assert.deepEqual(node.submitted, [])
})

test('names come from the address book, too', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  const bob = (JSON.parse(readFileSync(join(wallet.keystore, 'bob.json'), 'utf8')) as { address: string })
    .address
  writeFileSync(join(wallet.directory, 'addressbook.json'), JSON.stringify({ landlord: bob }))
  await pay(wallet, node, { to: 'landlord' })
  assert.equal(node.submitted.length, 1)
})
