/** `wallet export` and `wallet import`: keys change machines sealed, or as words that no command line shows. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { exportTo, importInto, type ImportOptions } from '../../cli/wallet/backup.ts'
import type { Terminal } from '../../cli/input.ts'
import { seedOfMnemonic } from '../../crypto/mnemonic.ts'
import { openKey } from '../../crypto/keystore.ts'
import { Home } from './cordon.ts'
import { Wallet } from './wallet-node.ts'

const WORDS = `${'abandon '.repeat(23)}art`

/** Answers in turn, and fails if it is asked once more. */
function answering(...answers: string[]): Terminal {
  return {
    canAsk: true,
    secret: () => Promise.resolve(answers.shift() ?? assert.fail('asked too often')),
    confirm: () => assert.fail('nothing to confirm'),
    line: () => assert.fail('nothing but a secret is asked for'),
  }
}

suite('export', () => {
  test('the file is the key file, private, and opens after an import', async () => {
    using wallet = await Wallet.create()
    const out = join(wallet.directory, 'backup')
    const { data } = await exportTo({ out, keystore: wallet.keystore }, 'alice')
    assert.equal(readFileSync(out, 'utf8'), readFileSync(join(wallet.keystore, 'alice.json'), 'utf8'))
    assert.equal(statSync(out).mode & 0o777, 0o600)

    const keystore = join(wallet.directory, 'other')
    const imported = await importInto({ keystore, file: out }, 'alice')
    assert.equal((imported.data as { address: string }).address, (data as { address: string }).address)
    assert.equal((await openKey(keystore, 'alice', 'light')).name, 'alice')
  })

  test('neither a file nor a key is ever overwritten', async () => {
    using wallet = await Wallet.create()
    const { keystore } = wallet
    const out = join(wallet.directory, 'backup')
    await exportTo({ out, keystore }, 'alice')
    await assert.rejects(exportTo({ out, keystore }, 'bob'), { code: 'usage' })
    await assert.rejects(importInto({ keystore, file: out }, 'alice'), { code: 'key-exists' })
    await assert.rejects(exportTo({ out, keystore }, 'carol'), { code: 'key-unknown' })
    await assert.rejects(
      importInto({ keystore, file: out }, 'carol'),
      { code: 'usage' },
      'the name is sealed',
    )
    assert.ok(!existsSync(join(keystore, 'carol.json')))
  })
})

suite('import', () => {
  const options = (wallet: Wallet): ImportOptions => ({
    keystore: join(wallet.directory, 'fresh'),
    network: 'testnet',
  })

  test('words typed on a terminal make the key, under a new password typed twice', async () => {
    using wallet = await Wallet.create()
    const { keystore = '' } = options(wallet)
    const { data } = await importInto(options(wallet), 'mine', answering(WORDS.toUpperCase(), 'pass', 'pass'))
    const opened = await openKey(keystore, 'mine', 'pass')
    assert.deepEqual(Uint8Array.from(opened.seed), Uint8Array.from(seedOfMnemonic(WORDS)))
    assert.deepEqual(data, { name: 'mine', address: opened.address })
    assert.match(opened.address, /^tcdn1/)
  })

  test('wrong words, an unknown network and a taken name are found before a password is asked for', async () => {
    using wallet = await Wallet.create()
    const wrong = WORDS.replace('art', 'abandon')
    await assert.rejects(importInto(options(wallet), 'mine', answering(wrong)), { code: 'mnemonic-invalid' })
    const nowhere = { keystore: join(wallet.directory, 'fresh') }
    await assert.rejects(importInto(nowhere, 'mine', answering()), { code: 'usage' })
    const taken = importInto({ keystore: wallet.keystore }, 'alice', answering())
    await assert.rejects(taken, { code: 'key-exists' })
    await assert.rejects(importInto(options(wallet), 'Mine', answering()), { code: 'usage' })
    await assert.rejects(importInto(options(wallet), 'mine', answering(WORDS, 'a', 'b')), {
      code: 'needs-input',
    })
    const brokenOff = { ...answering(), secret: () => Promise.reject(new Error('closed')) }
    await assert.rejects(importInto(options(wallet), 'mine', brokenOff), { code: 'needs-input' })
    assert.ok(!existsSync(join(wallet.directory, 'fresh', 'mine.json')))
  })

  test('a file that is no key, cut or too long is refused', async () => {
    using wallet = await Wallet.create()
    const file = join(wallet.directory, 'bad')
    const good = readFileSync(join(wallet.keystore, 'alice.json'), 'utf8')
    for (const [text, code] of [
      ['', 'keystore-invalid'],
      ['{}', 'keystore-invalid'],
      [good.slice(0, -20), 'keystore-invalid'],
      [good.replace('keystore/1', 'keystore/9'), 'format-version'],
      [' '.repeat(70_000), 'usage'],
    ] as const) {
      writeFileSync(file, text)
      await assert.rejects(importInto({ ...options(wallet), file }, 'alice'), { code }, text.slice(0, 20))
    }
    await assert.rejects(importInto({ ...options(wallet), file: `${file}2` }, 'alice'), { code: 'usage' })
  })
})

suite('import on a command line', { concurrency: 2 }, () => {
  const args = ['wallet', 'import', 'mine', '--network', 'devnet', '--json']

  test('words come through a pipe, over one line or many, and are never printed', async () => {
    using home = new Home()
    writeFileSync(join(home.path, 'password'), 'pass\n')
    const input = `${WORDS.replaceAll(' ', '\n')}\n`
    const run = await home.run([...args, '--words-stdin', '--password-file', 'password'], { input })
    assert.equal(run.code, 0, run.stdout)
    assert.match(String(run.envelope.data?.address), /^dcdn1/)
    assert.ok(!`${run.stdout}${run.stderr}`.includes('abandon'))
    assert.equal(statSync(join(home.path, '.cordon', 'keystore', 'mine.json')).mode & 0o777, 0o600)
  })

  test('without a terminal and without a source it exits 8; one pipe gives one thing; no argument takes words', async () => {
    using home = new Home()
    const run = await home.run(args)
    assert.deepEqual([run.code, run.envelope.error?.code], [8, 'needs-input'])
    assert.match(run.envelope.error?.message ?? '', /--words-stdin/)
    for (const more of [
      ['--words-stdin', '--password-stdin'],
      ['--words-stdin', '--file', 'x'],
      ['--words', WORDS],
      ['--words-stdin', WORDS],
    ]) {
      const refused = await home.run([...args, ...more], { input: `${WORDS}\n` })
      assert.equal(refused.code, 2, more.join(' '))
    }
  })
})
