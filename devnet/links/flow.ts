/**
 * One direction of a TCP connection through a link: takes what one end sends and passes it on in order, when the
 * condition of the pair allows it. It stands in for the network below TCP: what is cut off arrives after the cut, what is
 * lost arrives after a retransmission, and the end of a connection travels like any other data.
 */
import type { Socket } from 'node:net'
import type { Condition } from './conditions.ts'

/** As much as a socket buffers; more waits at the sender. */
const BUFFER_BYTES = 1024 * 1024
const PACKET_BYTES = 1_448
/** Linux's shortest; a packet that is lost again doubles it. */
const RETRANSMISSION_MS = 200
const RETRANSMISSIONS = 6

interface Parcel {
  /** Null: the sender has ended. */
  readonly bytes: Buffer | null
  readonly dueMs: number
}

export class Flow {
  readonly #source: Socket
  readonly #target: Socket
  readonly #condition: () => Condition
  readonly #parcels: Parcel[] = []
  #queuedBytes = 0
  #blocked = false
  #timer: NodeJS.Timeout | undefined

  /** @param condition what holds now; call `review` when it changed. */
  constructor(source: Socket, target: Socket, condition: () => Condition) {
    this.#source = source
    this.#target = target
    this.#condition = condition
    source.on('data', (bytes: Buffer) => {
      this.#take(bytes)
    })
    source.once('end', () => {
      this.#take(null)
    })
    target.on('drain', () => {
      this.#blocked = false
      this.review()
    })
  }

  /** Passes on what is due now. */
  review(): void {
    clearTimeout(this.#timer)
    while (!this.#blocked && !this.#condition().isCut) {
      const next = this.#parcels[0]
      if (next === undefined) return
      const waitMs = next.dueMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => {
          this.review()
        }, waitMs)
        return
      }
      this.#parcels.shift()
      this.#pass(next.bytes)
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#parcels.length = 0
  }

  #take(bytes: Buffer | null): void {
    const dueMs = performance.now() + this.#travelMs(bytes?.length ?? 0)
    this.#parcels.push({ bytes, dueMs: Math.max(dueMs, this.#parcels.at(-1)?.dueMs ?? 0) })
    this.#queuedBytes += bytes?.length ?? 0
    if (this.#queuedBytes >= BUFFER_BYTES) this.#source.pause()
    if (this.#parcels.length === 1) this.review()
  }

  #pass(bytes: Buffer | null): void {
    if (this.#target.destroyed) return
    if (bytes === null) {
      this.#target.end()
      return
    }
    this.#blocked = !this.#target.write(bytes)
    this.#queuedBytes -= bytes.length
    if (this.#source.isPaused() && this.#queuedBytes < BUFFER_BYTES) this.#source.resume()
  }

  #travelMs(bytes: number): number {
    const { delayMs, jitterMs, lossShare } = this.#condition()
    const lateMs = delayMs + (2 * Math.random() - 1) * jitterMs
    if (lossShare === 0) return lateMs
    const lossOfAny = 1 - (1 - lossShare) ** Math.max(1, Math.ceil(bytes / PACKET_BYTES))
    let againMs = 0
    for (let lost = 0; lost < RETRANSMISSIONS && Math.random() < (lost === 0 ? lossOfAny : lossShare); lost++)
      againMs += RETRANSMISSION_MS * 2 ** lost
    return lateMs + againMs
  }
}
