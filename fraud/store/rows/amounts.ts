/** The amount against the payer's own settled payments, and against everybody's. */
import { Field } from '../account-table.ts'
import { FRAUD_LIMITS } from '../../limits.ts'
import { COLUMN } from '../../schema.ts'
import { log2Amount } from '../../units.ts'
import type { Scene, Side } from './scene.ts'

const OWN = FRAUD_LIMITS.ownAmounts
/** How far above the median an amount is remembered at most, as a power of two. */
const LARGEST_STEP_LOG2 = 1
/** From MAD to standard deviation under a normal law. */
const MAD_TO_DEVIATION = 1.4826

/** Scratch space: at most `ownAmounts` numbers. */
const sorted = new Float64Array(OWN)

/** @param usualLog2 log2 of the usual amount on this chain, or null. */
export function amountColumns(
  { payer, amount }: Scene,
  usualLog2: number | null,
  rows: Float32Array,
  at: number,
): void {
  const log2 = log2Amount(amount)
  rows[at + COLUMN.amount] = amount
  if (usualLog2 !== null) {
    rows[at + COLUMN.population_ratio_log2] = log2 - usualLog2
    rows[at + COLUMN.population_known] = 1
  }
  const settled = Math.min(OWN, payer.at(Field.ownWritten))
  if (settled >= FRAUD_LIMITS.ownAmountsNeeded) rows[at + COLUMN.own_settled] = 1
  const count = gatherOwn(payer, settled)
  if (count < FRAUD_LIMITS.ownAmountsNeeded) return
  const median = medianOf(sorted, count)
  for (let i = 0; i < count; i++) sorted[i] = Math.abs((sorted[i] as number) - median)
  const spread = MAD_TO_DEVIATION * medianOf(sorted, count)
  rows[at + COLUMN.own_ratio_log2] = log2 - median
  rows[at + COLUMN.own_spread_log2] = spread
  rows[at + COLUMN.own_excess_log2] = log2 - median - spread
  rows[at + COLUMN.own_known] = 1
}

/**
 * Puts the payer's own amounts into the scratch space and returns how many. While too few are settled, the earliest
 * pending ones count too: on a slow network the thief may come before the owner's payments are final.
 */
function gatherOwn(payer: Side, settled: number): number {
  for (let i = 0; i < settled; i++) sorted[i] = payer.at(Field.own + i)
  if (settled >= FRAUD_LIMITS.ownAmountsNeeded) return settled
  const { earliest } = payer.pending
  for (let i = 0; i < earliest.length; i++) sorted[settled + i] = log2Amount(earliest[i] as number)
  return settled + earliest.length
}

/** An amount far above the usual moves the picture of what is usual by one step only: a thief's would replace it. */
export function rememberAmount(numbers: Float64Array, base: number, amount: number): void {
  const written = numbers[base + Field.ownWritten] as number
  const count = Math.min(OWN, written)
  let log2 = log2Amount(amount)
  if (count >= FRAUD_LIMITS.ownAmountsNeeded) {
    for (let i = 0; i < count; i++) sorted[i] = numbers[base + Field.own + i] as number
    log2 = Math.min(log2, medianOf(sorted, count) + LARGEST_STEP_LOG2)
  }
  numbers[base + Field.own + (written % OWN)] = log2
  numbers[base + Field.ownWritten] = written + 1
}

/** Median of the first `count` numbers, which it sorts in place: insertion, because there are at most sixteen. */
function medianOf(values: Float64Array, count: number): number {
  for (let i = 1; i < count; i++) {
    const value = values[i] as number
    let j = i - 1
    for (; j >= 0 && (values[j] as number) > value; j--) values[j + 1] = values[j] as number
    values[j + 1] = value
  }
  const middle = count >> 1
  return count % 2 === 1
    ? (values[middle] as number)
    : ((values[middle - 1] as number) + (values[middle] as number)) / 2
}
