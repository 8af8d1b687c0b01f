import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import test, { type TestContext } from 'node:test'
import { Conditions } from '../../devnet/links/conditions.ts'
import { Link } from '../../devnet/links/link.ts'
import { Supervisor } from '../../devnet/supervisor.ts'
import { FAKE_DAEMON, fakeDevnet } from './helpers.ts'

const NAMES = ['v1', 'v2', 'v3']

function cutPairs(conditions: Conditions): string[] {
  return conditions.list().flatMap(({ from, to, condition }) => (condition.isCut ? [`${from}>${to}`] : []))
}

test('a partition cuts both directions, or only what its side sends; heal ends everything', () => {
  const conditions = new Conditions(NAMES)
  conditions.partition(['v1'], false)
  assert.deepEqual(cutPairs(conditions), ['v1>v2', 'v1>v3', 'v2>v1', 'v3>v1'])
  conditions.heal()
  assert.deepEqual(conditions.list(), [])
  conditions.partition(['v1', 'v3'], true)
  assert.deepEqual(cutPairs(conditions), ['v1>v2', 'v3>v2'])
})

test('delay and loss hold for what a node sends and receives, side by side, and end with 0', () => {
  const conditions = new Conditions(NAMES)
  conditions.delay(50, 10, ['v2'])
  conditions.loss(5, [])
  assert.deepEqual(conditions.of('v1', 'v2'), { isCut: false, delayMs: 50, jitterMs: 10, lossShare: 0.05 })
  assert.deepEqual(conditions.of('v1', 'v3'), { isCut: false, delayMs: 0, jitterMs: 0, lossShare: 0.05 })
  conditions.loss(0, [])
  conditions.delay(0, 0, [])
  assert.deepEqual(conditions.list(), [])
})

test('what makes no sense is refused, with what was expected', () => {
  const conditions = new Conditions(NAMES)
  const refusals: [RegExp, () => void][] = [
    [/no node "v9"; this devnet has v1, v2, v3/, () => conditions.partition(['v9'], false)],
    [/some but not all of v1, v2, v3, got v1, v2, v3/, () => conditions.partition(NAMES, false)],
    [/got none/, () => conditions.partition([], false)],
    [/a delay is a number from 0 to 10000 ms; got 10001/, () => conditions.delay(10_001, 0, [])],
    [/a jitter is a number from 0 to 20 ms, at most the delay; got 21/, () => conditions.delay(20, 21, [])],
    [/a loss is a number from 0 to 50 percent; got 51/, () => conditions.loss(51, [])],
  ]
  for (const [message, act] of refusals) assert.throws(act, { code: 'usage', message })
  assert.deepEqual(conditions.list(), [])
})

test('a devnet without links says how to get them', async (t) => {
  const dir = await fakeDevnet({ v1: {}, v2: {} })
  const supervisor = await Supervisor.open({ dir, entry: FAKE_DAEMON, onEvent: () => undefined })
  t.after(() => supervisor.stop())
  assert.throws(() => supervisor.network, { code: 'usage', message: /cordon devnet --links --dir/ })
})

interface Connected {
  readonly conditions: Conditions
  /** The ends of one connection from v1 to v2 through a link. */
  readonly near: Socket
  readonly far: Socket
  dial(): Socket
  /** Resolves to the next connection that reaches v2. */
  nextArrival(): Promise<Socket>
}

async function linked(t: TestContext): Promise<Connected> {
  const sockets: Socket[] = []
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const conditions = new Conditions(NAMES)
  const { port } = server.address() as AddressInfo
  const link = await Link.open({ dialer: 'v1', listener: 'v2', port }, conditions)
  t.after(() => {
    link.close()
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const dial = (): Socket => {
    const socket = connect({ port: link.port, host: '127.0.0.1' })
    sockets.push(socket.on('error', () => undefined))
    return socket
  }
  const nextArrival = async (): Promise<Socket> => ((await once(server, 'connection')) as [Socket])[0]
  const arrival = nextArrival()
  const near = dial()
  return { conditions, near, far: await arrival, dial, nextArrival }
}

async function textOf(socket: Socket): Promise<string> {
  return String(((await once(socket, 'data')) as [Buffer])[0])
}

/** All that arrives until the end. */
async function allOf(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

test('a clear link passes bytes both ways, and the end of a connection', async (t) => {
  const { near, far } = await linked(t)
  near.write('there')
  assert.equal(await textOf(far), 'there')
  far.write('back')
  assert.equal(await textOf(near), 'back')
  const bytes = Buffer.alloc(5_000_000, 'x')
  const all = allOf(far)
  near.end(bytes)
  assert.equal((await all).compare(bytes), 0)
})

test('what is sent into a cut arrives after it, in order; the other direction goes on', async (t) => {
  const { conditions, near, far } = await linked(t)
  conditions.partition(['v1'], true)
  near.write('one ')
  far.write('heard')
  assert.equal(await textOf(near), 'heard')
  near.write('two')
  // What v1 sent came to the link before its answer: nothing of it has passed.
  far.write('still')
  assert.equal(await textOf(near), 'still')
  assert.equal(far.bytesRead, 0)
  conditions.heal()
  const [first] = (await once(far, 'data')) as [Buffer]
  const text = first.length === 7 ? String(first) : String(first) + (await textOf(far))
  assert.equal(text, 'one two')
})

test('the loss of one end is not seen through a cut', async (t) => {
  const { conditions, near, far } = await linked(t)
  conditions.partition(['v2'], false)
  let isClosed = false
  near.once('close', () => (isClosed = true)).resume()
  far.destroy()
  await once(far, 'close')
  // A round trip through another clear connection of the event loop: the link has seen the loss by now.
  const other = await linked(t)
  other.near.write('x')
  await textOf(other.far)
  assert.equal(isClosed, false)
  conditions.heal()
  await once(near, 'close')
})

test('a connection made during a cut arrives after it', async (t) => {
  const { conditions, dial, nextArrival } = await linked(t)
  conditions.partition(['v1'], false)
  const near = dial()
  near.write('late')
  await once(near, 'connect')
  const arrival = nextArrival()
  conditions.heal()
  assert.equal(await textOf(await arrival), 'late')
})

test('delayed data comes when it is due, in order, also with jitter', async (t) => {
  const { conditions, near, far } = await linked(t)
  conditions.delay(80, 40, [])
  const sentMs = performance.now()
  const all = allOf(far)
  const expected = Array.from({ length: 50 }, (_, index) => `${index};`)
  for (const part of expected) near.write(part)
  near.end()
  assert.equal(String(await all), expected.join(''))
  assert.ok(performance.now() - sentMs >= 40)
})

test('with losses everything comes, later', async (t) => {
  const { conditions, near, far } = await linked(t)
  conditions.loss(50, [])
  const bytes = Buffer.alloc(300_000, 'y')
  const all = allOf(far)
  const sentMs = performance.now()
  near.end(bytes)
  assert.equal((await all).length, bytes.length)
  assert.ok(performance.now() - sentMs >= 200, 'of 200 packets one at least was lost')
})
