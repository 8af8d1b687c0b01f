/** Sees to it that a wrong clock is written to the log once, and its end too. */
import type { ValidatorIndex } from '../consensus/types.ts'
import type { ClockSkew } from './clock-skew.ts'

/** The skew is looked at this often while messages arrive. */
const CHECK_INTERVAL_MS = 5_000

export interface ClockWatchOptions {
  readonly skew: ClockSkew
  readonly limitMs: number
  /** The skew has gone beyond the limit, or changed its sign there. Above 0: this clock is ahead. */
  readonly onWrong: (skewMs: number) => void
  /** It is below half of the limit again. */
  readonly onRight: (skewMs: number) => void
}

export class ClockWatch {
  readonly #options: ClockWatchOptions
  #nextCheckMs = 0
  /** 1 ahead, −1 behind, 0 right. */
  #wrong = 0

  constructor(options: ClockWatchOptions) {
    this.#options = options
  }

  /** As `ClockSkew.note`. */
  note(author: ValidatorIndex, madeMs: number, arrivedMs: number, nowMs: number): void {
    this.#options.skew.note(author, madeMs, arrivedMs, nowMs)
    if (nowMs < this.#nextCheckMs) return
    this.#nextCheckMs = nowMs + CHECK_INTERVAL_MS
    this.#check(nowMs)
  }

  /** Above 0: this clock is ahead; null: not known. */
  skewMs(nowMs: number): number | null {
    return this.#options.skew.estimateMs(nowMs)
  }

  /** The skew, if it is beyond the limit. */
  wrongByMs(nowMs: number): number | null {
    const skewMs = this.skewMs(nowMs)
    return skewMs !== null && Math.abs(skewMs) > this.#options.limitMs ? skewMs : null
  }

  #check(nowMs: number): void {
    const { limitMs, onWrong, onRight } = this.#options
    const skewMs = this.skewMs(nowMs)
    if (skewMs === null) return
    if (Math.abs(skewMs) > limitMs && Math.sign(skewMs) !== this.#wrong) {
      this.#wrong = Math.sign(skewMs)
      onWrong(skewMs)
    } else if (Math.abs(skewMs) < limitMs / 2 && this.#wrong !== 0) {
      this.#wrong = 0
      onRight(skewMs)
    }
  }
}

/** `ahead` and `behind` as a sentence about the local clock. */
export function describeSkew(skewMs: number): string {
  return `the clock of this machine is ${Math.round(Math.abs(skewMs))} ms ${skewMs > 0 ? 'ahead of' : 'behind'} those of the validators`
}

export const CLOCK_ADVICE =
  'see that time synchronisation runs on this machine (timedatectl, chronyc tracking); if it does, look at the way to the validators: messages that are slow look like a clock that is ahead'
