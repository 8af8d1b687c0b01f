/**
 * High-water marks: what is left of a signer's table when only its newest votes are known (consensus.md §9 P9). With them
 * three rules, stricter than those of the full table, tell what may still be signed: late votes for views up to the marks
 * are given up, and nothing that a lost row might contradict is ever signed.
 */
import { equalBytes } from '../crypto/bytes.ts'
import type { Digest, VoteKind } from './types.ts'

/** The newest vote of one kind. View 0: none. */
export interface VoteMark {
  readonly view: number
  /** Null: none, or not known any more; then it is the same as no proposal. */
  readonly pid: Digest | null
}

export interface HighWater {
  readonly notarize: VoteMark
  readonly nullify: number
  readonly finalize: VoteMark
}

export const NO_HIGH_WATER: HighWater = {
  notarize: { view: 0, pid: null },
  nullify: 0,
  finalize: { view: 0, pid: null },
}

/** Why the marks forbid the vote, or null. Each line is a rule of P9, in its words. */
export function whyBelow(mark: HighWater, kind: VoteKind, view: number, pid: Digest | null): string | null {
  const { notarize, nullify, finalize } = mark
  switch (kind) {
    case 'notarize':
      // "v > hw.notarize and (v > hw.finalize, or v = hw.finalize and same pid)"
      if (view <= notarize.view) return below('notarize', notarize.view)
      return view > finalize.view || isMark(finalize, view, pid) ? null : below('finalize', finalize.view)
    case 'nullify':
      // "v > hw.nullify and v > hw.finalize"
      if (view <= nullify) return below('nullify', nullify)
      return view > finalize.view ? null : below('finalize', finalize.view)
    case 'finalize':
      // "v > hw.finalize and v > hw.nullify and (v > hw.notarize, or v = hw.notarize and same pid)"
      if (view <= finalize.view) return below('finalize', finalize.view)
      if (view <= nullify) return below('nullify', nullify)
      return view > notarize.view || isMark(notarize, view, pid) ? null : below('notarize', notarize.view)
  }
}

function below(kind: VoteKind, view: number): string {
  return `not above the imported ${kind} mark ${view}`
}

function isMark(mark: VoteMark, view: number, pid: Digest | null): boolean {
  return mark.view === view && mark.pid !== null && pid !== null && equalBytes(mark.pid, pid)
}

/** The higher of both, kind by kind; null if they contradict each other: then the key has voted against itself. */
export function mergeHighWater(left: HighWater, right: HighWater): HighWater | null {
  const notarize = mergeMarks(left.notarize, right.notarize)
  const finalize = mergeMarks(left.finalize, right.finalize)
  if (notarize === null || finalize === null) return null
  return { notarize, nullify: Math.max(left.nullify, right.nullify), finalize }
}

function mergeMarks(left: VoteMark, right: VoteMark): VoteMark | null {
  if (left.view !== right.view) return left.view > right.view ? left : right
  if (left.pid === null || right.pid === null) return { view: left.view, pid: null } // one of them forgot: so do both
  return equalBytes(left.pid, right.pid) ? left : null
}

/** At or below this view the marks may hide a vote. */
export function topOf({ notarize, nullify, finalize }: HighWater): number {
  return Math.max(notarize.view, nullify, finalize.view)
}

/** With the mark of one more vote. */
export function raised(mark: HighWater, kind: VoteKind, view: number, pid: Digest | null): HighWater {
  if (kind === 'nullify') return { ...mark, nullify: Math.max(mark.nullify, view) }
  return view > mark[kind].view ? { ...mark, [kind]: { view, pid } } : mark
}
