/** Runs the hello on every new connection, and makes everything else on it wait or go. */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { LIMITS } from '../config/limits.ts'
import { FrameStream } from './frames.ts'
import { answerHello, finishHello, HelloError, sayHello, type HelloResult, type HelloSelf } from './hello.ts'

/** A connection on its way through the hello. */
interface Greeting {
  /** Resolves to whether the hello succeeded. */
  readonly done: PromiseWithResolvers<boolean>
  readonly timer: NodeJS.Timeout
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
  /** The connection is gone already. Anything but a HelloError means that the peer just went away. */
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
    const timer = setTimeout(() => {
      this.#refuse(connection, new HelloError('unanswered', `no hello within ${LIMITS.helloTimeoutMs} ms`))
    }, LIMITS.helloTimeoutMs)
    this.#greetings.set(connection, { done: Promise.withResolvers(), timer, started: false, waiting: 0 })
    if (connection.direction === 'outbound') void this.#greet(connection)
  }

  /** @returns whether the connection was still in its hello. */
  onClosed(connection: Connection): boolean {
    return this.#end(connection, false)
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
      this.#ready(connection, await answerHello(frames, connection.remotePeer, this.#options.self))
      finishHello(frames)
      await stream.close()
    } catch (error) {
      // Gives the refusal a moment to reach the dialler, whose operator may need it more than ours.
      await stream.close().catch(() => undefined)
      this.#refuse(connection, error)
    }
  }

  stop(): void {
    for (const connection of [...this.#greetings.keys()]) this.#end(connection, false)
  }

  async #greet(connection: Connection): Promise<void> {
    try {
      const signal = AbortSignal.timeout(LIMITS.helloTimeoutMs)
      const stream = await connection.newStream(this.#options.protocol, { signal })
      const frames = new FrameStream(stream, LIMITS.helloBytes)
      this.#ready(connection, await sayHello(frames, connection.remotePeer, this.#options.self))
      stream.close().catch(() => {
        stream.abort(new Error('the hello is over'))
      })
    } catch (error) {
      this.#refuse(connection, await this.#explain(connection, error))
    }
  }

  #ready(connection: Connection, hello: HelloResult): void {
    if (!this.#greetings.has(connection)) return // closed meanwhile
    this.#options.onReady(connection, hello)
    this.#end(connection, true)
  }

  #refuse(connection: Connection, error: unknown): void {
    if (!this.#end(connection, false)) return // closed meanwhile, or ready already
    abortConnection(connection, 'the hello failed')
    this.#options.onRefused(connection, error)
  }

  #end(connection: Connection, success: boolean): boolean {
    const greeting = this.#greetings.get(connection)
    if (greeting === undefined) return false
    clearTimeout(greeting.timer)
    this.#greetings.delete(connection)
    greeting.done.resolve(success)
    return true
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
