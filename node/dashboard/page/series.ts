/** What happened in each of the last seconds. */

export interface Second {
  /** Of the clock, whole. */
  readonly atS: number
  readonly settled: number
  readonly held: number
  readonly failed: number
}

export type Outcome = 'settled' | 'held' | 'failed'

type Counts = Record<Outcome, number>

const nothing = (): Counts => ({ settled: 0, held: 0, failed: 0 })

/** Counts outcomes by second, for so many seconds. */
export class Seconds {
  readonly #kept: number
  readonly #counts: Map<number, Counts> = new Map()

  constructor(kept: number) {
    this.#kept = kept
  }

  add(outcome: Outcome, nowMs: number): void {
    const atS = Math.floor(nowMs / 1_000)
    const counts = this.#counts.get(atS) ?? nothing()
    counts[outcome]++
    this.#counts.set(atS, counts)
    for (const second of this.#counts.keys()) if (second <= atS - this.#kept) this.#counts.delete(second)
  }

  /** The last seconds that are over, oldest first; those without anything too. */
  list(nowMs: number): Second[] {
    const lastS = Math.floor(nowMs / 1_000) - 1
    return Array.from({ length: this.#kept - 1 }, (_, i) => {
      const atS = lastS - this.#kept + 2 + i
      return { atS, ...(this.#counts.get(atS) ?? nothing()) }
    })
  }

  /** Settled per second over the last `overS` seconds that are over. */
  rate(nowMs: number, overS: number): number {
    const seconds = this.list(nowMs).slice(-overS)
    return seconds.reduce((sum, { settled }) => sum + settled, 0) / overS
  }
}

/** The value that a share of the samples does not exceed; null without samples. */
export function quantile(samples: readonly number[], part: number): number | null {
  if (samples.length === 0) return null
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? null
}
