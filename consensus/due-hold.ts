/**
 * A hold that falls due is work for a block: one, not one after the other until its end has been executed (simulation
 * seed 3778: a validator that is a quorum alone made hundreds of empty blocks meanwhile).
 */
export class DueHold {
  /** Block time from which on the oldest hold is due; null: there is none. */
  #dueMs: number | null = null
  #announced = true
  #finalHeight = 0
  #finalTimeMs = -Infinity
  #executedHeight = 0

  /** The ledger's holds have changed. */
  set(dueMs: number | null): void {
    this.#dueMs = dueMs
    this.#announced = dueMs === null
  }

  /** A block is final; in height order. */
  onFinal(height: number, timeMs: number): void {
    this.#finalHeight = height
    this.#finalTimeMs = timeMs
  }

  onExecuted(height: number): void {
    this.#executedHeight = Math.max(this.#executedHeight, height)
  }

  /** Whether the hold calls for a block. */
  isWork(wallMs: number): boolean {
    return this.#dueMs !== null && this.#dueMs <= wallMs && !this.#isBeingEnded
  }

  /** Whether a final block that is still to be executed ends it. */
  get #isBeingEnded(): boolean {
    return (
      this.#dueMs !== null && this.#finalTimeMs >= this.#dueMs && this.#finalHeight > this.#executedHeight
    )
  }

  /** Whether the hold has become work since it was last asked; once per `set`. */
  takeNews(wallMs: number): boolean {
    if (this.#announced || !this.isWork(wallMs)) return false
    this.#announced = true
    return true
  }

  /** Wall time at which `takeNews` is to be asked; null: not before something else has happened. */
  get newsMs(): number | null {
    return this.#announced || this.#isBeingEnded ? null : this.#dueMs
  }
}
