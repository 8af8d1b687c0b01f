/** What attacks have in common: the payments of one victim, the honest ones before the takeover first. */
import type { Random } from '../random.ts'
import { citizensOf } from './population.ts'

/** One transfer of the victim's account. */
export interface AttackPayment {
  /** Since the start, ms. */
  readonly atMs: number
  /** A mule: an account that nobody paid before. Or a citizen: somebody the victim really knows. */
  readonly to: { readonly kind: 'mule' | 'citizen'; readonly index: number }
  readonly amountUnits: bigint
  readonly memo: string
  /** The label. The victim's own earlier payments are ordinary. */
  readonly fraudulent: boolean
}

export interface AttackInput {
  readonly random: Random
  /** What the victim has, in uCRD. */
  readonly balanceUnits: bigint
  /** Fee of one transfer, in uCRD. */
  readonly feeUnits: bigint
}

/** `count` ordinary payments, about `gapMs` apart, mostly to one shop. Never counted as fraud. */
export function victimHistory(random: Random, count: number, gapMs: number): AttackPayment[] {
  const [shop, friend] = [random.pick(citizensOf('shop')), random.pick(citizensOf('person'))]
  const usual = random.between(8, 40)
  let atMs = 0
  return Array.from({ length: count }, (_, index) => {
    const payment: AttackPayment = {
      atMs,
      to: { kind: 'citizen', index: index % 3 === 2 ? friend : shop },
      amountUnits: BigInt(Math.round(usual * random.between(0.7, 1.3) * 100)) * UNITS_PER_CENT,
      memo: index % 3 === 2 ? 'shared dinner' : 'groceries',
      fraudulent: false,
    }
    atMs += gapMs * random.between(0.8, 1.2)
    return payment
  })
}

/** What is left for `transfers` more after these payments and all fees, in uCRD. */
export function leftAfter(
  history: readonly AttackPayment[],
  transfers: number,
  { balanceUnits, feeUnits }: AttackInput,
): bigint {
  const spent = history.reduce((sum, payment) => sum + payment.amountUnits + feeUnits, 0n)
  return balanceUnits - spent - BigInt(transfers) * feeUnits
}

const UNITS_PER_CENT = 10_000n

/** Whole cents, rounded down: what people type. */
export function wholeCents(units: bigint): bigint {
  return units - (units % UNITS_PER_CENT)
}
