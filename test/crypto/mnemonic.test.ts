import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mnemonicToSeedSync } from '@scure/bip39'
import { HDKey } from 'micro-key-producer/slip10.js'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import {
  deriveSeed,
  mnemonicOfEntropy,
  newMnemonic,
  seedOfMnemonic,
  seedsOfMnemonic,
} from '../../crypto/mnemonic.ts'

/** 256 zero bits. */
const ZERO = `${'abandon '.repeat(23)}art`

/** Another implementation, as an oracle. */
function expectedSeed(words: string, account: number): string {
  const master = HDKey.fromMasterSeed(mnemonicToSeedSync(words))
  return toHex(master.derive(`m/44'/4411972'/${account}'`).privateKey)
}

test('new mnemonics have 24 words and differ', () => {
  const one = newMnemonic()
  assert.equal(one.split(' ').length, 24)
  assert.notEqual(one, newMnemonic())
  assert.equal(seedOfMnemonic(one).length, 32)
})

test("seeds follow m/44'/4411972'/account'", () => {
  for (const account of [0, 1, 2 ** 31 - 1]) {
    assert.equal(toHex(seedOfMnemonic(ZERO, account)), expectedSeed(ZERO, account))
  }
})

test('the published vectors of SLIP-0010 and BIP-39 hold', () => {
  const master = fromHex('000102030405060708090a0b0c0d0e0f', 16)
  const vectors: [path: number[], seed: string][] = [
    [[], '2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7'],
    [[0], '68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3'],
    [[0, 1], 'b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2'],
  ]
  for (const [path, seed] of vectors) assert.equal(toHex(deriveSeed(master, path)), seed)
  assert.deepEqual(seedsOfMnemonic(ZERO, 2), [seedOfMnemonic(ZERO), seedOfMnemonic(ZERO, 1)])
  assert.equal(mnemonicOfEntropy(new Uint8Array(32)), ZERO)
  assert.throws(() => mnemonicOfEntropy(new Uint8Array(16)), /expected 32 bytes of entropy, got 16/)
})

test('case and spacing do not matter', () => {
  assert.deepEqual(seedOfMnemonic(`  ${ZERO.toUpperCase().replaceAll(' ', ' \n ')} `), seedOfMnemonic(ZERO))
})

test('each mistake has its own explanation, which never repeats the words', () => {
  const refuses = (words: string, message: RegExp): void => {
    assert.throws(() => seedOfMnemonic(words), { name: 'CordonError', code: 'mnemonic-invalid', message })
  }
  refuses('', /expected 24 words, got 1/)
  refuses('abandon '.repeat(12), /expected 24 words, got 12/)
  refuses(
    ZERO.replace('art', 'artt'),
    /^word 24 of 24 is not in the BIP-39 English list; check its spelling$/,
  )
  refuses(ZERO.replace('art', 'zoo'), /checksum is wrong/)
})

test('account indexes have a range', () => {
  for (const account of [-1, 0.5, 2 ** 31]) assert.throws(() => seedOfMnemonic(ZERO, account), RangeError)
})
