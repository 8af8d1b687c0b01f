/** `cordon completion`: scripts that the shells run, held to the command tree. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Command } from 'commander'
import { buildProgram } from '../../cli/program.ts'
import { bashScript } from '../../cli/completion/bash.ts'
import { fishScript } from '../../cli/completion/fish.ts'
import { completionTree, type CompletionCommand } from '../../cli/completion/tree.ts'
import { zshScript } from '../../cli/completion/zsh.ts'
import { Home, environmentOf } from './cordon.ts'

let home: Home
let program: Command
let tree: readonly CompletionCommand[]

before(async () => {
  home = new Home()
  program = await buildProgram(() => true, '', {})
  tree = completionTree(program)
  writeFileSync(join(home.path, 'cordon.bash'), bashScript(tree))
  for (const keystore of ['.cordon/keystore', 'devnet/keystore']) {
    mkdirSync(join(home.path, keystore), { recursive: true })
    const name = keystore.startsWith('devnet') ? 'dora' : 'alice'
    writeFileSync(join(home.path, keystore, `${name}.json`), '{}')
    writeFileSync(join(home.path, keystore, 'password'), '')
  }
  writeFileSync(
    join(home.path, '.cordon', 'addressbook.json'),
    JSON.stringify({ landlord: 'dcdn1x', 'la-fabrica': 'dcdn1y' }, null, 2),
  )
})
after(() => home[Symbol.dispose]())

/** What bash would offer behind these words, the last of which is being typed. Files are offered by readline itself. */
function offered(words: readonly string[], env: Readonly<Record<string, string>> = {}): string[] {
  const script = [
    'source ./cordon.bash',
    'compopt() { COMPREPLY=("$@"); }',
    'COMP_WORDS=("$@")',
    'COMP_CWORD=$(($# - 1))',
    '_cordon',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n')
  const out = execFileSync('bash', ['--norc', '-c', script, 'bash', 'cordon', ...words], {
    cwd: home.path,
    env: { ...environmentOf(home.path), ...env },
    encoding: 'utf8',
  })
  return out.split('\n').filter((line) => line !== '')
}

suite('bash', () => {
  test('completes commands and subcommands', () => {
    assert.deepEqual(
      offered(['']),
      program.commands.map((command) => command.name()),
    )
    assert.deepEqual(offered(['wal']), ['wallet'])
    assert.deepEqual(offered(['wallet', 'payout', '']), ['run', 'status'])
    assert.deepEqual(offered(['nonsense', 'payout', 'st']), ['status', 'start'])
  })

  test('completes flags, behind other flags too', () => {
    assert.deepEqual(offered(['wallet', 'send', '--fr']), ['--from'])
    assert.deepEqual(offered(['wallet', 'send', '--from', 'alice', '--w']), ['--wait'])
    assert.ok(offered(['watch', '--']).includes('--cursor-file'))
  })

  test('completes what a flag can be set to', () => {
    assert.deepEqual(offered(['wallet', 'send', '--wait', '']), ['none', 'accepted', 'final'])
    assert.deepEqual(offered(['wallet', 'send', '--wait', '=', 'f']), ['final'])
    assert.deepEqual(offered(['wallet', 'send', '--wait', '=']), ['none', 'accepted', 'final'])
    assert.deepEqual(offered(['wallet', 'send', '--amount', '']), [])
    assert.deepEqual(offered(['completion', '']), ['bash', 'zsh', 'fish'])
  })

  test('completes names of keys and contacts, of the keystore that a command would use', () => {
    assert.deepEqual(offered(['wallet', 'send', '--to', '']), ['alice', 'landlord', 'la-fabrica'])
    assert.deepEqual(offered(['wallet', 'send', '--from', 'al']), ['alice'])
    assert.deepEqual(offered(['wallet', 'history', 'la']), ['landlord', 'la-fabrica'])
    assert.deepEqual(offered(['wallet', 'history', ''], { CORDON_DIR: 'devnet' }), ['dora'])
    assert.deepEqual(offered(['wallet', 'history', ''], { CORDON_KEYSTORE: 'devnet/keystore' }), ['dora'])
    assert.deepEqual(offered(['wallet', 'history', ''], { CORDON_KEYSTORE: 'nowhere' }), [])
  })

  test('leaves files and directories to the shell', () => {
    assert.deepEqual(offered(['tx', 'send', 'pay']), ['-o', 'default'])
    assert.deepEqual(offered(['wallet', 'receipt', '--out', '']), ['-o', 'default'])
    assert.deepEqual(offered(['start', '--dir', '']), ['-o', 'dirnames'])
  })
})

suite('every shell', () => {
  const writers = { bash: bashScript, zsh: zshScript, fish: fishScript }

  for (const [shell, write] of Object.entries(writers)) {
    test(`the script for ${shell} has every command and flag, and no other quotes than its own`, () => {
      const script = write(tree)
      for (const { name, flags } of tree) {
        if (name !== '') assert.ok(script.includes(`'${name}'`), name)
        for (const flag of flags) assert.match(script, new RegExp(`(--|-l )${flag.name.slice(2)}\\b`))
      }
      for (const line of script.split('\n')) {
        const quotes = line.replaceAll(/^.*sed .*$/gm, '').split("'").length - 1
        assert.equal(quotes % 2, 0, line)
      }
    })

    const found = spawnSync(shell, ['-c', 'exit 0']).error === undefined
    test(`${shell} takes the script`, { skip: found ? false : `${shell} is not installed` }, () => {
      execFileSync(shell, ['-n'], { input: write(tree) })
    })
  }

  test('on a command line a script is printed as it is, and an unknown shell is refused', async () => {
    const run = await home.run(['completion', 'fish'])
    assert.deepEqual([run.code, run.stdout, run.stderr], [0, fishScript(tree), ''])
    assert.equal((await home.run(['completion', 'powershell'])).code, 2)
  })
})
