/**
 * Fetching the certificates of views that this node jumped over (consensus.md §8.6, §8.8), page after page. One range is
 * wanted at a time, in the current view: a leader that finds no parent wants what lies above it, a voter the
 * nullifications that a proposal names and does not carry. What comes is checked and kept like any certificate, so a
 * page that is lost, wrong or withheld costs time and nothing else, and the next view goes on from what has come.
 */
import type { ViewRange } from './skips.ts'
import type { Target } from './replica-types.ts'
import type { ValidatorIndex } from './types.ts'

const BACKOFF_GROWTH = 1.5
/** Asked at the same time, each time others. */
const PARALLEL_REQUESTS = 2

export interface WantedRange extends ViewRange {
  readonly isHeld: (view: number) => boolean
  /** Asked in order, and again from the first. */
  readonly candidates: readonly ValidatorIndex[]
  /** Pause before the second request; longer from one to the next. */
  readonly retryMs: number
}

interface Wanted {
  readonly range: WantedRange
  /** The lowest view that is missing. */
  needView: number
  /** Whether it rose since the last look. */
  hasRisen: boolean
  attempt: number
  pauseMs: number
  nextMs: number
}

export interface RangeRequest extends ViewRange {
  readonly targets: readonly Target[]
}

export class CertificateFetcher {
  #wanted: Wanted | null = null
  /** Who sent the page that came in this input. */
  #responder: string | null = null

  /** Wants a range, in the place of whatever was wanted. */
  want(range: WantedRange, nowMs: number): void {
    const { fromView: needView, retryMs: pauseMs } = range
    this.#wanted = { range, needView, hasRisen: false, attempt: 0, pauseMs, nextMs: nowMs }
  }

  /** Whether something of the wanted range is still missing. */
  isWanting(): boolean {
    const wanted = this.#wanted
    if (wanted === null) return false
    const { range } = wanted
    while (wanted.needView <= range.toView && range.isHeld(wanted.needView)) {
      wanted.needView++
      wanted.hasRisen = true
    }
    if (wanted.needView > range.toView) this.#wanted = null
    return this.#wanted !== null
  }

  /** A page came: if it had what was missing, the next one is asked of the same node, at once. */
  answered(by: string): void {
    this.#responder = by
  }

  clear(): void {
    this.#wanted = null
    this.#responder = null
  }

  /** The request that is due after what came is looked at, or null; an answer that does not come is asked for elsewhere. */
  due(nowMs: number): RangeRequest | null {
    const responder = this.#responder
    this.#responder = null
    const wanted = this.isWanting() ? this.#wanted : null
    if (wanted === null) return null
    const { toView } = wanted.range
    const { needView: fromView, hasRisen } = wanted
    wanted.hasRisen = false
    if (responder !== null && hasRisen) {
      wanted.nextMs = nowMs + wanted.pauseMs
      return { fromView, toView, targets: [{ kind: 'peer', id: responder }] }
    }
    if (wanted.nextMs > nowMs) return null
    const targets = targetsOf(wanted)
    wanted.attempt++
    wanted.nextMs = nowMs + wanted.pauseMs
    wanted.pauseMs *= BACKOFF_GROWTH
    return { fromView, toView, targets }
  }

  get nextDeadlineMs(): number {
    return this.#wanted?.nextMs ?? Infinity
  }
}

function targetsOf({ range: { candidates }, attempt }: Wanted): Target[] {
  return Array.from(
    { length: Math.min(PARALLEL_REQUESTS, candidates.length) },
    (_, i): Target => ({
      kind: 'validator',
      index: candidates[(attempt * PARALLEL_REQUESTS + i) % candidates.length] as ValidatorIndex,
    }),
  )
}
