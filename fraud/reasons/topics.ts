/**
 * What a feature is about: the reason that it belongs to, and the feature of that topic that people are told. Many
 * features say nearly the same, and nobody wants to read all of them.
 */
import type { ReasonName } from './reasons.ts'
import type { FeatureName } from '../schema.ts'

export interface Topic {
  readonly reason: ReasonName
  /** The one with a sentence (`sentences.ts`). */
  readonly feature: FeatureName
}

const about = (
  reason: ReasonName,
  feature: FeatureName,
  others: readonly FeatureName[] = [],
): Partial<Record<FeatureName, Topic>> =>
  Object.fromEntries([feature, ...others].map((name) => [name, { reason, feature }]))

/** Topics of all features that the tail and the head look at. */
export const TOPICS: Readonly<Partial<Record<FeatureName, Topic>>> = {
  ...about('velocity', 'new_payees_1d', ['new_payees_7d', 'payees_ever']),
  ...about('velocity', 'out_count_7d', ['out_count_1d', 'out_count_20d', 'out_gap_s']),
  ...about('fanIn', 'payee_new_payers_1d', ['payee_new_payers_7d', 'payee_in_count_7d', 'payee_payers_ever']),
  ...about('fanOut', 'payee_new_payees_7d', [
    'payee_new_payees_1d',
    'payee_out_count_7d',
    'payee_payees_ever',
  ]),
  ...about('passThrough', 'payer_new_payers_7d', ['payer_new_payers_20d', 'payer_payers_ever']),
  ...about('passThrough', 'payer_in_count_7d', ['payer_in_count_1d', 'payer_in_sum_7d', 'in_gap_s']),
  ...about('passThrough', 'inflow_match_log2', ['inflow_ratio_7d_log2', 'turnover_20d_log2']),
  ...about('passThrough', 'payers_received_7d'),
  ...about('passThrough', 'payer_hops', ['payee_hops']),
  ...about('newPayee', 'pair_new', ['pair_count', 'pair_same_amount']),
  ...about('newPayee', 'reciprocal', ['reciprocal_gap_s', 'reciprocal_same_amount']),
  ...about('amount', 'amount'),
  ...about('circle', 'circles_of_four', ['payer_ties', 'payee_ties']),
  ...about('trail', 'payee_flow', ['payer_flow', 'payer_worst_out', 'payee_worst_in']),
  ...about('unusual', 'surprise'),
}
