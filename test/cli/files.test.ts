/** Files that commands write in the place of others. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { replaceFile } from '../../cli/files.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-files-'))
})
after(() => rmSync(folder, { recursive: true }))

test('a file is replaced by another one, and nothing is left beside it', () => {
  const path = join(folder, 'a')
  writeFileSync(path, 'old')
  const { ino } = statSync(path)
  replaceFile(path, 'newer')
  assert.notEqual(statSync(path).ino, ino, 'whoever reads the old one has all of it')
  replaceFile(path, 'new', { flush: false })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual([readFileSync(path, 'utf8'), readdirSync(folder)], ['new', ['a']])
  rmSync(path)
})

test('what is no file is written to and stays what it is', () => {
  const path = join(folder, 'null')
  symlinkSync('/dev/null', path)
  replaceFile(path, 'text')
  assert.ok(statSync(path).isCharacterDevice())
  rmSync(path)
  assert.throws(() => replaceFile(folder, 'text'), { code: 'usage', message: /EISDIR/ })
  assert.throws(() => replaceFile(join(folder, 'none', 'a'), 'text'), { code: 'usage', message: /ENOENT/ })
})
