/**
 * Block subscriptions of one WebSocket. Each is a cursor: the next height is fetched only once the socket has taken
 * the event before, so a slow reader costs no memory and gets every block in the end.
 */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import type { BlockEvents } from './service.ts'

/** Sends a text; resolves when the socket has room for more. */
export type Send = (text: string) => Promise<void>

export class Subscriptions {
  readonly #events: BlockEvents
  readonly #send: Send
  /** Called if a stream cannot go on: the reader has to come back and ask from its height. */
  readonly #onBroken: (error: unknown) => void
  readonly #open = new Map<string, Stream>()
  #nextName = 1

  constructor(events: BlockEvents, send: Send, onBroken: (error: unknown) => void) {
    this.#events = events
    this.#send = send
    this.#onBroken = onBroken
  }

  /**
   * Starts a subscription.
   * @throws CordonError `busy` above the limit; whatever `events.at` throws if the first block is not kept any more.
   */
  async subscribe(fromHeight: number | undefined): Promise<{ readonly subscription: string }> {
    if (this.#open.size >= LIMITS.rpcSubscriptionsPerConnection) {
      throw new CordonError(
        'busy',
        `a connection can have ${LIMITS.rpcSubscriptionsPerConnection} subscriptions; end one or open another connection`,
      )
    }
    const subscription = `blocks-${this.#nextName++}`
    const executed = this.#events.executedHeight()
    const first = fromHeight ?? executed + 1
    const stream = new Stream(Math.max(1, first))
    this.#open.set(subscription, stream)
    try {
      if (stream.nextHeight <= executed) await this.#events.at(stream.nextHeight)
    } catch (error) {
      this.#open.delete(subscription)
      throw error
    }
    void this.#run(subscription, stream)
    return { subscription }
  }

  unsubscribe(subscription: string): boolean {
    const stream = this.#open.get(subscription)
    stream?.stop()
    return this.#open.delete(subscription)
  }

  /** A block was executed. */
  wake(): void {
    for (const stream of this.#open.values()) stream.wake()
  }

  close(): void {
    for (const subscription of [...this.#open.keys()]) this.unsubscribe(subscription)
  }

  async #run(subscription: string, stream: Stream): Promise<void> {
    try {
      while (!stream.stopped) {
        if (stream.nextHeight > this.#events.executedHeight()) {
          await stream.waitForBlock()
          continue
        }
        const event = await this.#events.at(stream.nextHeight)
        if (stream.stopped) return
        stream.nextHeight++
        await this.#send(
          `{"jsonrpc":"2.0","method":"blocks_event","params":${JSON.stringify({ subscription, event })}}`,
        )
      }
    } catch (error) {
      if (!stream.stopped) this.#onBroken(error)
    }
  }
}

class Stream {
  nextHeight: number
  stopped = false
  #wake: () => void = () => undefined

  constructor(nextHeight: number) {
    this.nextHeight = nextHeight
  }

  stop(): void {
    this.stopped = true
    this.#wake()
  }

  wake(): void {
    this.#wake()
  }

  waitForBlock(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}
