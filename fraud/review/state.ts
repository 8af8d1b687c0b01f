/** The review state: a fold of the events of the log, and nothing else. */
import type {
  Cause,
  HoldEndName,
  Outcome,
  ReviewBody,
  ReviewEvent,
  TransferRecord,
  VoteSide,
} from './events.ts'
import { REVIEW_LIMITS } from './limits.ts'
import { PolicyLists } from './policy.ts'

export interface CaseNote {
  readonly actor: string
  readonly timeMs: number
  readonly text: string
}

/** A vote on the hold that this node signed for somebody. */
export interface CaseVote {
  readonly actor: string
  readonly timeMs: number
  readonly side: VoteSide
  readonly txId: string
}

export interface ReviewCase extends TransferRecord {
  /** The id that a hold of the transfer has, whether there is one or not. Hex. */
  readonly id: string
  readonly openedMs: number
  readonly cause: Cause
  readonly score: number
  readonly reasons: readonly string[]
  readonly details: readonly string[]
  /** Of the ledger; null: the payment was not held. */
  readonly hold: {
    readonly expiresMs: number
    readonly end: { readonly how: HoldEndName; readonly atMs: number } | null
  } | null
  readonly votes: readonly CaseVote[]
  readonly notes: readonly CaseNote[]
  /** `closing`: has an outcome that a second reviewer has to confirm. */
  readonly status: 'open' | 'closing' | 'closed'
  readonly outcome: Outcome | null
  /** Who gave the outcome, and who confirmed it where that was needed. */
  readonly reviewers: readonly string[]
}

type CaseBody = Extract<ReviewBody, { readonly case: string }>
type HoldVoted = Extract<ReviewBody, { readonly type: 'hold.voted' }>

export class ReviewState {
  readonly lists: PolicyLists = new PolicyLists()
  readonly #open = new Map<string, ReviewCase>()
  /** In the order in which they were closed. */
  readonly #closed = new Map<string, ReviewCase>()
  /** By hold: votes on those that have no case (there may have been no place for one), the newest ones. */
  readonly #caseless = new Map<string, readonly CaseVote[]>()
  #events = 0

  /** Of the log so far; also the number of the next one. */
  get events(): number {
    return this.#events
  }

  get openCases(): number {
    return this.#open.size
  }

  /** Open cases that only an alert opened. */
  countAlerts(): number {
    return [...this.#open.values()].filter(({ cause, hold }) => cause === 'alert' && hold === null).length
  }

  /** Null: never opened, or closed too long ago. */
  case(id: string): ReviewCase | null {
    return this.#open.get(id) ?? this.#closed.get(id) ?? null
  }

  /** Votes that this node signed on a hold, whether there is a case of it or not. */
  votesOn(id: string): readonly CaseVote[] {
    return this.case(id)?.votes ?? this.#caseless.get(id) ?? []
  }

  /** All cases in memory, in no order. */
  *cases(): Generator<ReviewCase, void> {
    yield* this.#open.values()
    yield* this.#closed.values()
  }

  /** Cases to be worked on: the earliest deadline first, then the largest amount, then the highest score. */
  queue(): readonly ReviewCase[] {
    return [...this.#open.values()].sort(
      (a, b) =>
        deadlineOf(a) - deadlineOf(b) || compare(BigInt(b.amount), BigInt(a.amount)) || b.score - a.score,
    )
  }

  /** Cases that are closed, the newest first. */
  closed(): readonly ReviewCase[] {
    return [...this.#closed.values()].reverse()
  }

  /** Takes the next event. What it says of a case that is not known any more has no effect. */
  apply({ body, actor, timeMs }: ReviewEvent): void {
    const seq = this.#events++
    switch (body.type) {
      case 'log.started':
      case 'alert.muted':
        return
      case 'entry.added':
        this.lists.add({ ...body, seq, actor }, timeMs)
        return
      case 'entry.removed':
        this.lists.remove(body.entry)
        return
      case 'case.opened': {
        const { type: _type, case: id, ...facts } = body
        const untouched = { notes: [], status: 'open', outcome: null, reviewers: [] } as const
        const votes = this.#caseless.get(id) ?? []
        this.#caseless.delete(id)
        this.#open.set(id, { ...facts, ...untouched, id, votes, openedMs: timeMs, hold: null })
        return
      }
      default:
        this.#change(body, actor, timeMs)
    }
  }

  #change(body: Exclude<CaseBody, { readonly type: 'case.opened' }>, actor: string, timeMs: number): void {
    const before = this.case(body.case)
    if (before !== null) this.#put(changed(before, body, actor, timeMs))
    else if (body.type === 'hold.voted') this.#noteCaseless(body, actor, timeMs)
  }

  #noteCaseless({ case: id, side, txId }: HoldVoted, actor: string, timeMs: number): void {
    const votes = [...this.votesOn(id), { actor, timeMs, side, txId }]
    this.#caseless.delete(id)
    this.#caseless.set(id, votes)
    dropOldest(this.#caseless, REVIEW_LIMITS.caselessHolds)
  }

  #put(next: ReviewCase): void {
    if (next.status !== 'closed') {
      this.#open.set(next.id, next)
      return
    }
    this.#open.delete(next.id)
    this.#closed.set(next.id, next)
    dropOldest(this.#closed, REVIEW_LIMITS.closedCases)
  }
}

function changed(
  before: ReviewCase,
  body: Exclude<CaseBody, { readonly type: 'case.opened' }>,
  actor: string,
  timeMs: number,
): ReviewCase {
  switch (body.type) {
    case 'hold.began':
      return { ...before, hold: { expiresMs: body.expiresMs, end: null } }
    case 'hold.ended': {
      const end = { how: body.how, atMs: body.atMs }
      return { ...before, hold: { expiresMs: before.hold?.expiresMs ?? body.atMs, end } }
    }
    case 'hold.voted': {
      const { side, txId } = body
      return { ...before, votes: [...before.votes, { actor, timeMs, side, txId }] }
    }
    case 'case.noted':
      return { ...before, notes: [...before.notes, { actor, timeMs, text: body.text }] }
    case 'case.closed': {
      const status = body.needsSecond ? 'closing' : 'closed'
      return { ...before, status, outcome: body.outcome, reviewers: [actor] }
    }
    case 'case.confirmed':
      return { ...before, status: 'closed', reviewers: [...before.reviewers, actor] }
  }
}

/** When nothing can be done any more about the payment: cases without an open hold come last. */
function deadlineOf({ hold }: ReviewCase): number {
  return hold === null || hold.end !== null ? Number.MAX_SAFE_INTEGER : hold.expiresMs
}

function dropOldest(kept: Map<string, unknown>, max: number): void {
  const oldest = kept.keys().next()
  if (kept.size > max && oldest.done !== true) kept.delete(oldest.value)
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
