/**
 * What only a given share of recent values exceeds, from a histogram whose older counts fade: a new value weighs more
 * than the one before it, instead of all bins shrinking.
 */

const BINS = 512
/** About this many recent values count. */
const MEMORY = 20_000
/** Above this weight, everything is scaled back. */
const RESCALE_AT = 1e9

/** Numbers of `state`. */
export const QUANTILE_STATE: number = BINS + 2

export class RunningQuantile {
  readonly #low: number
  readonly #width: number
  readonly #bins: Float64Array = new Float64Array(BINS)
  #weight = 1
  #count = 0

  /** Values outside of `low` to `high` count as those. */
  constructor(low: number, high: number) {
    this.#low = low
    this.#width = (high - low) / BINS
  }

  /** Values ever added. */
  get count(): number {
    return this.#count
  }

  add(value: number): void {
    this.#count++
    this.#weight *= 1 + 1 / MEMORY
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor((value - this.#low) / this.#width)))
    this.#bins[bin] = (this.#bins[bin] as number) + this.#weight
    if (this.#weight < RESCALE_AT) return
    for (let i = 0; i < BINS; i++) this.#bins[i] = (this.#bins[i] as number) / this.#weight
    this.#weight = 1
  }

  /** The lowest edge of a bin that at most this share of the values is not below. */
  exceededBy(share: number): number {
    const total = this.#bins.reduce((sum, weight) => sum + weight, 0)
    let above = 0
    let bin = BINS
    while (bin > 0 && above + (this.#bins[bin - 1] as number) <= share * total)
      above += this.#bins[--bin] as number
    return this.#low + bin * this.#width
  }

  state(): number[] {
    return [this.#count, this.#weight, ...this.#bins]
  }

  /** @param state `QUANTILE_STATE` numbers. */
  load(state: ArrayLike<number>): void {
    this.#count = state[0] as number
    this.#weight = state[1] as number
    for (let i = 0; i < BINS; i++) this.#bins[i] = state[i + 2] as number
  }
}
