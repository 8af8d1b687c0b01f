/**
 * The cheap label-free sum: the model's arithmetic without tensors, for one row at a time. It covers what the worker
 * did not finish within the budget, and gives the shares behind a reason.
 */
import { RULES, type Ramp, type Rule } from './model-spec.ts'
import { COLUMN } from '../schema.ts'
import { INPUT, tailSum } from './tail.ts'

/** Score of the row that starts at `offset`, 0–1. */
export function cheapScore(rows: Float32Array, offset: number, inputs: Float32Array): number {
  return Math.max(tailScore(rows, offset, inputs), largestRule(rows, offset))
}

/** The part of the rules, 0–1. */
export function largestRule(rows: Float32Array, offset: number): number {
  let largest = 0
  for (const rule of RULES) largest = Math.max(largest, ruleScore(rule, rows, offset))
  return largest
}

/** The tail's part, below 1. */
export function tailScore(rows: Float32Array, offset: number, inputs: Float32Array): number {
  const sum = tailSum(rows, offset, inputs)
  return sum / (sum + (inputs[INPUT.tailThreshold] as number))
}

/** One rule's part, 0–1. */
export function ruleScore(rule: Rule, rows: Float32Array, offset: number): number {
  let product = 1
  for (const ramp of rule.ramps) {
    product *= rampValue(ramp, rows, offset)
    if (product === 0) return 0
  }
  return product
}

export function rampValue(ramp: Ramp, rows: Float32Array, offset: number): number {
  if (ramp.unknown !== null && rows[offset + COLUMN[ramp.unknown.column]] === 0) return ramp.unknown.value
  const value = rows[offset + COLUMN[ramp.feature]] as number
  return Math.min(1, Math.max(0, (value - ramp.from) / (ramp.to - ramp.from)))
}
