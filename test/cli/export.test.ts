/** `quarantine export` of a real review desk behind a real operator server, by the real command. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { makeToken, writeTokenFile } from '../../config/tokens.ts'
import { keyPairFromSeed } from '../../crypto/ed25519.ts'
import { createOperatorService, type OperatorServiceOptions } from '../../node/operator-service.ts'
import { ReviewDesk } from '../../node/review/desk.ts'
import { startOperatorServer, type OperatorServer } from '../../node/rpc/operator-server.ts'
import { TokenKeeper } from '../../node/rpc/token-keeper.ts'
import { CORDON, environmentOf, Home } from './cordon.ts'
import { NO_PUBLIC_SIDE } from '../rpc/harness.ts'

const silent = { debug: () => undefined, warn: () => undefined, error: () => undefined }

/** A desk behind an operator port, and a token for it. */
class Desk implements AsyncDisposable {
  readonly home: Home = new Home()
  readonly desk: ReviewDesk
  server: OperatorServer | null = null
  readonly #tokenFile: string

  private constructor(home: Home, desk: ReviewDesk) {
    this.home = home
    this.desk = desk
    const { token, secret } = makeToken('case-system', 'read', Date.now(), null)
    this.#tokenFile = join(home.path, 'secret')
    writeTokenFile(join(home.path, 'tokens.json'), [token])
    writeFileSync(this.#tokenFile, `${secret}\n`, { mode: 0o600 })
  }

  static async open(): Promise<Desk> {
    const home = new Home()
    const desk = await ReviewDesk.open({
      directory: join(home.path, 'review'),
      key: keyPairFromSeed(new Uint8Array(32).fill(4)),
      genesisHash: new Uint8Array(32).fill(5),
      thresholds: { hold: 128, alert: 96 },
      secondAboveUnits: 100n,
      ledger: {
        hold: () => Promise.resolve(null),
        holdsOpen: () => Promise.resolve({ items: [], cursor: null }),
      },
      log: silent,
    })
    const opened = new Desk(home, desk)
    await opened.listen(0)
    return opened
  }

  async listen(port: number): Promise<void> {
    this.server = await startOperatorServer({
      host: '127.0.0.1',
      port,
      service: createOperatorService({ review: this.desk } as unknown as OperatorServiceOptions),
      tokens: new TokenKeeper(join(this.home.path, 'tokens.json'), silent),
      ...NO_PUBLIC_SIDE,
      log: silent,
    })
  }

  get port(): number {
    return Number(new URL(this.server?.url ?? '').port)
  }

  /** An event of a person. */
  async event(why: string): Promise<void> {
    const subject = { account: 'aa'.repeat(32) }
    await this.desk.addEntry('ann', { kind: 'watch', subject, expiresMs: Date.now() + 3_600_000, why })
  }

  export(...args: readonly string[]): Export {
    const to = ['--operator', this.server?.url ?? '', '--token-file', this.#tokenFile]
    return new Export(
      spawn(CORDON, ['quarantine', 'export', ...to, ...args], {
        cwd: this.home.path,
        env: environmentOf(this.home.path),
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server?.close()
    await this.desk.close()
    this.home[Symbol.dispose]()
  }
}

/** A running `export`. */
class Export implements AsyncDisposable {
  readonly child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #exited: Promise<unknown[]>
  #stderr = ''

  constructor(child: ChildProcess) {
    this.child = child
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    this.#exited = once(child, 'close')
    child.stderr!.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
  }

  /** Why of the next event, or its type. Null: the output has ended. */
  async next(): Promise<string | null> {
    const line = await this.#lines.next()
    if (line.done === true) return null
    const { body } = JSON.parse(line.value) as { body: { type: string; why?: string } }
    return body.why ?? body.type
  }

  /** Resolves when standard error has said something like this. */
  async said(pattern: RegExp): Promise<void> {
    const ended = this.#exited.then(() => assert.match(this.#stderr, pattern))
    while (!pattern.test(this.#stderr)) await Promise.race([ended, once(this.child.stderr!, 'data')])
  }

  async end(): Promise<{ readonly code: unknown; readonly signal: unknown; readonly stderr: string }> {
    const [code, signal] = await this.#exited
    return { code, signal, stderr: this.#stderr }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL')
    await this.#exited
  }
}

test('without --follow: what there is, from a number on, and an end', async () => {
  await using desk = await Desk.open()
  await desk.event('one')
  await using whole = desk.export()
  assert.deepEqual([await whole.next(), await whole.next(), await whole.next()], ['log.started', 'one', null])
  assert.equal((await whole.end()).code, 0)
  await using beyond = desk.export('--since', '3')
  const { code, stderr } = await beyond.end()
  assert.equal(code, 2)
  assert.match(stderr, /has 2 events, and event 3 was asked for; .* --since 0/)
})

test('--follow: a line comes after its event; interrupted, it says where to go on, and there it goes on', async () => {
  await using desk = await Desk.open()
  await using following = desk.export('--follow', '--since', '1')
  await desk.event('one')
  assert.equal(await following.next(), 'one')
  await desk.event('two')
  assert.equal(await following.next(), 'two')
  following.child.kill('SIGINT')
  const { code, signal, stderr } = await following.end()
  assert.deepEqual([code, signal], [0, null])
  assert.match(stderr, /go on with --since 3\n$/)
  await desk.event('three')
  await using again = desk.export('--follow', '--since', '3')
  assert.equal(await again.next(), 'three')
})

test('--follow stays while the node is started again', async () => {
  await using desk = await Desk.open()
  await using following = desk.export('--follow')
  assert.equal(await following.next(), 'log.started')
  const { port } = desk
  await desk.server?.close()
  await following.said(/waiting for the node, to go on with event 1\n/)
  await desk.event('meanwhile')
  await desk.listen(port)
  assert.equal(await following.next(), 'meanwhile')
})

test('--follow ends when nobody reads any more', async () => {
  await using desk = await Desk.open()
  await using following = desk.export('--follow')
  assert.equal(await following.next(), 'log.started')
  following.child.stdout!.destroy()
  await desk.event('unread')
  assert.deepEqual(await following.end(), { code: 0, signal: null, stderr: '' })
})

test('--follow of a node that is not there is an error at once', async () => {
  await using desk = await Desk.open()
  await desk.server?.close()
  await using following = desk.export('--follow')
  assert.equal((await following.end()).code, 3)
})
