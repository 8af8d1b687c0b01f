/** The pages of docs/ that list what the code has list exactly that. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ERRORS } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { PARAMETER_NAMES } from '../../config/parameters.ts'
import { FAIL_POINT_NAMES } from '../../node/fail-points.ts'
import { OPERATOR_METHODS } from '../../node/rpc/operator-schemas.ts'
import { METHODS } from '../../node/rpc/schemas.ts'
import { limitComments, pages, pathOfPage } from './docs.ts'

for (const [name, text] of Object.entries(pages())) {
  test(`docs/${name} is what the code says; else run: npm run docs`, () => {
    assert.equal(readFileSync(pathOfPage(name), 'utf8'), text)
  })
}

/** First cells of all table rows, and names of second-level headings. */
function listed(name: string): string[] {
  const text = readFileSync(pathOfPage(name), 'utf8')
  return [...text.matchAll(/^(?:\| `([^`]+)` \||## (\S+)$)/gm)].map(
    ([, cell, heading]) => cell ?? heading ?? '',
  )
}

test('no row is missing', () => {
  assert.deepEqual(listed('parameters.md'), PARAMETER_NAMES)
  assert.deepEqual(listed('limits.md'), Object.keys(LIMITS))
  assert.deepEqual(
    listed('errors.md').filter((name) => name !== 'Codes'),
    Object.keys(ERRORS),
  )
  assert.deepEqual(listed('fail-points.md'), FAIL_POINT_NAMES)
  for (const method of Object.keys({ ...METHODS, ...OPERATOR_METHODS }))
    assert.ok(listed('rpc.md').includes(method), method)
})

test('comments of limits are read across lines, and only right above the name', () => {
  const source = '  /** One.\n   * Two. */\n  a: 1,\n  b: 2,\n\n  /** Group. */\n\n  c: 3,\n'
  assert.deepEqual([...limitComments(source)], [['a', 'One. Two.']])
})
