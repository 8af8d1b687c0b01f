import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex, utf8 } from '../../crypto/bytes.ts'
import { DIGEST_BYTES, DOMAINS, hash } from '../../crypto/hash.ts'

test('domains are unique, short ASCII, and none is empty', () => {
  assert.equal(new Set(DOMAINS).size, DOMAINS.length)
  for (const domain of DOMAINS) assert.match(domain, /^[\x21-\x7e]{1,255}$/)
})

test('the hash is SHA-256 over length, domain and parts', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...DOMAINS),
      fc.array(fc.uint8Array({ maxLength: 5_000 }), { maxLength: 4 }),
      (domain, parts) => {
        const sha = createHash('sha256').update(Uint8Array.of(domain.length)).update(utf8(domain))
        for (const part of parts) sha.update(part)
        const digest = hash(domain, ...parts)
        assert.equal(digest.length, DIGEST_BYTES)
        assert.equal(toHex(digest), sha.digest('hex'))
      },
    ),
  )
})

test('the same bytes have another digest in every domain', () => {
  const digests = DOMAINS.map((domain) => toHex(hash(domain, utf8('x'))))
  assert.equal(new Set(digests).size, DOMAINS.length)
})

test('an unknown domain is refused', () => {
  assert.throws(() => hash('nonsense' as (typeof DOMAINS)[number]), RangeError)
})
