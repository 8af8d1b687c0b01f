/** A rate limit that allows short bursts. */
export class TokenBucket {
  readonly #perMs: number
  readonly #capacity: number
  readonly #now: () => number
  #tokens: number
  #atMs: number

  /**
   * @param perSecond sustained rate.
   * @param capacity burst that is let through at once.
   * @param now milliseconds of a monotonic clock.
   */
  constructor(perSecond: number, capacity: number, now: () => number) {
    this.#perMs = perSecond / 1000
    this.#capacity = capacity
    this.#now = now
    this.#tokens = capacity
    this.#atMs = now()
  }

  /** Takes a token if there is one. */
  take(): boolean {
    this.#refill()
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** Milliseconds until half of a burst has gathered again, at least 1. */
  waitMs(): number {
    this.#refill()
    return Math.max(1, Math.ceil((this.#capacity / 2 - this.#tokens) / this.#perMs))
  }

  #refill(): void {
    const now = this.#now()
    this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#atMs) * this.#perMs)
    this.#atMs = now
  }
}
