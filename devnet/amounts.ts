/** Amounts as people write them: in CRD, to the cent. The ledger counts uCRD. */
const UNITS_PER_CENT = 10_000n
const CENTS_PER_CRD = 100
const MILLIONTHS = 1_000_000n

/** uCRD of an amount in CRD, rounded to the cent. */
export function unitsOf(crd: number): bigint {
  return BigInt(Math.round(crd * CENTS_PER_CRD)) * UNITS_PER_CENT
}

/** Whole cents, rounded down: what people type. */
export function wholeCents(units: bigint): bigint {
  return units - (units % UNITS_PER_CENT)
}

/** A part of an amount, in whole cents, rounded down. `share` counts to a millionth. */
export function shareOf(units: bigint, share: number): bigint {
  return wholeCents((units * BigInt(Math.floor(share * 1e6))) / MILLIONTHS)
}

export function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

export function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
