/** Sees to it that a stall is written to the log once, and its end too. */
export interface StallListener {
  readonly onStall: () => void
  readonly onEnd: (stalledMs: number) => void
}

export class StallWatch {
  readonly #limitMs: number
  readonly #listener: StallListener
  #timer: NodeJS.Timeout
  #lastFinalMs = performance.now()
  #stalled = false

  /** Counts from now on. */
  constructor(limitMs: number, listener: StallListener) {
    this.#limitMs = limitMs
    this.#listener = listener
    this.#timer = this.#arm()
  }

  #arm(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#stalled = true
      this.#listener.onStall()
    }, this.#limitMs)
  }

  /** A block became final. */
  noteFinal(): void {
    const now = performance.now()
    if (this.#stalled) this.#listener.onEnd(now - this.#lastFinalMs)
    this.#stalled = false
    this.#lastFinalMs = now
    clearTimeout(this.#timer)
    this.#timer = this.#arm()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
