/** One WebSocket: its requests, its subscriptions, and its limits. */
import type { WebSocket } from '@fastify/websocket'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { refusal, type Answerer } from './json-rpc.ts'
import type { BlockEvents, CallContext, RpcLog } from './service.ts'
import { Subscriptions } from './subscriptions.ts'

/** Close codes of RFC 6455, 7.4.1. */
const GOING_AWAY = 1001
const UNSUPPORTED_DATA = 1003
const INTERNAL_ERROR = 1011

const WINDOW_MS = 100

export interface RpcContext extends CallContext {
  /** Null over HTTP. */
  readonly subscriptions: Subscriptions | null
}

export class RpcSocket {
  readonly #socket: WebSocket
  readonly #rpc: Answerer<RpcContext>
  readonly #abort = new AbortController()
  readonly #context: RpcContext
  readonly #subscriptions: Subscriptions
  readonly #onAnswered: () => void
  #inFlight = 0
  #windowStartMs = 0
  #messagesInWindow = 0

  /**
   * @param origin where the connection comes from.
   * @param onAnswered an answer has left the process.
   */
  constructor(
    socket: WebSocket,
    origin: string,
    rpc: Answerer<RpcContext>,
    events: BlockEvents,
    log: RpcLog,
    onAnswered: () => void,
  ) {
    this.#socket = socket
    this.#onAnswered = onAnswered
    this.#rpc = rpc
    this.#subscriptions = new Subscriptions(
      events,
      (text) => this.#sendAndDrain(text),
      (error) => {
        log.warn({ err: error }, 'a block subscription broke')
        socket.close(INTERNAL_ERROR, 'subscribe again from the next height')
      },
    )
    const source = { origin, isOpen: true }
    this.#context = { signal: this.#abort.signal, source, subscriptions: this.#subscriptions }
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#onMessage(data, isBinary)
    })
    socket.on('close', () => {
      source.isOpen = false
      this.#abort.abort()
      this.#subscriptions.close()
    })
  }

  /** A block was executed. */
  wake(): void {
    this.#subscriptions.wake()
  }

  /** Lets go of waiting calls and says goodbye. */
  close(): void {
    this.#abort.abort()
    this.#socket.close(GOING_AWAY, 'the node stops')
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.#socket.close(UNSUPPORTED_DATA, 'expected text')
      return
    }
    this.#countMessage()
    const refused = this.#refuse(data)
    if (refused !== null) {
      this.#send(refusal(refused))
      return
    }
    this.#inFlight++
    void this.#rpc.answer(data.toString('utf8'), this.#context).then((answer) => {
      this.#inFlight--
      if (answer !== null) this.#send(answer)
    })
  }

  #refuse(data: Buffer): CordonError | null {
    if (data.length > LIMITS.rpcBodyBytes) {
      return new CordonError(
        'rpc-too-large',
        `expected a request of at most ${LIMITS.rpcBodyBytes} bytes, got ${data.length}`,
      )
    }
    if (this.#inFlight >= LIMITS.rpcInFlightPerConnection) {
      return new CordonError(
        'busy',
        `${this.#inFlight} requests of this connection wait for an answer; wait for some of them`,
        {
          retryAfterMs: WINDOW_MS,
        },
      )
    }
    return null
  }

  /** Reading pauses until the end of the window for who sends too fast: TCP then slows the sender down. */
  #countMessage(): void {
    const nowMs = performance.now()
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs
      this.#messagesInWindow = 0
    }
    this.#messagesInWindow++
    if (
      this.#messagesInWindow * (1_000 / WINDOW_MS) < LIMITS.rpcMessagesPerSecondPerConnection ||
      this.#socket.isPaused
    )
      return
    this.#pause(WINDOW_MS - (nowMs - this.#windowStartMs))
  }

  #pause(ms: number): void {
    this.#socket.pause()
    setTimeout(() => {
      this.#socket.resume()
    }, ms).unref()
  }

  /** Sends an answer. Who does not read answers is not read any more either. */
  #send(text: string): void {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount <= LIMITS.rpcUnreadBytes || socket.isPaused) {
      socket.send(text, this.#onAnswered)
      return
    }
    socket.pause()
    socket.send(text, () => {
      this.#onAnswered()
      socket.resume()
    })
  }

  /** Sends an event; resolves when there is room for another. */
  #sendAndDrain(text: string): Promise<void> {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN)
      return Promise.reject(new CordonError('connection-lost', 'the connection is closed'))
    if (socket.bufferedAmount <= LIMITS.rpcUnreadBytes) {
      socket.send(text)
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      socket.send(text, (error) => {
        if (error) reject(error)
        else resolve()
      })
    })
  }
}
