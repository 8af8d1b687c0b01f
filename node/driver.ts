/**
 * Drives the pure replica in real time: one queue feeds it, its records are made durable, then its messages leave.
 * Inputs that arrive while a write is under way are taken together afterwards, so one fsync covers all of them.
 *
 *   inputs ─▶ replica.step ─▶ store records ─▶ fsync ─▶ signer.flush ─▶ send, gossip, deliver
 *
 * The order of the last three is what consensus.md §9 rests on: a notarization is on disk before the finalize vote that
 * it justifies, and every vote is in the signer's journal before its bytes leave.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LIMITS } from '../config/limits.ts'
import type { Replica } from '../consensus/replica.ts'
import type { Clock, Effect, Input, Signer, StoreRecord } from '../consensus/replica-types.ts'
import type { Message } from '../consensus/types.ts'
import { NOTHING_FAILS, type FailPoint, type Reached } from './fail-points.ts'
import type { ChainStore } from './store/chain-store.ts'

/** Fail points of the messages that bind this validator. */
const SENT: Readonly<Partial<Record<Message['type'], FailPoint>>> = {
  vote: 'vote-sent',
  proposal: 'proposal-sent',
  batch: 'batch-sent',
  ack: 'ack-sent',
}
/** Inputs stepped before others may run: bounds one turn of the event loop. */
const INPUTS_PER_TURN = 64
const LONGEST_SLEEP_MS = 60_000

type Leaving = Exclude<Effect, { type: 'store' }>

export interface DriverOptions {
  readonly replica: Replica
  readonly signer: Signer | null
  readonly store: ChainStore
  /** Everything that leaves the replica but store records, in order, after they are durable. */
  readonly dispatch: (effect: Leaving) => void
  /** A write or the replica itself failed: the node cannot go on. */
  readonly onFatal: (error: unknown) => void
  readonly reached?: Reached
}

export class Driver {
  readonly #options: DriverOptions
  #queue: Input[] = []
  #started = false
  #running = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined
  #idle: Promise<void> = Promise.resolve()

  constructor(options: DriverOptions) {
    this.#options = options
  }

  /** Hands one input to the replica, in order of arrival, but `start` first: before it, what was acked is not known yet. */
  input(input: Input): void {
    if (this.#stopped) return
    if (input.type === 'start') {
      this.#started = true
      this.#queue.unshift(input)
    } else this.#queue.push(input)
    if (this.#started && !this.#running) this.#idle = this.#run()
  }

  /** Inputs waiting: a measure of overload. */
  get backlog(): number {
    return this.#queue.length
  }

  /** Takes no more inputs and resolves when the turn under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#queue = []
    await this.#idle
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      // Lets the inputs of this turn of the event loop gather, and keeps `input` itself free of surprises.
      await Promise.resolve()
      while (this.#queue.length > 0) await this.#takeWaiting()
      this.#armTimer()
    } catch (error) {
      this.#stopped = true
      this.#options.onFatal(error)
    } finally {
      this.#running = false
    }
  }

  /** What waits now is stepped, then written in one go, then let out. */
  async #takeWaiting(): Promise<void> {
    const { signer, store, dispatch, reached = NOTHING_FAILS } = this.#options
    const records: StoreRecord[] = []
    const rest: Leaving[] = []
    let left = Math.min(this.#queue.length, LIMITS.inputsPerWrite)
    for (;;) {
      const inputs = this.#queue.splice(0, Math.min(left, INPUTS_PER_TURN))
      for (const input of inputs) this.#step(input, records, rest)
      left -= inputs.length
      if (left === 0 || inputs.length === 0) break
      await nextTurn()
    }
    if (records.length > 0) await store.write(records, records.some(mustBeDurable))
    if (signer?.dirty === true) await signer.flush()
    for (const effect of rest) {
      dispatch(effect)
      if (reached !== NOTHING_FAILS) passAfter(effect, reached)
    }
  }

  #step(input: Input, records: StoreRecord[], rest: Leaving[]): void {
    const { replica, dispatch } = this.#options
    for (const effect of replica.step(input, readClock())) {
      if (effect.type === 'store') records.push(effect.record)
      else if (effect.type === 'assess') dispatch(effect)
      else rest.push(effect)
    }
  }

  #armTimer(): void {
    clearTimeout(this.#timer)
    if (this.#stopped) return
    const waitMs = this.#options.replica.nextDeadlineMs() - performance.now()
    this.#timer = setTimeout(
      () => this.input({ type: 'tick' }),
      Math.min(Math.max(Math.ceil(waitMs), 0), LONGEST_SLEEP_MS),
    )
  }
}

/** Passes the fail point after an effect that others act on. */
function passAfter(effect: Effect, reached: Reached): void {
  if (effect.type === 'deliver') reached('block-delivered')
  // What the network was given is with the kernel when this turn of the event loop ends (`p2p/direct.ts`).
  const sent =
    effect.type === 'publish-batch'
      ? 'batch-sent'
      : effect.type === 'send'
        ? SENT[effect.message.type]
        : undefined
  if (sent !== undefined) setImmediate(reached, sent)
}

function mustBeDurable(record: StoreRecord): boolean {
  return !record.kind.startsWith('delete-')
}

function readClock(): Clock {
  return { monotonicMs: performance.now(), wallMs: Date.now() }
}
