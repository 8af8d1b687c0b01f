/** Payment requests: their folder, what is decided about them, and the person who approves. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { Terminal } from '../../cli/input.ts'
import type { CommandResult } from '../../cli/output.ts'
import { approve, type ApproveOptions } from '../../cli/requests/approve.ts'
import { decline, list } from '../../cli/requests/decide.ts'
import { requestFolder, spendingLog } from '../../cli/requests/desk.ts'
import { RequestFolder, stateOf, type StoredRequest } from '../../cli/requests/request-folder.ts'
import { LIMITS } from '../../config/limits.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { fromHex } from '../../crypto/bytes.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { key } from '../client/receipt-chain.ts'
import { Home } from './cordon.ts'
import { Person } from './person.ts'
import { AskedWallet } from './requests.ts'
import { WALLET_VALIDITY_MS, WalletNode } from './wallet-node.ts'

const CAROL = encodeAddress('dcdn', key('carol').publicKey)

function decide(
  asked: AskedWallet,
  node: WalletNode,
  { id }: StoredRequest,
  person: Terminal,
  extra: Partial<ApproveOptions> = {},
): Promise<CommandResult> {
  const { keystore } = asked.wallet
  return approve(
    { policy: asked.policyFile, timeout: 5_000, json: true, rpc: node.rpc, keystore, ...extra },
    id,
    person,
  )
}

const txIdOf = (result: CommandResult): unknown => (result.data as { txId: unknown }).txId

const spentBy = (asked: AskedWallet): bigint =>
  spendingLog(asked.paths, asked.addressOf('alice')).spent(Date.now()).totalUnits

suite('the folder', () => {
  test('a request lies there as it was asked, and its state follows decision and time', async () => {
    using asked = await AskedWallet.create()
    const request = asked.ask()
    const folder = requestFolder(asked.paths)
    assert.deepEqual(folder.get(request.id), request)
    assert.equal(stateOf(request, request.expiresMs - 1), 'open')
    assert.equal(stateOf(request, request.expiresMs), 'expired')
    assert.equal(folder.decide(request.id, 'declined'), 'declined')
    assert.equal(folder.decide(request.id, 'approved'), 'declined', 'the first decision holds')
    assert.equal(stateOf(folder.get(request.id), request.expiresMs), 'declined')
  })

  test('a changed byte is found, and does not hide the others', async () => {
    using asked = await AskedWallet.create()
    const other = asked.ask({ salt: '00'.repeat(16) })
    const request = asked.ask()
    const path = join(asked.requests, `${request.id}.json`)
    writeFileSync(path, readFileSync(path, 'utf8').replace('20000000', '90000000'))
    const folder = requestFolder(asked.paths)
    assert.throws(() => folder.get(request.id), { code: 'policy-refused', message: /was changed/ })
    const { requests, damaged } = folder.list()
    assert.deepEqual([requests.map(({ id }) => id), damaged.length], [[other.id], 1])
    assert.throws(() => folder.get('00'.repeat(16)), { code: 'not-found' })
    assert.throws(() => folder.get('../policy'), { code: 'not-found' })
  })

  test('a long reason in any script is kept, and a folder that cannot be written is an error that names it', async () => {
    using asked = await AskedWallet.create()
    const why = '\u{1F600}'.repeat(LIMITS.paymentRequestWhyCharacters)
    assert.equal(requestFolder(asked.paths).get(asked.ask({ why }).id).why, why)
    rmSync(asked.requests, { recursive: true })
    writeFileSync(asked.requests, '')
    assert.throws(
      () => new RequestFolder(join(asked.requests, 'below')).decide('00'.repeat(16), 'declined'),
      {
        code: 'config-invalid',
        message: /cannot be written/,
      },
    )
  })

  test('the oldest that have expired make room; open ones never do', async () => {
    using asked = await AskedWallet.create()
    const folder = new RequestFolder(asked.requests, 3)
    const open = asked.ask({ createdMs: 1 })
    for (const createdMs of [2, 3, 4, 5]) folder.add({ ...open, createdMs, expiresMs: createdMs + 1 })
    assert.deepEqual(
      folder.list().requests.map(({ createdMs }) => createdMs),
      [1, 4, 5],
    )
  })

  test('is listed for people: those that wait, or all', async () => {
    using asked = await AskedWallet.create()
    const { keystore } = asked.wallet
    assert.equal((await list({ keystore })).text, 'no open payment requests')
    const request = asked.ask({ why: 'rent\u001b[2J\nand more' })
    const { text } = await list({ keystore })
    assert.match(text, new RegExp(`${request.id} +20\\.00CRD +alice +bob +open .*rent.\\[2J.and more$`))
    await decline({ keystore }, request.id)
    assert.equal((await list({ keystore })).text, 'no open payment requests')
    const { requests } = (await list({ keystore, all: true })).data as { requests: { state: string }[] }
    assert.deepEqual(
      requests.map(({ state }) => state),
      ['declined'],
    )
  })
})

suite('a person approves', () => {
  test('after a look and a yes it is paid, counted and decided; approving again pays nothing', async () => {
    using asked = await AskedWallet.create()
    await using node = await WalletNode.start(() => 'settled')
    const request = asked.ask()
    const person = new Person(true)
    const first = await decide(asked, node, request, person)
    assert.deepEqual(person.questions, [`Pay 20.00CRD (20000000uCRD) to bob (${asked.addressOf('bob')})?`])
    const { transaction } = decodeTransaction(fromHex(node.submitted[0] ?? ''))
    const [action] = transaction.actions
    assert.ok(action?.type === 'transfer' && action.amount === 20_000_000n && action.memo.length === 0)
    assert.equal(encodeAddress('dcdn', action.to), asked.addressOf('bob'))
    assert.equal(spentBy(asked), 20_000_000n)
    assert.equal(requestFolder(asked.paths).get(request.id).decision, 'approved')

    const second = await decide(asked, node, request, new Person(false))
    assert.equal(txIdOf(second), txIdOf(first))
    assert.deepEqual([new Set(node.submitted).size, spentBy(asked)], [1, 20_000_000n])
    await assert.rejects(decline({ keystore: asked.wallet.keystore }, request.id), { code: 'policy-refused' })
  })

  test('two at once pay once', async () => {
    using asked = await AskedWallet.create()
    using home = new Home()
    await using node = await WalletNode.start(() => 'settled')
    const { id } = asked.ask()
    const env = { CORDON_KEYSTORE: asked.wallet.keystore, CORDON_RPC: node.rpc }
    const args = ['mcp', 'approve', id, '--policy', asked.policyFile, '--yes', '--json']
    const runs = await Promise.all([home.run(args, { env }), home.run(args, { env })])
    assert.deepEqual(
      runs.map(({ code }) => code),
      [0, 0],
      runs.map(({ stdout }) => stdout).join(),
    )
    assert.deepEqual([new Set(node.submitted).size, spentBy(asked)], [1, 20_000_000n])
    assert.equal(runs[0]?.envelope.data?.txId, runs[1]?.envelope.data?.txId)
  })

  test('a no, and nobody to ask, sign nothing and leave the request open', async () => {
    using asked = await AskedWallet.create()
    await using node = await WalletNode.start(() => 'settled')
    const request = asked.ask()
    await assert.rejects(decide(asked, node, request, new Person(false)), { code: 'needs-input' })
    const nobody = new Person(true, { canAsk: false })
    await assert.rejects(decide(asked, node, request, nobody), { code: 'needs-input', message: /--yes/ })
    assert.deepEqual([node.submitted, spentBy(asked)], [[], 0n])
    assert.equal(requestFolder(asked.paths).get(request.id).decision, null)
    await decide(asked, node, request, nobody, { yes: true })
    assert.equal(node.submitted.length, 1)
  })

  test('a payment whose outcome was not seen is followed, and made anew only when it is provably expired', async () => {
    using asked = await AskedWallet.create()
    const request = asked.ask()
    await using silent = await WalletNode.start(() => 'silence')
    await assert.rejects(decide(asked, silent, request, new Person(true), { timeout: 30 }), {
      code: 'outcome-unknown',
    })
    const [lost] = silent.submitted
    await using node = await WalletNode.start((tx) => (tx === lost ? 'unknown' : 'settled'))
    node.executedTimeMs = Date.now() + 2 * WALLET_VALIDITY_MS
    const person = new Person([false, true])
    await assert.rejects(decide(asked, node, request, person), {
      code: 'needs-input',
      message: /nothing was paid/,
    })
    const nobody = new Person(true, { canAsk: false })
    await assert.rejects(decide(asked, node, request, nobody), { code: 'needs-input', message: /--yes/ })
    assert.deepEqual([...node.submitted], [], 'a person is asked before another one is signed')
    await decide(asked, node, request, person)
    assert.match(person.questions.join(''), /^(?:Sign another one: pay 20\.00CRD .* to bob .*\?){2}$/)
    assert.deepEqual([node.submitted.includes(lost ?? ''), node.submitted.length], [false, 1])
    assert.equal(spentBy(asked), 20_000_000n, 'it counts once')
  })
})

test('who approves is told of a first payment to a payee without a name', async () => {
  using asked = await AskedWallet.create({ payees: JSON.stringify([CAROL, 'bob']) })
  using home = new Home()
  await using node = await WalletNode.start(() => 'settled')
  const env = { CORDON_KEYSTORE: asked.wallet.keystore, CORDON_RPC: node.rpc }
  const approved = async (payee: string, salt: string): Promise<string> => {
    const { id } = asked.ask({ payee, salt: salt.repeat(16) })
    const { code, stderr } = await home.run(
      ['mcp', 'approve', id, '--policy', asked.policyFile, '--yes', '--json'],
      { env },
    )
    assert.equal(code, 0, stderr)
    return stderr
  }
  assert.match(await approved(CAROL, '01'), /^first payment +this key has not paid this address before$/m)
  assert.doesNotMatch(await approved(CAROL, '02'), /first payment/, 'paid before')
  assert.doesNotMatch(await approved(asked.addressOf('bob'), '03'), /first payment/, 'known by name')
})

suite('nothing is signed', () => {
  /** That approving is refused, whatever the person says. */
  async function assertRefused(
    asked: AskedWallet,
    request: StoredRequest,
    message: RegExp,
    person: Terminal = new Person(true),
  ): Promise<void> {
    await using node = await WalletNode.start(() => 'settled')
    await assert.rejects(decide(asked, node, request, person), { code: 'policy-refused', message })
    assert.deepEqual([node.submitted, readdirSync(asked.wallet.directory).includes('outbox')], [[], false])
  }

  for (const [what, change, message] of [
    ['too much at once', { amountUnits: 50_000_001n }, /for one payment, and the policy allows 50\.00CRD/],
    ['somebody else', { payee: CAROL }, /does not let dcdn1\w+ be paid/],
    ['past its time', { createdMs: 1, expiresMs: 2 }, /expired at 1970/],
    ['open for too long', { expiresMs: Date.now() + 7_200_000 }, /longer than the policy allows/],
    ['from the future', { createdMs: Date.now() + 3_000_000 }, /longer than the policy allows/],
    ['under another policy', { policyDigest: '00'.repeat(32) }, /another policy/],
  ] as const)
    test(`for a request ${what}, though it lies in the folder`, async () => {
      using asked = await AskedWallet.create()
      await assertRefused(asked, asked.ask(change), message)
    })

  test('from another account than the one of the policy', async () => {
    using asked = await AskedWallet.create({ payees: '["alice"]' })
    const [payer, payee] = [asked.addressOf('bob'), asked.addressOf('alice')]
    await assertRefused(asked, asked.ask({ payer, payee }), /not for the payer/)
  })

  test('above the limits of a day and of all time', async () => {
    for (const policy of [{ max_day: '39CRD' }, { max_total: '39CRD' }]) {
      using asked = await AskedWallet.create(policy)
      await using node = await WalletNode.start(() => 'settled')
      await decide(asked, node, asked.ask(), new Person(true))
      const request = asked.ask({ salt: '00'.repeat(16) })
      await assert.rejects(decide(asked, node, request, new Person(true)), {
        code: 'policy-refused',
        message: /would come to 40\.00CRD/,
      })
      assert.deepEqual([node.submitted.length, spentBy(asked)], [1, 20_000_000n])
    }
  })

  test('when two requests that fit one by one are approved at once and do not fit together', async () => {
    using asked = await AskedWallet.create({ max_day: '39CRD' })
    await using node = await WalletNode.start(() => 'settled')
    const requests = [asked.ask(), asked.ask({ salt: '00'.repeat(16) })]
    const ends = await Promise.allSettled(
      requests.map((request) => decide(asked, node, request, new Person(true))),
    )
    assert.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    assert.deepEqual([new Set(node.submitted).size, spentBy(asked)], [1, 20_000_000n])
  })

  test('of more than may stand open, the newest wait', async () => {
    using asked = await AskedWallet.create({ max_open: 1 })
    const first = asked.ask({ createdMs: Date.now() - 1_000 })
    const second = asked.ask()
    await assertRefused(asked, second, /2 requests stand open, and the policy allows 1/)
    requestFolder(asked.paths).decide(first.id, 'declined')
    await using node = await WalletNode.start(() => 'settled')
    await decide(asked, node, second, new Person(true))
  })

  for (const [what, meanwhile, message] of [
    [
      'the policy changes',
      (asked: AskedWallet): void => asked.writePolicy({ max_open: 6 }),
      /another policy/,
    ],
    [
      'the request changes',
      (_: AskedWallet, path: string): void =>
        writeFileSync(path, readFileSync(path, 'utf8').replace('rent', 'r')),
      /was changed/,
    ],
    [
      'somebody declines',
      (asked: AskedWallet, path: string): unknown =>
        requestFolder(asked.paths).decide(path.slice(-37, -5), 'declined'),
      /was declined/,
    ],
  ] as const)
    test(`if ${what} while the person looks`, async () => {
      using asked = await AskedWallet.create()
      const request = asked.ask()
      const path = join(asked.requests, `${request.id}.json`)
      const person = new Person(true, { meanwhile: () => void meanwhile(asked, path) })
      await assertRefused(asked, request, message, person)
    })

  test('if what was spent cannot be read, or the policy is gone', async () => {
    using asked = await AskedWallet.create()
    await using node = await WalletNode.start(() => 'settled')
    await decide(asked, node, asked.ask(), new Person(true))
    const spending = join(asked.wallet.directory, 'spending', asked.addressOf('alice'), '1.json')
    writeFileSync(spending, '{}')
    const request = asked.ask({ salt: '00'.repeat(16) })
    await assert.rejects(decide(asked, node, request, new Person(true)), { code: 'policy-invalid' })
    rmSync(asked.policyFile)
    await assert.rejects(decide(asked, node, request, new Person(true)), { code: 'policy-invalid' })
    assert.equal(node.submitted.length, 1)
  })
})
