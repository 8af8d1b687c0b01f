/** Files that are written once, and what of them is on the disk before anybody is told that they are there. */
import assert from 'node:assert/strict'
import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { CordonError } from '../../config/errors.ts'
import { writeOnce } from '../../crypto/write-once.ts'

let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'cordon-once-'))
})
after(() => rmSync(root, { recursive: true }))

/** Inodes of what is synced from now on, in order. */
function syncedInodes(context: TestContext): number[] {
  const inodes: number[] = []
  context.mock.method(fs, 'fsyncSync', (file: number) => inodes.push(fs.fstatSync(file).ino))
  syncBuiltinESMExports()
  context.after(() => {
    context.mock.restoreAll()
    syncBuiltinESMExports()
  })
  return inodes
}

const inodeOf = (...names: string[]): number => statSync(join(root, ...names)).ino

test('a file that is written once keeps what it has', () => {
  const path = join(root, 'once', 'a')
  assert.equal(writeOnce(path, 'first'), true)
  assert.equal(writeOnce(path, 'second'), false)
  assert.deepEqual([readFileSync(path, 'utf8'), readdirSync(join(root, 'once'))], ['first', ['a']])
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('the file, its folder, and the folders above all that were made for it are synced', (context) => {
  const synced = syncedInodes(context)
  writeOnce(join(root, 'b', 'c', 'd'), 'text')
  assert.deepEqual(synced, [
    inodeOf('b'),
    inodeOf(),
    inodeOf('b', 'c', 'd'), // before it has its name
    inodeOf('b', 'c'),
  ])

  synced.length = 0
  writeOnce(join(root, 'b', 'c', 'e'), 'text')
  assert.deepEqual(synced, [inodeOf('b', 'c', 'e'), inodeOf('b', 'c')], 'no folder was made')

  synced.length = 0
  writeOnce(join(root, 'b', 'c', 'e'), 'text')
  assert.equal(synced.at(-1), inodeOf('b', 'c'), 'a name that another process made is durable, too')
})

test('what cannot be written is an error of whoever asks, and leaves no draft', () => {
  writeFileSync(join(root, 'file'), '')
  assert.throws(() => writeOnce(join(root, 'file', 'a'), ''), {
    code: 'config-invalid',
    message: /file\/a cannot be written \((?:EEXIST|ENOTDIR)\)$/,
  })
  const own = (code: string): CordonError => new CordonError('keystore-invalid', `no: ${code}`)
  assert.throws(() => writeOnce(join(root, 'file', 'a', 'b'), '', own), {
    code: 'keystore-invalid',
    message: 'no: ENOTDIR',
  })
  assert.equal(readFileSync(join(root, 'file'), 'utf8'), '')
})
