/** ledger.md, Signature rule: ZIP-215 on every node, and a fast verifier that accepts a subset of it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromHex, toHex, utf8 } from '../../crypto/bytes.ts'
import { keyPairFromSeed, sign, verify, verifyFast, verifyReference } from '../../crypto/ed25519.ts'
import { edgeCases, smallOrderEncodings, smallOrderPairs } from './ed25519-cases.ts'

const FAST_ACCEPTS = [3]
const REFERENCE_ACCEPTS = [0, 1, 2, 3, 4, 5, 9, 10, 11]

interface Vector {
  readonly number: number
  readonly kind: string
  readonly message: string
  readonly publicKey: string
  readonly signature: string
}

const VECTORS = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'vectors', 'ed25519-edge-cases.json'), 'utf8'),
) as Vector[]

test('the committed edge cases are the twelve that the construction gives', () => {
  const built = edgeCases().map(({ number, kind, message, publicKey, signature }) => ({
    number,
    kind,
    message: toHex(message),
    publicKey: toHex(publicKey),
    signature: toHex(signature),
  }))
  assert.equal(built.length, 12)
  assert.deepEqual(VECTORS, built)
})

for (const { number, kind, message, publicKey, signature } of VECTORS) {
  const fast = FAST_ACCEPTS.includes(number)
  const reference = REFERENCE_ACCEPTS.includes(number)
  test(`case ${number}, ${kind}: fast ${fast ? 'accepts' : 'refuses'}, the rule ${reference ? 'accepts' : 'refuses'}`, () => {
    const given = [fromHex(signature), fromHex(message), fromHex(publicKey)] as const
    assert.equal(verifyFast(...given), fast)
    assert.equal(verifyReference(...given), reference)
    assert.equal(verify(...given), reference)
  })
}

test('of the 196 small-order pairs of ZIP-215 the fast verifier accepts none and the rule all', () => {
  assert.equal(new Set(smallOrderEncodings().map(toHex)).size, 14)
  const pairs = smallOrderPairs()
  const message = utf8('Zcash')
  assert.equal(pairs.length, 196)
  assert.equal(pairs.filter((pair) => verifyFast(pair.signature, message, pair.publicKey)).length, 0)
  assert.equal(pairs.filter((pair) => verifyReference(pair.signature, message, pair.publicKey)).length, 196)
})

// RFC 8032, 7.1, tests 1 to 3.
const RFC_8032 = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
]

for (const [i, vector] of RFC_8032.entries()) {
  test(`RFC 8032 test ${i + 1}`, () => {
    const { publicKey, secretKey } = keyPairFromSeed(fromHex(vector.seed))
    assert.equal(toHex(publicKey), vector.publicKey)
    const signature = sign(fromHex(vector.message), secretKey)
    assert.equal(toHex(signature), vector.signature)
    assert.equal(verifyFast(signature, fromHex(vector.message), publicKey), true)
    assert.equal(verifyReference(signature, fromHex(vector.message), publicKey), true)
  })
}

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

/** A valid signature with up to three bytes of signature, key or message changed, or random ones. */
const attempt = fc.oneof(
  fc
    .tuple(
      bytes(32),
      fc.uint8Array({ maxLength: 40 }),
      fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 255 })), { maxLength: 3 }),
    )
    .map(([seed, message, changes]) => {
      const { publicKey, secretKey } = keyPairFromSeed(seed)
      const all = Uint8Array.from([...sign(message, secretKey), ...publicKey, ...message])
      for (const [at, mask] of changes) all[at % all.length] = all[at % all.length]! ^ mask
      return { signature: all.subarray(0, 64), publicKey: all.subarray(64, 96), message: all.subarray(96) }
    }),
  fc
    .tuple(bytes(64), bytes(32), fc.uint8Array({ maxLength: 8 }))
    .map(([signature, publicKey, message]) => ({ signature, publicKey, message })),
  fc
    .tuple(
      fc.constantFrom(...smallOrderEncodings()),
      fc.constantFrom(...smallOrderEncodings()),
      bytes(32),
      bytes(8),
    )
    .map(([publicKey, r, s, message]) => ({ signature: Uint8Array.from([...r, ...s]), publicKey, message })),
)

test('whatever the fast verifier accepts the reference accepts, and verify is the reference', () => {
  fc.assert(
    fc.property(attempt, ({ signature, message, publicKey }) => {
      const fast = verifyFast(signature, message, publicKey)
      const reference = verifyReference(signature, message, publicKey)
      assert.ok(reference || !fast)
      assert.equal(verify(signature, message, publicKey), reference)
    }),
    { numRuns: 400 },
  )
})

test('wrong lengths are refused, not thrown', () => {
  const { publicKey, secretKey } = keyPairFromSeed(new Uint8Array(32))
  const message = utf8('x')
  const signature = sign(message, secretKey)
  for (const refuse of [verify, verifyFast, verifyReference]) {
    assert.equal(refuse(signature.subarray(1), message, publicKey), false)
    assert.equal(refuse(Uint8Array.from([...signature, 0]), message, publicKey), false)
    assert.equal(refuse(signature, message, publicKey.subarray(1)), false)
    assert.equal(refuse(new Uint8Array(0), message, new Uint8Array(0)), false)
  }
  assert.throws(() => keyPairFromSeed(new Uint8Array(31)), RangeError)
})
