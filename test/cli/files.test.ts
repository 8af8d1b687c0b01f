/** Files that commands write in the place of others. */
import assert from 'node:assert/strict'
import fs, {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
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

test('a file that was replaced is said to be, where its folder cannot be synced; another failure is told', (t) => {
  const path = join(folder, 'b')
  const sync = fs.fsyncSync
  const failing = (code: string): void => {
    t.mock.method(fs, 'fsyncSync', (file: number) => {
      if (fs.fstatSync(file).isDirectory()) throw Object.assign(new Error(code), { code })
      sync(file)
    })
    syncBuiltinESMExports()
  }
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
    rmSync(path)
  })
  failing('EINVAL')
  replaceFile(path, 'new')
  assert.equal(readFileSync(path, 'utf8'), 'new')
  failing('EIO')
  assert.throws(() => replaceFile(path, 'newer'), { code: 'usage', message: /cannot be written \(EIO\)/ })
})
