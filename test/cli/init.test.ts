/** `cordon init`: by flags, by answers on a terminal, with and without a genesis, and what a node says that has none. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { init, type InitOptions } from '../../cli/init/init.ts'
import { multiaddrOf } from '../../cli/init/peer-address.ts'
import type { Question, Terminal } from '../../cli/input.ts'
import type { CommandResult } from '../../cli/output.ts'
import { EXIT } from '../../config/errors.ts'
import { serialiseGenesis } from '../../config/genesis-file.ts'
import { readNodeConfig, type NodeConfig } from '../../config/node-config.ts'
import { makeGenesis } from '../client/receipt-chain.ts'
import { CORDON, environmentOf, Home } from './cordon.ts'

/** Somebody at a terminal with answers for parts of questions; an empty one takes what is offered. */
class Person implements Terminal {
  readonly canAsk: boolean
  readonly asked: string[] = []
  readonly problems: string[] = []
  readonly #answers: Readonly<Record<string, readonly string[]>>

  /** @param answers in turn, until one is taken; none left: Ctrl-C. */
  constructor(answers: Readonly<Record<string, readonly string[]>>, canAsk = true) {
    this.#answers = answers
    this.canAsk = canAsk
  }

  secret(): Promise<string> {
    return assert.fail('nothing here is secret')
  }

  confirm(): Promise<boolean> {
    return assert.fail('a line is the answer')
  }

  async line({ message, standard, problemOf }: Question): Promise<string> {
    this.asked.push(message)
    const [, answers = []] = Object.entries(this.#answers).find(([part]) => message.includes(part)) ?? []
    for (const answer of answers) {
      const problem = problemOf(answer || standard)
      if (problem === null) return answer || standard
      this.problems.push(problem)
    }
    throw new Error('broken off')
  }
}

const DEFAULTS = { 'Run a validator': [''], Genesis: [''], Where: [''], Nodes: [''], Port: [''] }

class Office extends Home {
  readonly dir: string = join(this.path, 'node')

  init(options: Partial<InitOptions>, person: Terminal = new Person({}, false)): Promise<CommandResult> {
    return init({ dir: this.dir, ...options }, person)
  }

  get config(): NodeConfig {
    return readNodeConfig(this.dir).config
  }
}

suite('init by flags', () => {
  test('addresses and ports stand in the configuration, and nobody is asked', async () => {
    using office = new Office()
    const announce = ['192.0.2.1']
    const bootstrap = ['node.example:99', '/ip4/192.0.2.2/tcp/5', '2001:db8::1']
    const { data } = await office.init({
      announce,
      bootstrap,
      p2pPort: 7000,
      rpcPort: 7001,
      validatorKey: true,
    })
    const { config } = office
    assert.deepEqual(config.listen, ['/ip4/0.0.0.0/tcp/7000'])
    assert.deepEqual(config.announce, ['/ip4/192.0.2.1/tcp/7000'])
    assert.deepEqual(config.bootstrap, [
      '/dns4/node.example/tcp/99',
      '/ip4/192.0.2.2/tcp/5',
      '/ip6/2001:db8::1/tcp/7311',
    ])
    assert.deepEqual([config.rpcPort, config.operatorPort], [7001, 7312])
    assert.match((data as { validatorKey: string }).validatorKey, /^[0-9a-f]{64}$/)
  })

  test('without a genesis it says what comes next; start and config check say that it is missing', async () => {
    using office = new Office()
    const made = await office.run(['init', '--dir', 'node', '--validator-key'])
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stdout, /^public key +[0-9a-f]{64}$/m)
    for (const step of [
      /cordon genesis validator NAME/,
      /cordon genesis create/,
      /config\/genesis\.json, then: cordon start/,
    ])
      assert.match(made.stdout, step)
    const [started, checked] = [
      await office.run(['start', '--dir', 'node']),
      await office.run(['config', 'check', '--dir', 'node']),
    ]
    assert.deepEqual([started.code, checked.code], [78, 78])
    for (const text of [started.stderr, checked.stdout])
      assert.match(text, /there is no genesis file .*config\/genesis\.json: .*cordon genesis create/)
    writeFileSync(join(office.dir, 'config', 'genesis.json'), serialiseGenesis(makeGenesis()))
    const complete = await office.run(['config', 'check', '--dir', 'node'])
    assert.match(complete.stdout, /expected a key of a validator/, 'the genesis is looked at now')
  })

  test('what cannot be used leaves nothing behind', async () => {
    using office = new Office()
    for (const [options, expected] of [
      [{ announce: ['no host'] }, { code: 'usage', message: /^--announce: expected HOST.*got "no host"/ }],
      [{ bootstrap: ['a', '1.2.3'] }, { code: 'usage', message: /^--bootstrap: .*got "1\.2\.3"/ }],
      [{ p2pPort: 7310 }, { code: 'usage', message: /three different ports.*7310, 7310, 7312/ }],
      [{ genesis: join(office.path, 'none') }, { code: 'genesis-invalid' }],
      [{ validatorKey: join(office.path, 'none') }, { code: 'keystore-invalid' }],
    ] as const) {
      await assert.rejects(office.init(options), expected)
      assert.ok(!existsSync(office.dir), JSON.stringify(options))
    }
  })
})

suite('init on a terminal', () => {
  test('asks for all that flags did not say, and takes what is offered for an empty answer', async () => {
    using office = new Office()
    const person = new Person(DEFAULTS)
    await office.init({}, person)
    assert.equal(person.asked.length, 7)
    const { validatorKeyFile, listen, rpcPort, operatorPort, bootstrap } = office.config
    assert.deepEqual([validatorKeyFile, listen, bootstrap], [null, ['/ip4/0.0.0.0/tcp/7311'], []])
    assert.deepEqual([rpcPort, operatorPort], [7310, 7312])
  })

  test('does not ask for what a flag said, and with --yes for nothing', async () => {
    using office = new Office()
    const person = new Person({ 'Port for other': ['8000'] })
    const genesis = join(office.path, 'genesis.json')
    writeFileSync(genesis, serialiseGenesis(makeGenesis()))
    const given = { genesis, announce: ['192.0.2.1'], bootstrap: ['192.0.2.2'], rpcPort: 1, operatorPort: 2 }
    await office.init({ ...given, validatorKey: true }, person)
    assert.deepEqual(person.asked, ['Port for other nodes'])
    assert.deepEqual(office.config.announce, ['/ip4/192.0.2.1/tcp/8000'])
    const silent = new Person({})
    await office.init({ dir: join(office.path, 'other'), yes: true }, silent)
    assert.deepEqual(silent.asked, [])
  })

  test('knows the ports that flags said: offers others, refuses them as answers, asks nothing if they are equal', async () => {
    using office = new Office()
    const person = new Person({ 'Port for other': ['7311', ''], ...DEFAULTS })
    await office.init({ operatorPort: 7311 }, person)
    assert.deepEqual(person.problems, ['port 7311 is taken by another of these'])
    assert.ok(!person.asked.some((question) => question.includes('operator')))
    const { listen, rpcPort, operatorPort } = office.config
    assert.deepEqual([listen, rpcPort, operatorPort], [['/ip4/0.0.0.0/tcp/7312'], 7310, 7311])

    const nobody = new Person({})
    const dir = join(office.path, 'other')
    await assert.rejects(office.init({ dir, rpcPort: 9, operatorPort: 9 }, nobody), {
      code: 'usage',
      message: /three different ports.*got 9, 9/,
    })
    assert.deepEqual(nobody.asked, [])
  })

  test('refuses each wrong answer at once, and asks again', async () => {
    using office = new Office()
    const person = new Person({
      'Run a validator': ['perhaps', 'Yes'],
      'key file': [join(office.path, 'none'), ''],
      Genesis: [join(office.path, 'none'), ''],
      Where: ['192.0.2.256', '192.0.2.1'],
      Nodes: ['ben.example, :7', 'ben.example, 192.0.2.2:7'],
      'Port for other': ['0', '7000'],
      'Port for wallets': ['7000', '70000', '7001'],
      'Port for the operator': ['7001', ''],
    })
    await office.init({}, person)
    assert.deepEqual(
      person.problems.map(
        (problem) => /yes or no|key file|no genesis file|HOST|a port from|is taken/.exec(problem)?.[0],
      ),
      [
        'yes or no',
        'key file',
        'no genesis file',
        'HOST',
        'HOST',
        'a port from',
        'is taken',
        'a port from',
        'is taken',
      ],
    )
    const { config } = office
    assert.equal(config.validatorKeyFile, join(office.dir, 'signer', 'validator-key.json'))
    assert.deepEqual(config.bootstrap, ['/dns4/ben.example/tcp/7311', '/ip4/192.0.2.2/tcp/7'])
    assert.deepEqual([config.rpcPort, config.operatorPort], [7001, 7312])
  })

  test('broken off at any question, it leaves nothing behind', async () => {
    using office = new Office()
    const questions = Object.keys(DEFAULTS)
    for (const [index] of questions.entries()) {
      const answers = Object.fromEntries(Object.entries(DEFAULTS).slice(0, index))
      await assert.rejects(office.init({}, new Person(answers)), {
        code: 'needs-input',
        message: /nothing was made/,
      })
      assert.ok(!existsSync(office.dir), questions[index])
    }
  })
})

const NO_TERMINAL =
  spawnSync('script', ['--version']).error === undefined ? false : 'no script here: apt-get install bsdutils'

test(
  'Ctrl-C on a real terminal ends it with exit 8, and nothing is there',
  { skip: NO_TERMINAL },
  async () => {
    using office = new Office()
    const command = `'${CORDON}' init --dir node`
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      cwd: office.path,
      env: environmentOf(office.path),
    })
    const exit = once(child, 'exit')
    let shown = ''
    for await (const chunk of child.stdout) {
      const wasAsked = shown.includes('yes or no')
      shown += String(chunk)
      if (!wasAsked && shown.includes('yes or no')) child.stdin.write('\u0003')
    }
    assert.deepEqual(await exit, [EXIT.needsInput, null], shown)
    assert.match(shown, /the questions were broken off: nothing was made/)
    assert.ok(!existsSync(office.dir))
  },
)

test('addresses as people write them', () => {
  for (const [text, address] of [
    ['192.0.2.1', '/ip4/192.0.2.1/tcp/7311'],
    ['192.0.2.1:80', '/ip4/192.0.2.1/tcp/80'],
    ['::1', '/ip6/::1/tcp/7311'],
    ['[::1]', '/ip6/::1/tcp/7311'],
    ['[::1]:80', '/ip6/::1/tcp/80'],
    ['localhost', '/dns4/localhost/tcp/7311'],
    ['Node-1.Example:80', '/dns4/node-1.example/tcp/80'],
    ['/dns4/a.example/tcp/1', '/dns4/a.example/tcp/1'],
  ] as const)
    assert.equal(multiaddrOf(text, 7311), address)
  for (const text of [
    '',
    ':80',
    'a:0',
    'a:65536',
    'a:b',
    'a b',
    '-a',
    'a..b',
    '192.0.2',
    '1.2.3.4.5',
    '[a]',
    '/',
    '/nothing/1',
    `${'a'.repeat(64)}.b`,
  ])
    assert.equal(multiaddrOf(text, 7311), null, text)
})
