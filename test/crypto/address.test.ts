import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bech32, bech32m } from '@scure/base'
import fc from 'fast-check'
import { decodeAddress, encodeAddress, parseAddress } from '../../crypto/address.ts'

const ID = Uint8Array.from({ length: 32 }, (_, i) => i)
const DEV = encodeAddress('dcdn', ID)

const refuses = (text: string, message: RegExp): void => {
  assert.throws(() => decodeAddress('dcdn', text), { name: 'CordonError', code: 'address-invalid', message })
}

test('an address is bech32m with the prefix of its network', () => {
  assert.equal(DEV, 'dcdn1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0s6na6uy')
})

test('every id comes back, in lower and in upper case', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.constantFrom('cdn', 'tcdn', 'dcdn'),
      (id, prefix) => {
        const address = encodeAddress(prefix, id)
        assert.deepEqual(decodeAddress(prefix, address), id)
        assert.deepEqual(parseAddress(address.toUpperCase()), { prefix, id })
      },
    ),
  )
})

test('one wrong character anywhere is refused', () => {
  const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
  fc.assert(
    fc.property(
      fc.integer({ min: 'dcdn1'.length, max: DEV.length - 1 }),
      fc.constantFrom(...alphabet.split('')),
      (at, character) => {
        fc.pre(DEV[at] !== character)
        refuses(DEV.slice(0, at) + character + DEV.slice(at + 1), /wrong checksum/)
      },
    ),
  )
})

test('each mistake has its own explanation', () => {
  refuses(
    encodeAddress('cdn', ID),
    /another network: it starts with cdn1, addresses of this network with dcdn1/,
  )
  refuses(DEV.slice(0, 10) + DEV.slice(10).toUpperCase(), /mixes upper and lower case/)
  refuses(DEV.slice(0, -1), /wrong checksum/)
  refuses(`${DEV}q`, /wrong checksum/)
  refuses('', /is no address/)
  refuses('alice', /is no address/)
  refuses(DEV.replace('1', '-'), /is no address/)
  refuses(` ${DEV}`, /is no address/)
  refuses('q'.repeat(10_000), /too long/)
  refuses(bech32m.encode('dcdn', bech32m.toWords(ID.subarray(1))), /32 bytes/)
  refuses(bech32.encode('dcdn', bech32.toWords(ID)), /wrong checksum/)
})

test('an id of another length has no address', () => {
  assert.throws(() => encodeAddress('dcdn', ID.subarray(1)), RangeError)
})
