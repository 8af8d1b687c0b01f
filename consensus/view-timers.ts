/**
 * The timers of a view (consensus.md §7). Timeouts grow with the views since the last finalization, are capped, and
 * shrink back only on a finalization.
 *
 *   enter ──── 2Δ (+ T_idle) ──▶ tLead ──── Δ ──▶ tAdv ── tRetry ─▶ ── tRetry ─▶ …
 */
import type { Parameters } from '../config/parameters.ts'

const GROWTH = 1.2
/** Views without finalization before timeouts grow: a pipeline that works has up to that many open. */
const VIEWS_BEFORE_GROWTH = 3
const RETRY_AT_LEAST_MS = 500
const LEADER_DELTAS = 2
const ADVANCE_DELTAS = 3

/** Δ_v = min(Δ₀ · α^k, Δ_max), k = max(0, view − last final view − 3). */
export function deltaOf(parameters: Parameters, view: number, lastFinalView: number): number {
  const steps = Math.max(0, view - lastFinalView - VIEWS_BEFORE_GROWTH)
  return Math.min(parameters.deltaMs * GROWTH ** steps, parameters.deltaMaxMs)
}

export class ViewTimers {
  readonly #parameters: Parameters
  #deltaMs: number
  #enteredMs = 0
  #idle = false
  #leaderMs = Infinity
  #advanceMs = Infinity
  #retryMs = Infinity

  constructor(parameters: Parameters) {
    this.#parameters = parameters
    this.#deltaMs = parameters.deltaMs
  }

  /** Δ of the current view. */
  get deltaMs(): number {
    return this.#deltaMs
  }

  get enteredMs(): number {
    return this.#enteredMs
  }

  /** When the view is nullified for want of a proposal. */
  get leaderMs(): number {
    return this.#leaderMs
  }

  /** When the view is nullified whatever came. */
  get advanceMs(): number {
    return this.#advanceMs
  }

  /** When own votes are sent again. */
  get retryMs(): number {
    return this.#retryMs
  }

  /** Starts the timers of a view; those of the view before are gone. `skipLeader`: fast skip, tLead = 0. */
  enter(
    view: number,
    lastFinalView: number,
    nowMs: number,
    options: { readonly idle: boolean; readonly skipLeader: boolean },
  ): void {
    this.#deltaMs = deltaOf(this.#parameters, view, lastFinalView)
    this.#enteredMs = nowMs
    this.#idle = options.idle
    this.#retryMs = Infinity
    this.#arm(nowMs + (options.idle ? this.#parameters.idleMs : 0))
    if (options.skipLeader) this.#leaderMs = nowMs
  }

  #arm(fromMs: number): void {
    this.#leaderMs = fromMs + LEADER_DELTAS * this.#deltaMs
    this.#advanceMs = fromMs + ADVANCE_DELTAS * this.#deltaMs
  }

  /** "On learning of work every node sets tLead and tAdv to min(current, now + 2Δ or 3Δ)"; on falling idle they include T_idle. */
  setIdle(idle: boolean, nowMs: number): void {
    if (idle === this.#idle) return
    this.#idle = idle
    const { idleMs } = this.#parameters
    const moved = (deadlineMs: number, deltas: number): number => {
      if (deadlineMs === Infinity || (idle && deadlineMs <= nowMs)) return deadlineMs // it fired already, or is about to
      return idle
        ? this.#enteredMs + idleMs + deltas * this.#deltaMs
        : Math.min(deadlineMs, nowMs + deltas * this.#deltaMs)
    }
    this.#leaderMs = moved(this.#leaderMs, LEADER_DELTAS)
    this.#advanceMs = moved(this.#advanceMs, ADVANCE_DELTAS)
  }

  /** The leader was heard, or there is nothing more to wait for from it. */
  stopLeader(): void {
    this.#leaderMs = Infinity
  }

  /** tAdv fired: from now on own votes are repeated. */
  startRetry(nowMs: number): void {
    this.#advanceMs = Infinity
    this.#leaderMs = Infinity
    this.#retryMs = nowMs + Math.max(this.#deltaMs, RETRY_AT_LEAST_MS)
  }

  get nextDeadlineMs(): number {
    return Math.min(this.#leaderMs, this.#advanceMs, this.#retryMs)
  }
}
