/**
 * The columns of a feature row, in order. The list is part of the model id (`model/model-spec.ts`): a column is never moved
 * or reused, new ones go to the end. `docs/fraud.md` has formula, window and reason of each.
 *
 * A value that the account's history does not give is 0 in its column, and the column `…_known` beside it is 0: "not
 * enough history" is an input of its own, never a small number.
 */
export const FEATURES = [
  // Payer velocity. Counts include the transfer itself and everything acked but not executed.
  'out_count_1m',
  'out_count_10m',
  'out_count_1h',
  'out_count_1d',
  'out_count_7d',
  'out_count_20d',
  'out_sum_1h',
  'out_sum_1d',
  'out_sum_7d',
  'out_gap_s',
  'out_gap_known',
  'out_usual_10m',
  'out_usual_known',
  // Counterparty novelty.
  'new_payees_1m',
  'new_payees_1h',
  'new_payees_1d',
  'new_payees_7d',
  'payees_ever',
  'fresh_payees_1m',
  // The pair.
  'pair_new',
  'pair_young',
  'pair_count',
  'pair_same_amount',
  'reciprocal',
  'reciprocal_gap_s',
  'reciprocal_same_amount',
  // Fan-in and fan-out of the payee.
  'payee_in_count_1h',
  'payee_in_count_1d',
  'payee_in_count_7d',
  'payee_payers_1d',
  'payee_payers_7d',
  'payee_new_payers_1d',
  'payee_new_payers_7d',
  'payee_payers_ever',
  'payee_out_count_7d',
  'payee_new_payees_1d',
  'payee_new_payees_7d',
  'payee_payees_ever',
  // Inflow of the payer, and how much of it goes on.
  'payer_in_count_1d',
  'payer_in_count_7d',
  'payer_in_sum_7d',
  'payer_new_payers_7d',
  'payer_new_payers_20d',
  'payer_payers_ever',
  'in_gap_s',
  'in_gap_known',
  'passed_on_1d',
  'passed_on_known',
  'same_amount',
  'inflow_ratio_7d_log2',
  'turnover_20d_log2',
  'inflow_match_log2',
  // Amount against the payer's own history, against everybody's, and against the balance.
  'amount',
  'own_ratio_log2',
  'own_spread_log2',
  'own_excess_log2',
  'own_known',
  'own_settled',
  'population_ratio_log2',
  'population_known',
  'balance_share',
  'drain_1h',
  'drain_new_1h',
  'drain_new_10m',
  'drained_new_10m',
  // Ages.
  'payer_age_s',
  'payer_known',
  'payee_age_s',
  'payee_known',
  'idle_ratio_log2',
  'idle_known',
  // Circles that the transfer closes among recent payments, and who is near.
  'circles_of_four',
  'payer_ties',
  'payee_ties',
  'payers_received_7d',
  // The trail of the money: how many steps it came, and the suspicion it brings.
  'payer_hops',
  'payee_hops',
  'payer_flow',
  'payee_flow',
  'payer_worst_out',
  'payee_worst_in',
  'surprise',
] as const

export type FeatureName = (typeof FEATURES)[number]

/** Number of columns of a row. */
export const FEATURE_COUNT: number = FEATURES.length

/** Column of each feature. */
export const COLUMN: Readonly<Record<FeatureName, number>> = Object.fromEntries(
  FEATURES.map((name, column) => [name, column]),
) as Record<FeatureName, number>
