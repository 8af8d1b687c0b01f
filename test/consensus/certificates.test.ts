import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verify } from '../../crypto/ed25519.ts'
import { CertificateStore, checkCertificate } from '../../consensus/certificates.ts'
import type { Certificate } from '../../consensus/types.ts'
import { VotePool } from '../../consensus/vote-pool.ts'
import { certificate, sampleBlock, sampleProposal, validatorSet } from './fixtures.ts'

const set = validatorSet()
const block = sampleBlock(set)
const notarization = certificate(set, 'notarize', 3, sampleProposal(set, 3, block), [0, 1, 3])
const nullification = certificate(set, 'nullify', 3, null, [0, 1, 2, 3])

test('valid certificates of each kind', () => {
  const finalization = certificate(set, 'finalize', 3, sampleProposal(set, 3, block), [1, 2, 3])
  for (const valid of [notarization, nullification, finalization])
    assert.equal(checkCertificate(set, valid, { verify }), null)
})

test('what makes a certificate invalid, each named', () => {
  const [a, b, c] = notarization.signatures as [Uint8Array, Uint8Array, Uint8Array]
  const bad: [Partial<Certificate>, RegExp][] = [
    [{ epoch: 2 }, /expected epoch 1, got 2/],
    [{ view: 0 }, /view 0 has no certificates/],
    [{ view: 4 }, /of another view/],
    [{ proposal: null }, /needs a proposal/],
    [{ kind: 'nullify' }, /has no proposal/],
    [{ kind: 'finalize' }, /wrong finalize signature/],
    [{ proposal: sampleProposal(set, 3, { ...block, height: 8 }) }, /wrong notarize signature/],
    [{ proposal: sampleProposal(set, 3, block, 3) }, /parent view 3 is not below view 3/],
    [{ signers: [0, 1], signatures: [a, b] }, /weight of at least 3, got 2/],
    [{ signers: [0, 0, 1], signatures: [a, a, b] }, /do not ascend/],
    [{ signers: [1, 0, 3], signatures: [b, a, c] }, /do not ascend/],
    [{ signers: [0, 1, 4], signatures: [a, b, c] }, /no validator 4/],
    [{ signatures: [a, b] }, /3 signers but 2 signatures/],
    [{ signatures: [a, c, b] }, /wrong notarize signature of validator 1/],
  ]
  for (const [change, reason] of bad)
    assert.match(checkCertificate(set, { ...notarization, ...change }, { verify }) ?? 'valid', reason)
})

test('a certificate of another set, even with the same keys, is not valid in this one', () => {
  assert.match(
    checkCertificate(validatorSet([1n, 1n, 1n, 2n]), notarization, { verify }) ?? 'valid',
    /wrong notarize signature/,
  )
})

test('signatures that are known are not checked again, others are', () => {
  const pool = new VotePool(set)
  pool.absorb(certificate(set, 'nullify', 3, null, [0, 1]), null)
  const checked: string[] = []
  const verifier = {
    verify: (...parts: Parameters<typeof verify>) => (checked.push('once'), verify(...parts)),
  }
  assert.equal(checkCertificate(set, nullification, verifier, pool), null)
  assert.equal(checked.length, 2)
})

test('the store: parents, ways past a view, the newest notarization, pruning', () => {
  const store = new CertificateStore()
  store.add(nullification)
  assert.equal(store.parentCertificate(3), null)
  assert.equal(store.leadingPast(3), nullification)
  store.add(notarization)
  assert.equal(store.parentCertificate(3), notarization)
  assert.equal(store.leadingPast(3), nullification, 'nullification before notarization')
  assert.equal(store.newestNotarization, notarization)
  store.prune(3)
  assert.ok(store.has('nullify', 3))
  store.prune(4)
  assert.equal(store.has('notarize', 3), false)
})
