/** An operator loses a signer folder, or the whole disk, and brings it back: real processes, real folders. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { CORDON } from '../cli/cordon.ts'
import { commandsUnder } from './guide.ts'
import { Devnet, assertAgreement, cordon, eventually } from './harness.ts'

const OPERATORS = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'operators.md'), 'utf8')
/** Views go by while nobody pays, so that a wait for some of them is short. */
const IDLE_MS = 100

/** Finalize votes that the node has cast in this life, and whether it abstains. */
async function voting(url: string): Promise<{ readonly votes: number; readonly abstains: boolean }> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const valueOf = (name: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.split(' ')[1] ?? 0,
    )
  return {
    votes: valueOf('cordon_votes_total{vote="finalize"}'),
    abstains: valueOf('cordon_not_voting ') === 1,
  }
}

suite('a validator that lost what it signed', () => {
  const open = new AsyncDisposableStack()
  let devnet: Devnet

  before(async () => {
    devnet = open.use(await Devnet.start(['--load-accounts', '0', '--param', `idleMs=${IDLE_MS}`]))
  })
  after(() => open.disposeAsync())

  async function votesAgain(name: string): Promise<void> {
    await eventually(`${name} to vote again`, 20_000, async () => {
      const { votes, abstains } = await voting(devnet.rpcOf(name))
      return votes > 0 && !abstains
    })
  }

  async function assertNothingContradicted(): Promise<void> {
    await assertAgreement(devnet.ready.validators.map(({ rpc }) => rpc))
    assert.deepEqual((await devnet.run(0, 'evidence', 'list')).offences, [])
  }

  test('does not start without its signer folder; with its export it votes again', async () => {
    const node = join(devnet.dir, 'v4')
    const file = join(devnet.dir, 'v4-votes.json')
    const signer = (command: string, ...args: string[]): ReturnType<typeof cordon> =>
      cordon(['signer', command, '--dir', node, '--json', ...args])
    await eventually('v4 to vote', 10_000, async () => (await voting(devnet.rpcOf('v4'))).votes > 0)
    const busy = await signer('export', '--out', file)
    assert.deepEqual([busy.code, busy.json?.error?.code], [78, 'directory-locked'])

    await devnet.run(0, 'devnet', 'kill', 'v4')
    assert.equal((await signer('export', '--out', file)).code, 0)
    rmSync(join(node, 'signer', 'votes.journal'))
    const refused = await devnet.run(80, 'devnet', 'restart', 'v4')
    assert.equal(refused.code, 'signer-lost')

    assert.equal((await signer('import', '--file', file)).code, 0)
    await devnet.run(0, 'devnet', 'restart', 'v4')
    await devnet.run(0, 'wallet', 'send', '--from', 'alice', '--to', 'bob', '--amount', '1CRD')
    await votesAgain('v4')
    await assertNothingContradicted()
  })

  test('loses its disk, and votes again from a backup as docs/operators.md says, without a contradiction', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cordon-backup-'))
    open.defer(() => {
      rmSync(folder, { recursive: true, force: true })
    })
    const node = join(devnet.dir, 'v3')
    const env = { ...process.env, PATH: [dirname(CORDON), process.env.PATH].join(delimiter) }
    /** A command of the page, for this node and by this user. */
    const here = (command: string): string =>
      command.replace(/^sudo (?:--user=cordon )?/, '').replaceAll('/var/lib/cordon', node)
    const type = (command: string): string =>
      execFileSync('sh', ['-e', '-c', here(command)], { cwd: folder, env, encoding: 'utf8' })
    const [backup, ...others] = commandsUnder(OPERATORS, 'Backup')
    const [extract = '', status = '', start = '', ...repair] = commandsUnder(OPERATORS, 'Restore')
    assert.deepEqual([others.length, repair.length], [0, 1])

    await eventually('v3 to vote', 10_000, async () => (await voting(devnet.rpcOf('v3'))).votes > 0)
    type(backup ?? '')
    await devnet.run(0, 'devnet', 'kill', 'v3')
    rmSync(node, { recursive: true })
    mkdirSync(node, { mode: 0o700 })

    type(extract)
    assert.match(type(status), /condition +lost/)
    assert.equal((await devnet.run(80, 'devnet', 'restart', 'v3')).code, 'signer-lost')
    const waiting = spawn('sh', ['-c', `exec ${here(start)}`], { cwd: folder, env, stdio: 'ignore' })
    open.defer(() => {
      waiting.kill('SIGKILL')
    })
    await eventually(
      'v3 to follow without voting',
      20_000,
      async () => (await voting(devnet.rpcOf('v3'))).abstains,
    )
    await votesAgain('v3')
    waiting.kill('SIGTERM')
    assert.deepEqual(await once(waiting, 'exit'), [0, null])

    await devnet.run(0, 'devnet', 'restart', 'v3')
    await devnet.run(0, 'wallet', 'send', '--from', 'alice', '--to', 'bob', '--amount', '1CRD')
    await votesAgain('v3')
    await assertNothingContradicted()
  })
})
