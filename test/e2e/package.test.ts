/**
 * The package as it would be published: packed, installed for everybody into a prefix of its own, and used from there by
 * people (`cordon devnet`) and by programs (`examples/`, and a test that starts its own network).
 */
import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { parseAddress } from '../../crypto/address.ts'
import { fromHex, toHex } from '../../crypto/bytes.ts'
import { keyPairFromSeed } from '../../crypto/ed25519.ts'
import { seedsOfMnemonic } from '../../crypto/mnemonic.ts'
import { eventually } from './harness.ts'
import { shellBlocksOf } from '../pages/shell-blocks.ts'
import { walkThrough } from './walk-through.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const INSTALL_TIMEOUT_MS = 300_000
const run = promisify(execFile)

const folder = mkdtempSync(join(tmpdir(), 'cordon-package-'))
const prefix = join(folder, 'prefix')
const installed = join(prefix, 'lib', 'node_modules', 'cordon')
const project = join(folder, 'project')
const devnet = join(folder, 'devnet')
const configOut = join(folder, 'devnet.json')
/** A machine with Node 24 and what was installed, and nothing of the checkout. */
const env = {
  HOME: folder,
  PATH: [join(prefix, 'bin'), dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(
    delimiter,
  ),
}

interface DevnetConfig {
  readonly nodes: readonly { readonly rpc: string }[]
  readonly mnemonic: string
  readonly accounts: readonly {
    readonly name: string
    readonly address: string
    readonly secretSeed: string
  }[]
}

let config: DevnetConfig
let clientEnv: Record<string, string>

before(
  async () => {
    const npm = { cwd: ROOT, timeout: INSTALL_TIMEOUT_MS }
    // The build is there: a checkout is built when it is installed.
    const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], npm)
    const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }]
    const install = ['install', '--global', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund']
    await run('npm', [...install, join(folder, filename)], { ...npm, cwd: folder })
    mkdirSync(join(project, 'node_modules'), { recursive: true })
    symlinkSync(installed, join(project, 'node_modules', 'cordon'))
    cpSync(join(installed, 'examples'), project, { recursive: true })
    writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }))
    await run('cordon', ['devnet', '--detach', '--dir', devnet, '--config-out', configOut], { env })
    config = JSON.parse(readFileSync(configOut, 'utf8')) as DevnetConfig
    clientEnv = {
      ...env,
      CORDON_RPC: config.nodes.map(({ rpc }) => rpc).join(','),
      CORDON_KEYSTORE: join(devnet, 'keystore'),
    }
  },
  { timeout: INSTALL_TIMEOUT_MS },
)

after(async () => {
  await run('cordon', ['devnet', 'stop', '--dir', devnet], { env }).catch(() => undefined)
  rmSync(folder, { recursive: true, force: true })
})

function addressOf(name: string): string {
  const account = config.accounts.find((each) => each.name === name)
  assert.ok(account, `no account ${name}`)
  return account.address
}

function start(example: string, ...args: readonly string[]): { child: ChildProcess; lines: Interface } {
  const child = spawn(process.execPath, [join(project, example), ...args], {
    cwd: project,
    env: clientEnv,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  assert.ok(child.stdout)
  return { child, lines: createInterface({ input: child.stdout }) }
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}

test('an installed cordon says its version and runs a devnet, ready once a payment has settled', async () => {
  const version = await run('cordon', ['--version'], { env })
  assert.match(version.stdout, /^\d+\.\d+\.\d+/)
  const status = await run('cordon', ['devnet', 'status', '--dir', devnet, '--json'], { env })
  const { data } = JSON.parse(status.stdout) as { data: { nodes: { ready: boolean }[] } }
  assert.deepEqual(
    data.nodes.map(({ ready }) => ready),
    [true, true, true, true],
  )
  const chain = await run('cordon', ['status', '--dir', devnet, '--json'], { env })
  assert.ok((JSON.parse(chain.stdout) as { data: { settledTotal: number } }).data.settledTotal >= 1)
})

test('the words that a devnet prints give its accounts', () => {
  const { accounts, mnemonic } = config
  const seeds = seedsOfMnemonic(mnemonic, accounts.length).map(toHex)
  assert.deepEqual(
    accounts.map(({ secretSeed }) => secretSeed),
    seeds,
  )
  for (const { address, secretSeed } of accounts)
    assert.deepEqual(parseAddress(address).id, new Uint8Array(keyPairFromSeed(fromHex(secretSeed)).publicKey))
})

test('examples/shop.ts: an order is paid once its payment is final, with a receipt', async (t) => {
  const { child, lines } = start('shop.ts', 'bob')
  t.after(() => child.kill('SIGKILL'))
  const [first] = (await once(lines, 'line')) as [string]
  const { port } = (JSON.parse(first) as { listening: { port: number } }).listening
  const shop = `http://127.0.0.1:${port}/orders`
  const made = await fetch(shop, { method: 'POST', body: JSON.stringify({ amount: '12.50CRD' }) })
  const { order, payTo, memo } = (await made.json()) as { order: string; payTo: string; memo: string }
  assert.equal(payTo, addressOf('bob'))
  const terms = ['--from', 'alice', '--to', payTo, '--amount', '12.50CRD', '--memo', memo, '--dir', devnet]
  await run('cordon', ['wallet', 'send', ...terms], { env })
  await eventually('the shop sees the payment', 10_000, async () => {
    const state = (await (await fetch(`${shop}/${order}`)).json()) as {
      state: string
      receipt: string | null
    }
    if (state.state !== 'paid') return false
    const file = join(folder, 'receipt.json')
    writeFileSync(file, state.receipt ?? '')
    const verified = await run('cordon', ['verify', file, '--genesis', join(devnet, 'genesis.json')], { env })
    return verified.stdout.includes('12.50CRD')
  })
  assert.equal((await fetch(`${shop}/nonsense`)).status, 404)
  assert.equal((await fetch(shop, { method: 'POST', body: '{"amount":"12.50"}' })).status, 400)
  child.kill('SIGINT')
  assert.equal(await ended(child), 0)
})

test('examples/payroll.ts: started twice, also at the same time, everybody is paid once', async () => {
  const list = join(folder, 'wages.csv')
  writeFileSync(
    list,
    ['bob', 'carol', 'dave'].map((name) => `${addressOf(name)},12.50CRD,wage of ${name}\n`).join(''),
  )
  const pay = async (): Promise<{ txId: string; status: string; payees: number; total: string }> => {
    const args = [join(project, 'payroll.ts'), 'alice', list]
    const { stdout } = await run(process.execPath, args, { cwd: project, env: clientEnv })
    return JSON.parse(stdout) as Awaited<ReturnType<typeof pay>>
  }
  const [one, atOnce] = await Promise.all([pay(), pay()])
  const two = await pay()
  assert.deepEqual([one.status, one.payees, one.total], ['settled', 3, '37.50CRD'])
  assert.deepEqual([atOnce.txId, two.txId], [one.txId, one.txId])
  const before = readFileSync(list, 'utf8')
  writeFileSync(list, `${before}${addressOf('frank')},1CRD,late\n`)
  const changed = run(process.execPath, [join(project, 'payroll.ts'), 'alice', list], {
    cwd: project,
    env: clientEnv,
  })
  await assert.rejects(changed, /was changed after it was signed/)
  const history = await run('cordon', ['wallet', 'history', 'carol', '--dir', devnet, '--json'], { env })
  const { items } = (JSON.parse(history.stdout) as { data: { items: { memo: string }[] } }).data
  assert.equal(items.filter(({ memo }) => memo === 'wage of carol').length, 1)
})

test('examples/watcher.ts: tells of holds and large payments, and goes on where it stopped', async (t) => {
  const cursor = join(folder, 'cursor')
  const alertsOf = async (
    count: number,
    happen: () => Promise<unknown>,
  ): Promise<Record<string, unknown>[]> => {
    const { child, lines } = start('watcher.ts', '--cursor', cursor, '--count', String(count))
    t.after(() => child.kill('SIGKILL'))
    const alerts: Record<string, unknown>[] = []
    lines.on('line', (line) => alerts.push(JSON.parse(line) as Record<string, unknown>))
    const exit = ended(child)
    await happen()
    assert.equal(await exit, 0)
    return alerts
  }
  const pay = (): Promise<unknown> =>
    run('cordon', ['devnet', 'faucet', 'erin', '5000CRD', '--dir', devnet], { env })
  const [large] = await alertsOf(1, async () => {
    await eventually('the watcher follows', 10_000, async () => readFileSync(cursor, 'utf8') !== '')
    await pay()
  })
  assert.deepEqual([large!.alert, large!.amount, large!.payee], ['large', '5000.00CRD', addressOf('erin')])
  // While nobody watches.
  await run('cordon', ['devnet', 'attack', 'drain', '--dir', devnet], { env })
  const alerts = await alertsOf(3, async () => undefined)
  assert.ok(alerts.length >= 3)
  for (const { alert, reasons } of alerts.filter((each) => each.alert === 'held'))
    assert.ok((reasons as string[]).length > 0, `${String(alert)} has no reasons`)
  assert.ok(alerts.some(({ alert }) => alert === 'held'))
})

const blocksOf = (page: string): string[] => shellBlocksOf(readFileSync(join(ROOT, page), 'utf8'))

test('README.md and docs/devnet.md do what they say, from top to bottom', async () => {
  await run('cordon', ['devnet', 'stop', '--dir', devnet], { env }) // it would only take time from theirs
  const cwd = join(folder, 'walk-through')
  mkdirSync(join(cwd, 'bin'), { recursive: true })
  symlinkSync(join(installed, 'bin', 'cordon'), join(cwd, 'bin', 'cordon')) // README is for a checkout
  try {
    const dataOf = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
      const { stdout } = await run('cordon', [...args, '--json'], { cwd, env })
      return (JSON.parse(stdout) as { data: Record<string, unknown> }).data
    }
    const balance = async (): Promise<unknown> => (await dataOf('wallet', 'balance', 'alice')).balance
    let kept: unknown
    const readme = blocksOf('README.md').filter((block) => block.includes('./bin/cordon'))
    await walkThrough(readme, { cwd, env })
    await walkThrough(blocksOf(join('docs', 'devnet.md')), { cwd, env }, async (command) => {
      if (command.startsWith('cordon devnet warp')) {
        const { holds } = (await dataOf('quarantine', 'list', '--status', 'ended')) as {
          holds: { status: string }[]
        }
        assert.ok(holds.some(({ status }) => status.startsWith('expired-')))
      } else if (command.startsWith('cordon devnet snapshot before')) kept = await balance()
      else if (command.startsWith('cordon devnet restore')) assert.equal(await balance(), kept)
    })
    assert.notEqual(kept, undefined)
  } finally {
    await run('cordon', ['devnet', 'stop'], { cwd, env }).catch(() => undefined)
  }
})

test('a program starts a network of its own with cordon/devnet, and types fit', async () => {
  const file = join(project, 'own-network.ts')
  writeFileSync(
    file,
    `import { Devnet } from 'cordon/devnet'
import type { Wallet } from 'cordon/client'

await using devnet = await Devnet.start({ validators: 1 })
const alice: Wallet = await devnet.wallet('alice')
const { info } = await alice.pay({ to: devnet.account('bob').address, amount: '1CRD' })
console.log(info.status)
`,
  )
  const { stdout } = await run(process.execPath, [file], { cwd: project, env })
  assert.equal(stdout.trim(), 'settled')
  const options = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { typeRoots: [join(ROOT, 'node_modules', '@types')] },
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ ...options, include: ['*.ts'] }))
  await run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', project])
})
