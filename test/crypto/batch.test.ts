/** ledger.md, Signature rule: what is accepted at once is what ZIP-215, as noble has it, accepts one by one. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { ed25519 } from '@noble/curves/ed25519.js'
import { FEWEST, MOST, verifyAll, type Signed } from '../../crypto/batch/verify.ts'
import { utf8 } from '../../crypto/bytes.ts'
import { keyPairFromSeed, sign, verifyReference } from '../../crypto/ed25519.ts'
import { edgeCases, smallOrderPairs } from './ed25519-cases.ts'

function signedBy(seed: number, message: Uint8Array = utf8(`message ${seed}`)): Signed {
  const pair = keyPairFromSeed(createHash('sha256').update(String(seed)).digest())
  return { key: pair.publicKey, message, signature: sign(message, pair.secretKey) }
}

const company = (count: number): Signed[] => Array.from({ length: count }, (_, i) => signedBy(i))
const holds = ({ signature, message, key }: Signed): boolean => verifyReference(signature, message, key)

/** Whether it is accepted among valid ones, at a place that its number gives. */
function acceptedInCompany(one: Signed, number: number): boolean {
  const others = company(FEWEST - 1)
  return verifyAll(others.toSpliced(number % FEWEST, 0, one))
}

test('valid signatures of many counts are accepted, and one that is not is found at the first and last places', () => {
  const all = company(MOST)
  for (let count = FEWEST; count <= MOST; count += 7) {
    assert.equal(verifyAll(all.slice(0, count)), true, String(count))
    const wrong = { ...all[count % 11]!, message: utf8('another message') }
    for (const place of [0, 1, count - 2, count - 1])
      assert.equal(verifyAll(all.slice(0, count).with(place, wrong)), false, `${place} of ${count}`)
  }
})

test('the same signature many times is accepted', () => {
  assert.equal(verifyAll(Array.from({ length: MOST }, () => signedBy(1))), true)
})

test('two signatures whose errors cancel are not accepted', () => {
  const all = company(FEWEST)
  const [one, other] = [all[0]!, all[1]!]
  const shifted = ({ key, message, signature }: Signed, by: bigint): Signed => {
    const s = ed25519.Point.Fn.create(ed25519.Point.Fn.fromBytes(signature.subarray(32)) + by)
    return {
      key,
      message,
      signature: Buffer.concat([signature.subarray(0, 32), ed25519.Point.Fn.toBytes(s)]),
    }
  }
  assert.equal(verifyAll([shifted(one, 5n), shifted(other, -5n), ...all.slice(2)]), false)
})

for (const { number, kind, ...one } of edgeCases()) {
  const given = { key: one.publicKey, message: one.message, signature: one.signature }
  test(`edge case ${number}, ${kind}: as the reference`, () => {
    assert.equal(acceptedInCompany(given, number), holds(given))
  })
}

test('all 196 small-order pairs of ZIP-215 are accepted, alone and together', () => {
  const pairs = smallOrderPairs().map(
    ({ signature, publicKey }): Signed => ({ key: publicKey, message: utf8('Zcash'), signature }),
  )
  for (const [i, pair] of pairs.entries()) assert.equal(acceptedInCompany(pair, i), true, String(i))
  assert.equal(verifyAll(pairs.slice(0, 98)), true)
  assert.equal(verifyAll(pairs.slice(98)), true)
})

test('property: with bits flipped or bytes made up, all are accepted exactly if the reference accepts each', () => {
  const change = fc.record({
    what: fc.constantFrom('key' as const, 'message' as const, 'signature' as const),
    at: fc.nat({ max: 63 }),
    to: fc.nat({ max: 255 }),
  })
  const changes = fc.array(fc.tuple(fc.nat({ max: 19 }), change), { maxLength: 2 })
  fc.assert(
    fc.property(fc.integer({ min: FEWEST, max: 20 }), changes, (count, made) => {
      const all = company(count)
      for (const [place, { what, at, to }] of made) {
        const one = all[place % count]!
        const bytes = Uint8Array.from(one[what])
        bytes[at % bytes.length] = to
        all[place % count] = { ...one, [what]: bytes }
      }
      assert.equal(verifyAll(all), all.every(holds))
    }),
    { numRuns: 60 },
  )
})

test('numbers at the edges of the scalar field: s of L and above is refused, as by the reference', () => {
  const one = signedBy(3)
  const s = ed25519.Point.Fn.fromBytes(one.signature.subarray(32))
  for (const more of [ed25519.Point.Fn.ORDER, 2n * ed25519.Point.Fn.ORDER]) {
    const bytes = Buffer.from((s + more).toString(16).padStart(64, '0'), 'hex').reverse()
    const given = { ...one, signature: Buffer.concat([one.signature.subarray(0, 32), bytes]) }
    assert.equal(holds(given), false)
    assert.equal(acceptedInCompany(given, 4), false)
  }
})

test('a key or signature of another length is not accepted; too few or too many are an error of the caller', () => {
  const all = company(FEWEST)
  assert.equal(verifyAll(all.with(2, { ...all[2]!, key: new Uint8Array(31) })), false)
  assert.equal(verifyAll(all.with(2, { ...all[2]!, signature: new Uint8Array(65) })), false)
  assert.throws(() => verifyAll(all.slice(1)), /expected 12 to 128 signatures, got 11/)
  assert.throws(() => verifyAll(company(MOST + 1)), RangeError)
})
