/** The check scripts find what they are there to find. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockfileProblems, type Lock } from './lockfile.ts'
import { findRust } from './rust-free.ts'

const ELF = Buffer.from('7f454c4602010100', 'hex')
const WASM = Buffer.from('0061736d01000000', 'hex')

test('rust-free finds a marker in a binary of any name, and only in binaries', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-rust-free-'))
  t.after(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, 'a', 'bin'), { recursive: true })
  writeFileSync(
    join(directory, 'a', 'bin', 'tool'),
    Buffer.concat([ELF, Buffer.from('…/rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library')]),
  )
  writeFileSync(join(directory, 'a', 'x.wasm'), Buffer.concat([WASM, Buffer.from('rustc version 1.90.0')]))
  writeFileSync(join(directory, 'a', 'clean.node'), Buffer.concat([ELF, Buffer.from('GCC: (Debian 14)')]))
  writeFileSync(join(directory, 'a', 'readme'), 'speaks of rust_panic, but is text')
  const { binaries, findings } = findRust(directory)
  assert.equal(binaries, 3)
  assert.deepEqual(findings.map(({ file, marker }) => [file.replaceAll('\\', '/'), marker]).sort(), [
    ['a/bin/tool', '/rustc/'],
    ['a/x.wasm', 'rustc version'],
  ])
})

const GOOD: Lock = {
  lockfileVersion: 3,
  packages: { '': { dependencies: { a: '1.0.0' } }, 'node_modules/a': { integrity: 'sha512-x' } },
}

test('rust-free finds a module inside of a script, in base64 and in decimal', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-rust-free-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const wasm = Buffer.concat([WASM, Buffer.alloc(16_384), Buffer.from('/opt/.rustup/toolchains')])
  writeFileSync(
    join(directory, 'a.mjs'),
    `const x="data:application/octet-stream;base64,${wasm.toString('base64')}"`,
  )
  writeFileSync(join(directory, 'b.js'), `const y = new Uint8Array([${[...wasm].join(', ')}])`)
  writeFileSync(
    join(directory, 'c.js'),
    `const z = "${Buffer.concat([WASM, Buffer.alloc(16_384)]).toString('base64')}" // .rustup/`,
  )
  const { binaries, findings } = findRust(directory)
  assert.equal(binaries, 3)
  assert.deepEqual(findings, [
    { file: 'a.mjs', marker: '.rustup/' },
    { file: 'b.js', marker: '.rustup/' },
  ])
})

test('lockfile accepts exact versions and aliases', () => {
  assert.deepEqual(lockfileProblems({ dependencies: { a: '1.0.0' } }, GOOD), [])
  const alias = { dependencies: { a: 'npm:@scope/b@1.0.0' } }
  assert.deepEqual(lockfileProblems(alias, { ...GOOD, packages: { ...GOOD.packages, '': alias } }), [])
})

test('lockfile refuses ranges, tags and files', () => {
  for (const version of ['^1.0.0', '~1.0.0', 'latest', '1.x', '>=1.0.0', 'file:../a', 'npm:b@^1.0.0']) {
    const manifest = { dependencies: { a: version } }
    const lock = { ...GOOD, packages: { ...GOOD.packages, '': manifest } }
    assert.equal(lockfileProblems(manifest, lock).length, 1, version)
  }
})

test('lockfile refuses download addresses, missing hashes and a manifest that moved on', () => {
  const withAddress = {
    ...GOOD,
    packages: {
      ...GOOD.packages,
      'node_modules/a': { integrity: 'x', resolved: 'https://example.org/a.tgz' },
    },
  }
  assert.match(lockfileProblems({ dependencies: { a: '1.0.0' } }, withAddress).join(), /resolved address/)
  const noHash = { ...GOOD, packages: { ...GOOD.packages, 'node_modules/a': {} } }
  assert.match(lockfileProblems({ dependencies: { a: '1.0.0' } }, noHash).join(), /integrity/)
  assert.match(lockfileProblems({ dependencies: { a: '1.0.1' } }, GOOD).join(), /differ/)
})
