import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { cliPage, PAGE_URL } from '../../cli/docs.ts'

test('docs/cli.md is what the command tree says', async () => {
  assert.equal(readFileSync(PAGE_URL, 'utf8'), await cliPage(), 'run npm run docs:cli')
})
