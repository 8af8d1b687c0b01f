/** The arithmetic of the label-free tail, for one row at a time (`model-spec.ts`). */
import { TAIL, TAIL_COLUMNS, Z_MAX } from './model-spec.ts'

const SCALES = TAIL.map(({ scale }) => scale)

/** Where the numbers lie that the model needs beside the rows. */
export const INPUT = {
  /** Mean, and 1/deviation (0: silent), of each tail term. */
  means: 0,
  precisions: TAIL.length,
  tailThreshold: 2 * TAIL.length,
  headThreshold: 2 * TAIL.length + 1,
} as const
export const BASELINE_INPUTS: number = 2 * TAIL.length + 2

/** The value of a tail term as it is compared with the population. */
export function tailValue(i: number, rows: Float32Array, offset: number): number {
  const value = rows[offset + (TAIL_COLUMNS[i] as number)] as number
  return Math.log2(1 + (SCALES[i] as number) * Math.max(0, value))
}

/** Contribution of one tail term to the sum. */
export function tailTerm(i: number, rows: Float32Array, offset: number, inputs: Float32Array): number {
  const value = tailValue(i, rows, offset)
  const z = (value - (inputs[INPUT.means + i] as number)) * (inputs[INPUT.precisions + i] as number)
  return Math.min(Z_MAX, Math.max(0, z))
}

/** The whole sum. */
export function tailSum(rows: Float32Array, offset: number, inputs: Float32Array): number {
  let sum = 0
  for (let i = 0; i < TAIL.length; i++) sum += tailTerm(i, rows, offset, inputs)
  return sum
}
