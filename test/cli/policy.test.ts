/** The policy for payment requests: what its file may say, and what is wrong with others. */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { examplePolicy, parsePolicy, readPolicy } from '../../cli/requests/policy.ts'
import { add } from '../../cli/wallet/contacts.ts'
import { LIMITS } from '../../config/limits.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { key } from '../client/receipt-chain.ts'
import { AskedWallet } from './requests.ts'

const CAROL = encodeAddress('dcdn', key('carol').publicKey)

const GOOD: Readonly<Record<string, string>> = {
  version: '1',
  payer: '"alice"',
  payees: '["bob"]',
  max_payment: '"50CRD"',
  max_day: '"100CRD"',
  max_total: '"500CRD"',
  expiry: '"1h"',
  max_open: '5',
}

function textOf(change: Readonly<Record<string, string | null>>): string {
  return Object.entries({ ...GOOD, ...change })
    .flatMap(([name, value]) => (value === null ? [] : [`${name} = ${value}`]))
    .join('\n')
}

suite('the file', () => {
  test('the example is one, with every key explained', () => {
    const { expiryMs, maxOpen, maxTotalUnits } = parsePolicy(examplePolicy(), 'example')
    assert.deepEqual([expiryMs, maxOpen, maxTotalUnits], [86_400_000, 5, 500_000_000n])
    for (const name of Object.keys(GOOD).slice(1))
      assert.match(examplePolicy(), new RegExp(`# .+\\n${name} = `))
  })

  test('every key has to be there, and no other', () => {
    for (const name of Object.keys(GOOD).slice(1))
      assert.throws(() => parsePolicy(textOf({ [name]: null }), 'p'), {
        code: 'policy-invalid',
        message: new RegExp(`p: ${name}: expected .*, got nothing`),
      })
    assert.throws(() => parsePolicy(textOf({ max_week: '"1CRD"' }), 'p'), { code: 'policy-invalid' })
    assert.throws(() => parsePolicy(textOf({ version: '2' }), 'p'), { code: 'format-version' })
    assert.throws(() => parsePolicy('payer = ', 'p'), { code: 'policy-invalid', message: /line 1/ })
  })

  test('a limit without unit, out of range or of another kind is refused', () => {
    for (const [name, value] of [
      ['max_payment', '50'],
      ['max_payment', '"50"'],
      ['max_day', '"-1CRD"'],
      ['expiry', '"30s"'],
      ['expiry', '"31d"'],
      ['expiry', '3600'],
      ['max_open', '0'],
      ['max_open', '2.5'],
      ['max_open', String(LIMITS.openPaymentRequests + 1)],
      ['payees', '"everybody"'],
      ['payees', '[]'],
      ['payees', '["bob", 7]'],
      ['payer', '""'],
    ] as const)
      assert.throws(() => parsePolicy(textOf({ [name]: value }), 'p'), { code: 'policy-invalid' }, value)
  })
})

suite('in a wallet', () => {
  test('names become addresses; contacts are the address book and not the own keys', async () => {
    using asked = await AskedWallet.create()
    const { payer, payees } = readPolicy(asked.policyFile, asked.paths)
    assert.deepEqual([payer, [...payees]], [asked.addressOf('alice'), [asked.addressOf('bob')]])
    asked.writePolicy({ payees: '"contacts"' })
    assert.deepEqual([...readPolicy(asked.policyFile, asked.paths).payees], [])
    await add({ keystore: asked.wallet.keystore }, 'landlord', CAROL)
    assert.deepEqual([...readPolicy(asked.policyFile, asked.paths).payees], [CAROL])
  })

  test('a name that nobody has, a file that everybody may write, a long one and none are refused', async () => {
    using asked = await AskedWallet.create({ payees: '["nobody"]' })
    const read = (): unknown => readPolicy(asked.policyFile, asked.paths)
    assert.throws(read, { code: 'policy-invalid', message: /"nobody" is no address/ })
    asked.writePolicy()
    chmodSync(asked.policyFile, 0o606)
    assert.throws(read, { code: 'policy-invalid', message: /chmod o-w/ })
    asked.writePolicy()
    writeFileSync(asked.policyFile, '#'.repeat(LIMITS.policyBytes + 1))
    assert.throws(read, { code: 'policy-invalid', message: /bytes/ })
    assert.throws(() => readPolicy('nowhere', asked.paths), {
      code: 'policy-invalid',
      message: /cordon mcp policy/,
    })
  })

  test('another text is another policy', async () => {
    using asked = await AskedWallet.create()
    const before = readPolicy(asked.policyFile, asked.paths).digest
    asked.writePolicy({ max_day: '101CRD' })
    assert.notEqual(readPolicy(asked.policyFile, asked.paths).digest, before)
  })
})
