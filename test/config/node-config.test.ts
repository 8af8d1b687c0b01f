import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import {
  examineNodeConfig,
  NODE_CONFIG_FILE,
  parseSettings,
  readNodeConfig,
  serialiseSettings,
} from '../../config/node-config.ts'
import {
  DEFAULT_SETTINGS,
  LOG_LEVELS,
  LOG_MODULES,
  SETTINGS,
  variableOf,
  type NodeSettings,
} from '../../config/node-settings.ts'
import { CLIENT_VARIABLES, NODE_VARIABLES } from '../../config/variables.ts'

const root = mkdtempSync(join(tmpdir(), 'cordon-config-'))
after(() => rmSync(root, { recursive: true }))

let folders = 0

function nodeDirectory(text: string): string {
  const directory = join(root, `node${folders++}`)
  mkdirSync(join(directory, 'config'), { recursive: true })
  writeFileSync(join(directory, NODE_CONFIG_FILE), text)
  return directory
}

const refuses = (text: string, message: RegExp): void => {
  assert.throws(
    () => parseSettings(text, 'cordon.toml'),
    { name: 'CordonError', code: 'config-invalid', message },
    text,
  )
}

const path = fc
  .string({ minLength: 1, unit: 'binary' })
  .filter((text) => !text.includes('\0') && text.isWellFormed())
const addresses = fc.array(
  fc.integer({ min: 1, max: 65_535 }).map((port) => `/ip4/127.0.0.1/tcp/${port}`),
  { maxLength: 3 },
)

const settings: fc.Arbitrary<NodeSettings> = fc.record(
  {
    genesis: path,
    data: path,
    signer: path,
    peerKey: path,
    validatorKey: fc.option(path),
    logLevel: fc.constantFrom(...LOG_LEVELS),
    logModules: fc.array(
      fc.tuple(fc.constantFrom(...LOG_MODULES), fc.constantFrom(...LOG_LEVELS)).map((pair) => pair.join('=')),
    ),
    listen: addresses,
    announce: addresses,
    bootstrap: addresses,
    mdns: fc.boolean(),
    rpcHost: fc.constantFrom('127.0.0.1', '::1', '0.0.0.0', 'localhost'),
    rpcPort: fc.integer({ min: 0, max: 65_535 }),
    operatorHost: fc.constantFrom('127.0.0.1', '::1', '0.0.0.0', 'localhost'),
    operatorPort: fc.integer({ min: 0, max: 65_535 }),
    fraudModel: path,
    fraudLearn: fc.boolean(),
    fraudHoldScore: fc.integer({ min: 1, max: 255 }),
    fraudAlertScore: fc.integer({ min: 1, max: 255 }),
    secondReviewerAbove: fc.integer({ min: 1, max: 9_999 }).map((crd) => `${crd}CRD`),
    reviewKeyFile: fc.option(path),
    reviewPasswordFile: fc.option(path),
  },
  { noNullPrototype: true },
)

test('settings come back from the file they are written to', () => {
  fc.assert(
    fc.property(settings, (given) => {
      assert.deepEqual({ ...DEFAULT_SETTINGS, ...parseSettings(serialiseSettings(given), 'x') }, given)
    }),
  )
})

test('a new file has every key as a comment, which is valid without its #', () => {
  const text = serialiseSettings(DEFAULT_SETTINGS)
  assert.deepEqual(parseSettings(text, 'x'), {})
  const commented = /^# (?=([a-z_]+) = )/gm
  assert.equal([...text.matchAll(commented)].length, Object.keys(SETTINGS).length)
  for (const { index, 1: label } of text.matchAll(commented)) {
    const one = text.slice(0, index) + text.slice(index + '# '.length)
    const [[name, value] = []] = Object.entries(parseSettings(one, String(label)))
    assert.equal(SETTINGS[name as keyof NodeSettings].key[1], label)
    const setting = name as keyof NodeSettings
    assert.deepEqual(value, DEFAULT_SETTINGS[setting] ?? SETTINGS[setting].example)
  }
  const examples = Object.entries(SETTINGS).flatMap(([name, { example }]) =>
    example === undefined ? [] : [[name, example]],
  )
  const all = { ...DEFAULT_SETTINGS, ...Object.fromEntries(examples) } as NodeSettings
  assert.deepEqual(parseSettings(text.replaceAll(commented, ''), 'x'), all)
})

test('the comment of each key has what it is, its default and its variable in one line', () => {
  const lines = serialiseSettings(DEFAULT_SETTINGS).split('\n')
  for (const name of Object.keys(SETTINGS) as (keyof NodeSettings)[]) {
    const [line = ''] = lines.filter((each) => each.endsWith(`Variable: ${variableOf(name)}`))
    assert.ok(line.startsWith(`# ${SETTINGS[name].about} `), name)
    assert.ok(
      line.includes(
        ` Default: ${JSON.stringify(DEFAULT_SETTINGS[name] ?? 'none').replace('"none"', 'none')}.`,
      ),
      name,
    )
  }
})

test('an examination finds every problem, and what is right all the same', () => {
  const directory = nodeDirectory(
    'version = 1\ndatadir = "x"\np2p = 5\n[rpc]\nport = 70000\nhost = "::1"\nhots = 1\n[fraud]\nhold_score = 0\nalert_score = 200\n',
  )
  const { problems, settings, fromFile, fromEnvironment } = examineNodeConfig(directory, {
    CORDON_LOG_LEVEL: 'loud',
    CORDON_RPC_PORT: '1',
  })
  assert.deepEqual(
    problems.map(({ payload }) => payload.key),
    ['p2p', 'rpc.port', 'fraud.hold_score', 'rpc.hots', 'datadir', 'log.level'],
  )
  for (const { payload } of problems) assert.equal(typeof payload.got, 'string')
  assert.deepEqual(fromFile, { rpcHost: '::1', fraudAlertScore: 200 })
  assert.deepEqual(fromEnvironment, { rpcPort: 1 })
  assert.deepEqual(settings, { ...DEFAULT_SETTINGS, ...fromFile, ...fromEnvironment })
})

test('scores that contradict each other are a problem of the lower one', () => {
  const directory = nodeDirectory('version = 1\n[fraud]\nalert_score = 200\n')
  const [problem, ...others] = examineNodeConfig(directory).problems
  assert.deepEqual(others, [])
  assert.deepEqual(problem?.payload, {
    key: 'fraud.alert_score',
    expected: 'at most fraud.hold_score, 128',
    got: '200',
  })
  assert.throws(() => readNodeConfig(directory), problem)
})

test('the smallest file is a version; the rest has defaults', () => {
  const directory = nodeDirectory('version = 1\n')
  const { config, warnings } = readNodeConfig(directory)
  assert.deepEqual(warnings, [])
  assert.deepEqual(config, {
    directory,
    genesisFile: join(directory, 'config', 'genesis.json'),
    dataDirectory: join(directory, 'data'),
    signerDirectory: join(directory, 'signer'),
    peerKeyFile: join(directory, 'config', 'peer-key.json'),
    validatorKeyFile: null,
    logLevel: 'info',
    logModules: [],
    listen: DEFAULT_SETTINGS.listen,
    announce: [],
    bootstrap: [],
    mdns: false,
    rpcHost: '127.0.0.1',
    rpcPort: DEFAULT_SETTINGS.rpcPort,
    operatorHost: '127.0.0.1',
    operatorPort: DEFAULT_SETTINGS.operatorPort,
    fraudModel: 'pretrained',
    fraudLearn: true,
    fraudHoldScore: 128,
    fraudAlertScore: 96,
    secondReviewerAboveUnits: 10_000_000_000n,
    reviewKey: null,
  })
})

test('a review key needs both of its files, and says which is missing', () => {
  const lines = { key_file: 'key_file = "v1.json"', password_file: 'password_file = "/secrets/v1"' }
  const text = (...names: readonly (keyof typeof lines)[]): string =>
    ['version = 1', '[review]', ...names.map((name) => lines[name])].join('\n')
  const directory = nodeDirectory(text('key_file', 'password_file'))
  assert.deepEqual(readNodeConfig(directory).config.reviewKey, {
    keyFile: join(directory, 'v1.json'),
    passwordFile: '/secrets/v1',
  })
  for (const [there, missing] of [
    ['key_file', 'password_file'],
    ['password_file', 'key_file'],
  ] as const)
    assert.throws(() => readNodeConfig(nodeDirectory(text(there))), {
      code: 'config-invalid',
      message: new RegExp(`^review.${missing}: expected a path, since review.${there} has one, got null`),
    })
})

test('relative paths count from the node directory, absolute ones stay', () => {
  const directory = nodeDirectory(
    'version = 1\ngenesis = "../genesis.json"\nvalidator_key = "/keys/v.json"\n',
  )
  const { config } = readNodeConfig(directory)
  assert.equal(config.genesisFile, join(root, 'genesis.json'))
  assert.equal(config.validatorKeyFile, '/keys/v.json')
})

test('variables override the file, and unknown ones only warn', () => {
  const directory = nodeDirectory('version = 1\n[rpc]\nport = 1\n[p2p]\nmdns = true\n')
  const { config, warnings } = readNodeConfig(directory, {
    CORDON_RPC_PORT: '0',
    CORDON_P2P_LISTEN: '/ip4/127.0.0.1/tcp/1, /ip6/::1/tcp/2',
    CORDON_P2P_BOOTSTRAP: '',
    CORDON_P2P_MDNS: 'false',
    CORDON_LOG_LEVEL: 'debug',
    CORDON_NODE_VALIDATOR_KEY: 'k.json',
    CORDON_SERVICE_PORT_7310_TCP: 'tcp://10.0.0.1',
    CORDON_A: '',
    HOME: '/root',
    ...Object.fromEntries(CLIENT_VARIABLES.map((name) => [name, 'x'])),
  })
  assert.equal(config.rpcPort, 0)
  assert.deepEqual(config.listen, ['/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/2'])
  assert.deepEqual(config.bootstrap, [])
  assert.equal(config.mdns, false)
  assert.equal(config.logLevel, 'debug')
  assert.equal(config.validatorKeyFile, join(directory, 'k.json'))
  assert.deepEqual(warnings, [
    'environment variable CORDON_A is not known and was ignored',
    'environment variable CORDON_SERVICE_PORT_7310_TCP is not known and was ignored',
  ])
})

test('a known variable with a wrong value is an error that names it', () => {
  const directory = nodeDirectory('version = 1\n')
  for (const [variable, value] of [
    ['CORDON_RPC_PORT', '65536'],
    ['CORDON_RPC_PORT', 'tcp://10.0.0.1:80'],
    ['CORDON_P2P_MDNS', 'perhaps'],
    ['CORDON_P2P_LISTEN', 'localhost:1'],
    ['CORDON_LOG_LEVEL', 'loud'],
    ['CORDON_RPC_HOST', 'example.org'],
  ] as const) {
    assert.throws(() => readNodeConfig(directory, { [variable]: value }), {
      code: 'config-invalid',
      message: new RegExp(`${variable}: expected`),
    })
  }
})

test('mistakes name the line or the key', () => {
  refuses('version = 1\nlisten = [', /^cordon\.toml, line 2, column \d+: /)
  refuses('version = 1\nversion = 1\n', /line 2/)
  refuses('version = 1\n__proto__ = 1\n', /line 2/)
  refuses(
    'version = 1\n[p2p]\nlistn = []\n',
    /: p2p\.listn: expected only listen, announce, bootstrap, mdns here, got a list of 0 items/,
  )
  refuses('version = 1\ndatadir = "x"\n', /: datadir: expected only /)
  refuses(
    'version = 1\n[p2p]\nlisten = "/ip4/1.2.3.4/tcp/1"\n',
    /: p2p\.listen: expected a list of multiaddrs/,
  )
  refuses('version = 1\n[p2p]\nlisten = ["127.0.0.1:80"]\n', /: p2p\.listen: expected/)
  refuses('version = 1\n[p2p]\nmdns = "yes"\n', /: p2p\.mdns: expected true or false, got "yes"/)
  refuses('version = 1\n[rpc]\nport = 70000\n', /: rpc\.port: expected a port from 0 to 65535, got 70000/)
  refuses('version = 1\n[rpc]\nport = 1.5\n', /: rpc\.port/)
  refuses('version = 1\n[rpc]\nhost = ""\n', /: rpc\.host/)
  refuses('version = 1\n[log]\nmodules = ["p2p=loud"]\n', /: log\.modules: expected a list such as/)
  refuses('version = 1\n[log]\nmodules = ["disk=info"]\n', /: log\.modules: expected a list such as/)
  refuses('version = 1\n[log]\nlevel = "loud"\n', /: log\.level: expected one of trace, .*, got "loud"/)
  refuses('version = 1\ndata = ""\n', /: data: expected a path/)
  refuses('version = 1\np2p = 5\n', /: p2p: expected an object, got 5/)
  refuses('data = "x"\n', /: version: expected version = 1, got nothing/)
  refuses('version = "1"\n', /: version: expected version = 1/)
})

test('another version says what to do', () => {
  assert.throws(() => parseSettings('version = 2\n', 'cordon.toml'), {
    code: 'format-version',
    message: /knows version 1.*cordon init/,
  })
})

test('a missing file says what to do', () => {
  assert.throws(() => readNodeConfig(join(root, 'nowhere')), {
    code: 'config-invalid',
    message: /ENOENT.*cordon init/,
  })
})

test('every setting has a variable, and these are the listed ones', () => {
  const both = NODE_VARIABLES.filter((name) => (CLIENT_VARIABLES as readonly string[]).includes(name))
  assert.deepEqual(both, [], 'one variable must not mean two things')
  const settings = (Object.keys(SETTINGS) as (keyof NodeSettings)[]).map(variableOf)
  assert.deepEqual([...settings, 'CORDON_FAIL_AT'], [...NODE_VARIABLES])
})
