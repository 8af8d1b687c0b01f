import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { compile, MODULE_FILE } from './wasm.ts'

test('crypto/batch/module.ts is what the sources compile to', async () => {
  assert.ok((await readFile(MODULE_FILE, 'utf8')) === (await compile()), 'run: npm run wasm')
})
