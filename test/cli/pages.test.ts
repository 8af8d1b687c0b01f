/** What pages tell people to type exists: commands, flags, arguments. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import type { Command } from 'commander'
import { countStates } from '../../cli/payout/standing.ts'
import { buildProgram } from '../../cli/program.ts'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { ERRORS, EXIT } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { parseSettings } from '../../config/node-config.ts'
import { makeGenesis } from '../client/receipt-chain.ts'
import { commandProblem, cordonLinesOf } from './command-lines.ts'
import { Home } from './cordon.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const pageOf = (name: string): string => readFileSync(join(ROOT, name), 'utf8')
const PAGES = [
  'README.md',
  'TESTING.md',
  join('examples', 'README.md'),
  ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name)),
]
const OPERATORS = pageOf('docs/operators.md')

let program: Command
before(async () => {
  program = await buildProgram(() => true, '', {})
})

for (const name of PAGES.filter((page) => page.endsWith('.md')))
  test(`${name}: every command in it exists as written`, () => {
    for (const words of cordonLinesOf(pageOf(name)))
      assert.equal(commandProblem(program, words), null, `cordon ${words.join(' ')}`)
  })

test('operators.md shows the commands of a validator, from init to its move', () => {
  const shown = new Set(cordonLinesOf(OPERATORS).map(([first]) => first))
  for (const command of ['init', 'config', 'start', 'status', 'doctor', 'signer', 'token', 'quarantine'])
    assert.ok(shown.has(command), command)
})

test('operators.md: its settings are valid, its exits and limits are those of the code', () => {
  const [, toml = ''] = /^```toml\n(.*?)^```$/ms.exec(OPERATORS) ?? []
  assert.equal(parseSettings(`version = 1\n${toml}`, 'operators.md').bootstrap?.length, 1)
  const exits = [...OPERATORS.matchAll(/^\| (\d+) \|/gm)].map(([, exit]) => Number(exit))
  const { configuration, doubleSign, upgradeHalt, dataInconsistent, unexpected } = EXIT
  assert.deepEqual(exits, [configuration, doubleSign, upgradeHalt, dataInconsistent, unexpected])
  assert.equal(ERRORS['signer-lost'].exit, doubleSign)
  assert.ok(OPERATORS.includes(`from ${LIMITS.clockSkewMs} ms on`))
  assert.ok(OPERATORS.includes(`until ${LIMITS.lostSignerViews} more views are final`))
  assert.equal(LIMITS.stopMs, 3_000)
  assert.ok(OPERATORS.includes('within three seconds'))
})

test('operators.md: a backup as it says has the keys, and neither votes nor lock', async () => {
  using home = new Home()
  writeFileSync(join(home.path, 'genesis.json'), serialiseGenesis(makeGenesis()))
  const made = await home.run(['init', '--dir', 'node', '--genesis', 'genesis.json', '--validator-key'])
  assert.equal(made.code, 0, made.stderr)
  for (const name of ['config/has-signed.json', 'signer/votes.journal', 'signer/lock', 'review/log.jsonl']) {
    mkdirSync(dirname(join(home.path, 'node', name)), { recursive: true })
    writeFileSync(join(home.path, 'node', name), '')
  }
  const [, command = ''] = /^sudo (tar --create (?:.*\\\n)*.*)$/m.exec(OPERATORS) ?? []
  const script = `${command.replace('/var/lib/cordon', 'node')}\ntar --list --file cordon-keys.tar.gz`
  const listed = execFileSync('sh', ['-e', '-c', script], { cwd: home.path, encoding: 'utf8' })
  assert.deepEqual(
    listed
      .split('\n')
      .filter((line) => /[^/]$/.test(line))
      .sort(),
    [
      'config/cordon.toml',
      'config/genesis.json',
      'config/has-signed.json',
      'config/operator-token',
      'config/peer-key.json',
      'config/tokens.json',
      'review/log.jsonl',
      'signer/validator-key.json',
    ],
  )
})

test('scripts.md: its numbers are those of the code', () => {
  const scripts = pageOf('docs/scripts.md')
  assert.deepEqual([LIMITS.payoutRowsPerTx, LIMITS.memoBytes, LIMITS.paymentUriCharacters], [20, 128, 1_024])
  assert.deepEqual([LIMITS.watchRetryMinMs, LIMITS.watchRetryMaxMs], [250, 30_000])
  for (const words of ['Twenty rows share', 'at most 128 bytes', '1 024 characters', 'a quarter of a second'])
    assert.ok(scripts.includes(words), words)
  const states = [...scripts.matchAll(/^\| `(\w+)` \|/gm)].map(([, state]) => state)
  assert.deepEqual(states, Object.keys(countStates([])))
})

test('operators.md: every alert it names exists', () => {
  const alerts = pageOf('deploy/alerts.yml')
  const named = [...OPERATORS.matchAll(/`(Cordon[A-Z]\w+)`/g)].map(([, name = '']) => name)
  assert.ok(named.length >= 5)
  for (const name of named) assert.ok(alerts.includes(`alert: ${name}\n`), name)
})
