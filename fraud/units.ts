/** Amounts as the fraud engine counts them: in CRD, as floating-point numbers. */
const UNITS_PER_CRD = 1e6
const LOW_BITS = 32

export function toCrd(units: bigint): number {
  return Number(units) / UNITS_PER_CRD
}

/** log2 of an amount in CRD; nothing is below the smallest one. */
export function log2Amount(crd: number): number {
  return Math.log2(Math.max(crd, 1 / UNITS_PER_CRD))
}

/** What tells two amounts apart in four bytes. */
export function lowBits(units: bigint): number {
  return Number(BigInt.asUintN(LOW_BITS, units))
}
