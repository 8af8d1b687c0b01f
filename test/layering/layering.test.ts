/**
 * The arrows between the folders are lint rules; this proves that each of them bites. Snippets are linted with the
 * project's own configuration under the name of a file in the folder, without types (they are in no program).
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { ESLint } from 'eslint'
import tseslint from 'typescript-eslint'

const ROOT = join(import.meta.dirname, '..', '..')

let eslint: ESLint

before(() => {
  eslint = new ESLint({
    cwd: ROOT,
    overrideConfig: [
      {
        files: ['**/*.ts'],
        ...tseslint.configs.disableTypeChecked,
        languageOptions: { parserOptions: { projectService: false } },
      },
      { files: ['**/*.ts'], rules: { '@typescript-eslint/no-unused-vars': 'off', 'no-unused-vars': 'off' } },
    ] as NonNullable<ConstructorParameters<typeof ESLint>[0]>['overrideConfig'],
  })
})

/** Rules that `code` breaks as a file of `folder`. */
async function broken(filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: join(ROOT, filePath) })
  assert.deepEqual(
    result?.messages.filter((message) => message.fatal),
    [],
  )
  return result.messages.map((message) => message.ruleId ?? '')
}

const FOLDERS = [
  'crypto',
  'config',
  'consensus',
  'ledger',
  'fraud',
  'p2p',
  'client',
  'node',
  'devnet',
  'cli',
  'test',
  'bench',
]

/** Written out again, not taken from the configuration: the arrows as ARCHITECTURE.md draws them. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  crypto: [],
  config: ['crypto'],
  consensus: ['crypto', 'config'],
  ledger: ['crypto', 'config'],
  fraud: ['crypto', 'config'],
  p2p: ['crypto', 'config', 'consensus'],
  client: ['crypto', 'config', 'consensus', 'ledger'],
  node: ['crypto', 'config', 'consensus', 'ledger', 'fraud', 'p2p', 'client'],
  devnet: ['crypto', 'config', 'consensus', 'ledger', 'fraud', 'client'],
  cli: ['crypto', 'config', 'consensus', 'ledger', 'fraud', 'client', 'devnet'],
}

for (const [folder, allowed] of Object.entries(ALLOWED)) {
  test(`${folder} imports from ${allowed.join(', ') || 'nothing'} only`, async () => {
    for (const other of FOLDERS) {
      if (other === folder) continue
      const expected = allowed.includes(other) ? [] : ['no-restricted-imports']
      assert.deepEqual(
        await broken(`${folder}/x.ts`, `import { x } from '../${other}/x.ts'\nx()\n`),
        expected,
        `${folder} → ${other}`,
      )
    }
  })
}

test('types, re-exports, deeper files and dynamic imports are no way around', async () => {
  assert.deepEqual(await broken('consensus/x.ts', "export type { X } from '../ledger/types.ts'\n"), [
    'no-restricted-imports',
  ])
  assert.deepEqual(
    await broken('consensus/x.ts', "import type { X } from '../ledger/types.ts'\nexport type Y = X\n"),
    ['no-restricted-imports'],
  )
  assert.deepEqual(await broken('node/rpc/x.ts', "export * from '../../devnet/x.ts'\n"), [
    'no-restricted-imports',
  ])
  assert.deepEqual(await broken('p2p/x.ts', "export const x = import('../ledger/x.ts')\n"), [
    'no-restricted-syntax',
  ])
  assert.deepEqual(await broken('p2p/x.ts', "export const x = import('../consensus/x.ts')\n"), [])
})

test('the daemon is the one door into the node', async () => {
  for (const folder of ['cli', 'devnet']) {
    assert.deepEqual(await broken(`${folder}/x.ts`, "export * from '../node/daemon.ts'\n"), [])
    assert.deepEqual(await broken(`${folder}/x.ts`, "export * from '../node/node.ts'\n"), [
      'no-restricted-imports',
    ])
    assert.deepEqual(await broken(`${folder}/x.ts`, "export const x = import('../node/daemon.ts')\n"), [])
    assert.deepEqual(await broken(`${folder}/x.ts`, "export const x = import('../node/rpc/server.ts')\n"), [
      'no-restricted-syntax',
    ])
  }
})

test('crypto reaches the two leaves of config, and those import nothing', async () => {
  assert.deepEqual(
    await broken('crypto/x.ts', "export * from '../config/errors.ts'\nexport * from '../config/limits.ts'\n"),
    [],
  )
  assert.deepEqual(await broken('crypto/x.ts', "export * from '../config/networks.ts'\n"), [
    'no-restricted-imports',
  ])
  assert.deepEqual(await broken('config/errors.ts', "export * from './limits.ts'\n"), [
    'no-restricted-imports',
  ])
})

const CLOCKS = [
  'Date.now()',
  'new Date()',
  'Date()',
  'performance.now()',
  'Math.random()',
  'setTimeout(() => 1, 1)',
  'setInterval(() => 1, 1)',
  'setImmediate(() => 1)',
  'globalThis.setTimeout(() => 1, 1)',
  'process.hrtime()',
  'crypto.randomUUID()',
  "fetch('http://localhost')",
]

for (const folder of ['consensus', 'ledger', 'fraud']) {
  test(`${folder} reads no clock and no random source`, async () => {
    for (const expression of CLOCKS) {
      const rules = await broken(`${folder}/x.ts`, `export const x = ${expression}\n`)
      assert.ok(rules.length > 0, `${expression} passed in ${folder}`)
    }
    assert.deepEqual(
      await broken(`${folder}/x.ts`, "import { randomBytes } from 'node:crypto'\nrandomBytes(1)\n"),
      ['no-restricted-imports'],
    )
    assert.deepEqual(
      await broken(`${folder}/x.ts`, "import { createHash } from 'node:crypto'\ncreateHash('sha256')\n"),
      [],
    )
    assert.deepEqual(
      await broken(`${folder}/x.ts`, 'export const x = (ms: number): Date => new Date(ms)\n'),
      [],
    )
  })

  test(`${folder} reaches no files, sockets or timers`, async () => {
    for (const name of [
      'node:fs',
      'fs',
      'node:fs/promises',
      'node:net',
      'node:http',
      'node:timers/promises',
      'node:perf_hooks',
      'fastify',
      'ws',
    ]) {
      assert.deepEqual(
        await broken(`${folder}/x.ts`, `import * as x from '${name}'\nexport { x }\n`),
        ['no-restricted-imports'],
        name,
      )
    }
    const level = await broken(`${folder}/x.ts`, "import { Level } from 'level'\nexport { Level }\n")
    assert.deepEqual(level, folder === 'ledger' ? [] : ['no-restricted-imports'])
  })
}

test('the node may read clocks and files', async () => {
  assert.deepEqual(
    await broken(
      'node/x.ts',
      "import * as fs from 'node:fs'\nexport const x = [fs, Date.now(), Math.random()]\n",
    ),
    [],
  )
})

test('only bench reads beside the checkout', async () => {
  const path = ['..', 'shared', 'data'].join('/')
  for (const folder of ['crypto', 'node', 'test', 'cli', 'ledger']) {
    assert.deepEqual(
      await broken(`${folder}/x.ts`, `export const x = '${path}'\n`),
      ['no-restricted-syntax'],
      folder,
    )
    assert.deepEqual(
      await broken(`${folder}/x.ts`, `// see ${path}\nexport const x = 1\n`),
      ['no-warning-comments'],
      folder,
    )
  }
  assert.deepEqual(await broken('bench/x.ts', `export const x = '${path}' // see ${path}\n`), [])
})
