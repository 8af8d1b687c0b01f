/** What the end of a hold means (spec/ledger.md, Hold). */
import type { HoldEnd } from './types.ts'

const GOES_ON: readonly HoldEnd[] = ['released', 'confirmed', 'expired-released']

/** Whether the payee has the money after it. */
export function goesOn(how: HoldEnd): boolean {
  return GOES_ON.includes(how)
}

export interface LabelFacts {
  readonly payerCreatedMs: number
  /** Block time of the end. */
  readonly timeMs: number
  /** Parameter of the chain. */
  readonly labelMinAgeMs: number
}

/**
 * What an end says of the flags behind the hold, or null: nothing. Recall and expiry say nothing; nor does the guardian of
 * a young account, which may have been made to refute flags.
 */
export function labelOf(
  how: HoldEnd,
  { payerCreatedMs, timeMs, labelMinAgeMs }: LabelFacts,
): 'fraud' | 'legitimate' | null {
  switch (how) {
    case 'returned':
      return 'fraud'
    case 'released':
      return 'legitimate'
    case 'confirmed':
      return payerCreatedMs + labelMinAgeMs <= timeMs ? 'legitimate' : null
    default:
      return null
  }
}
