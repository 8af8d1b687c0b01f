/** Ordinary payments of a town, and what they are for. */

export const ORDINARY_KINDS = [
  'wages',
  'shop',
  'rent',
  'bill',
  'friends',
  'market',
  'supplies',
  'exchange',
  'newcomer',
  'large',
  'savings',
  'refund',
] as const
export type OrdinaryKind = (typeof ORDINARY_KINDS)[number]

export interface OrdinaryPayment {
  /** Since midnight before the first day, ms. Day 0 is a Monday. */
  readonly atMs: number
  readonly kind: OrdinaryKind
  /** Accounts. */
  readonly from: number
  readonly to: number
  readonly amountUnits: bigint
}
