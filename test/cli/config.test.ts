/** `cordon config`: every problem with where it stands, and what holds. */
import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, after, test } from 'node:test'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { makeGenesis } from '../client/receipt-chain.ts'
import { Home } from './cordon.ts'

interface Problem {
  readonly key: string | null
  readonly expected: string | null
  readonly got: string | null
  readonly origin: { readonly kind: string; readonly line?: number | null; readonly variable?: string }
}

interface Setting {
  readonly key: string
  readonly value: unknown
  readonly origin?: object
}

let home: Home
let file: string

before(async () => {
  home = new Home()
  writeFileSync(join(home.path, 'genesis.json'), serialiseGenesis(makeGenesis()))
  const run = await home.run(['init', '--dir', 'node', '--genesis', 'genesis.json'])
  assert.equal(run.code, 0, run.stderr)
  file = join(home.path, 'node', 'config', 'cordon.toml')
})
after(() => home[Symbol.dispose]())

/** Runs with the file as `change` makes it, and puts it back. */
async function withFile(
  change: (text: string) => string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ReturnType<Home['run']> {
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, change(text))
  try {
    return await home.run(['config', ...args, '--dir', 'node'], { env })
  } finally {
    writeFileSync(file, text)
  }
}

test('what init made is right', async () => {
  const run = await withFile((text) => text, ['check'])
  assert.deepEqual([run.code, run.stderr], [0, ''])
  assert.match(run.stdout, /^nothing is wrong; .*node is a full node\n$/)
})

test('check finds every problem, says where it stands, and exits 78', async () => {
  const spoil = (text: string): string =>
    text.replace(/^# port = 7310$/m, 'port = 70000').replace(/^# mdns = false$/m, 'mdns = "no"\nmdsn = true')
  const wrongLines = spoil(readFileSync(file, 'utf8')).split('\n')
  const lineOf = (text: string): number => wrongLines.indexOf(text) + 1
  const run = await withFile(spoil, ['check', '--json'], {
    CORDON_NODE_PEER_KEY: 'nowhere.json',
    CORDON_FRAUD_HOLD_SCORE: '1000',
  })
  assert.equal(run.code, 78, run.stdout)
  assert.equal(run.envelope.error?.code, 'config-invalid')
  assert.match(run.envelope.error.message, /^5 problems /)
  const problems = run.envelope.data?.problems as readonly Problem[]
  assert.deepEqual(
    problems.map(({ key, got, origin }) => [key, got, origin.line ?? origin.variable]),
    [
      ['p2p.mdns', '"no"', lineOf('mdns = "no"')],
      ['rpc.port', '70000', lineOf('port = 70000')],
      ['p2p.mdsn', 'true', lineOf('mdsn = true')],
      ['fraud.hold_score', '"1000"', 'CORDON_FRAUD_HOLD_SCORE'],
      ['peer_key', null, 'CORDON_NODE_PEER_KEY'],
    ],
  )
  assert.equal(problems[1]?.expected, 'a port from 0 to 65535')
})

test('a file that is no TOML is a problem with its line, for people, too', async () => {
  const run = await withFile(() => 'version = 1\nlisten = [\n', ['check'])
  assert.equal(run.code, 78)
  assert.match(run.stdout, /cordon\.toml, line \d+, column \d+: .*\(cordon\.toml line \d+\)\n$/)
  assert.match(run.stderr, /^cordon: one problem in the configuration of .*\n$/)
})

test('the key of a stranger, and a model that is not there', async () => {
  const made = await home.run(['init', '--dir', 'stranger', '--genesis', 'genesis.json', '--validator-key'])
  assert.equal(made.code, 0, made.stderr)
  const key = join(home.path, 'stranger', 'signer', 'validator-key.json')
  const run = await withFile((text) => text, ['check', '--json'], {
    CORDON_NODE_VALIDATOR_KEY: key,
    CORDON_FRAUD_MODEL: 'model.json',
  })
  assert.equal(run.code, 78)
  const keys = (run.envelope.data?.problems as readonly Problem[]).map((problem) => problem.key)
  assert.deepEqual(keys, ['validator_key', 'fraud.model'])
  const { seed } = JSON.parse(readFileSync(key, 'utf8')) as { seed: string }
  assert.ok(!run.stdout.includes(seed))
})

test('the key of an operator that does not open', async () => {
  writeFileSync(join(home.path, 'node', 'password'), 'secret\n', { mode: 0o600 })
  const run = await withFile((text) => text, ['check', '--json'], {
    CORDON_REVIEW_KEY_FILE: 'nobody.json',
    CORDON_REVIEW_PASSWORD_FILE: 'password',
  })
  assert.equal(run.code, 78)
  const [problem, ...others] = run.envelope.data?.problems as readonly Problem[]
  assert.deepEqual([problem?.key, problem?.origin.variable], ['review.key_file', 'CORDON_REVIEW_KEY_FILE'])
  assert.deepEqual(others, [])
})

test('a missing genesis file is one problem, not two', async () => {
  const genesis = join(home.path, 'node', 'config', 'genesis.json')
  renameSync(genesis, `${genesis}.away`)
  try {
    const run = await withFile((text) => text, ['check', '--json'])
    const keys = (run.envelope.data?.problems as readonly Problem[]).map(({ key }) => key)
    assert.deepEqual(keys, ['genesis'])
  } finally {
    renameSync(`${genesis}.away`, genesis)
  }
})

test('show has what holds, and with --origin where it comes from', async () => {
  const change = (text: string): string => text.replace(/^# port = 7310$/m, 'port = 1')
  const line = change(readFileSync(file, 'utf8')).split('\n').indexOf('port = 1') + 1
  const env = { CORDON_P2P_MDNS: '1', CORDON_RPC_HOST: '::1' }
  const run = await withFile(change, ['show', '--origin', '--json'], env)
  assert.equal(run.code, 0, run.stdout)
  const settings = run.envelope.data?.settings as readonly Setting[]
  const byKey = new Map(settings.map(({ key, ...rest }) => [key, rest]))
  assert.deepEqual(byKey.get('rpc.port'), { value: 1, origin: { kind: 'file', file, line } })
  assert.deepEqual(byKey.get('p2p.mdns'), {
    value: true,
    origin: { kind: 'variable', variable: 'CORDON_P2P_MDNS' },
  })
  assert.deepEqual(byKey.get('log.level'), { value: 'info', origin: { kind: 'default' } })

  const text = await withFile(change, ['show'], env)
  assert.match(text.stdout, /^rpc\.port +1$/m)
  assert.match(text.stdout, /^validator_key +none$/m)
  const origins = await withFile(change, ['show', '--origin'], env)
  assert.match(origins.stdout, new RegExp(`^rpc\\.port +cordon\\.toml line ${line} +1$`, 'm'))
  assert.match(origins.stdout, /^rpc\.host +CORDON_RPC_HOST +"::1"$/m)
})

test('show of a wrong configuration says what is wrong', async () => {
  const run = await withFile((text) => text, ['show', '--json'], { CORDON_RPC_PORT: 'x' })
  assert.equal(run.code, 78)
  assert.deepEqual(
    (run.envelope.data?.problems as readonly Problem[]).map(({ key }) => key),
    ['rpc.port'],
  )
})
