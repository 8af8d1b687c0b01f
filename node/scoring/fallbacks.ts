/**
 * Transfers that the model did not judge, counted by why. What nobody would notice otherwise is said, too, at most once a
 * minute each: a node that goes on without its model looks like one that is well.
 */

/**
 * `loading`: the model was not ready yet. `slow`: it did not answer in time. `no-number`: what it answered was none. For
 * all of these the cheap sum judged. `down`: the worker had crashed, and nothing was flagged.
 */
export const FALLBACKS = ['loading', 'slow', 'no-number', 'down'] as const
export type Fallback = (typeof FALLBACKS)[number]

const SAY_AGAIN_MS = 60_000

/** The others are said when they begin (`worker-client.ts`). */
const SENTENCES: Readonly<Partial<Record<Fallback, (transfers: number) => string>>> = {
  slow: (transfers) =>
    `no answer in time for ${transfers} transfers; the cheap sum judged them (see assessBudgetMs, and what else the machine does)`,
  'no-number': (transfers) =>
    `no number for ${transfers} transfers; the cheap sum judged them. Its weights or its backend are broken: cordon fraud model rollback`,
}

export class Fallbacks {
  readonly #warn: (message: string) => void
  readonly #nowMs: () => number
  readonly #counts: Record<Fallback, number> = { loading: 0, slow: 0, 'no-number': 0, down: 0 }
  /** When it was said last, and how many there were by then. */
  readonly #said: Map<Fallback, { readonly atMs: number; readonly count: number }> = new Map()

  /** @param nowMs of a clock that only goes forward. */
  constructor(warn: (message: string) => void, nowMs: () => number = () => performance.now()) {
    this.#warn = warn
    this.#nowMs = nowMs
  }

  /** Transfers so far. */
  get counts(): Readonly<Record<Fallback, number>> {
    return this.#counts
  }

  note(why: Fallback, transfers: number): void {
    if (transfers === 0) return
    this.#counts[why] += transfers
    const sentence = SENTENCES[why]
    const said = this.#said.get(why)
    const nowMs = this.#nowMs()
    if (sentence === undefined || (said !== undefined && nowMs - said.atMs < SAY_AGAIN_MS)) return
    this.#warn(sentence(this.#counts[why] - (said?.count ?? 0)))
    this.#said.set(why, { atMs: nowMs, count: this.#counts[why] })
  }
}
