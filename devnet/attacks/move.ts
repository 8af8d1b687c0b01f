/** What attacks are made of. A plan knows roles only; whoever plays it casts accounts for them. */
import { shareOf } from '../amounts.ts'
import type { Random } from '../random.ts'

/** Somebody in a plan. */
export type Party =
  /** Whose money is stolen. */
  | { readonly kind: 'victim'; readonly index: number }
  /** In the hand of the criminals: made for the purpose, or lent by somebody. */
  | { readonly kind: 'mule'; readonly index: number }
  /** Where money leaves for good: an exchange with many ordinary customers. */
  | { readonly kind: 'exchange' }

/** One fraudulent payment. */
export interface Move {
  /** Since the start of the attack, ms. */
  readonly atMs: number
  readonly from: Party
  readonly to: Party
  /** As planned. Whoever has less by then sends what there is: of a mule's, only what was stolen. */
  readonly amountUnits: bigint
}

/** What thieves know of an account before they come. Amounts in uCRD. */
export interface Victim {
  readonly balanceUnits: bigint
  /** The owner's largest payment lately. */
  readonly largestUnits: bigint
}

export interface AttackInput {
  readonly random: Random
  /** As many as the pattern asked for. */
  readonly victims: readonly Victim[]
  /** Fee of one transfer, in uCRD; the payer pays it on top. */
  readonly feeUnits: bigint
}

/** Whom an attack is aimed at. */
export type Target = 'person' | 'sleeper' | 'shop'

export interface Pattern {
  readonly target: Target
  /** How many victims an attack has. */
  readonly victims: (random: Random) => number
  /** The payments, in any order. A victim's never exceed its balance together. */
  readonly plan: (input: AttackInput) => Move[]
}

export const MINUTE_MS = 60_000
export const HOUR_MS: number = 60 * MINUTE_MS
export const DAY_MS: number = 24 * HOUR_MS

export const one = (): number => 1

export const mule = (index: number): Party => ({ kind: 'mule', index })
export const victim = (index: number): Party => ({ kind: 'victim', index })
export const EXCHANGE: Party = { kind: 'exchange' }

/** The only victim of an attack. */
export function theVictim({ victims }: AttackInput): Victim {
  const [only] = victims
  if (only === undefined) throw new RangeError('the attack needs a victim, none is given')
  return only
}

/** What a victim can pay in `transfers` payments, in uCRD. */
export function payable({ balanceUnits }: Victim, transfers: number, { feeUnits }: AttackInput): bigint {
  const left = balanceUnits - BigInt(transfers) * feeUnits
  return left > 0n ? left : 0n
}

interface Instalments {
  /** All of them together, in uCRD. */
  readonly units: bigint
  readonly count: number
  /** From one to the next; asked after each, the last included. */
  readonly gapMs: () => number
  readonly to: (index: number) => Party
}

/** The victim's money in uneven payments, one after the other. `endMs`: a gap after the last one. */
export function instalments(
  random: Random,
  { units, count, gapMs, to }: Instalments,
): { readonly moves: Move[]; readonly endMs: number } {
  let atMs = 0
  const moves = unevenShares(random, count).map((share, index): Move => {
    const move = { atMs, from: victim(0), to: to(index), amountUnits: shareOf(units, share) }
    atMs += gapMs()
    return move
  })
  return { moves, endMs: atMs }
}

/** `count` parts of about the same size that sum up to 1: nobody divides evenly. */
export function unevenShares(random: Random, count: number): number[] {
  const parts = Array.from({ length: count }, () => random.between(0.7, 1.3))
  const whole = parts.reduce((sum, part) => sum + part, 0)
  return parts.map((part) => part / whole)
}
