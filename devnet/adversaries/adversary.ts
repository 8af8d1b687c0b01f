/** What adversaries of the fraud model have in common: what one is given, and what is counted. */
import { heldShareOfMix } from '../trial/mix.ts'
import type { Tally } from '../trial/tally.ts'
import type { Verdict } from '../trial/chain.ts'
import type { Judge } from '../trial/validator.ts'
import { toCrd } from '../../fraud/units.ts'

export interface AdversaryOptions extends Judge {
  /** Of town, attacks and adversary. */
  readonly seed: string
  /** How many live in the town. */
  readonly persons: number
}

/** A part of what was counted: payments, or CRD. */
interface Figure {
  readonly part: number
  readonly whole: number
}

/** By name, in the order in which they are shown. */
export type Figures = Readonly<Record<string, Figure>>

/** Plays an adversary in the town of a seed, and the same town without it. */
export type Adversary = (options: AdversaryOptions) => Figures

/** Of two towns: name by name. */
export function sumOf(a: Figures, b: Figures): Figures {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries(
    [...names].map((name) => {
      const [one, other] = [a[name] ?? NO_FIGURE, b[name] ?? NO_FIGURE]
      return [name, { part: one.part + other.part, whole: one.whole + other.whole }]
    }),
  )
}

const NO_FIGURE: Figure = { part: 0, whole: 0 }

/** Part ÷ whole; null: there was nothing. */
export function shareOf({ part, whole }: Figure): number | null {
  return whole === 0 ? null : part / whole
}

/** Counts payments that were judged, and those held among them. */
export class HeldCount implements Figure {
  part = 0
  whole = 0

  add(verdict: Verdict): void {
    if (verdict === 'unjudged') return
    this.whole++
    if (verdict === 'held') this.part++
  }
}

/**
 * Value held of what was stolen, of each pattern, in CRD; and in the mix of all, where a town counts as one.
 * @param name of the figures.
 */
export function valueHeld(tally: Pick<Tally, 'patterns'>, name: string): Figures {
  const inMix = heldShareOfMix(tally)
  return {
    ...Object.fromEntries(
      [...tally.patterns].map(([pattern, { stolenUnits, heldAtFirstUnits, heldLaterUnits }]) => [
        `${pattern}: ${name}`,
        { part: toCrd(heldAtFirstUnits + heldLaterUnits), whole: toCrd(stolenUnits) },
      ]),
    ),
    [`in the mix: ${name}`]: inMix === null ? NO_FIGURE : { part: inMix, whole: 1 },
  }
}
