/** `cordon watch` against a scripted node: cursors, breaks, other chains, and how it ends. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { Interruption } from '../../cli/interruption.ts'
import { watch, type WatchOptions } from '../../cli/watch/watch.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { FakeNode, NO_ANSWER, rpcFailure, type Request } from '../client/fake-node.ts'
import { key } from '../client/receipt-chain.ts'
import { CORDON, Home, environmentOf } from './cordon.ts'

const CHAIN = 'c0'.repeat(8)
const ALICE = encodeAddress('dcdn', key('alice').publicKey)
const BOB = encodeAddress('dcdn', key('bob').publicKey)

/** A node that has executed so many blocks with an event each. */
class EventNode implements AsyncDisposable {
  readonly node: FakeNode
  height: number
  chain: string = CHAIN

  private constructor(node: FakeNode, height: number) {
    this.node = node
    this.height = height
  }

  static async start(height: number): Promise<EventNode> {
    const node = new EventNode(await FakeNode.start(() => null), height)
    node.node.setHandler((request) => node.#answer(request))
    return node
  }

  get asked(): Request[] {
    return this.node.requests.filter(({ method }) => method === 'payments_follow')
  }

  #answer({ method, params }: Request): unknown {
    if (method === 'chain_info') return { chainId: this.chain }
    const { cursor = `${this.height + 1}.0`, timeoutMs } = params as { cursor?: string; timeoutMs: number }
    const [height = 0, skip = 0] = cursor.split('.').map(Number)
    const first = skip > 0 ? height + 1 : height
    const items = Array.from({ length: Math.max(0, this.height + 1 - first) }, (_, index) => ({
      event: 'settled',
      cursor: `${first + index}.1`,
    }))
    if (items.length === 0 && timeoutMs > 0) return NO_ANSWER
    return { items, cursor: `${this.height + 1}.0`, executedHeight: this.height }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.node[Symbol.asyncDispose]()
  }
}

class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'cordon-watch-'))

  get cursorFile(): string {
    return join(this.path, 'cursor')
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

interface Watching {
  readonly cursors: string[]
  readonly ended: Promise<number>
  readonly stop: () => void
}

/** Starts a watch. `onEvent` is called after each printed event. */
function start(
  nodes: readonly EventNode[],
  options: WatchOptions,
  onEvent: (cursors: readonly string[]) => void = () => undefined,
): Watching {
  const cursors: string[] = []
  const interruption = new Interruption()
  const ended = watch(
    { rpc: nodes.map(({ node }) => node.url).join(','), ...options },
    (line) => {
      cursors.push((JSON.parse(line) as { cursor: string }).cursor)
      onEvent(cursors)
      return Promise.resolve()
    },
    interruption,
  )
  return { cursors, ended, stop: () => void process.emit('SIGTERM') }
}

suite('watch', () => {
  test('--from and --until-idle give what there is, --count so much of it', async () => {
    await using node = await EventNode.start(4)
    const all = start([node], { from: '1.0', untilIdle: true })
    assert.equal(await all.ended, 0)
    assert.deepEqual(all.cursors, ['1.1', '2.1', '3.1', '4.1'])
    const two = start([node], { from: '2.1', count: 2 })
    assert.equal(await two.ended, 0)
    assert.deepEqual(two.cursors, ['3.1', '4.1'])
  })

  test('one after the other, watches with a cursor file print every event once', async () => {
    using folder = new Folder()
    const { cursorFile } = folder
    await using node = await EventNode.start(0)
    await start([node], { cursorFile, untilIdle: true }).ended
    assert.ok(existsSync(cursorFile), 'what happens while nobody watches is not missed')
    const seen: string[] = []
    for (const [height, count] of [
      [3, 2],
      [5, 1],
      [6, 3],
    ] as const) {
      node.height = height
      const part = start([node], { cursorFile, count, from: '1.0' })
      await part.ended
      seen.push(...part.cursors)
    }
    assert.deepEqual(seen, ['1.1', '2.1', '3.1', '4.1', '5.1', '6.1'])
  })

  test('the cursor moves after an event was printed, not before', async () => {
    using folder = new Folder()
    const { cursorFile } = folder
    await using node = await EventNode.start(2)
    const before: unknown[] = []
    const watching = start([node], { cursorFile, from: '1.0', untilIdle: true }, () =>
      before.push(JSON.parse(readFileSync(cursorFile, 'utf8'))),
    )
    await watching.ended
    const watched = { format: 'cordon-cursor/1', chain: CHAIN, account: null }
    assert.deepEqual(before, [
      { ...watched, cursor: '1.0' },
      { ...watched, cursor: '1.1' },
    ])
    assert.deepEqual(JSON.parse(readFileSync(cursorFile, 'utf8')), { ...watched, cursor: '2.1' })
  })

  test('after a break it goes on at another node where it stopped', async () => {
    await using second = await EventNode.start(4)
    const first = await EventNode.start(2)
    const watching = start([first, second], { from: '1.0', count: 4 }, (cursors) => {
      if (cursors.length === 2) void first[Symbol.asyncDispose]()
    })
    assert.equal(await watching.ended, 0)
    assert.deepEqual(watching.cursors, ['1.1', '2.1', '3.1', '4.1'])
    assert.deepEqual(
      second.asked.map(({ params }) => params.cursor),
      ['3.0'],
    )
  })

  test('a node that is too busy is asked again', async () => {
    await using node = await EventNode.start(1)
    let refusals = 0
    const watching = start([node], { from: '1.0', count: 1 })
    node.node.setHandler(({ method }) => {
      if (method === 'chain_info') return { chainId: CHAIN }
      if (refusals++ === 0) throw rpcFailure('busy', 'too many wait')
      return { items: [{ cursor: '1.1' }], cursor: '2.0', executedHeight: 1 }
    })
    assert.equal(await watching.ended, 0)
    assert.deepEqual([watching.cursors, refusals], [['1.1'], 2])
  })

  test('a node that comes back with another chain ends it', async () => {
    await using node = await EventNode.start(1)
    const watching = start([node], { from: '1.0' }, () => {
      node.chain = 'd1'.repeat(8)
      setImmediate(() => node.node.dropConnections())
    })
    await assert.rejects(watching.ended, { code: 'cursor-invalid' })
  })

  test('a signal ends it in the middle of waiting, with exit 0', async () => {
    await using node = await EventNode.start(1)
    const watching = start([node], { from: '1.0' }, () => setImmediate(() => watching.stop()))
    assert.equal(await watching.ended, 0)
    assert.deepEqual(watching.cursors, ['1.1'])
    assert.equal(process.listenerCount('SIGTERM'), 0)
  })

  test('an account is asked for by its address', async () => {
    await using node = await EventNode.start(1)
    await start([node], { account: ALICE, from: '1.0', untilIdle: true }).ended
    assert.equal(node.asked[0]?.params.address, ALICE)
  })

  test('a cursor file of another chain, of another account, or damaged is refused', async () => {
    using folder = new Folder()
    const { cursorFile } = folder
    await using node = await EventNode.start(1)
    await start([node], { account: ALICE, cursorFile, untilIdle: true }).ended
    const good = readFileSync(cursorFile, 'utf8')
    for (const [text, account] of [
      [good, BOB],
      [good, undefined],
      [good.replace(CHAIN, 'd1'.repeat(8)), ALICE],
      [good.replace('2.0', '2'), ALICE],
      [good.slice(0, -5), ALICE],
      [good.replace('cursor/1', 'cursor/2'), ALICE],
      ['', ALICE],
    ] as const) {
      writeFileSync(cursorFile, text)
      const options = { cursorFile, untilIdle: true, ...(account === undefined ? {} : { account }) }
      await assert.rejects(start([node], options).ended, { code: 'cursor-invalid' }, text)
      assert.equal(readFileSync(cursorFile, 'utf8'), text, 'it is left as it was')
    }
    writeFileSync(cursorFile, good)
    assert.equal(await start([node], { account: ALICE, cursorFile, untilIdle: true }).ended, 0)
  })
})

test('on a command line: a line for each event, and a reader that has enough ends it with exit 0', async () => {
  using home = new Home()
  await using node = await EventNode.start(5_000)
  const args = ['watch', '--rpc', node.node.url, '--from', '4999.0']
  const run = await home.run([...args, '--until-idle'])
  assert.deepEqual([run.code, run.stderr], [0, ''])
  assert.equal(run.stdout, '{"event":"settled","cursor":"4999.1"}\n{"event":"settled","cursor":"5000.1"}\n')
  const script = '"$0" watch --rpc "$1" --from 1.0 --cursor-file cursor | head -n 1; echo "${PIPESTATUS[0]}"'
  const { stdout } = await promisify(execFile)('bash', ['-c', script, CORDON, node.node.url], {
    cwd: home.path,
    env: environmentOf(home.path),
  })
  assert.equal(stdout, '{"event":"settled","cursor":"1.1"}\n0\n')
  assert.ok(existsSync(join(home.path, 'cursor')))
  assert.equal((await home.run(['watch', '--from', 'x'])).code, 2)
})
