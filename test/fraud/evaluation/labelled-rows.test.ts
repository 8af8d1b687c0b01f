import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { CordonError } from '../../../config/errors.ts'
import { LabelledRowReader, type LabelledRow } from '../../../fraud/evaluation/labelled-rows.ts'
import { FRAUD_LIMITS } from '../../../fraud/limits.ts'
import { HEADER, labelledWorld } from './labelled-world.ts'

/** `pieceBytes`: how the file comes. */
function rowsOf(text: string, pieceBytes = Infinity): LabelledRow[] {
  const reader = new LabelledRowReader('world.csv')
  const bytes = Buffer.from(text)
  const rows: LabelledRow[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes)
    rows.push(...reader.push(bytes.subarray(at, Math.min(bytes.length, at + pieceBytes))))
  return [...rows, ...reader.end()]
}

const TRANSFER = '2023-01-02T03:04:05,transfer,7,8,12.50,1,3,fan_in'

describe('a row', () => {
  test('in full', () => {
    assert.deepEqual(rowsOf(`${HEADER}\n${TRANSFER}\n`), [
      {
        line: 2,
        timeMs: Date.UTC(2023, 0, 2, 3, 4, 5),
        kind: 'transfer',
        from: '7',
        to: '8',
        amount: 12_500_000n,
        laundering: true,
        patternType: 'fan_in',
      },
    ])
  })

  test('amounts are exact, however large', () => {
    const amounts = ['0.01', '0.1', '7', '9223372036854.77'].map(
      (amount) => rowsOf(`${HEADER}\n2023-01-01T00:00:00,opening,-2,1,${amount},0,,`)[0]?.amount,
    )
    assert.deepEqual(amounts, [10_000n, 100_000n, 7_000_000n, 9_223_372_036_854_770_000n])
  })

  test('columns are found by name, more are left alone, patterns may be missing', () => {
    const [row] = rowsOf('is_sar,note,to,from,amount,kind,time\n0,x,-1,4,1.00,spend,2023-01-01T00:00:00Z')
    assert.equal(row?.kind, 'spend')
    assert.deepEqual([row.from, row.to, row.patternType], ['4', '-1', null])
  })

  test('line ends of both kinds, a byte order mark, milliseconds', () => {
    const line = '2023-01-01T00:00:00.250,transfer,1,2,3.00,0,,'
    const [row] = rowsOf(`\ufeff${HEADER}\r\n${line}\r\n`)
    assert.equal(row?.timeMs, Date.UTC(2023, 0, 1) + 250)
    assert.equal(row.patternType, null)
  })

  test('pieces may end anywhere, also inside a character', () => {
    const text = `${HEADER}\n${TRANSFER.replace('fan_in', 'fächer')}\n${TRANSFER}`
    const whole = rowsOf(text)
    assert.equal(whole[0]?.patternType, 'fächer')
    for (let size = 1; size < 40; size++) assert.deepEqual(rowsOf(text, size), whole)
  })

  test('any pieces of a whole world give the same rows', () => {
    const world = labelledWorld()
    const whole = rowsOf(world)
    assert.equal(whole.length, world.split('\n').length - 2)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), (size) => assert.deepEqual(rowsOf(world, size), whole)),
      { numRuns: 10 },
    )
  })
})

describe('refused with line, what was expected and what came', () => {
  const line = (text: string): string => `${HEADER}\n${TRANSFER}\n${text}\n`
  for (const [what, text, message] of [
    ['an empty file', '', /line 1: expected a header with time, kind, .*got nothing/],
    ['a header alone', `${HEADER}\n`, /line 2: expected rows below the header/],
    ['a missing column', 'time,kind,from,to,amount\n', /line 1: .*\(is_sar missing\), got "time,kind/],
    ['a column twice', `${HEADER},kind\n`, /line 1: .*"kind" more than once/],
    ['too few fields', line('2023-01-02T03:04:05,transfer,7,8'), /line 3: expected 8 fields, 4 came/],
    ['an empty line', line(''), /line 3: expected 8 fields, 1 came, got nothing/],
    ['quotes', line(TRANSFER.replace('fan_in', '"fan_in"')), /line 3: expected fields without quotes/],
    ['a zone', line(TRANSFER.replace('05,', '05+01:00,')), /line 3: expected time as ISO in UTC/],
    ['a date of no calendar', line(TRANSFER.replace('01-02', '02-30')), /ISO in UTC.*"2023-02-30T/],
    ['a thirteenth month', line(TRANSFER.replace('01-02', '13-02')), /ISO in UTC/],
    ['hour 24', line(TRANSFER.replace('T03', 'T24')), /ISO in UTC/],
    [
      'time that goes back',
      line(TRANSFER.replace('04:05', '04:04')),
      /line 3: expected rows in order of time, so none before 2023-01-02T03:04:05.000Z, got "2023-01-02T03:04:04"/,
    ],
    ['an unknown kind', line(TRANSFER.replace('transfer', 'gift')), /expected kind opening, .*got "gift"/],
    ['a kind of the language', line(TRANSFER.replace('transfer', 'toString')), /got "toString"/],
    ['three decimals', line(TRANSFER.replace('12.50', '12.505')), /at most two decimals, got "12.505"/],
    ['a negative amount', line(TRANSFER.replace('12.50', '-1.00')), /expected an amount above 0/],
    ['an amount of nothing', line(TRANSFER.replace('12.50', '0.00')), /expected an amount above 0/],
    ['more than there can be', line(TRANSFER.replace('12.50', '9223372036854.78')), /expected an amount/],
    ['a label that is none', line(TRANSFER.replace('50,1', '50,yes')), /expected is_sar 0 or 1, got "yes"/],
    [
      'laundering by spending',
      line('2023-01-02T03:04:05,spend,7,-1,12.50,1,,'),
      /expected is_sar 1 of transfers only/,
    ],
    ['income from an account', line('2023-01-02T03:04:05,income,3,8,1.00,0,,'), /expected from -2 of income/],
    ['spending to an account', line('2023-01-02T03:04:05,spend,3,8,1.00,0,,'), /expected to -1 of spend/],
    ['a transfer to the outside', line(TRANSFER.replace(',8,', ',-1,')), /expected an account as to of/],
    [
      'a transfer of nobody',
      line(TRANSFER.replace(',7,', ',,')),
      /an account as from of transfer, got nothing/,
    ],
    [
      'a line that is too long',
      line(`${TRANSFER}${'x'.repeat(FRAUD_LIMITS.labelledLineCharacters)}`),
      /line 3: expected lines of at most 1024 characters/,
    ],
  ] as const) {
    test(what, () => {
      assert.throws(
        () => rowsOf(text),
        (error) =>
          error instanceof CordonError &&
          error.code === 'labelled-file-invalid' &&
          error.message.startsWith('world.csv, line ') &&
          message.test(error.message),
      )
    })
  }

  test('more rows than are taken', () => {
    const reader = new LabelledRowReader('world.csv', 2)
    assert.equal(reader.push(Buffer.from(`${HEADER}\n${TRANSFER}\n${TRANSFER}\n`)).length, 2)
    assert.throws(() => reader.push(Buffer.from(`${TRANSFER}\n`)), /line 4: expected at most 2 rows/)
  })

  test('bytes that are no text', () => {
    const reader = new LabelledRowReader('world.csv')
    assert.throws(
      () => reader.push(Uint8Array.of(0x1f, 0x8b, 0x0a)),
      /line 1: expected printable text in UTF-8/,
    )
  })

  test('what would play tricks on a terminal, and none of it is printed', () => {
    for (const trick of ['\u001b[2J', '\u009b2J', '\u202e', '\u0000'])
      assert.throws(
        () => rowsOf(`${HEADER}\n${TRANSFER}${trick}\n`),
        (error) =>
          error instanceof CordonError && /printable/.test(error.message) && !error.message.includes(trick),
      )
  })

  test('a line without an end, before it fills the memory', () => {
    const reader = new LabelledRowReader('world.csv')
    reader.push(Buffer.from(`${HEADER}\n`))
    const piece = Buffer.alloc(FRAUD_LIMITS.labelledLineCharacters, 'x')
    assert.deepEqual(reader.push(piece), [])
    assert.throws(() => reader.push(piece), /line 2: expected lines of at most/)
  })
})
