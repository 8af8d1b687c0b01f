import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import test, { type TestContext } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { askSupervisor } from '../../devnet/control.ts'
import { EarlyNodes } from '../../devnet/early-nodes.ts'
import { devnetPaths, nodePaths, readDevnetFile } from '../../devnet/layout.ts'
import { NodeProcess } from '../../devnet/node-process.ts'
import { isSameProcess, processIdentity } from '../../devnet/processes.ts'
import { Supervisor, runningSupervisor, stopDevnet, type SupervisorEvent } from '../../devnet/supervisor.ts'
import { eventually } from '../e2e/harness.ts'
import { FAKE_DAEMON, bend, fakeDevnet } from './helpers.ts'

interface Opened {
  readonly supervisor: Supervisor
  readonly events: SupervisorEvent[]
  /** Resolves at the next exit event. */
  nextExit(): Promise<SupervisorEvent>
}

async function open(t: TestContext, dir: string): Promise<Opened> {
  const events: SupervisorEvent[] = []
  let wake: (event: SupervisorEvent) => void = () => undefined
  const supervisor = await Supervisor.open({
    dir,
    entry: FAKE_DAEMON,
    readyTimeoutMs: 20_000,
    termTimeoutMs: 500,
    onEvent: (event) => {
      events.push(event)
      if (event.event === 'exit') wake(event)
    },
  })
  t.after(() => supervisor.stop())
  return { supervisor, events, nextExit: () => new Promise((resolve) => (wake = resolve)) }
}

function pidsOf(dir: string): number[] {
  return readDevnetFile(dir).nodes.flatMap(({ pid }) => (pid === null ? [] : [pid]))
}

function portOf(dir: string, name: string): number {
  return Number(new URL(readDevnetFile(dir).nodes.find((node) => node.name === name)!.rpc).port)
}

test('starts all nodes, notes their pids, and leaves none behind', async (t) => {
  const dir = await fakeDevnet({ v1: {}, v2: {} })
  const { supervisor } = await open(t, dir)
  await supervisor.start()
  const pids = pidsOf(dir)
  assert.equal(pids.length, 2)
  assert.equal(runningSupervisor(dir).pid, process.pid)
  await supervisor.stop()
  assert.deepEqual(pids.map(processIdentity), [null, null])
  assert.deepEqual(pidsOf(dir), [])
  assert.throws(() => runningSupervisor(dir), { code: 'devnet-missing' })
  assert.match(readFileSync(nodePaths(dir, { dir: 'v1' }).log, 'utf8'), /fake node started/)
})

test('a node that has ended is not one that takes too long, also when the time is up', async () => {
  const dir = await fakeDevnet({
    v1: { exitCode: 80, lastLine: 'cordon: signer-lost: what it signed is gone' },
  })
  const node = await NodeProcess.start({
    name: 'v1',
    ...nodePaths(dir, { dir: 'v1' }),
    rpc: `http://127.0.0.1:${portOf(dir, 'v1')}`,
    entry: FAKE_DAEMON,
  })
  await node.exited
  await assert.rejects(node.waitFor('/readyz', 0, new AbortController().signal), {
    code: 'signer-lost',
    message: /^v1 ended with exit code 80/,
  })
})

test('reports an exit and does not restart; restart starts the dead node', async (t) => {
  const dir = await fakeDevnet({ v1: {}, v2: {}, v3: {}, v4: {} })
  const { supervisor, events, nextExit } = await open(t, dir)
  await supervisor.start()
  const before = readDevnetFile(dir).nodes[3]!.pid!
  const exit = nextExit()
  process.kill(before, 'SIGKILL')
  const { event, ...rest } = await exit
  assert.equal(event, 'exit')
  assert.deepEqual(
    { ...rest, log: '', message: '' },
    { name: 'v4', pid: before, code: null, signal: 'SIGKILL', log: '', message: '' },
  )
  assert.equal(readDevnetFile(dir).nodes[3]!.pid, null)
  const result = (await askSupervisor(runningSupervisor(dir), { op: 'restart', name: 'v4' })) as {
    pid: number
    ready: boolean
  }
  assert.equal(result.ready, true)
  assert.notEqual(result.pid, before)
  assert.equal(readDevnetFile(dir).nodes[3]!.pid, result.pid)
  assert.equal(events.filter((each) => each.event === 'exit').length, 1)
})

test('kill and restart by name; an unknown name is a usage error', async (t) => {
  const dir = await fakeDevnet({ v1: {} })
  const { supervisor } = await open(t, dir)
  await supervisor.start()
  const record = runningSupervisor(dir)
  const [pid] = pidsOf(dir)
  assert.deepEqual(await askSupervisor(record, { op: 'kill', name: 'v1' }), { name: 'v1', pid })
  assert.deepEqual(await askSupervisor(record, { op: 'kill', name: 'v1' }), { name: 'v1', pid: null })
  await assert.rejects(askSupervisor(record, { op: 'kill', name: 'v9' }), {
    code: 'usage',
    message: /v9.*this devnet has v1/,
  })
})

test('restart without a quorum returns once the node answers', async (t) => {
  const dir = await fakeDevnet({ v1: {}, v2: {}, v3: {}, v4: {} })
  const { supervisor } = await open(t, dir)
  await supervisor.start()
  for (const name of ['v2', 'v3', 'v4']) await supervisor.kill(name)
  bend(dir, 'v4', { port: portOf(dir, 'v4'), neverReady: true })
  assert.equal((await supervisor.restart('v4')).ready, false)
})

test('a node that refuses to start fails the start with its own words and code, and stops the others', async (t) => {
  const dir = await fakeDevnet({
    v1: {},
    v2: { exitCode: 78, lastLine: 'cordon: port-in-use: port 1 is taken' },
  })
  const { supervisor, events } = await open(t, dir)
  await assert.rejects(supervisor.start(), {
    code: 'port-in-use',
    message: /v2 ended with exit code 78: cordon: port-in-use: port 1 is taken/,
  })
  const started = events.flatMap((event) => (event.event === 'started' ? [event.pid] : []))
  assert.equal(started.length, 2)
  assert.deepEqual(started.map(processIdentity), [null, null])
})

test('a node that ignores SIGTERM is killed', { timeout: 15_000 }, async (t) => {
  const dir = await fakeDevnet({ v1: { deaf: true } })
  const { supervisor } = await open(t, dir)
  await supervisor.start()
  const [pid] = pidsOf(dir)
  await supervisor.stop()
  assert.equal(processIdentity(pid!), null)
})

test('a second supervisor on the directory is refused', async (t) => {
  const dir = await fakeDevnet({ v1: {} })
  const { supervisor } = await open(t, dir)
  await assert.rejects(Supervisor.open({ dir, onEvent: () => undefined }), {
    code: 'devnet-running',
    message: new RegExp(String(process.pid)),
  })
  await supervisor.stop()
  const again = await open(t, dir)
  await again.supervisor.stop()
})

test('the control channel asks for its token', async (t) => {
  const dir = await fakeDevnet({ v1: {} })
  await open(t, dir)
  const record = runningSupervisor(dir)
  await assert.rejects(askSupervisor({ ...record, token: 'guess' }, { op: 'stop' }), {
    code: 'usage',
    message: /token/,
  })
  const socket = connect({ port: record.port, host: '127.0.0.1' })
  socket.write('no json\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  assert.equal((JSON.parse(answer.toString()) as { ok: boolean }).ok, false)
  socket.destroy()
})

test('stop from another process ends supervisor and nodes; a stopped devnet says so', async (t) => {
  const dir = await fakeDevnet({ v1: {}, v2: {} })
  const { supervisor } = await open(t, dir)
  await supervisor.start()
  await askSupervisor(runningSupervisor(dir), { op: 'stop' })
  await supervisor.stopped
  assert.equal(await stopDevnet(dir), false)
})

test(
  'a node started early waits until it is taken, and ends if nobody does',
  { timeout: 20_000 },
  async (t) => {
    const dir = await fakeDevnet({ v1: {}, v2: {} })
    const { nodes } = readDevnetFile(dir)
    const early = new EarlyNodes({ entry: FAKE_DAEMON })
    early.start(dir, dir, nodes)
    t.after(() => early.stop())
    const supervisor = await Supervisor.open({ dir, entry: FAKE_DAEMON, early, onEvent: () => undefined })
    t.after(() => supervisor.stop())
    assert.doesNotMatch(readFileSync(nodePaths(dir, nodes[0]!).log, 'utf8'), /started/)
    await supervisor.start()
    assert.match(readFileSync(nodePaths(dir, nodes[0]!).log, 'utf8'), /fake node started/)
    assert.equal(await early.take('v1'), null)

    const abandoned = new EarlyNodes({ entry: FAKE_DAEMON })
    const other = await fakeDevnet({ v1: {} })
    abandoned.start(other, other, readDevnetFile(other).nodes)
    await abandoned.stop()
    assert.doesNotMatch(readFileSync(nodePaths(other, { dir: 'v1' }).log, 'utf8'), /started/)
    assert.equal(await abandoned.take('v1'), null)
  },
)

/** A supervisor in a process of its own, so that it can be killed. */
async function startElsewhere(dir: string): Promise<number> {
  const program = `
    const { Supervisor } = await import(${JSON.stringify(new URL('../../devnet/supervisor.ts', import.meta.url).href)})
    const supervisor = await Supervisor.open({ dir: ${JSON.stringify(dir)}, entry: ${JSON.stringify(FAKE_DAEMON)}, onEvent: () => undefined })
    await supervisor.start()
    process.stdout.write('ready')
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  return child.pid!
}

/** They are no children of this process: nothing tells of their end. */
async function ended(nodes: readonly { pid: number; identity: string }[]): Promise<void> {
  await eventually('the nodes to end', 10_000, () =>
    Promise.resolve(nodes.every(({ pid, identity }) => !isSameProcess(pid, identity))),
  )
}

test(
  'nodes end when their supervisor is killed, and the next one takes the directory over',
  { timeout: 20_000 },
  async (t) => {
    const dir = await fakeDevnet({ v1: {}, v2: { deaf: true } })
    const dead = await startElsewhere(dir)
    const file = readDevnetFile(dir)
    assert.equal(file.supervisor?.pid, dead)
    const nodes = file.nodes.map(({ name, pid }) => ({ pid: pid!, identity: file.identities[name]! }))
    await ended(nodes.slice(0, 1))
    // v2 ignores the signal, so the next supervisor finds it and ends it.
    const { supervisor, events } = await open(t, dir)
    assert.deepEqual(
      events.filter((event) => event.event === 'stale').map(({ name }) => name),
      ['v2'],
    )
    await ended(nodes)
    bend(dir, 'v2', { port: portOf(dir, 'v2') })
    await supervisor.start()
    assert.equal(pidsOf(dir).length, 2)
    assert.notEqual(readFileSync(devnetPaths(dir).lock, 'utf8'), '')
  },
)

test('a snapshot stops the nodes, keeps, and starts those that ran; nobody is told of an exit', async (t) => {
  const dir = await fakeDevnet({ v1: {}, v2: {} })
  const { supervisor, events } = await open(t, dir)
  await supervisor.start()
  await supervisor.kill('v2')
  const before = pidsOf(dir)
  await supervisor.snapshot('one')
  const after = pidsOf(dir)
  assert.equal(after.length, 1)
  assert.notDeepEqual(after, before)
  assert.deepEqual((await supervisor.restore('one')).name, 'one')
  await assert.rejects(supervisor.restore('two'), { code: 'usage' })
  assert.equal(pidsOf(dir).length, 1)
  assert.deepEqual(
    events.flatMap((event) => (event.event === 'exit' ? [event.name] : [])),
    ['v2'],
  )
})

test('warp reaches nodes that run and those that start later, and goes forward only', async (t) => {
  const dir = await fakeDevnet({ v1: {} })
  const { supervisor } = await open(t, dir)
  await supervisor.start()
  const dayMs = 86_400_000
  assert.deepEqual(supervisor.warp(dayMs), { aheadMs: dayMs })
  const aheadMs = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${portOf(dir, 'v1')}/clock`)
    return Number(await answer.text()) - Date.now()
  }
  await eventually('the warp to arrive', 10_000, async () => (await aheadMs()) >= dayMs - 60_000)
  await supervisor.restart('v1')
  assert.ok(Math.abs((await aheadMs()) - dayMs) < 60_000)
  for (const byMs of [0, -1, 0.5, NaN, LIMITS.devnetAheadMs])
    assert.throws(() => supervisor.warp(byMs), { code: 'usage', message: /time goes forward only/ })
  assert.equal(readDevnetFile(dir).aheadMs, dayMs)
})
