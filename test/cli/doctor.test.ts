import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ChainProgress, ChainStatus, Problem } from '../../client/api.ts'
import { VERSION } from '../../config/version.ts'
import {
  checkClock,
  checkConservation,
  checkDisk,
  checkEventLoop,
  checkModel,
  checkPeers,
  checkReadiness,
  checkVersion,
  type Check,
} from '../../cli/doctor/checks.ts'
import type { NodeFacts } from '../../cli/doctor/node-facts.ts'
import { createDevnet } from '../../devnet/create.ts'
import { Home } from './cordon.ts'

const CLOCK: Problem = { what: 'clock', detail: 'it is off', hint: 'set it' }

function facts(
  given: {
    status?: Partial<ChainStatus>
    progress?: Partial<ChainProgress>
    obstacles?: readonly Problem[] | null
    lagS?: number
  } = {},
): NodeFacts {
  const status = {
    version: VERSION,
    height: 7,
    peers: 3,
    totalSupply: '1000000',
    clockSkewMs: 3,
    model: { id: 'abc', backend: 'wasm', healthy: true, problem: null },
    ...given.status,
  }
  const progress = {
    sinceFinalMs: 100,
    connectedBps: 10_000,
    quorumBps: 6_667,
    missing: [],
    ...given.progress,
  }
  return {
    status: status as ChainStatus,
    progress: progress as ChainProgress,
    obstacles: given.obstacles === undefined ? [] : given.obstacles,
    metrics: new Map(
      given.lagS === undefined ? [] : [['cordon_nodejs_eventloop_lag_p99_seconds', given.lagS]],
    ),
  }
}

function states(checks: readonly Check[]): string[] {
  return checks.map(({ what, state }) => `${what}: ${state}`)
}

test('a node that is well', () => {
  const node = facts({ lagS: 0.01 })
  const all = [
    checkVersion(node),
    checkDisk(50e9, '/d'),
    ...checkReadiness(node),
    checkPeers(node),
    checkClock(node),
    checkEventLoop(node),
    checkModel(node),
    checkConservation(node, 1_000_000n),
  ]
  for (const { what, state, hint } of all) assert.deepEqual([what, state, hint], [what, 'ok', null])
})

test('each thing that is out of order is found, with what to do', () => {
  const away = { name: 'v4', shareBps: 2_500, connected: false }
  const found = [
    checkVersion(facts({ status: { version: '9.9.9' } })),
    checkDisk(5e9, '/d'),
    checkDisk(1e8, '/d'),
    ...checkReadiness(facts({ obstacles: [{ what: 'quorum', detail: 'd', hint: 'h' }, CLOCK] })),
    checkPeers(facts({ progress: { connectedBps: 7_500, missing: [away] } })),
    checkPeers(facts({ progress: { connectedBps: 5_000, missing: [away] } })),
    checkClock(facts({ obstacles: [CLOCK] })),
    checkEventLoop(facts({ lagS: 0.5 })),
    checkModel(facts({ status: { model: { id: 'x', backend: 'cpu', healthy: false, problem: 'gone' } } })),
    checkConservation(facts(), 999_999n),
  ]
  assert.deepEqual(states(found), [
    'version: warn',
    'disk: warn',
    'disk: bad',
    'quorum: bad',
    'peers: warn',
    'peers: bad',
    'clock: bad',
    'event loop: warn',
    'fraud model: bad',
    'conservation: bad',
  ])
  for (const { what, hint } of found) assert.ok(hint !== null && hint !== '', `${what} says what to do`)
  assert.match(found[4]!.detail, /not connected: v4/)
})

test('what the node does not say is unknown, not well', () => {
  assert.equal(checkClock(facts({ status: { clockSkewMs: null } })).state, 'unknown')
  assert.equal(checkEventLoop(facts()).state, 'unknown')
  assert.deepEqual(states(checkReadiness(facts({ obstacles: null }))), ['finality: ok', 'readiness: unknown'])
  assert.deepEqual(states(checkReadiness(facts({ obstacles: null, progress: { stalled: true } }))), [
    'finality: bad',
  ])
  assert.deepEqual(states(checkReadiness(facts({ obstacles: [CLOCK] }))), ['finality: ok'], 'its own check')
})

test('of a node that does not run: its directory, and whether its ports are free', async (t) => {
  using home = new Home()
  const dir = join(home.path, 'net')
  await createDevnet(dir, { validators: 1, loadAccounts: 0 })
  const well = await home.run(['doctor', 'check', '--node-dir', join(dir, 'v1'), '--json'])
  assert.equal(well.code, 1)
  const { checks } = well.envelope.data as { checks: Check[] }
  const byName = new Map(checks.map((check) => [check.what, check]))
  assert.deepEqual([byName.get('configuration')?.state, byName.get('signer')?.state], ['ok', 'ok'])
  assert.equal(byName.get('node')?.state, 'bad')
  const ports = checks.filter(({ what }) => what.startsWith('port '))
  assert.deepEqual(
    ports.map(({ state }) => state),
    ['ok', 'ok'],
  )

  const taken = Number(ports[0]!.what.split(' ')[1])
  const server = createServer((socket) => socket.destroy()).listen(taken, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const busy = await home.run(['doctor', 'check', '--node-dir', join(dir, 'v1')])
  assert.match(busy.stdout, new RegExp(`port ${taken} +bad`))
  assert.match(busy.stderr, /out of order: .*port/)

  writeFileSync(join(dir, 'v1', 'config', 'cordon.toml'), 'version = 1\n[rpc]\nport = "many"\n')
  const broken = await home.run(['doctor', 'check', '--node-dir', join(dir, 'v1')])
  assert.match(broken.stdout, /configuration +bad .*rpc\.port: expected a port/)
  assert.match(broken.stdout, /it was not asked/)
})
