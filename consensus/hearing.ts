/** Which validators were heard lately. Right after a start all of them count as heard: nobody had the time to speak. */
import type { Peer } from './replica-types.ts'
import type { ValidatorIndex } from './types.ts'

export class Hearing {
  readonly #windowMs: number
  /** By validator: when it was last heard, and the peer that spoke for it. */
  readonly #heardMs: number[] = []
  readonly #peers: Peer[] = []
  #startedMs = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  start(nowMs: number): void {
    this.#startedMs = nowMs
  }

  /** A message came from this peer. */
  saw(from: Peer, nowMs: number): void {
    if (from.validator === null) return
    this.#heardMs[from.validator] = nowMs
    this.#peers[from.validator] = from
  }

  lately(validator: ValidatorIndex, nowMs: number): boolean {
    return nowMs - (this.#heardMs[validator] ?? this.#startedMs) < this.#windowMs
  }

  /** The peer that last spoke for a validator. */
  peerOf(validator: ValidatorIndex): Peer | null {
    return this.#peers[validator] ?? null
  }
}
