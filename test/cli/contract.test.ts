/** What scripts rely on: exit codes, envelopes, streams, and where secrets may come from. */
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { encodePortableReceipt } from '../../client/receipt.ts'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { readKeyFile } from '../../crypto/key-file.ts'
import { makeGenesis, makeParts } from '../client/receipt-chain.ts'
import { Home } from './cordon.ts'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const NOBODY = 'http://127.0.0.1:9'

suite('command line', { concurrency: 2 }, () => {
  test('--version prints the version', async () => {
    using home = new Home()
    const run = await home.run(['--version'])
    assert.deepEqual([run.code, run.stdout, run.stderr], [0, `${manifest.version}\n`, ''])
  })

  for (const [what, args] of [
    ['an unknown command', ['frobnicate']],
    ['a missing option', ['wallet', 'send', '--from', 'alice']],
    ['an unknown option', ['status', '--frob']],
    ['a surplus argument', ['status', 'now']],
    ['a missing argument', ['tx', 'get']],
    ['an id that is none', ['tx', 'get', '12ab']],
    ['a time without unit', ['tx', 'wait', '00'.repeat(32), '--timeout', '10']],
    ['a height that is none', ['block', 'get', 'top']],
    [
      'a choice that is none',
      ['wallet', 'send', '--from', 'a', '--to', 'b', '--amount', '1CRD', '--wait', 'long'],
    ],
    ['a missing subcommand', ['wallet']],
  ] as const) {
    test(`${what} exits 2 with an envelope on stdout with --json`, async () => {
      using home = new Home()
      const run = await home.run([...args, '--json'])
      assert.equal(run.code, 2)
      assert.equal(run.stderr, '')
      assert.equal(run.envelope.v, 1)
      assert.equal(run.envelope.ok, false)
      assert.equal(run.envelope.error?.code, 'usage')
    })
  }

  test('without --json a wrong command line is one sentence on stderr, and stdout stays empty', async () => {
    using home = new Home()
    const run = await home.run(['tx', 'get', '12ab'])
    assert.deepEqual([run.code, run.stdout], [2, ''])
    assert.match(run.stderr, /^cordon: .*64 hex digits.*\n$/)
  })

  test('help goes to stdout and exits 0', async () => {
    using home = new Home()
    for (const args of [['--help'], ['help', 'wallet'], ['wallet', 'send', '--help']]) {
      const run = await home.run(args)
      assert.equal(run.code, 0)
      assert.match(run.stdout, /Usage: cordon/)
      assert.equal(run.stderr, '')
    }
  })

  test('without a node a client exits 3', async () => {
    using home = new Home()
    for (const args of [['status', '--rpc', NOBODY], ['status'], ['status', '--dir', 'nowhere']]) {
      const run = await home.run([...args, '--json'])
      assert.equal(run.code, 3, run.stdout)
      assert.equal(run.envelope.ok, false)
      assert.match(run.envelope.error?.code ?? '', /^(cannot-connect|devnet-missing)$/)
    }
  })

  test('CORDON_RPC stands in for --rpc, and --rpc wins', async () => {
    using home = new Home()
    const byVariable = await home.run(['status', '--json'], { env: { CORDON_RPC: NOBODY } })
    assert.ok(byVariable.envelope.error?.message.includes(NOBODY))
    const byFlag = await home.run(['status', '--json', '--rpc', 'http://127.0.0.1:7'], {
      env: { CORDON_RPC: NOBODY },
    })
    assert.ok(byFlag.envelope.error?.message.includes('http://127.0.0.1:7'))
    assert.ok(!byFlag.stdout.includes(NOBODY))
  })

  test('CORDON_JSON switches envelopes on, and 0 does not', async () => {
    using home = new Home()
    assert.equal(
      (await home.run(['status', '--rpc', NOBODY], { env: { CORDON_JSON: '1' } })).envelope.ok,
      false,
    )
    assert.equal((await home.run(['frobnicate'], { env: { CORDON_JSON: '1' } })).envelope.ok, false)
    assert.equal((await home.run(['status', '--rpc', NOBODY], { env: { CORDON_JSON: '0' } })).stdout, '')
  })

  test('an unknown CORDON_ variable warns on stderr and changes nothing else', async () => {
    using home = new Home()
    const run = await home.run(['wallet', 'list', '--json'], { env: { CORDON_SERVICE_HOST: '10.0.0.1' } })
    assert.equal(run.code, 0)
    assert.equal(run.envelope.ok, true)
    assert.match(run.stderr, /CORDON_SERVICE_HOST/)
  })
})

suite('passwords', { concurrency: 2 }, () => {
  const create = ['wallet', 'create', 'alice', '--network', 'devnet', '--json']

  test('without a terminal and without a source a command exits 8 with a hint and makes nothing', async () => {
    using home = new Home()
    const run = await home.run(create)
    assert.equal(run.code, 8)
    assert.equal(run.envelope.error?.code, 'needs-input')
    assert.match(run.envelope.error.message, /--password-file.*--password-stdin/)
    assert.deepEqual((await home.run(['wallet', 'list', '--json'])).envelope.data?.accounts, [])
  })

  test('standard input and a file both work; the key file is private, and its name is taken', async () => {
    using home = new Home()
    const made = await home.run([...create, '--password-stdin'], { input: 'correct horse\nrest' })
    assert.equal(made.code, 0, made.stdout)
    const { name, address, words } = made.envelope.data as { name: string; address: string; words: string }
    assert.equal(name, 'alice')
    assert.match(address, /^dcdn1/)
    assert.equal(words.split(' ').length, 24)
    assert.equal(statSync(join(home.path, '.cordon', 'keystore', 'alice.json')).mode & 0o777, 0o600)
    assert.equal((await home.run(['wallet', 'address', 'alice'])).stdout, `${address}\n`)
    const again = await home.run([...create, '--password-stdin'], { input: 'other\n' })
    assert.equal(again.code, 2)
    assert.equal(again.envelope.error?.code, 'key-exists')

    writeFileSync(join(home.path, 'password'), 'battery staple\n')
    const second = await home.run(['wallet', 'create', 'bob', '--password-file', 'password', '--json'])
    assert.equal(second.code, 0, second.stdout)
    assert.match(String(second.envelope.data?.address), /^dcdn1/, 'the network of the other keys')
  })

  test('an empty password, two sources and a missing file are refused', async () => {
    using home = new Home()
    assert.equal((await home.run([...create, '--password-stdin'], { input: '\n' })).code, 8)
    assert.equal(
      (await home.run([...create, '--password-stdin', '--password-file', 'x'], { input: 'a\n' })).code,
      2,
    )
    assert.equal((await home.run([...create, '--password-file', 'missing'])).code, 2)
  })

  test('no option takes a password itself', async () => {
    using home = new Home()
    for (const args of [
      [...create, '--password', 'secret'],
      [...create, '--password-stdin', 'secret'],
      [...create, '--passphrase=secret'],
    ]) {
      const run = await home.run(args, { input: 'x\n' })
      assert.equal(run.code, 2, run.stdout)
    }
  })

  test('a network has to be known', async () => {
    using home = new Home()
    const run = await home.run(['wallet', 'create', 'alice', '--password-stdin', '--json'], { input: 'x\n' })
    assert.equal(run.code, 2)
    assert.match(run.envelope.error?.message ?? '', /--network/)
  })
})

suite('verify', { concurrency: 2 }, () => {
  function files(home: Home): { receipt: string; genesis: string } {
    const receipt = join(home.path, 'receipt.json')
    const genesis = join(home.path, 'genesis.json')
    writeFileSync(receipt, encodePortableReceipt(makeParts()))
    writeFileSync(genesis, serialiseGenesis(makeGenesis()))
    return { receipt, genesis }
  }

  test('a receipt that holds exits 0 and tells what it proves', async () => {
    using home = new Home()
    const { receipt, genesis } = files(home)
    const run = await home.run(['verify', receipt, '--genesis', genesis, '--json'])
    assert.equal(run.code, 0, run.stdout)
    const { status, height, transfers, signers } = run.envelope.data as {
      status: string
      height: number
      transfers: object[]
      signers: string[]
    }
    assert.deepEqual([status, height, signers], ['settled', 5, ['v1', 'v2', 'v4']])
    assert.equal(transfers.length, 1)
    assert.match((await home.run(['verify', receipt, '--genesis', genesis])).stdout, /valid/)
  })

  test('anything else exits 5 with the reason', async () => {
    using home = new Home()
    const { receipt, genesis } = files(home)
    const good = readFileSync(receipt)
    const flipped = Buffer.from(good)
    flipped[400]! ^= 1
    const bad = {
      flipped,
      empty: Buffer.alloc(0),
      text: Buffer.from('hello\n'),
      cut: good.subarray(0, -1),
      longer: Buffer.concat([good, Buffer.from('\n')]),
      binary: Buffer.from([0xff, 0xfe]),
    }
    for (const [name, bytes] of Object.entries(bad)) {
      const path = join(home.path, name)
      writeFileSync(path, bytes)
      const run = await home.run(['verify', path, '--genesis', genesis, '--json'])
      assert.equal(run.code, 5, name)
      assert.equal(run.envelope.error?.code, 'receipt-invalid', name)
      assert.ok(run.envelope.error.message.length > 10)
    }
  })

  test('a missing receipt exits 2, a genesis that cannot be used 78', async () => {
    using home = new Home()
    const { receipt, genesis } = files(home)
    assert.equal(
      (await home.run(['verify', 'nothing', '--genesis', genesis, '--json'])).envelope.error?.code,
      'usage',
    )
    assert.equal((await home.run(['verify', receipt, '--genesis', 'nothing', '--json'])).code, 78)
    assert.equal((await home.run(['verify', receipt, '--genesis', receipt, '--json'])).code, 78)
  })
})

suite('init', { concurrency: 2 }, () => {
  test('makes a directory that is complete, once', async () => {
    using home = new Home()
    writeFileSync(join(home.path, 'genesis.json'), serialiseGenesis(makeGenesis()))
    const args = ['init', '--dir', 'node', '--genesis', 'genesis.json', '--json']
    const run = await home.run([...args, '--validator-key'])
    assert.equal(run.code, 0, run.stdout)
    assert.match(run.stderr, /not in the genesis file/)
    const key = readKeyFile(join(home.path, 'node', 'signer', 'validator-key.json'), 'validator')
    assert.equal(run.envelope.data?.validatorKey, Buffer.from(key.publicKey).toString('hex'))
    assert.match(
      readFileSync(join(home.path, 'node', 'config', 'cordon.toml'), 'utf8'),
      /^validator_key = "signer\/validator-key.json"$/m,
    )
    const again = await home.run(args)
    assert.equal(again.code, 2)
    assert.match(again.envelope.error?.message ?? '', /already/)
  })

  test('start in a directory without a node exits 78', async () => {
    using home = new Home()
    assert.equal((await home.run(['start', '--dir', 'empty'])).code, 78)
  })
})
