/** No file of the project names a place that exists on one machine only. Lint sees code; this sees every text. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '..', '..')

/** Installed, built, run-time or not ours. */
const SKIPPED = new Set(['node_modules', 'dist', '.git', '.cordon'])

/** bench/ may read the design material beside the checkout, and says so when it is absent. */
const MAY_LOOK_BESIDE = /^bench\//

const BESIDE = ['..', 'shared'].join('/')
const MACHINE_PATHS = new RegExp(
  `(?<![\\w.~-])/(?:${['work', 'root', 'home/\\w+', 'Users/\\w+'].join('|')})/`,
)

function* textsBelow(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* textsBelow(path)
    else if (entry.isFile() && /(?:\.(?:[cm]?[jt]s|json|md|toml|ya?ml|sh)|^[^.]+|^\.\w+rc)$/.test(entry.name))
      yield path
  }
}

const found = (pattern: (text: string) => boolean): string[] =>
  [...textsBelow(ROOT)]
    .map((path) => relative(ROOT, path))
    .filter((name) => pattern(readFileSync(join(ROOT, name), 'utf8')))

test('only bench looks beside the checkout', () => {
  assert.deepEqual(
    found((text) => text.includes(BESIDE)).filter((name) => !MAY_LOOK_BESIDE.test(name)),
    [],
  )
})

test('no absolute path of a machine', () => {
  assert.match(`see ${['', 'work', 'main'].join('/')}`, MACHINE_PATHS)
  const path = ['', 'work', 'x'].join('/')
  assert.doesNotMatch(`https://example.org${path} .${path}`, MACHINE_PATHS)
  assert.deepEqual(
    found((text) => MACHINE_PATHS.test(text)),
    [],
  )
})
