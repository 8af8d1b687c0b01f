/** What users expect (docs/conventions.md): each row names tests that exist, and some rows are tested here. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(ROOT, 'docs', 'conventions.md'), 'utf8')
const api = ['api.ts', 'operator-api.ts']
  .map((file) => readFileSync(join(ROOT, 'client', file), 'utf8'))
  .join('')

/** Cells of the rows of all tables, without their heads. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (complaint|habit) \|/.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replaceAll(/^\| | \|$/g, '')))

test('every row that is not marked later names its tests, and they exist', () => {
  assert.ok(rows.length >= 25)
  const wrong = rows.flatMap((cells) => {
    const named = cells.at(-1) ?? ''
    if (named === '–' && cells.some((cell) => cell.startsWith('*later*'))) return []
    const tests = [...named.matchAll(/`(test\/[^`]+\.test\.ts)`: (.+?)(?=; `test\/|$)/g)]
    if (tests.length === 0) return [`${cells[0] ?? ''}: no test`]
    return tests
      .filter(([, file = '', name = '']) => !hasTest(join(ROOT, file), name))
      .map(([all]) => `${cells[0] ?? ''}: ${all}`)
  })
  assert.deepEqual(wrong, [])
})

function hasTest(path: string, name: string): boolean {
  if (!existsSync(path)) return false
  const source = readFileSync(path, 'utf8')
  const starts = [...source.matchAll(/test\(\s*(?=['"`])/g)].map(({ index, 0: { length } }) => index + length)
  const quoted = [`'${name}'`, `"${name}"`, `\`${name}\``]
  return starts.some((start) => quoted.some((each) => source.startsWith(each, start)))
}

test('amounts and other numbers of 64 bits are texts in every answer', () => {
  const wide =
    /readonly (amount|balance|available|fee|minFee|stake|sequence|heldOut|totalSupply|balanceAfter): ([^\n]+)/g
  const found = [...api.matchAll(wide)]
  assert.ok(found.length >= 10)
  const wrong = found.filter(([, , type = '']) => !/^string( \| null)?$/.test(type))
  assert.deepEqual(
    wrong.map(([all]) => all),
    [],
  )
})

test('validators say whether they are in this set and in the next', () => {
  const columns = readFileSync(join(ROOT, 'cli', 'commands', 'validators.ts'), 'utf8')
  for (const [field, title] of [
    ['inSet', 'IN SET'],
    ['inNextSet', 'NEXT'],
  ] as const) {
    assert.match(api, new RegExp(`readonly ${field}: boolean`))
    assert.ok(columns.includes(`'${title}'`) && columns.includes(`entry.${field}`))
  }
})
