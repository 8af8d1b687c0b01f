/** `bin/cordon`: finds its project through links, and the right Node or a clear way out. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EXIT } from '../../config/errors.ts'

const BIN = join(import.meta.dirname, '..', '..', 'bin', 'cordon')

const root = mkdtempSync(join(tmpdir(), 'cordon-bin-'))
after(() => rmSync(root, { recursive: true }))

interface Ran {
  readonly entry: string
}

/** An installed package with an entry that says what ran it. */
function install(name: string, entry: string): string {
  const home = join(root, name)
  mkdirSync(join(home, 'bin'), { recursive: true })
  copyFileSync(BIN, join(home, 'bin', 'cordon'))
  mkdirSync(join(home, entry, '..'), { recursive: true })
  writeFileSync(
    join(home, entry),
    'console.log(JSON.stringify({ entry: process.argv[1], args: process.argv.slice(2) }))\n',
  )
  return home
}

/** A folder for PATH with a `node` that claims this version and otherwise is the real one, or without any. */
function pathWith(name: string, version: string | null): string {
  const folder = join(root, name)
  mkdirSync(folder)
  if (version !== null) {
    const script = `#!/bin/sh\ncase $1 in\n  -p) echo ${version} ;;\n  --version) echo v${version}.0.0 ;;\n  *) exec "${process.execPath}" "$@" ;;\nesac\n`
    writeFileSync(join(folder, 'node'), script)
    chmodSync(join(folder, 'node'), 0o755)
  }
  for (const tool of ['sh', 'readlink', 'dirname', 'find', 'head']) {
    const found = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim()
    symlinkSync(found, join(folder, tool))
  }
  return folder
}

function run(
  bin: string,
  path: string,
  args: readonly string[] = [],
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(bin, args, { env: { PATH: path }, encoding: 'utf8' })
}

test('runs the compiled entry of a package through links, under a new enough Node, with its arguments', () => {
  const home = install('package', 'dist/main.js')
  mkdirSync(join(root, 'links'))
  symlinkSync('../package/bin/cordon', join(root, 'links', 'relative'))
  symlinkSync(join(root, 'links', 'relative'), join(root, 'links', 'twice'))
  symlinkSync(join(home, 'bin'), join(root, 'links', 'folder'))
  const path = pathWith('node24', '24')
  for (const bin of [
    join(home, 'bin', 'cordon'),
    join(root, 'links', 'relative'),
    join(root, 'links', 'twice'),
    join(root, 'links', 'folder', 'cordon'),
  ]) {
    const { status, stdout } = run(bin, path, ['a b', '--json', ''])
    assert.equal(status, 0)
    assert.deepEqual(JSON.parse(stdout), {
      entry: join(home, 'dist', 'main.js'),
      args: ['a b', '--json', ''],
    })
  }
})

test('runs the build of a checkout until a source is newer, or one was removed', () => {
  const home = install('checkout', 'cli/main.ts')
  const built = join(home, 'dist', 'main.js')
  mkdirSync(join(home, 'dist'))
  copyFileSync(join(home, 'cli', 'main.ts'), built)
  mkdirSync(join(home, 'node'))
  writeFileSync(join(home, 'node', 'part.ts'), '')
  const path = pathWith('node25', '25')
  const source = join(home, 'cli', 'main.ts')
  const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds))
  const age = (seconds: number): void => {
    for (const name of ['cli/main.ts', 'cli', 'node/part.ts', 'node'])
      utimesSync(join(home, name), at(0), at(0))
    utimesSync(built, at(seconds), at(seconds))
  }
  const entry = (): unknown => (JSON.parse(run(join(home, 'bin', 'cordon'), path).stdout) as Ran).entry

  age(1)
  assert.equal(entry(), built)
  utimesSync(join(home, 'node', 'part.ts'), at(2), at(2))
  assert.equal(entry(), source)
  age(1)
  rmSync(join(home, 'node', 'part.ts')) // leaves its trace in the time of the folder
  assert.equal(entry(), source)
  rmSync(join(home, 'dist'), { recursive: true })
  assert.equal(entry(), source)
})

test('prefers the Node of the project', () => {
  const home = install('own', 'cli/main.ts')
  mkdirSync(join(home, 'node_modules', 'node', 'bin'), { recursive: true })
  symlinkSync(process.execPath, join(home, 'node_modules', 'node', 'bin', 'node'))
  const { status, stdout } = run(join(home, 'bin', 'cordon'), pathWith('node18', '18'))
  assert.equal(status, 0)
  assert.match(stdout, /main\.ts/)
})

test('without a new enough Node it says which it found and what to do', () => {
  const home = install('old', 'dist/main.js')
  for (const [path, found] of [
    [pathWith('node20', '20'), /needs Node 24 or newer; found v20\.0\.0/],
    [pathWith('nothing', null), /found none.*install Node 24/],
  ] as const) {
    const { status, stdout, stderr } = run(join(home, 'bin', 'cordon'), path)
    assert.equal(status, EXIT.configuration)
    assert.equal(stdout, '')
    assert.match(stderr, found)
  }
})
