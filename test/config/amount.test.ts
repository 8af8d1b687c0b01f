import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAmount, formatUnits, MAX_AMOUNT_UNITS, parseAmount } from '../../config/amount.ts'

test('both spellings mean the same', () => {
  assert.equal(parseAmount('12.50CRD'), 12_500_000n)
  assert.equal(parseAmount('12500000uCRD'), 12_500_000n)
  assert.equal(parseAmount('0.000001CRD'), 1n)
  assert.equal(parseAmount('7CRD'), 7_000_000n)
  assert.equal(parseAmount('0CRD'), 0n)
  assert.equal(formatAmount(12_500_000n), '12.50CRD')
  assert.equal(formatAmount(1n), '0.000001CRD')
  assert.equal(formatAmount(1_234_560n), '1.23456CRD')
  assert.equal(formatAmount(0n), '0.00CRD')
  assert.equal(formatAmount(-1_500_000n), '-1.50CRD')
  assert.equal(formatUnits(12_500_000n), '12500000uCRD')
})

test('what is written is read back, in both spellings', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MAX_AMOUNT_UNITS }), (units) => {
      assert.equal(parseAmount(formatAmount(units)), units)
      assert.equal(parseAmount(formatUnits(units)), units)
    }),
  )
})

test('each mistake has its own explanation', () => {
  const refuses = (text: string, message: RegExp): void => {
    assert.throws(() => parseAmount(text), { name: 'CordonError', code: 'amount-invalid', message }, text)
  }
  refuses('12.50', /has no unit; write it as 12.50CRD or in uCRD/)
  refuses('12', /has no unit/)
  refuses('1.2345678CRD', /has 7 decimals; CRD has 6/)
  refuses('1.0000000CRD', /has 7 decimals/)
  refuses('1.5uCRD', /uCRD is the smallest unit/)
  refuses('1crd', /misspelt/)
  refuses('1UCRD', /misspelt/)
  refuses('1 CRD', /space/)
  refuses('-1CRD', /negative/)
  for (const text of [
    '',
    'CRD',
    '.5CRD',
    '5.CRD',
    '1e3CRD',
    '0x10CRD',
    '1,000CRD',
    '1_000CRD',
    '١CRD',
    '1CRDx',
  ])
    refuses(text, /./)
  refuses('9223372036854775808uCRD', /at most 9223372036854.775807CRD/)
  assert.equal(parseAmount('9223372036854775807uCRD'), MAX_AMOUNT_UNITS)
  refuses('9'.repeat(31) + 'CRD', /./)
  refuses('x'.repeat(1_000_000), /is no amount/)
})
