/** `cordon tx build | sign | send | decode | hash`: payments whose key lies on a machine without a network. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { CommandResult } from '../../cli/output.ts'
import { build, type BuildOptions } from '../../cli/tx/build.ts'
import { decode, hash } from '../../cli/tx/decode.ts'
import type { TransactionDescription } from '../../cli/tx/description.ts'
import { send } from '../../cli/tx/send.ts'
import { sign, type SignOptions } from '../../cli/tx/sign.ts'
import { CordonError, type ErrorCode } from '../../config/errors.ts'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { chainIdOf, genesisHash, type Genesis } from '../../config/genesis.ts'
import { LIMITS } from '../../config/limits.ts'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import { verifyFast } from '../../crypto/ed25519.ts'
import { decodeTransaction, encodeTransaction, type Transaction } from '../../ledger/transaction.ts'
import { key, makeGenesis } from '../client/receipt-chain.ts'
import { Home } from './cordon.ts'
import { Wallet, WALLET_VALIDITY_MS, WalletNode } from './wallet-node.ts'

const HOUR_MS = 3_600_000

type Data = TransactionDescription & {
  readonly tx: string
  readonly isOfChain?: boolean
  readonly problem?: { readonly code: string } | null
}

/** A wallet, and the genesis of a chain beside it; nothing that could be asked. */
class ColdSigner implements Disposable {
  readonly wallet: Wallet
  readonly genesis: string

  private constructor(wallet: Wallet) {
    this.wallet = wallet
    this.genesis = this.file('genesis.json', serialiseGenesis(makeGenesis()))
  }

  static async create(): Promise<ColdSigner> {
    return new ColdSigner(await Wallet.create())
  }

  /** Its path. */
  file(name: string, text: string): string {
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  path(name: string): string {
    return join(this.wallet.directory, name)
  }

  build(extra: Partial<BuildOptions> = {}): Promise<CommandResult> {
    const { genesis, wallet } = this
    const options = { from: 'alice', to: ['bob'], amount: ['12.50CRD'], keystore: wallet.keystore }
    return build({ ...options, genesis, ...extra })
  }

  /** As `build`, with the chain of a node in place of genesis. */
  buildAt({ rpc }: WalletNode, extra: Partial<BuildOptions> = {}): Promise<CommandResult> {
    const { keystore } = this.wallet
    return build({ from: 'alice', to: ['bob'], amount: ['12.50CRD'], keystore, rpc, ...extra })
  }

  sign(file: string, extra: Partial<SignOptions> = {}): Promise<CommandResult> {
    return sign({ genesis: this.genesis, keystore: this.wallet.keystore, ...extra }, file)
  }

  decode(file: string): Promise<CommandResult> {
    return decode({ genesis: this.genesis, keystore: this.wallet.keystore }, file)
  }

  /** Path of a file with an unsigned payment. */
  async unsigned(extra: Partial<BuildOptions> = {}): Promise<string> {
    return this.file('unsigned', `${(await this.build(extra)).text}\n`)
  }

  async signed(): Promise<string> {
    return this.file('signed', `${(await this.sign(await this.unsigned())).text}\n`)
  }

  /** Path of a file with an unsigned payment that `change` was done to, whatever the ledger says to it. */
  async changed(change: (transaction: Transaction) => Transaction): Promise<string> {
    const { transaction } = decodeTransaction(fromHex((await this.build()).text))
    return this.file('changed', toHex(encodeTransaction(change(transaction))))
  }

  [Symbol.dispose](): void {
    this.wallet[Symbol.dispose]()
  }
}

function data(result: CommandResult): Data {
  return result.data as Data
}

function rejectsWith(code: ErrorCode, promise: Promise<unknown>, about?: string): Promise<void> {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof CordonError, String(error))
    assert.equal(error.code, code, about ?? error.message)
    return true
  })
}

function transactionOf(result: CommandResult): Transaction {
  return decodeTransaction(fromHex(data(result).tx)).transaction
}

suite('tx build', () => {
  test('offline it takes chain, fee and validity from genesis', async () => {
    using cold = await ColdSigner.create()
    const beforeMs = Date.now()
    const result = await cold.build({ memo: ['lunch'] })
    const { chain, sender, sequence, validUntilMs, fee, actions, auth } = transactionOf(result)
    assert.equal(result.text, data(result).tx, 'one line of hex and nothing else')
    assert.deepEqual(Buffer.from(chain), Buffer.from(chainIdOf(genesisHash(makeGenesis()))))
    assert.deepEqual(Buffer.from(sender), Buffer.from(key('alice').publicKey))
    assert.deepEqual([sequence, fee, auth], [0n, 1_000n, []])
    assert.ok(
      validUntilMs >= beforeMs + WALLET_VALIDITY_MS && validUntilMs <= Date.now() + WALLET_VALIDITY_MS,
    )
    const [action] = actions
    assert.ok(action?.type === 'transfer' && action.amount === 12_500_000n)
    assert.equal(Buffer.from(action.memo).toString(), 'lunch')
    assert.deepEqual(
      data(result).signatures.map(({ state }) => state),
      ['missing'],
    )
  })

  test('a node gives the chain, its time, and the next sequence', async () => {
    using cold = await ColdSigner.create()
    await using node = await WalletNode.start(() => 'settled')
    node.executedTimeMs = Date.now() + HOUR_MS
    node.sequence = 6n
    const unordered = transactionOf(await cold.buildAt(node))
    assert.equal(toHex(unordered.chain), 'c0'.repeat(8))
    assert.equal(unordered.validUntilMs, node.executedTimeMs + WALLET_VALIDITY_MS)
    const ordered = await cold.buildAt(node, { sequence: 'next' })
    assert.equal(transactionOf(ordered).sequence, 7n)
    await rejectsWith('usage', cold.build({ sequence: 'next' }), 'genesis knows no sequence')
  })

  test('several payees are actions of one transaction, each with its amount and memo', async () => {
    using cold = await ColdSigner.create()
    const bob = readAddress(cold, 'bob')
    const result = await cold.build({ to: ['bob', bob], amount: ['1CRD', '2uCRD'], memo: ['', 'two'] })
    assert.deepEqual(data(result).actions, [
      { type: 'transfer', to: bob, amount: '1000000', memo: '' },
      { type: 'transfer', to: bob, amount: '2', memo: 'two' },
    ])
    assert.equal(data(result).fee, '2000')
  })

  test('an unordered one lives ten minutes at most, an ordered one as long as it is told', async () => {
    using cold = await ColdSigner.create()
    const most = LIMITS.unorderedValidityMs
    await cold.build({ validFor: most })
    await rejectsWith('tx-validity-too-far', cold.build({ validFor: most + 1 }))
    const beforeMs = Date.now()
    const result = await cold.build({ validFor: 24 * HOUR_MS * 365, sequence: 3n })
    assert.equal(data(result).sequence, '3')
    assert.ok(data(result).validUntilMs >= beforeMs + 24 * HOUR_MS * 365)
    await rejectsWith('usage', cold.build({ validFor: 2 ** 48, sequence: 3n }), 'no room in the encoding')
  })

  test('what the ledger would refuse is refused here', async () => {
    using cold = await ColdSigner.create()
    const many = Array.from({ length: LIMITS.actionsPerTx + 1 }, () => 'bob')
    for (const [change, code] of [
      [{ fee: '999uCRD' }, 'tx-fee-too-low'],
      [{ fee: '1000' }, 'amount-invalid'],
      [{ amount: ['0CRD'] }, 'amount-invalid'],
      [{ amount: ['1CRD', '2CRD'] }, 'usage'],
      [{ to: ['bob', 'bob'] }, 'usage'],
      [{ memo: ['a', 'b'] }, 'usage'],
      [{ memo: ['x'.repeat(LIMITS.memoBytes + 1)] }, 'usage'],
      [{ to: ['alice'] }, 'usage'],
      [{ to: ['nobody'] }, 'address-invalid'],
      [{ from: 'nobody' }, 'address-invalid'],
      [{ to: many, amount: many.map(() => '1CRD') }, 'usage'],
      [{ genesis: '/nonexistent' }, 'genesis-invalid'],
    ] as const) {
      await rejectsWith(code, cold.build(change), JSON.stringify(change).slice(0, 80))
    }
  })

  test('the payer may be an address without a key here', async () => {
    using cold = await ColdSigner.create()
    const address = readAddress(cold, 'alice')
    const watching = { from: address, to: [readAddress(cold, 'bob')], keystore: cold.path('none') }
    assert.equal(data(await cold.build(watching)).from, address)
  })
})

function readAddress({ wallet }: ColdSigner, name: string): string {
  return (JSON.parse(readFileSync(join(wallet.keystore, `${name}.json`), 'utf8')) as { address: string })
    .address
}

suite('tx sign', () => {
  test('the signature of the payer is added, and the id stays', async () => {
    using cold = await ColdSigner.create()
    const unsigned = await cold.unsigned()
    const result = await cold.sign(unsigned)
    const { id, transaction } = decodeTransaction(fromHex(result.text))
    assert.equal(toHex(id), (await hash({}, unsigned)).text)
    assert.ok(verifyFast(transaction.auth[0]!.signature, id, key('alice').publicKey))
    assert.deepEqual(data(result).signatures, [{ account: readAddress(cold, 'alice'), state: 'valid' }])
  })

  test('a transaction of another chain is refused', async () => {
    using cold = await ColdSigner.create()
    const other: Genesis = makeGenesis(8)
    const genesis = cold.file('other.json', serialiseGenesis(other))
    await rejectsWith('tx-wrong-chain', cold.sign(await cold.unsigned(), { genesis }))
  })

  test('a signed one, another key and a missing key are refused', async () => {
    using cold = await ColdSigner.create()
    await rejectsWith('tx-signature', cold.sign(await cold.signed()))
    const unsigned = await cold.unsigned()
    await rejectsWith('tx-signature', cold.sign(unsigned, { from: 'bob' }))
    await rejectsWith('key-unknown', cold.sign(unsigned, { from: 'carol' }))
    const noKeys = { keystore: cold.path('none') }
    await rejectsWith('key-unknown', cold.sign(unsigned, noKeys))
  })

  test('what nodes would refuse as it stands is not signed', async () => {
    using cold = await ColdSigner.create()
    const cheap = await cold.changed((transaction) => ({ ...transaction, fee: 1n }))
    await rejectsWith('tx-fee-too-low', cold.sign(cheap))
  })

  test("a validity that is over by this machine's clock is said, and signed all the same", async (t) => {
    using cold = await ColdSigner.create()
    const late = await cold.changed((transaction) => ({ ...transaction, validUntilMs: 1_000 }))
    const told: string[] = []
    t.mock.method(process.stderr, 'write', (text: string) => told.push(text) > 0)
    assert.equal(data(await cold.sign(late)).signatures[0]?.state, 'valid')
    assert.match(told.join(''), /past its validity/)
  })

  test('without --genesis and without a devnet nobody guesses the chain', async () => {
    using cold = await ColdSigner.create()
    const file = await cold.unsigned()
    await rejectsWith('usage', sign({ keystore: cold.wallet.keystore }, file))
    await rejectsWith('devnet-missing', sign({ keystore: cold.wallet.keystore, dir: cold.path('x') }, file))
  })

  test('a terminal shows what is to be signed before it asks for the password', async (t) => {
    using cold = await ColdSigner.create()
    const file = await cold.unsigned({ memo: ['\u001b[2Jlunch'] })
    const keystore = cold.path('asking')
    const told: string[] = []
    t.mock.method(process.stderr, 'write', (text: string) => told.push(text) > 0)
    mkdirSync(keystore) // without its file `password`
    copyFileSync(join(cold.wallet.keystore, 'alice.json'), join(keystore, 'alice.json'))
    const terminal = {
      canAsk: true,
      secret: (question: string): Promise<string> => {
        assert.match(told.join(''), /12\.50CRD \(12500000uCRD\) to dcdn1/)
        assert.ok(!told.join('').includes('\u001b'), "control characters of somebody else's text")
        assert.match(question, /alice/)
        return Promise.resolve('light')
      },
      confirm: (): Promise<boolean> => assert.fail('a password is the answer'),
      line: (): Promise<string> => assert.fail('a password is the answer'),
    }
    const result = await sign({ genesis: cold.genesis, keystore }, file, terminal)
    assert.equal(data(result).signatures[0]?.state, 'valid')
  })
})

suite('tx decode and hash', () => {
  test('a signed payment is shown with names, both units, times and the state of its signature', async () => {
    using cold = await ColdSigner.create()
    const result = await cold.decode(await cold.signed())
    assert.deepEqual([data(result).isOfChain, data(result).problem], [true, null])
    assert.match(result.text, /12\.50CRD \(12500000uCRD\) to bob \(dcdn1/)
    assert.match(result.text, /0\.001CRD \(1000uCRD\)/)
    assert.match(result.text, /20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ UTC \(in \d/)
    assert.match(result.text, /of alice \(dcdn1[a-z0-9]+\): valid/)
  })

  test('missing, wrong and surplus signatures are told apart, and what a node would say', async () => {
    using cold = await ColdSigner.create()
    const states = async (file: string): Promise<unknown[]> => {
      const { signatures, problem } = data(await cold.decode(file))
      return [signatures.map(({ state }) => state), problem?.code]
    }
    assert.deepEqual(await states(await cold.unsigned()), [['missing'], 'tx-signature'])
    const wrong = { key: key('alice').publicKey, signature: new Uint8Array(64) }
    const forged = await cold.changed((transaction) => ({ ...transaction, auth: [wrong] }))
    assert.deepEqual(await states(forged), [['invalid'], 'tx-signature'])
    const stranger = { ...wrong, key: key('bob').publicKey }
    const surplus = await cold.changed((transaction) => ({ ...transaction, auth: [stranger] }))
    assert.deepEqual(await states(surplus), [['missing', 'not-required'], 'tx-signature'])
  })

  test('another chain, a validity that is over and every kind of action are readable', async () => {
    using cold = await ColdSigner.create()
    const hold = new Uint8Array(32).fill(9)
    const file = await cold.changed((transaction) => ({
      ...transaction,
      chain: new Uint8Array(8).fill(1),
      validUntilMs: 1_000,
      sequence: 5n,
      actions: [
        { type: 'hold.recall', hold },
        { type: 'hold.review', hold, side: 'release' },
        { type: 'hold.confirm', hold },
        { type: 'account.guardian', guardian: key('bob').publicKey },
        { type: 'account.guardian', guardian: null },
        { type: 'evidence', evidence: hold },
      ],
    }))
    const result = await cold.decode(file)
    const hex = toHex(hold)
    assert.deepEqual(data(result).actions, [
      { type: 'hold.recall', hold: hex },
      { type: 'hold.review', hold: hex, side: 'release' },
      { type: 'hold.confirm', hold: hex },
      { type: 'account.guardian', guardian: readAddress(cold, 'bob') },
      { type: 'account.guardian', guardian: null },
      { type: 'evidence', evidence: hex },
    ])
    assert.deepEqual([data(result).isOfChain, data(result).problem?.code], [false, 'tx-wrong-chain'])
    assert.match(result.text, /NOT that of the genesis/)
    assert.match(result.text, /1970-01-01 .* ago/)
    assert.match(result.text, /right after 4/)
  })

  test('what is no transaction is refused with what was expected', async () => {
    using cold = await ColdSigner.create()
    const signed = readFileSync(await cold.signed(), 'utf8').trim()
    for (const [name, text, code] of [
      ['empty', '', 'tx-malformed'],
      ['words', 'pay bob\n', 'tx-malformed'],
      ['half a byte', signed.slice(1), 'tx-malformed'],
      ['cut', signed.slice(2), 'tx-version'],
      ['shorter', signed.slice(0, -2), 'tx-malformed'],
      ['two lines', `${signed}\n${signed}\n`, 'tx-malformed'],
      ['too long', 'ab'.repeat(LIMITS.txBytes + 4), 'usage'],
    ] as const) {
      await rejectsWith(code, hash({}, cold.file('bad', text)), name)
    }
    await rejectsWith('usage', hash({}, cold.path('nothing')))
    assert.equal(
      (await hash({}, cold.file('upper', `  ${signed.toUpperCase()}\r\n`))).text,
      (await hash({}, cold.file('lower', signed))).text,
    )
  })
})

suite('tx send', () => {
  const options = (cold: ColdSigner, node: WalletNode): Parameters<typeof send>[0] => ({
    rpc: node.rpc,
    keystore: cold.wallet.keystore,
    wait: 'final',
    timeout: 5_000,
    json: true,
  })

  test('the outcomes and exits are those of wallet send, and the same bytes again the same payment', async () => {
    using cold = await ColdSigner.create()
    const file = await cold.signed()
    for (const [status, exit] of [
      ['settled', 0],
      ['held', 6],
      ['failed', 5],
      ['expired', 5],
    ] as const) {
      await using node = await WalletNode.start(() => status)
      const result = await send(options(cold, node), file)
      assert.deepEqual(Object.keys(result.data), ['txId', 'status', 'height', 'latencyMs', 'holds', 'fee'])
      assert.deepEqual([(result.data as { status: string }).status, result.exit], [status, exit])
      await send(options(cold, node), file)
      assert.deepEqual(new Set(node.submitted), new Set([readFileSync(file, 'utf8').trim()]))
    }
  })

  test('when the time is up the outcome is unknown; accepted and none do not wait', async () => {
    using cold = await ColdSigner.create()
    const file = await cold.signed()
    await using silent = await WalletNode.start(() => 'silence')
    await rejectsWith('outcome-unknown', send({ ...options(cold, silent), timeout: 30 }, file))
    await using node = await WalletNode.start(() => 'pending')
    for (const [wait, status] of [
      ['accepted', 'accepted'],
      ['none', 'sent'],
    ] as const) {
      const result = await send({ ...options(cold, node), wait }, file)
      assert.deepEqual([(result.data as { status: string }).status, result.exit], [status, 0])
    }
    assert.equal(node.submitted.length, 2)
  })

  test('an unsigned one is refused before a node is asked, a refusal of the node is passed on', async () => {
    using cold = await ColdSigner.create()
    await using node = await WalletNode.start(() => ({ refuse: 'tx-sequence' }))
    await rejectsWith('tx-signature', send(options(cold, node), await cold.unsigned()))
    assert.deepEqual(node.node.requests, [])
    await rejectsWith('tx-sequence', send(options(cold, node), await cold.signed()))
  })
})

suite('tx on a command line', { concurrency: 2 }, () => {
  const payment = ['--from', 'alice', '--to', 'bob', '--amount', '12.50CRD']

  test('build, sign, decode and hash go through pipes', async () => {
    using cold = await ColdSigner.create()
    using home = new Home()
    const env = { CORDON_KEYSTORE: cold.wallet.keystore, CORDON_GENESIS: cold.genesis }
    const run = async (args: readonly string[], input = ''): Promise<string> => {
      const { code, stdout, stderr } = await home.run(['tx', ...args], { input, env })
      assert.deepEqual([code, stderr], [0, ''], stdout)
      return stdout
    }
    const unsigned = await run(['build', ...payment, '--sequence', '7', '--valid-for', '7d'])
    assert.match(unsigned, /^[0-9a-f]+\n$/)
    const signed = await run(['sign'], unsigned)
    assert.match(signed, /^[0-9a-f]+\n$/)
    const decoded = JSON.parse(await run(['decode', '-', '--json'], signed)) as { data: Data }
    assert.equal(decoded.data.signatures[0]?.state, 'valid')
    assert.equal(decoded.data.sequence, '7')
    assert.equal(await run(['hash'], unsigned), await run(['hash'], signed))
  })

  test('--out makes a private file, once', async () => {
    using cold = await ColdSigner.create()
    using home = new Home()
    const out = cold.path('out')
    const args = ['tx', 'build', ...payment, '--genesis', cold.genesis, '--keystore', cold.wallet.keystore]
    const made = await home.run([...args, '--out', out, '--json'])
    assert.deepEqual([made.code, made.envelope.data?.file], [0, out])
    assert.equal(readFileSync(out, 'utf8'), `${String(made.envelope.data?.tx)}\n`)
    assert.equal(statSync(out).mode & 0o777, 0o600)
    const again = await home.run([...args, '--out', out, '--json'])
    assert.deepEqual([again.code, again.envelope.error?.code], [2, 'usage'])
  })

  test('bad flags exit 2, and one pipe cannot give two things', async () => {
    using cold = await ColdSigner.create()
    using home = new Home()
    for (const args of [
      ['build', ...payment, '--sequence', '0'],
      ['build', ...payment, '--sequence', String(2n ** 64n)],
      ['build', ...payment, '--valid-for', '5'],
      ['build', '--from', 'alice', '--to', 'bob'],
      ['sign', '--genesis', cold.genesis, '--password-stdin'],
      ['send', '--wait', 'long'],
    ]) {
      const run = await home.run(['tx', ...args, '--json'], { input: 'x\n' })
      assert.deepEqual([run.code, run.envelope.error?.code], [2, 'usage'], args.join(' '))
    }
    assert.ok(!existsSync(join(home.path, '.cordon')))
  })
})
