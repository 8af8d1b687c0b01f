/** The network of a simulation: delays, loses, doubles, reorders and divides messages, as the options say. */
import type { Message } from '../../consensus/types.ts'
import { Memo } from '../../consensus/wire-common.ts'
import { decodeMessage, encodeMessage } from '../../consensus/wire.ts'
import type { RunOptions } from './options.ts'
import type { Prng } from './prng.ts'
import type { Action, Scheduler } from './scheduler.ts'

/** More than a simulation has. */
const MAX_NODES = 1_000

export interface NetworkHooks {
  /** Every message as it leaves, before it may get lost. */
  readonly sent: (from: number, to: number, message: Message) => void
  readonly receive: (to: number, from: number, message: Message) => void | Promise<void>
}

export class SimNetwork {
  readonly #options: RunOptions
  readonly #scheduler: Scheduler
  readonly #prng: Prng
  readonly #hooks: NetworkHooks
  /** When each link, `from` and `to` as one number, has carried all that was put on it. */
  readonly #linkFreeMs = new Map<number, number>()
  /** What goes to many is encoded once, as in a node. */
  readonly #encoded = new Memo<Message, Uint8Array>()
  #sent = 0

  constructor(options: RunOptions, scheduler: Scheduler, prng: Prng, hooks: NetworkHooks) {
    this.#options = options
    this.#scheduler = scheduler
    this.#prng = prng
    this.#hooks = hooks
  }

  /** Messages that were sent, whatever became of them. */
  get sent(): number {
    return this.#sent
  }

  get healed(): boolean {
    return this.#scheduler.nowMs >= this.#options.healMs
  }

  send(from: number, to: number, message: Message): void {
    this.#hooks.sent(from, to, message)
    this.#sent++
    this.deliver(from, to, () =>
      this.#hooks.receive(
        to,
        from,
        this.#options.throughWire ? decodeMessage(this.#encoded.get(message, encodeMessage)) : message,
      ),
    )
  }

  /** Runs `arrive` when something from `from` reaches `to`, if it does; twice if it is doubled. */
  deliver(from: number, to: number, arrive: Action, extraLoss = 0): void {
    const { lossAfterHeal, loss, duplicates } = this.#options
    if (this.#divided(from, to)) return
    if (this.#prng.chance(this.healed ? lossAfterHeal : Math.max(loss, extraLoss))) return
    const copies = this.#prng.chance(duplicates) ? 2 : 1
    for (let copy = 0; copy < copies; copy++)
      this.#scheduler.after(this.#queueMs(from, to) + this.#delayMs(), arrive)
  }

  /** Messages of one link follow each other as fast as it carries them. */
  #queueMs(from: number, to: number): number {
    const { messageMs } = this.#options
    if (messageMs === 0) return 0
    const { nowMs } = this.#scheduler
    const link = from * MAX_NODES + to
    const freeMs = Math.max(this.#linkFreeMs.get(link) ?? 0, nowMs) + messageMs
    this.#linkFreeMs.set(link, freeMs)
    return freeMs - nowMs
  }

  #delayMs(): number {
    const { delayMs, spikes, spikeMs } = this.#options
    const spike = !this.healed && this.#prng.chance(spikes)
    return this.#prng.real(delayMs[0], spike ? spikeMs : delayMs[1])
  }

  #divided(from: number, to: number): boolean {
    const nowMs = this.#scheduler.nowMs
    return this.#options.partitions.some(({ fromMs, untilMs, side, oneWay }) => {
      if (nowMs < fromMs || nowMs >= untilMs) return false
      return oneWay ? side.includes(from) && !side.includes(to) : side.includes(from) !== side.includes(to)
    })
  }
}
