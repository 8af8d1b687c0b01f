/** `wallet request`, and `wallet send --uri` which pays one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from 'uqr'
import type { Terminal } from '../../cli/input.ts'
import type { CommandResult } from '../../cli/output.ts'
import { drawQr } from '../../cli/qr.ts'
import { request } from '../../cli/wallet/request.ts'
import { send } from '../../cli/wallet/send.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { fromHex } from '../../crypto/bytes.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { key } from '../client/receipt-chain.ts'
import { Person } from './person.ts'
import { Wallet, WalletNode } from './wallet-node.ts'

const CAROL = encodeAddress('dcdn', key('carol').publicKey)

type SendOptions = Parameters<typeof send>[0]

function pay(
  wallet: Wallet,
  node: WalletNode,
  options: Partial<SendOptions>,
  terminal?: Terminal,
): Promise<CommandResult> {
  const { keystore } = wallet
  return send(
    { from: 'alice', memo: '', wait: 'final', timeout: 5_000, rpc: node.rpc, keystore, ...options },
    terminal,
  )
}

/** Modules of a drawn code, from top to bottom. */
function modulesOf(drawn: string): boolean[][] {
  return drawn
    .split('\n')
    .flatMap((line) => [
      Array.from(line, (cell) => cell === '█' || cell === '▀'),
      Array.from(line, (cell) => cell === '█' || cell === '▄'),
    ])
}

test('a request names its payee, with a QR code for people only', async () => {
  using wallet = await Wallet.create()
  const { keystore } = wallet
  const options = { to: 'bob', amount: '12.50CRD', message: 'lunch', keystore }
  const plain = await request(options, false)
  const { uri, address } = plain.data as { uri: string; address: string }
  assert.equal(plain.text, uri)
  assert.equal(uri, `cordon:${address}?amount=12.50CRD&message=lunch`)
  const asked = await request({ ...options, qr: true }, false)
  assert.equal(asked.text, `${uri}\n${drawQr(uri, false)}`)
  const shown = await request(options, true)
  assert.equal(shown.text, `${uri}\n${drawQr(uri, true)}`)
  assert.deepEqual(shown.data, plain.data)
  for (const [change, code] of [
    [{ to: 'nobody' }, 'address-invalid'],
    [{ amount: '1' }, 'amount-invalid'],
    [{ message: 'x'.repeat(129) }, 'payment-uri-invalid'],
  ] as const)
    await assert.rejects(request({ ...options, ...change }, false), { code })
})

test('a drawn QR code has the modules of the code, with light ones around it, in colours that do not depend on the terminal', () => {
  const uri = `cordon:${CAROL}`
  const { data } = encode(uri, { ecc: 'M', border: 4 })
  const modules = modulesOf(drawQr(uri, false))
  assert.deepEqual(modules.slice(0, data.length), data)
  assert.ok(
    modules
      .slice(0, 4)
      .flat()
      .every((isDark) => !isDark),
  )
  const coloured = drawQr(uri, false).replaceAll(/^.*$/gm, (line) => `\u001b[30;107m${line}\u001b[0m`)
  assert.equal(drawQr(uri, true), coloured)
})

test('send --uri pays what a request asks for', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  const { data } = await request(
    { to: CAROL, amount: '2CRD', message: 'tea', keystore: wallet.keystore },
    false,
  )
  assert.equal((await pay(wallet, node, { uri: (data as { uri: string }).uri })).exit, 0)
  await pay(wallet, node, { uri: `cordon:${CAROL}?label=shop`, amount: '3CRD' })
  const paid = node.submitted.map((tx) => {
    const [action] = decodeTransaction(fromHex(tx)).transaction.actions
    assert.ok(action?.type === 'transfer')
    return [encodeAddress('dcdn', action.to), action.amount, Buffer.from(action.memo).toString()]
  })
  assert.deepEqual(paid, [
    [CAROL, 2_000_000n, 'tea'],
    [CAROL, 3_000_000n, ''],
  ])
})

test('what a request and the command line say may not compete, and another network is refused', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  const uri = `cordon:${CAROL}?amount=1CRD`
  for (const [options, code] of [
    [{ uri, to: CAROL }, 'usage'],
    [{ uri, memo: 'x' }, 'usage'],
    [{ uri, amount: '1CRD' }, 'usage'],
    [{ uri: `cordon:${CAROL}` }, 'usage'],
    [{ to: CAROL }, 'usage'],
    [{}, 'usage'],
    [{ uri: `${uri}&req-x=1` }, 'payment-uri-invalid'],
    [{ uri: `cordon:${encodeAddress('cdn', key('carol').publicKey)}?amount=1CRD` }, 'address-invalid'],
  ] as const)
    await assert.rejects(pay(wallet, node, options), { code }, JSON.stringify(options))
  assert.deepEqual(node.node.requests, [])
})

test('somebody at a terminal sees what it asks for, and a no sends nothing', async () => {
  using wallet = await Wallet.create()
  await using node = await WalletNode.start(() => 'settled')
  const person = new Person([false, true])
  const uri = `cordon:${CAROL}?amount=1CRD&message=%1b%5b2Jhi`
  await assert.rejects(pay(wallet, node, { uri }, person), { code: 'needs-input' })
  assert.deepEqual(node.submitted, [])
  await pay(wallet, node, { uri }, person)
  const question = `the request asks for 1.00CRD (1000000uCRD) to ${CAROL}, message "\u{FFFD}[2Jhi", whom this key has not paid before; pay it?`
  assert.deepEqual(person.questions, [question, question])
  await pay(wallet, node, { uri, yes: true }, person)
  assert.equal(person.questions.length, 2)
})
