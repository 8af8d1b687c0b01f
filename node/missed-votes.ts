/**
 * Why this validator has no vote for a final block. Everybody's votes are in the grid of the dashboard; the reasons are
 * known here alone, and an operator who only sees gaps looks in the wrong place.
 */
import { LIMITS } from '../config/limits.ts'

/** In the order in which they are looked at: the first that holds is the reason. */
export const MISS_REASONS = {
  'not-voting': 'its signing state is lost or in use elsewhere',
  behind: 'it was catching up: the block was old when it came',
  'gave-up': 'it had voted to skip the view: the proposal came too late, or never',
  busy: 'its main thread was busy all the time',
  'no-proposal': 'the proposal never came: a fault of the network, or of the leader',
  outrun: 'the others were done before it had checked the block',
} as const

export type MissReason = keyof typeof MISS_REASONS

const REASONS = Object.keys(MISS_REASONS) as MissReason[]

/** Reasons are told together, once in this time. */
const REPORT_MS = 60_000
/** A block that was dated so long before it became final here was caught up with. */
const BEHIND_MS = 2_000
/** Share of the time since the final block before. */
const BUSY_SHARE = 0.95
/** A vote may be cast while a later block becomes final. */
const GRACE_BLOCKS = 4

export type MissCounts = Readonly<Record<MissReason, number>>

interface MissedVotesOptions {
  /** Share of the time since it was asked last in which the main thread was busy, 0 to 1. */
  readonly busyShare: () => number
  /** Whether this validator signs no votes at all. */
  readonly isMute: () => boolean
  /** How many were missed since the last report, at most once a minute; told when another one is missed. */
  readonly onReport: (missed: Partial<MissCounts>) => void
}

interface Judged {
  readonly view: number
  /** If there is no vote until it is judged. */
  readonly reason: MissReason
}

export class MissedVotes {
  readonly #options: MissedVotesOptions
  readonly #proposed = new Set<number>()
  readonly #nullified = new Set<number>()
  readonly #voted = new Set<number>()
  readonly #counts = Object.fromEntries(REASONS.map((reason) => [reason, 0])) as Record<MissReason, number>
  #waiting: Judged[] = []
  #reported: MissCounts = { ...this.#counts }
  #reportedMs = -Infinity

  constructor(options: MissedVotesOptions) {
    this.#options = options
  }

  /** Since the start. */
  get counts(): MissCounts {
    return this.#counts
  }

  /** Views that are remembered. */
  get size(): number {
    return this.#proposed.size + this.#nullified.size + this.#voted.size
  }

  /** A proposal of this view came. */
  proposed(view: number): void {
    remember(this.#proposed, view)
  }

  /** This validator voted. */
  voted(kind: 'notarize' | 'nullify' | 'finalize', view: number): void {
    remember(kind === 'nullify' ? this.#nullified : this.#voted, view)
  }

  /** The block of this view became final, `latencyMs` after the time in its header. */
  final(view: number, latencyMs: number, nowMs: number): void {
    const busyShare = this.#options.busyShare()
    this.#waiting.push({ view, reason: this.#reason(view, latencyMs, busyShare) })
    if (this.#waiting.length <= GRACE_BLOCKS) return
    const [due, ...rest] = this.#waiting
    this.#waiting = rest
    if (due === undefined) return
    if (!this.#voted.has(due.view)) this.#missed(due.reason, nowMs)
    for (const views of [this.#proposed, this.#nullified, this.#voted]) forget(views, due.view)
  }

  #missed(reason: MissReason, nowMs: number): void {
    this.#counts[reason]++
    if (nowMs < this.#reportedMs + REPORT_MS) return
    const fresh = REASONS.map((name) => [name, this.#counts[name] - this.#reported[name]] as const)
    this.#options.onReport(Object.fromEntries(fresh.filter(([, count]) => count > 0)))
    this.#reported = { ...this.#counts }
    this.#reportedMs = nowMs
  }

  #reason(view: number, latencyMs: number, busyShare: number): MissReason {
    if (this.#options.isMute()) return 'not-voting'
    if (latencyMs > BEHIND_MS) return 'behind'
    if (this.#nullified.has(view)) return 'gave-up'
    if (busyShare > BUSY_SHARE) return 'busy'
    return this.#proposed.has(view) ? 'outrun' : 'no-proposal'
  }
}

/** Views that never become final would stay; above the limit the oldest goes. */
function remember(views: Set<number>, view: number): void {
  views.add(view)
  const [oldest] = views
  if (views.size > LIMITS.votedBlocks && oldest !== undefined) views.delete(oldest)
}

function forget(views: Set<number>, upTo: number): void {
  for (const view of views) if (view <= upTo) views.delete(view)
}
