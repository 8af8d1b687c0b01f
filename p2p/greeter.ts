/** Runs the hello on every new connection, and makes everything else on it wait or go. */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { LIMITS } from '../config/limits.ts'
import { FrameStream } from './frames.ts'
import { hostOf } from './inbound-hosts.ts'
import { answerHello, finishHello, HelloError, sayHello, type HelloResult, type HelloSelf } from './hello.ts'

/** A connection on its way through the hello. */
interface Greeting {
  /** Resolves to whether the hello succeeded. */
  readonly done: PromiseWithResolvers<boolean>
  readonly timer: NodeJS.Timeout
  /** The connection may close before its hello has failed: what came in last is still read. */
  state: 'open' | 'closed' | 'ready' | 'refused'
  /** The peer has opened its hello stream. */
  started: boolean
  /** Streams that wait for the end of the hello. */
  waiting: number
}

export interface GreeterOptions {
  readonly protocol: string
  readonly self: HelloSelf
  /** Protocols that a peer is known to speak. */
  protocolsOf(peer: PeerId): Promise<readonly string[]>
  /** Whether a connection without a greeting belongs to a peer that passed its hello. */
  isReady(connection: Connection): boolean
  /** Takes a connection whose hello succeeded. @throws HelloError `full` */
  onReady(connection: Connection, hello: HelloResult): void
  /** The connection is closed or about to be. Anything but a HelloError means that the peer just went away. */
  onRefused(connection: Connection, error: unknown): void
  onOffence(peer: PeerId, why: string): void
}

export class Greeter {
  readonly #options: GreeterOptions
  readonly #greetings = new Map<Connection, Greeting>()

  constructor(options: GreeterOptions) {
    this.#options = options
  }

  /** A connection was opened. The dialler speaks first. */
  onConnection(connection: Connection): void {
    if (connection.direction === 'inbound') this.#makeRoom()
    const timer = setTimeout(() => {
      abortConnection(connection, 'no hello in time')
      this.#refuse(
        connection,
        greeting,
        new HelloError('unanswered', `no hello within ${LIMITS.helloTimeoutMs} ms`),
      )
    }, LIMITS.helloTimeoutMs)
    const greeting: Greeting = {
      done: Promise.withResolvers(),
      timer,
      state: 'open',
      started: false,
      waiting: 0,
    }
    this.#greetings.set(connection, greeting)
    if (connection.direction === 'outbound') void this.#greet(connection, greeting)
  }

  /**
   * So many hellos at once mean a flood. The oldest connection of the address that has the most goes: an honest peer is
   * through with its hello in a moment, and so is never the oldest for long.
   */
  #makeRoom(): void {
    const inbound = [...this.#greetings.keys()].filter(({ direction }) => direction === 'inbound')
    if (inbound.length < LIMITS.connectionsBeforeHello) return
    const byHost = Map.groupBy(inbound, ({ remoteAddr }) => hostOf(remoteAddr))
    const most = [...byHost.values()].reduce((a, b) => (b.length > a.length ? b : a))
    const oldest = most[0] as Connection
    const greeting = this.#greetings.get(oldest) as Greeting
    abortConnection(oldest, 'too many connections in their hello')
    this.#refuse(oldest, greeting, new Error('had to make room for a newer connection'))
  }

  /** @returns whether the connection was still in its hello. */
  onClosed(connection: Connection): boolean {
    const greeting = this.#greetings.get(connection)
    if (greeting === undefined) return false
    this.#end(connection, greeting, 'closed')
    return true
  }

  /** Resolves when the hello on this connection is over. */
  async over(connection: Connection): Promise<void> {
    await this.#greetings.get(connection)?.done.promise
  }

  /** Resolves to whether streams of this connection count; those that come during the hello wait for its end. */
  async admit(connection: Connection): Promise<boolean> {
    const greeting = this.#greetings.get(connection)
    if (greeting === undefined) return this.#options.isReady(connection)
    if (greeting.waiting >= LIMITS.streamsBeforeHello) return false
    greeting.waiting += 1
    return greeting.done.promise
  }

  /** The peer opened the hello stream. */
  async onStream(stream: Stream, connection: Connection): Promise<void> {
    const greeting = this.#greetings.get(connection)
    if (greeting === undefined || greeting.started || connection.direction !== 'inbound') {
      stream.abort(new Error('unexpected hello'))
      this.#options.onOffence(connection.remotePeer, 'a second hello, or one from the listener')
      return
    }
    greeting.started = true
    try {
      const frames = new FrameStream(stream, LIMITS.helloBytes)
      this.#ready(connection, greeting, await answerHello(frames, connection.remotePeer, this.#options.self))
      finishHello(frames)
      await stream.close()
    } catch (error) {
      this.#refuse(connection, greeting, error)
      // Not aborted: the refusal shall reach the dialler, whose operator may need it more than ours.
      await connection.close().catch(() => undefined)
      abortConnection(connection, 'the hello failed')
    }
  }

  stop(): void {
    for (const [connection, greeting] of [...this.#greetings]) this.#end(connection, greeting, 'refused')
  }

  async #greet(connection: Connection, greeting: Greeting): Promise<void> {
    try {
      const signal = AbortSignal.timeout(LIMITS.helloTimeoutMs)
      const stream = await connection.newStream(this.#options.protocol, { signal })
      const frames = new FrameStream(stream, LIMITS.helloBytes)
      this.#ready(connection, greeting, await sayHello(frames, connection.remotePeer, this.#options.self))
      stream.close().catch(() => {
        stream.abort(new Error('the hello is over'))
      })
    } catch (error) {
      const reason = await this.#explain(connection, error)
      abortConnection(connection, 'the hello failed')
      this.#refuse(connection, greeting, reason)
    }
  }

  #ready(connection: Connection, greeting: Greeting, hello: HelloResult): void {
    if (greeting.state !== 'open') throw new Error('the connection was closed during the hello')
    this.#options.onReady(connection, hello)
    this.#end(connection, greeting, 'ready')
  }

  #refuse(connection: Connection, greeting: Greeting, error: unknown): void {
    if (greeting.state === 'ready' || greeting.state === 'refused') return
    this.#end(connection, greeting, 'refused')
    this.#options.onRefused(connection, error)
  }

  #end(connection: Connection, greeting: Greeting, state: Greeting['state']): void {
    clearTimeout(greeting.timer)
    this.#greetings.delete(connection)
    greeting.state = state
    greeting.done.resolve(state === 'ready')
  }

  /** Turns the failure of a dialled connection into something an operator can act on. */
  async #explain(connection: Connection, error: unknown): Promise<unknown> {
    if ((error as Error).name !== 'UnsupportedProtocolError') return error
    const { protocol } = this.#options
    const spoken = await this.#options.protocolsOf(connection.remotePeer)
    const other = spoken.find((name) => /^\/cordon\/[0-9a-f]{16}\/hello\//.test(name))
    const got =
      other === undefined ? 'one that is of another chain or no Cordon node' : `one that speaks ${other}`
    return new HelloError(
      'other-chain',
      `expected a peer that speaks ${protocol}, got ${got}: one of the two nodes has the wrong genesis.json ` +
        'or an old version, or the peer does not belong into the bootstrap list',
    )
  }
}

/** Ends a connection without ceremony. libp2p throws when the connection is half gone already. */
export function abortConnection(connection: Connection, why: string): void {
  try {
    connection.abort(new Error(why))
  } catch {
    // Gone is what it should be.
  }
}
