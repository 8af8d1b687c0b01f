/** Payment requests as URIs: what they may say, and how they say no. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatPaymentUri, parsePaymentUri, type PaymentRequest } from '../../client/payment-uri.ts'
import { MAX_AMOUNT_UNITS } from '../../config/amount.ts'
import { LIMITS } from '../../config/limits.ts'
import { encodeAddress } from '../../crypto/address.ts'

const ADDRESS = encodeAddress('dcdn', new Uint8Array(32).fill(5))

test('a request reads as it was written', () => {
  const messages = fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .filter((text) => Buffer.byteLength(text) <= 128)
  const amounts = fc.option(fc.bigInt(1n, MAX_AMOUNT_UNITS))
  fc.assert(
    fc.property(amounts, messages, (amount, message) => {
      const request: PaymentRequest = { address: ADDRESS, amount, message }
      assert.deepEqual(parsePaymentUri(formatPaymentUri(request)), { ...request, ignored: [] })
    }),
  )
})

test('it is short and readable', () => {
  const uri = formatPaymentUri({ address: ADDRESS, amount: 12_500_000n, message: 'lunch & tea' })
  assert.equal(uri, `cordon:${ADDRESS}?amount=12.50CRD&message=lunch%20%26%20tea`)
  assert.equal(formatPaymentUri({ address: ADDRESS, amount: null, message: '' }), `cordon:${ADDRESS}`)
})

test('letter case of scheme and address, and another order, are taken', () => {
  assert.deepEqual(parsePaymentUri(`CORDON:${ADDRESS.toUpperCase()}?message=a+b&amount=7uCRD`), {
    address: ADDRESS,
    amount: 7n,
    message: 'a+b',
    ignored: [],
  })
})

test('what is not known is left alone, unless it is required', () => {
  assert.deepEqual(parsePaymentUri(`cordon:${ADDRESS}?label=shop&v=2`).ignored, ['label', 'v'])
  assert.throws(() => parsePaymentUri(`cordon:${ADDRESS}?label=shop&req-before=2027`), {
    code: 'payment-uri-invalid',
    message: /requires "req-before", which this version does not know/,
  })
})

test('everything else is refused with its reason', () => {
  for (const [uri, code, reason] of [
    ['', 'payment-uri-invalid', /begin with cordon:/],
    [ADDRESS, 'payment-uri-invalid', /begin with cordon:/],
    [`bitcoin:${ADDRESS}`, 'payment-uri-invalid', /begin with cordon:/],
    [`cordon://${ADDRESS}`, 'address-invalid', /no address/],
    ['cordon:', 'address-invalid', /no address/],
    [`cordon:${ADDRESS.replace(/.$/, 'q')}`, 'address-invalid', /checksum/],
    [`cordon:${ADDRESS}?`, 'payment-uri-invalid', /one "\?"/],
    [`cordon:${ADDRESS}?amount=1CRD?message=a`, 'payment-uri-invalid', /one "\?"/],
    [`cordon:${ADDRESS}?amount=1CRD&`, 'payment-uri-invalid', /expected parameters such as/],
    [`cordon:${ADDRESS}?amount=1CRD&amount=2CRD`, 'payment-uri-invalid', /twice/],
    [`cordon:${ADDRESS}?Amount=1CRD`, 'payment-uri-invalid', /expected parameters such as/],
    [`cordon:${ADDRESS}?amount=1`, 'amount-invalid', /no unit/],
    [`cordon:${ADDRESS}?amount=`, 'amount-invalid', /no amount/],
    [`cordon:${ADDRESS}?amount=0CRD`, 'payment-uri-invalid', /more than 0/],
    [`cordon:${ADDRESS}?message=%`, 'payment-uri-invalid', /message: expected UTF-8/],
    [`cordon:${ADDRESS}?message=%ff`, 'payment-uri-invalid', /message: expected UTF-8/],
    [`cordon:${ADDRESS}?message=a#b`, 'payment-uri-invalid', /expected parameters such as/],
    [`cordon:${ADDRESS}?message=${'x'.repeat(129)}`, 'payment-uri-invalid', /at most 128 bytes, got 129/],
    [`cordon:${ADDRESS}?a=${'x'.repeat(LIMITS.paymentUriCharacters)}`, 'payment-uri-invalid', /at most 1024/],
  ] as const)
    assert.throws(() => parsePaymentUri(uri), { code, message: reason }, uri.slice(0, 100))
})

test('a request that nobody could pay is not made', () => {
  const request: PaymentRequest = { address: ADDRESS, amount: 1n, message: '' }
  for (const change of [{ amount: 0n }, { message: 'ü'.repeat(65) }])
    assert.throws(() => formatPaymentUri({ ...request, ...change }), { code: 'payment-uri-invalid' })
  assert.throws(() => formatPaymentUri({ ...request, address: 'bob' }), { code: 'address-invalid' })
})
