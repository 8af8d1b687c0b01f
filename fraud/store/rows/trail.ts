/**
 * The trail of the money (docs/adr/0010): how many steps it came, and how much suspicion it brings. Suspicion starts
 * where a transfer surprises, and goes on with the money: whoever is paid with it takes a share.
 */
import { Field } from '../account-table.ts'
import { SURPRISE_TERMS } from '../../model/model-spec.ts'
import { COLUMN } from '../../schema.ts'
import { tailTerm } from '../../model/tail.ts'
import type { Scene } from './scene.ts'

/** Deviations that surprise nobody. */
const USUAL_SURPRISE = 3
/** Share of the payer's suspicion that a payment passes on. */
const PASSED_ON = 0.7

/** Needs the columns of all other files. @param inputs `Baseline.inputs`. */
export function trailColumns(
  { payer, payee }: Scene,
  inputs: Float32Array,
  rows: Float32Array,
  at: number,
): void {
  rows[at + COLUMN.payer_hops] = payer.at(Field.hops) * payer.decay.fiveDays
  rows[at + COLUMN.payee_hops] = payee.at(Field.hops) * payee.decay.fiveDays
  rows[at + COLUMN.payer_flow] = payer.at(Field.flow) * payer.decay.tenDays
  rows[at + COLUMN.payee_flow] = payee.at(Field.flow) * payee.decay.tenDays
  rows[at + COLUMN.payer_worst_out] = payer.at(Field.worstOut) * payer.decay.tenDays
  rows[at + COLUMN.payee_worst_in] = payee.at(Field.worstIn) * payee.decay.tenDays
  let surprise = 0
  for (let term = 0; term < SURPRISE_TERMS; term++) surprise += tailTerm(term, rows, at, inputs)
  rows[at + COLUMN.surprise] = surprise
}

/**
 * An executed transfer leaves its trail on both records, which are brought to its time already.
 * @param row the transfer's own row, as it was before.
 * @param from @param to where the records of payer and payee start in `numbers`.
 */
export function leaveTrail(
  numbers: Float64Array,
  from: number,
  to: number,
  row: Float32Array,
  amount: number,
): void {
  const get = (field: number): number => numbers[field] as number
  numbers[to + Field.hops] = Math.max(get(to + Field.hops), 1 + get(from + Field.hops))

  const excess = Math.max(0, (row[COLUMN.surprise] as number) - USUAL_SURPRISE)
  numbers[from + Field.worstOut] = Math.max(get(from + Field.worstOut), excess)
  numbers[to + Field.worstIn] = Math.max(get(to + Field.worstIn), excess)
  const share = Math.min(1, amount / Math.max(1, get(to + Field.inSumWeek)))
  numbers[to + Field.flow] =
    (1 - share) * get(to + Field.flow) + share * (excess + PASSED_ON * get(from + Field.flow))
}
