/**
 * What this validator's lists make of its model's opinion. They change which flags its acks carry and which cases it
 * opens, nothing else: the verdict stays that of all validators.
 */
import { REASON } from '../reasons/reasons.ts'
import type { Assessment, ScorePart, TransferFacts } from '../types.ts'
import type { EntryKind, Subject } from './events.ts'

export interface Thresholds {
  /** Score from which a transfer is flagged, 1–255. */
  readonly hold: number
  /** Score from which a case is opened; at most `hold`. */
  readonly alert: number
}

export interface ListEntry {
  /** Number of the event that made it, by which it is removed. */
  readonly seq: number
  readonly kind: EntryKind
  readonly subject: Subject
  readonly actor: string
  readonly expiresMs: number
  readonly why: string
}

/** The entries of all lists, found by what they are about. */
export class PolicyLists {
  readonly #entries = new Map<number, ListEntry>()
  readonly #accounts = new Map<string, Set<ListEntry>>()
  /** By payer, then by payee. */
  readonly #pairs = new Map<string, Map<string, Set<ListEntry>>>()
  readonly #snoozes = new Set<ListEntry>()

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  entry(seq: number): ListEntry | null {
    return this.#entries.get(seq) ?? null
  }

  /** In force at `timeMs`, in the order in which they were made. */
  inForce(timeMs: number): readonly ListEntry[] {
    return [...this.#entries.values()].filter(({ expiresMs }) => expiresMs > timeMs)
  }

  /** Adds an entry, and forgets those that have expired by `timeMs`. */
  add(entry: ListEntry, timeMs: number): void {
    for (const { seq, expiresMs } of this.#entries.values()) if (expiresMs <= timeMs) this.remove(seq)
    this.#entries.set(entry.seq, entry)
    this.#groupOf(entry).add(entry)
  }

  remove(seq: number): void {
    const entry = this.#entries.get(seq)
    if (entry === undefined) return
    this.#entries.delete(seq)
    this.#groupOf(entry).delete(entry)
    this.#dropEmpty(entry.subject)
  }

  /** The entries in force for the transfer, one of each kind at most. Nothing is put together here: it is asked for each. */
  match({ payer, payee }: Pick<TransferFacts, 'payer' | 'payee'>, timeMs: number): Matches {
    const matches: { allow: ListEntry | null; watch: ListEntry | null } = { allow: null, watch: null }
    const groups = [this.#pairs.get(payer)?.get(payee), this.#accounts.get(payer), this.#accounts.get(payee)]
    for (const group of groups) {
      if (group === undefined) continue
      for (const entry of group)
        if (entry.kind !== 'snooze' && entry.expiresMs > timeMs) matches[entry.kind] ??= entry
    }
    return matches
  }

  /** The snoozes that silence this part of a score: one names it, or all that it tells is named. */
  snoozeOf(part: ScorePart, timeMs: number): ListEntry | null {
    let left = part.reasons
    for (const entry of this.#snoozes) {
      if (entry.expiresMs <= timeMs || !('rule' in entry.subject)) continue
      const { rule } = entry.subject
      if (rule in REASON) left &= ~REASON[rule as keyof typeof REASON]
      if (rule === part.name || (part.reasons !== 0 && left === 0)) return entry
    }
    return null
  }

  #groupOf({ subject }: ListEntry): Set<ListEntry> {
    if ('rule' in subject) return this.#snoozes
    if ('account' in subject) return getOrMake(this.#accounts, subject.account, () => new Set())
    return getOrMake(
      getOrMake(this.#pairs, subject.payer, () => new Map<string, Set<ListEntry>>()),
      subject.payee,
      () => new Set(),
    )
  }

  #dropEmpty(subject: Subject): void {
    if ('rule' in subject) return
    if ('account' in subject) {
      if (this.#accounts.get(subject.account)?.size === 0) this.#accounts.delete(subject.account)
      return
    }
    const payees = this.#pairs.get(subject.payer)
    if (payees?.get(subject.payee)?.size === 0) payees.delete(subject.payee)
    if (payees?.size === 0) this.#pairs.delete(subject.payer)
  }
}

function getOrMake<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

interface Matches {
  readonly allow: ListEntry | null
  readonly watch: ListEntry | null
}

export interface Decision {
  readonly flagged: boolean
  /** Of what counts: without what is snoozed. 0–255. */
  readonly score: number
  /** Bits. */
  readonly reasons: number
  /** What the review log is told; `none`: nothing. */
  readonly report: 'none' | 'alert' | 'flag' | 'watch' | 'muted'
  /** The entry that made the difference, or null: the model decided. */
  readonly entry: ListEntry | null
}

/** What becomes of a transfer that the model gave `assessment`. */
export function decide(
  lists: PolicyLists,
  thresholds: Thresholds,
  facts: Pick<TransferFacts, 'payer' | 'payee'>,
  assessment: Assessment,
  timeMs: number,
): Decision {
  const { score, reasons, snooze } = withoutSnoozed(lists, assessment, timeMs)
  const { allow, watch } = lists.match(facts, timeMs)
  const flagged = score >= thresholds.hold && allow === null
  const judged = { flagged, score, reasons }
  if (flagged) return { ...judged, report: 'flag', entry: null }
  if (watch !== null) return { ...judged, report: 'watch', entry: watch }
  if (score >= thresholds.alert)
    return allow === null
      ? { ...judged, report: 'alert', entry: null }
      : { ...judged, report: 'muted', entry: allow }
  if (assessment.score >= thresholds.alert && snooze !== null)
    return { ...judged, report: 'muted', entry: snooze }
  return { ...judged, report: 'none', entry: null }
}

/** The largest part of the score that no snooze silences. */
function withoutSnoozed(
  lists: PolicyLists,
  { score, reasons, parts = [] }: Assessment,
  timeMs: number,
): { readonly score: number; readonly reasons: number; readonly snooze: ListEntry | null } {
  const snoozed = parts.map((part) => ({ part, entry: lists.snoozeOf(part, timeMs) }))
  if (snoozed.length === 0) return { score, reasons, snooze: null }
  const strongest = snoozed.reduce((a, b) => (b.part.score > a.part.score ? b : a))
  if (strongest.entry === null) return { score, reasons, snooze: null }
  const left = snoozed.flatMap((each) => (each.entry === null ? [each.part] : []))
  const largest = left.reduce<ScorePart | null>((a, b) => (a === null || b.score > a.score ? b : a), null)
  return {
    score: largest?.score ?? 0,
    reasons: (largest?.reasons ?? 0) | (reasons & REASON.cheapSum),
    snooze: strongest.entry,
  }
}
