/**
 * Evasion: before each payment, thieves ask the dry run whether it would be held, as anybody may, and change it until it
 * would not: another account to pay to, half the amount, a few hours later. After twenty questions they give it up.
 *
 * Knows the answer of the model, and nothing else of it. Costs accounts and patience.
 */
import { ATTACK_PATTERNS } from '../attacks/attack.ts'
import { HOUR_MS, MINUTE_MS } from '../attacks/move.ts'
import { shareOf, unitsOf } from '../amounts.ts'
import type { Due, Evasion, Sending } from '../trial/raid.ts'
import type { PatternCount } from '../trial/tally.ts'
import { USUAL_TRIAL, playTrial, type TrialOptions } from '../trial/trial.ts'
import { toCrd } from '../../fraud/units.ts'
import type { Adversary, Figures } from './adversary.ts'

const QUESTIONS = 20
/** Parts of what is due that are tried, the largest first. */
const PARTS = [1, 0.5, 0.25, 0.125] as const
/** Smaller payments are not worth another one. */
const LEAST_UNITS = unitsOf(5)
/** After a part went through. */
const REST_AFTER_MS = 15 * MINUTE_MS
/** After nothing did. */
const WAIT_MS = 6 * HOUR_MS
/** Accounts of a payee that are tried beside the first. */
const OTHER_ACCOUNTS = 2

export const evasion: Adversary = ({ seed, persons, model, head }) => {
  const town = { ...USUAL_TRIAL, seed, persons, patterns: ATTACK_PATTERNS, model, head }
  return {
    ...gone(town, 'as planned'),
    ...gone({ ...town, raid: { evasion: evader } }, 'asking first'),
  }
}

/** What left the victims and was never held, in CRD, of all that left or was about to. */
function gone(options: TrialOptions, name: string): Figures {
  const of = ({ stolenUnits, heldAtFirstUnits, heldLaterUnits }: PatternCount): number =>
    toCrd(stolenUnits - heldAtFirstUnits - heldLaterUnits)
  return Object.fromEntries(
    [...playTrial(options).patterns].map(([pattern, count]) => [
      `${pattern}: gone, ${name}`,
      { part: of(count), whole: toCrd(count.stolenUnits) },
    ]),
  )
}

/** Sends one planned payment, in parts if need be. */
export function evader(): Evasion {
  let questions = QUESTIONS
  let otherAccounts = OTHER_ACCOUNTS

  const passes = ({ wouldHold }: Due, to: number, amountUnits: bigint): boolean =>
    questions-- > 0 && !wouldHold(to, amountUnits)

  const payees = function* ({ to, another }: Due): Generator<number> {
    yield to
    if (another !== null && otherAccounts-- > 0) yield another()
  }

  return (due): Sending => {
    for (const part of PARTS) {
      const amountUnits = part === 1 ? due.amountUnits : shareOf(due.amountUnits, part)
      if (amountUnits < LEAST_UNITS) return GIVEN_UP
      for (const to of payees(due))
        if (passes(due, to, amountUnits))
          return { now: { to, amountUnits }, againAfterMs: part === 1 ? null : REST_AFTER_MS }
    }
    return questions > 0 ? { now: null, againAfterMs: WAIT_MS } : GIVEN_UP
  }
}

const GIVEN_UP: Sending = { now: null, againAfterMs: null }
