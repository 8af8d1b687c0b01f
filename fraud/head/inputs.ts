/**
 * What the supervised head sees of a row, and how (docs/adr/0010): counts, sums and gaps as logarithms, ratios as they
 * are, all against mean and deviation of the transfers that it learned from.
 */
import { utf8 } from '../../crypto/bytes.ts'
import { hash } from '../../crypto/hash.ts'
import { COLUMN, type FeatureName } from '../schema.ts'

const DAY_S = 86_400
const CIRCLE_SCALE = 16
/** Deviations from the mean count up to here. */
const Z_MAX = 6

export interface HeadInput {
  readonly feature: FeatureName
  /** The value enters as log2(1 + scale · x); null: as it is. */
  readonly scale: number | null
  /** Column that says whether the value is known, and what stands for one that is not, encoded already. */
  readonly unknown: { readonly column: FeatureName; readonly value: number } | null
}

const log = (feature: FeatureName, scale = 1): HeadInput => ({ feature, scale, unknown: null })
const plain = (feature: FeatureName): HeadInput => ({ feature, scale: null, unknown: null })
const gap = (feature: FeatureName, column: FeatureName, value: number): HeadInput => ({
  feature,
  scale: 1 / DAY_S,
  unknown: { column, value },
})
/** A gap that nobody knows counts as one of sixty days. */
const LONG_GAP = Math.log2(1 + 60)

export const HEAD_INPUTS: readonly HeadInput[] = [
  log('new_payees_1d'),
  log('new_payees_7d'),
  log('out_count_1d'),
  log('out_count_7d'),
  log('out_count_20d'),
  log('payer_new_payers_7d'),
  log('payer_new_payers_20d'),
  log('payer_in_count_1d'),
  log('payer_in_count_7d'),
  log('payer_in_sum_7d'),
  gap('in_gap_s', 'in_gap_known', LONG_GAP),
  gap('out_gap_s', 'out_gap_known', LONG_GAP),
  log('payer_payers_ever'),
  log('payees_ever'),
  log('payee_new_payers_1d'),
  log('payee_new_payers_7d'),
  log('payee_in_count_7d'),
  log('payee_new_payees_1d'),
  log('payee_new_payees_7d'),
  log('payee_out_count_7d'),
  log('payee_payees_ever'),
  log('payee_payers_ever'),
  plain('pair_new'),
  log('pair_count'),
  plain('pair_same_amount'),
  plain('reciprocal'),
  gap('reciprocal_gap_s', 'reciprocal', -1),
  plain('reciprocal_same_amount'),
  log('amount'),
  plain('inflow_ratio_7d_log2'),
  plain('turnover_20d_log2'),
  plain('inflow_match_log2'),
  log('circles_of_four', CIRCLE_SCALE),
  log('payer_ties'),
  log('payee_ties'),
  log('payers_received_7d'),
  log('payer_hops'),
  log('payee_hops'),
  log('payer_flow'),
  log('payee_flow'),
  log('surprise'),
  log('payer_worst_out'),
  log('payee_worst_in'),
]

/** Names the inputs and how they are encoded: what was learned of others is of no use. 32 bytes. */
export const HEAD_INPUTS_ID: Uint8Array = hash('model', utf8(JSON.stringify(HEAD_INPUTS)))

/** Inputs as numbers in flat arrays: the loop over them is on the hot path. */
const COLUMNS = Int32Array.from(HEAD_INPUTS, ({ feature }) => COLUMN[feature])
const SCALES = Float64Array.from(HEAD_INPUTS, ({ scale }) => scale ?? 0)
const KNOWN = Int32Array.from(HEAD_INPUTS, ({ unknown }) => (unknown === null ? -1 : COLUMN[unknown.column]))
const UNKNOWN = Float64Array.from(HEAD_INPUTS, ({ unknown }) => unknown?.value ?? 0)

/** One input of the row that starts at `offset`, before it is compared with the mean. */
export function encodedInput(i: number, rows: Float32Array, offset: number): number {
  const known = KNOWN[i] as number
  if (known >= 0 && rows[offset + known] === 0) return UNKNOWN[i] as number
  const value = rows[offset + (COLUMNS[i] as number)] as number
  const scale = SCALES[i] as number
  return scale === 0 ? value : Math.log2(1 + Math.max(0, scale * value))
}

/** In deviations from the mean, clipped. */
export function standardized(encoded: number, mean: number, deviation: number): number {
  return Math.min(Z_MAX, Math.max(-Z_MAX, (encoded - mean) / deviation))
}
