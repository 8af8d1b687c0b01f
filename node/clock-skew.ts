/**
 * How far the local clock is from those of the other validators, told by what they date: their batches, and their
 * blocks where nothing but their clock has a say in the date.
 *
 * What is made at t by another clock and arrives at a by the local one has a − t = skew + way. The way is some tens of
 * milliseconds and never below zero, so it makes a clock that is behind look a little better and one that is ahead a
 * little worse; no more than that is claimed. Of each validator the middle of its newest samples counts, so that a
 * message that was held up does not; among validators the middle by stake, so that a few wrong clocks, or lies, do not.
 */
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import type { ValidatorIndex, ValidatorSet } from '../consensus/types.ts'
import { weightOfIndex } from '../consensus/validator-set.ts'

/** Fewer samples than this, of all validators together, say nothing. */
const SAMPLES_MIN = 16

interface Sample {
  readonly skewMs: number
  /** Monotonic. */
  readonly takenMs: number
}

/** Skew from which a node complains: consensus bears `maxClockDriftMs`, and half of it leaves time to act. */
export function clockSkewLimitMs({ maxClockDriftMs }: Pick<Parameters, 'maxClockDriftMs'>): number {
  return Math.max(LIMITS.clockSkewMs, maxClockDriftMs / 2)
}

export class ClockSkew {
  readonly #set: ValidatorSet
  readonly #othersWeight: bigint
  readonly #samples = new Map<ValidatorIndex, Sample[]>()

  /** @param self Index of this node in the set, or null. */
  constructor(set: ValidatorSet, self: ValidatorIndex | null) {
    this.#set = set
    this.#othersWeight = set.totalWeight - (self === null ? 0n : weightOfIndex(set, self))
  }

  /**
   * Something of `author` arrived.
   * @param madeMs Its date, by the author's clock.
   * @param arrivedMs By the local clock.
   * @param nowMs Monotonic.
   */
  note(author: ValidatorIndex, madeMs: number, arrivedMs: number, nowMs: number): void {
    const samples = this.#samples.get(author) ?? []
    this.#samples.set(author, samples)
    samples.push({ skewMs: arrivedMs - madeMs, takenMs: nowMs })
    if (samples.length > LIMITS.clockSamples) samples.shift()
  }

  /**
   * The skew in ms, above 0 if the local clock is ahead; null if too little was heard lately: less than 16 samples, or
   * of validators with less than half of the others' stake.
   */
  estimateMs(nowMs: number): number | null {
    const middles: { readonly skewMs: number; readonly weight: bigint }[] = []
    let count = 0
    for (const [author, samples] of this.#samples) {
      const recent = samples.filter(({ takenMs }) => nowMs - takenMs <= LIMITS.clockSampleAgeMs)
      if (recent.length === 0) continue
      count += recent.length
      const weight = weightOfIndex(this.#set, author)
      middles.push({ skewMs: weightedMiddle(recent.map(({ skewMs }) => ({ skewMs, weight: 1n }))), weight })
    }
    const heardWeight = middles.reduce((sum, { weight }) => sum + weight, 0n)
    if (count < SAMPLES_MIN || 2n * heardWeight < this.#othersWeight) return null
    return weightedMiddle(middles)
  }
}

/** The least skew that half of the weight does not exceed. */
function weightedMiddle(entries: readonly { readonly skewMs: number; readonly weight: bigint }[]): number {
  const sorted = entries.toSorted((a, b) => a.skewMs - b.skewMs)
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0n)
  let below = 0n
  for (const { skewMs, weight } of sorted) {
    below += weight
    if (2n * below >= total) return skewMs
  }
  throw new RangeError('expected at least one entry with weight')
}
