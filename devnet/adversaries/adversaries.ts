/**
 * Adversaries of the fraud model by name. Each is played in a town, and so is the same town without it. What a thief does
 * who names a guardian of his own is no matter of figures: test/ledger/guardian.test.ts.
 */
import type { Adversary } from './adversary.ts'
import { dusting } from './dusting.ts'
import { evasion } from './evasion.ts'
import { flood } from './flood.ts'
import { poisoning } from './poisoning.ts'
import { recallPoisoning } from './recall-poisoning.ts'
import { splitDrain } from './split-drain.ts'

export const ADVERSARIES = {
  dusting,
  'recall-poisoning': recallPoisoning,
  'split-drain': splitDrain,
  flood,
  poisoning,
  evasion,
} as const satisfies Readonly<Record<string, Adversary>>

export type AdversaryName = keyof typeof ADVERSARIES
export const ADVERSARY_NAMES: readonly AdversaryName[] = Object.keys(ADVERSARIES) as AdversaryName[]
