import assert from 'node:assert/strict'
import { createHmac, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import { toHex } from '../../crypto/bytes.ts'
import { newMnemonic, seedOfMnemonic } from '../../crypto/mnemonic.ts'

/** 256 zero bits. */
const ZERO = `${'abandon '.repeat(23)}art`

/** BIP-39 and SLIP-0010 written out with node:crypto, as an oracle. */
function expectedSeed(words: string, path: readonly number[]): string {
  let node = createHmac('sha512', 'ed25519 seed')
    .update(pbkdf2Sync(words, 'mnemonic', 2048, 64, 'sha512'))
    .digest()
  for (const index of path) {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(index + 0x8000_0000)
    node = createHmac('sha512', node.subarray(32))
      .update(Buffer.concat([Buffer.of(0), node.subarray(0, 32), number]))
      .digest()
  }
  return node.subarray(0, 32).toString('hex')
}

test('new mnemonics have 24 words and differ', () => {
  const one = newMnemonic()
  assert.equal(one.split(' ').length, 24)
  assert.notEqual(one, newMnemonic())
  assert.equal(seedOfMnemonic(one).length, 32)
})

test("seeds follow m/44'/4411972'/account'", () => {
  for (const account of [0, 1, 2 ** 31 - 1]) {
    assert.equal(toHex(seedOfMnemonic(ZERO, account)), expectedSeed(ZERO, [44, 4_411_972, account]))
  }
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
