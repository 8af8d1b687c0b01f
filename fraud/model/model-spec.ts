/**
 * The label-free directional score, as data. Two interpreters read it: `model.ts` with tensors, and `sum.ts` in plain
 * TypeScript; a contract test holds them together.
 *
 *     score = max(tail or head, rule₁, rule₂, …), at most 1; flagged at FLAG_AT and above
 *
 * **Tail**: Σ clip((v − mean) / deviation, 0, Z_MAX) over a few features, against the population's own recent
 * mean and deviation, as sum ÷ (sum + threshold): FLAG_AT is met at the calibrated threshold, which `MAX_FLAG_RATE` of
 * the population exceed, and no two sums have the same score.
 * Only the upper side counts: fraud sits in upper tails, and being unusually quiet is no reason for anything. It is
 * silent until a population is known (`baseline.ts`), so a new chain is judged by the rules alone.
 *
 * **Rules**: products of ramps from 0 to 1, for patterns that are clear from one account's own books on the first day.
 */
import { utf8 } from '../../crypto/bytes.ts'
import { hash } from '../../crypto/hash.ts'
import { COLUMN, FEATURES, type FeatureName } from '../schema.ts'

/** Score at which a transfer is flagged, of 1. */
export const FLAG_AT = 0.5

/** Share of the population's transfers that the tail alone may flag. */
export const MAX_FLAG_RATE = 0.009

/** Upper deviations count up to here, so that no single feature decides. */
export const Z_MAX = 8

export interface TailTerm {
  readonly feature: FeatureName
  /** Values enter as log2(1 + scale · x): counts and gaps have long tails. */
  readonly scale: number
}

/** All with weight 1; how they were chosen: docs/adr/0010. */
export const TAIL: readonly TailTerm[] = [
  { feature: 'new_payees_1d', scale: 1 },
  { feature: 'payee_new_payers_1d', scale: 1 },
  { feature: 'payer_new_payers_7d', scale: 1 },
  { feature: 'pair_new', scale: 1 },
  { feature: 'circles_of_four', scale: 8 },
  { feature: 'payee_flow', scale: 1 },
  { feature: 'payers_received_7d', scale: 1 },
]

/** The first terms are about the transfer itself: their sum is its surprise, which then flows with the money. */
export const SURPRISE_TERMS = 5

export interface Ramp {
  readonly feature: FeatureName
  /** 0 up to here … */
  readonly from: number
  /** … and 1 from here on. */
  readonly to: number
  /** Column that says whether the value is known, and what stands in for the ramp if not. */
  readonly unknown: { readonly column: FeatureName; readonly value: number } | null
}

export interface Rule {
  readonly name:
    | 'takeover'
    | 'slicing'
    | 'emptying'
    | 'burst'
    | 'spray'
    | 'patience'
    | 'awakening'
    | 'relay'
    | 'lending'
    | 'conduit'
  readonly ramps: readonly Ramp[]
}

const ramp = (feature: FeatureName, from: number, to: number, unknown: Ramp['unknown'] = null): Ramp => ({
  feature,
  from,
  to,
  unknown,
})

const DAY_S = 86_400

export const RULES: readonly Rule[] = [
  {
    // Account takeover: within minutes a good part of the balance goes to several new payees, in amounts far above the
    // owner's own. One large payment (the rent) is not enough: something must have gone to new payees before it.
    name: 'takeover',
    ramps: [
      ramp('drain_new_10m', 0.1, 0.3),
      ramp('drained_new_10m', 0.02, 0.12),
      ramp('new_payees_1h', 1, 2),
      ramp('balance_share', 0.01, 0.05),
      ramp('own_excess_log2', 1, 3, { column: 'own_known', value: 0 }),
    ],
  },
  {
    // The same in smaller pieces, closer to the owner's own amounts: more of them, and more has to be gone.
    name: 'slicing',
    ramps: [
      ramp('drain_new_10m', 0.12, 0.3),
      ramp('drained_new_10m', 0.06, 0.2),
      ramp('new_payees_1h', 2, 4),
      ramp('balance_share', 0.03, 0.06),
      ramp('own_excess_log2', 0, 1, { column: 'own_known', value: 0 }),
    ],
  },
  {
    // The same for an account without payments of its own: compared with everybody's.
    name: 'emptying',
    ramps: [
      ramp('drain_new_10m', 0.15, 0.35),
      ramp('drained_new_10m', 0.05, 0.2),
      ramp('new_payees_1h', 1, 3),
      ramp('own_settled', 1, 0),
      ramp('population_ratio_log2', 1, 3, { column: 'population_known', value: 0 }),
    ],
  },
  {
    // Machine-gun payments to accounts that nobody has ever paid, with a noticeable part of the balance.
    name: 'burst',
    ramps: [ramp('new_payees_1m', 4, 16), ramp('fresh_payees_1m', 2, 7), ramp('drain_new_1h', 0.01, 0.09)],
  },
  {
    // The same to payees that exist, but that this account never paid: a larger part has to be gone.
    name: 'spray',
    ramps: [ramp('new_payees_1m', 4, 16), ramp('drain_new_1h', 0.1, 0.4)],
  },
  {
    // Account takeover over hours: one of several payments of a day, to the second new payee or a later one, and a good
    // part of the balance gone within the hour. Whoever has just arrived knows nobody yet.
    name: 'patience',
    ramps: [
      ramp('drain_new_1h', 0.08, 0.25),
      ramp('out_count_1d', 3, 5),
      ramp('new_payees_1d', 1.2, 1.8),
      ramp('pair_young', 0, 1),
      ramp('payer_age_s', 3 * DAY_S, 7 * DAY_S),
      ramp('own_excess_log2', 1, 3, { column: 'own_known', value: 0 }),
    ],
  },
  {
    // An account that slept for many times its usual gap pays a good part of the balance to somebody it never paid.
    name: 'awakening',
    ramps: [
      ramp('idle_ratio_log2', 3, 5, { column: 'idle_known', value: 0 }),
      ramp('payer_age_s', 3 * DAY_S, 7 * DAY_S),
      ramp('pair_new', 0, 1),
      ramp('balance_share', 0.1, 0.3),
      ramp('own_excess_log2', 1, 3, { column: 'own_known', value: 0 }),
    ],
  },
  {
    // A mule's account: made for the purpose, it passes on within a day most of what came, not back to whoever paid it, and
    // to somebody who has been there for long: on a chain of days everybody looks like a mule.
    name: 'relay',
    ramps: [
      ramp('passed_on_1d', 0.3, 0.6, { column: 'passed_on_known', value: 0 }),
      ramp('balance_share', 0.2, 0.5),
      ramp('pair_young', 0, 1),
      ramp('reciprocal', 1, 0),
      ramp('own_settled', 1, 0),
      ramp('payee_age_s', 3 * DAY_S, 7 * DAY_S, { column: 'payee_known', value: 0 }),
      ramp('population_ratio_log2', 0, 1, { column: 'population_known', value: 0 }),
    ],
  },
  {
    // The same through an account that somebody lent: what came from strangers goes on, whole or in halves, far above what
    // its owner pays, and what others do.
    name: 'lending',
    ramps: [
      ramp('passed_on_1d', 0.3, 0.6, { column: 'passed_on_known', value: 0 }),
      ramp('inflow_match_log2', 1.4, 1),
      ramp('payer_new_payers_7d', 0.4, 0.8),
      ramp('pair_young', 0, 1),
      ramp('reciprocal', 1, 0),
      ramp('payer_age_s', 3 * DAY_S, 7 * DAY_S),
      ramp('own_excess_log2', 2, 4, { column: 'own_known', value: 0 }),
      ramp('population_ratio_log2', 1, 2, { column: 'population_known', value: 0 }),
    ],
  },
  {
    // The same through an account that has done it for long, to the same payees, in amounts that have become its own: it has
    // few payers, strangers among them, and payments behind it that surprised. Sellers have many payers and surprise nobody;
    // who pays the rent after wages has paid the same before.
    name: 'conduit',
    ramps: [
      ramp('passed_on_1d', 0.3, 0.6, { column: 'passed_on_known', value: 0 }),
      ramp('inflow_match_log2', 1.4, 1),
      ramp('payer_new_payers_7d', 0.6, 1.2),
      ramp('payer_in_count_7d', 20, 12),
      ramp('payer_worst_out', 0.4, 1.2),
      ramp('balance_share', 0.05, 0.12),
      ramp('pair_same_amount', 1, 0),
      ramp('payer_age_s', 3 * DAY_S, 7 * DAY_S),
      ramp('population_ratio_log2', 1, 2, { column: 'population_known', value: 0 }),
    ],
  },
]

/** Version of the arithmetic; change it when an interpreter changes what the same weights mean. */
const ARITHMETIC = 2

const SPECIFICATION = utf8(
  JSON.stringify({ ARITHMETIC, FEATURES, FLAG_AT, MAX_FLAG_RATE, Z_MAX, TAIL, SURPRISE_TERMS, RULES }),
)

/**
 * Name of a model in acks, 32 bytes: hash of weights and feature schema.
 * @param head name of its supervised head, or null: without labels.
 */
export function modelIdOf(head: Uint8Array | null): Uint8Array {
  return hash('model', head === null ? SPECIFICATION : Buffer.concat([SPECIFICATION, head]))
}

/** Score as it goes into a flag: 0–255, and at least `FLAG_SCORE` exactly if flagged. */
export const FLAG_SCORE: number = 128

export function toByte(score: number): number {
  return Math.min(255, Math.max(0, Math.floor(score * 256)))
}

/** Columns of the tail's features, in order. */
export const TAIL_COLUMNS: readonly number[] = TAIL.map((term) => COLUMN[term.feature])
