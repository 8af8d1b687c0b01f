/** RFC 4180, and what it leaves open. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CsvError, formatCsvRecord, parseCsv } from '../../cli/csv.ts'

const fieldsOf = (text: string): (readonly string[])[] => parseCsv(text).map(({ fields }) => fields)

test('quotes, CRLF, a byte order mark, empty lines and a last line without an end', () => {
  assert.deepEqual(parseCsv('\uFEFFa,b\r\n\r\n"x ""y"", z",\n\n"two\nlines",q'), [
    { line: 1, fields: ['a', 'b'] },
    { line: 3, fields: ['x "y", z', ''] },
    { line: 5, fields: ['two\nlines', 'q'] },
  ])
  assert.deepEqual(fieldsOf(''), [])
  assert.deepEqual(fieldsOf('\n\r\n'), [])
  assert.deepEqual(fieldsOf('""\n'), [['']], 'an empty field in quotes is a record')
  assert.deepEqual(fieldsOf(',\n,'), [
    ['', ''],
    ['', ''],
  ])
  assert.deepEqual(fieldsOf('a,b,'), [['a', 'b', '']])
})

test('what a line counts as goes on behind a field of several lines', () => {
  assert.deepEqual(
    parseCsv('"1\n2\r\n3",x\nfour,y\n').map(({ line }) => line),
    [1, 4],
  )
})

test('everything else is refused with its line', () => {
  for (const [text, line] of [
    ['a"b', 1],
    ['ok\n"a"b', 2],
    ['ok\n\n"never\nclosed', 3],
    ['a,"b" ,c', 1],
    ['a\rb', 1],
  ] as const)
    assert.throws(
      () => parseCsv(text),
      (error) => error instanceof CsvError && error.line === line && error.message.length > 20,
      JSON.stringify(text),
    )
})

test('what is written is read again', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'ü') })
  const record = fc.array(field, { minLength: 2, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(record), (records) => {
      assert.deepEqual(fieldsOf(records.map(formatCsvRecord).join('')), records)
    }),
  )
})
