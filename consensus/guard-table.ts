/**
 * What this validator has signed, by view, and what it may therefore still sign (consensus.md §4). These exclusions are
 * the whole of safety on the signer's side; they use no network, no timer and no opinion of the protocol around them.
 */
import { equalBytes } from '../crypto/bytes.ts'
import { mergeHighWater, NO_HIGH_WATER, raised, topOf, whyBelow, type HighWater } from './high-water.ts'
import type { Digest, VoteKind } from './types.ts'

export interface SignedVote {
  readonly kind: VoteKind
  readonly view: number
  /** Null exactly for nullify. */
  readonly pid: Digest | null
  readonly signature: Uint8Array
}

type Row = { readonly [Kind in VoteKind]?: SignedVote }

export type GuardVerdict =
  | { readonly verdict: 'sign' }
  | { readonly verdict: 'repeat'; readonly vote: SignedVote }
  | { readonly verdict: 'refuse'; readonly reason: string }

export class GuardTable {
  readonly #rows = new Map<number, Row>()
  #floor = 0
  #mark: HighWater | null = null

  /** Votes at or below this view are refused for ever. */
  get floor(): number {
    return this.#floor
  }

  get size(): number {
    return this.#rows.size
  }

  /** Marks that were imported without their rows: minimal mode (P9). Null: every row above the floor is here. */
  get mark(): HighWater | null {
    return this.#mark
  }

  /** At or below this view votes of this key may be missing here. */
  get knownAbove(): number {
    return Math.max(this.#floor, topOf(this.#mark ?? NO_HIGH_WATER))
  }

  judge(kind: VoteKind, view: number, pid: Digest | null): GuardVerdict {
    if (view <= this.#floor)
      return { verdict: 'refuse', reason: `view ${view} is not above the floor ${this.#floor}` }
    const row = this.#rows.get(view) ?? {}
    const earlier = row[kind]
    if (earlier !== undefined && samePid(earlier.pid, pid)) return { verdict: 'repeat', vote: earlier }
    const reason =
      refusal(kind, row, pid) ?? (this.#mark === null ? null : whyBelow(this.#mark, kind, view, pid))
    return reason === null ? { verdict: 'sign' } : { verdict: 'refuse', reason: `${reason} in view ${view}` }
  }

  /** Whether a row here and this vote, of another table of the same key, are a fault together. */
  contradicts({ kind, view, pid }: Pick<SignedVote, 'kind' | 'view' | 'pid'>): boolean {
    const row = this.#rows.get(view) ?? {}
    const earlier = row[kind]
    if (earlier !== undefined && samePid(earlier.pid, pid)) return false
    return refusal(kind, row, pid) !== null
  }

  /** Whether exactly this vote stands in a row. */
  has({ kind, view, pid }: Pick<SignedVote, 'kind' | 'view' | 'pid'>): boolean {
    const earlier = this.#rows.get(view)?.[kind]
    return earlier !== undefined && samePid(earlier.pid, pid)
  }

  /** Enters a vote that `judge` allowed, or one read back from the journal. */
  record(vote: SignedVote): void {
    if (vote.view <= this.#floor) return
    this.#rows.set(vote.view, { ...this.#rows.get(vote.view), [vote.kind]: vote })
  }

  /** Rows at or below `view` go. The floor never moves down. */
  raiseFloor(view: number): boolean {
    if (view <= this.#floor) return false
    this.#floor = view
    for (const rowView of this.#rows.keys()) if (rowView <= view) this.#rows.delete(rowView)
    if (this.#mark !== null && topOf(this.#mark) <= view) this.#mark = null
    return true
  }

  /** Marks only rise. False: they contradict those of before, and nothing was changed. */
  raiseMark(mark: HighWater): boolean {
    const merged = mergeHighWater(this.#mark ?? NO_HIGH_WATER, mark)
    if (merged === null) return false
    if (topOf(merged) > this.#floor) this.#mark = merged
    return true
  }

  /** The marks of everything known here, for who gets no rows. */
  highWater(): HighWater {
    const floor = { view: this.#floor, pid: null }
    let mark: HighWater = { notarize: floor, nullify: this.#floor, finalize: floor }
    for (const { kind, view, pid } of this.votes()) mark = raised(mark, kind, view, pid)
    // A row and an imported mark of one view and kind are the same vote, or the import would have been refused.
    return mergeHighWater(mark, this.#mark ?? NO_HIGH_WATER) ?? mark
  }

  /** All votes above the floor, ascending by view. */
  votes(): SignedVote[] {
    const rows = [...this.#rows].sort(([left], [right]) => left - right)
    return rows.flatMap(([, row]) =>
      [row.notarize, row.nullify, row.finalize].filter((vote) => vote !== undefined),
    )
  }
}

/** Why `kind` may not join what the row holds, or null. */
function refusal(kind: VoteKind, row: Row, pid: Digest | null): string | null {
  switch (kind) {
    case 'notarize':
      // §4.1.2: votes[v].notarize unset. votes[v].finalize unset or equal to pid(P).
      if (row.notarize !== undefined) return 'another proposal was notarized'
      if (row.finalize !== undefined && !samePid(row.finalize.pid, pid))
        return 'another proposal was finalized'
      return null
    case 'nullify':
      // §4.2.2: votes[v].finalize unset. An earlier notarize does not matter.
      return row.finalize === undefined ? null : 'a proposal was finalized'
    case 'finalize':
      // §4.3.2–3: votes[v].nullify unset, votes[v].finalize unset; votes[v].notarize unset or equal to pid(P).
      if (row.nullify !== undefined) return 'the view was nullified'
      if (row.finalize !== undefined) return 'another proposal was finalized'
      if (row.notarize !== undefined && !samePid(row.notarize.pid, pid))
        return 'another proposal was notarized'
      return null
  }
}

function samePid(left: Digest | null, right: Digest | null): boolean {
  return left === null || right === null ? left === right : equalBytes(left, right)
}
