/** What a trial counts: value stolen and held per pattern of attack, transfers held per kind of ordinary traffic. */
import type { AttackPattern } from '../attacks/attack.ts'
import { ORDINARY_KINDS, type OrdinaryKind } from '../town/payment.ts'

/** Amounts in uCRD. */
export interface PatternCount {
  attacks: number
  /** Attacks of which nothing at all was held. */
  missed: number
  /** What left, or was about to leave, the victims. */
  stolenUnits: bigint
  /** Of it: held on the way out of the victim's account. */
  heldAtFirstUnits: bigint
  /** Of it: held on its way between mules, or to the exchange. */
  heldLaterUnits: bigint
}

export interface OrdinaryCount {
  judged: number
  held: number
  /** Not held, and suspicious enough for a case. */
  alerts: number
}

export interface Tally {
  readonly patterns: Map<AttackPattern, PatternCount>
  readonly ordinary: Map<OrdinaryKind, OrdinaryCount>
}

export function emptyTally(patterns: readonly AttackPattern[]): Tally {
  return {
    patterns: new Map(patterns.map((pattern) => [pattern, noAttacks()])),
    ordinary: new Map(ORDINARY_KINDS.map((kind) => [kind, { judged: 0, held: 0, alerts: 0 }])),
  }
}

export function noAttacks(): PatternCount {
  return { attacks: 0, missed: 0, stolenUnits: 0n, heldAtFirstUnits: 0n, heldLaterUnits: 0n }
}

/** Adds what another trial counted. */
export function addTally(to: Tally, other: Tally): void {
  for (const [pattern, count] of other.patterns) {
    const sum = to.patterns.get(pattern)
    if (sum === undefined) throw new RangeError(`the tally does not count ${pattern}`)
    sum.attacks += count.attacks
    sum.missed += count.missed
    sum.stolenUnits += count.stolenUnits
    sum.heldAtFirstUnits += count.heldAtFirstUnits
    sum.heldLaterUnits += count.heldLaterUnits
  }
  for (const [kind, { judged, held, alerts }] of other.ordinary) {
    const sum = to.ordinary.get(kind)
    if (sum === undefined) throw new RangeError(`the tally does not count ${kind}`)
    sum.judged += judged
    sum.held += held
    sum.alerts += alerts
  }
}

/** Held, of what was stolen: from 0 to 1. Null: nothing was stolen. */
export function heldShare({ stolenUnits, heldAtFirstUnits, heldLaterUnits }: PatternCount): number | null {
  return stolenUnits === 0n ? null : Number(heldAtFirstUnits + heldLaterUnits) / Number(stolenUnits)
}

export function ordinaryTotal({ ordinary }: Tally): OrdinaryCount {
  const counts = [...ordinary.values()]
  return {
    judged: counts.reduce((sum, { judged }) => sum + judged, 0),
    held: counts.reduce((sum, { held }) => sum + held, 0),
    alerts: counts.reduce((sum, { alerts }) => sum + alerts, 0),
  }
}
