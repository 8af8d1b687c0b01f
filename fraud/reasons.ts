/**
 * Why a transfer was flagged: bits for the ack, and sentences with numbers for people. Made for flagged transfers only,
 * on whichever thread has the row.
 */
import type { Baseline } from './baseline.ts'
import { RULES, TAIL, type Rule } from './model-spec.ts'
import { COLUMN, type FeatureName } from './schema.ts'
import { ruleScore, tailScore } from './sum.ts'
import { tailSum, tailTerm } from './tail.ts'
import type { ReasonDetail } from './types.ts'

/** Reason bits of a flag (u16). A retired bit keeps its place. */
export const REASON = {
  /** Most of the balance leaves for new payees within minutes. */
  drain: 1 << 0,
  /** Many payments to new payees in seconds. */
  burst: 1 << 1,
  /** The payer pays unusually many new payees. */
  velocity: 1 << 2,
  /** The payee is paid by unusually many new payers. */
  fanIn: 1 << 3,
  /** The payer has received from unusually many, or from busy ones: money that passes through. */
  passThrough: 1 << 4,
  /** First payment to this payee. */
  newPayee: 1 << 5,
  /** The amount is far above the payer's own. */
  amount: 1 << 6,
  /** Judged by the cheap sum, because the time was up. */
  cheapSum: 1 << 7,
  /** Closes a circle of payments among accounts that pay each other. */
  circle: 1 << 8,
  /** Money of earlier suspicious payments has reached the payee. */
  trail: 1 << 9,
} as const

export type ReasonName = keyof typeof REASON

/** Names of the bits that are set, in bit order; unknown bits are passed over. */
export function reasonNames(bits: number): ReasonName[] {
  return (Object.keys(REASON) as ReasonName[]).filter((name) => (bits & REASON[name]) !== 0)
}

interface Reason {
  readonly bit: number
  readonly feature: FeatureName
  /** Weight before all are scaled to sum 1. */
  readonly part: number
}

/** What each rule tells: its features, with the bit of each. */
const RULE_REASONS: Readonly<Record<Rule['name'], readonly Omit<Reason, 'part'>[]>> = {
  takeover: [
    { bit: REASON.drain, feature: 'drain_new_10m' },
    { bit: REASON.amount, feature: 'own_ratio_log2' },
    { bit: REASON.newPayee, feature: 'new_payees_1h' },
  ],
  slicing: [
    { bit: REASON.drain, feature: 'drain_new_10m' },
    { bit: REASON.amount, feature: 'own_ratio_log2' },
    { bit: REASON.newPayee, feature: 'new_payees_1h' },
  ],
  emptying: [
    { bit: REASON.drain, feature: 'drain_new_10m' },
    { bit: REASON.amount, feature: 'population_ratio_log2' },
    { bit: REASON.newPayee, feature: 'new_payees_1h' },
  ],
  burst: [
    { bit: REASON.burst, feature: 'out_count_10m' },
    { bit: REASON.newPayee, feature: 'new_payees_1m' },
    { bit: REASON.drain, feature: 'drain_new_1h' },
  ],
  spray: [
    { bit: REASON.burst, feature: 'out_count_10m' },
    { bit: REASON.newPayee, feature: 'new_payees_1m' },
    { bit: REASON.drain, feature: 'drain_new_1h' },
  ],
}

const TAIL_BITS: Readonly<Partial<Record<FeatureName, number>>> = {
  new_payees_1d: REASON.velocity,
  payee_new_payers_1d: REASON.fanIn,
  payer_new_payers_7d: REASON.passThrough,
  pair_new: REASON.newPayee,
  circles_of_four: REASON.circle,
  payee_flow: REASON.trail,
  payers_received_7d: REASON.passThrough,
}

/** A tail term below this share of the sum is not worth a sentence. */
const SMALLEST_SHARE = 0.1

export interface Explanation {
  readonly reasons: number
  /** Largest share first. */
  readonly details: readonly ReasonDetail[]
}

/** Explains the row that starts at `offset`, by whichever of tail and rules weighs most. */
export function explain(rows: Float32Array, offset: number, baseline: Baseline): Explanation {
  const reasons = reasonsOf(rows, offset, baseline)
  const whole = reasons.reduce((sum, reason) => sum + reason.part, 0) || 1
  const details = reasons
    .map((reason) => detailOf(reason, reason.part / whole, rows, offset, baseline))
    .sort((a, b) => b.share - a.share)
  return { reasons: reasons.reduce((bits, reason) => bits | reason.bit, 0), details }
}

function reasonsOf(rows: Float32Array, offset: number, baseline: Baseline): Reason[] {
  const rules = RULES.map((rule) => ({ rule, score: ruleScore(rule, rows, offset) }))
  const strongest = rules.reduce((a, b) => (b.score > a.score ? b : a))
  const tail = tailScore(rows, offset, baseline.inputs)
  if (strongest.score >= tail)
    return RULE_REASONS[strongest.rule.name].map((reason) => ({ ...reason, part: 1 }))
  const sum = tailSum(rows, offset, baseline.inputs)
  return TAIL.flatMap((term, i): Reason[] => {
    const part = tailTerm(i, rows, offset, baseline.inputs)
    const bit = TAIL_BITS[term.feature]
    return bit === undefined || part < SMALLEST_SHARE * sum ? [] : [{ bit, feature: term.feature, part }]
  })
}

function detailOf(
  reason: Reason,
  share: number,
  rows: Float32Array,
  offset: number,
  baseline: Baseline,
): ReasonDetail {
  const { feature } = reason
  const column = (name: FeatureName): number => rows[offset + COLUMN[name]] as number
  const value = column(feature)
  const usual = usualOf(feature, column, baseline)
  return { feature, value, usual, share, text: sentence(feature, value, usual, column) }
}

/** The usual value in the feature's unit: the account's own where it is known, else everybody's, else null. */
function usualOf(
  feature: FeatureName,
  column: (name: FeatureName) => number,
  baseline: Baseline,
): number | null {
  if (feature === 'out_count_10m') return column('out_usual_known') === 1 ? column('out_usual_10m') : null
  if (feature === 'own_ratio_log2' || feature === 'population_ratio_log2') return 0
  const term = TAIL.findIndex((candidate) => candidate.feature === feature)
  return term < 0 ? null : baseline.usual(term)
}

function sentence(
  feature: FeatureName,
  value: number,
  usual: number | null,
  column: (name: FeatureName) => number,
): string {
  const usually = usual === null ? '' : `, usually ${count(usual)}`
  switch (feature) {
    case 'out_count_10m':
      return `${count(value)} payments in 10 minutes${usual === null ? ', no earlier habit known' : usually}`
    case 'new_payees_1m':
      return `${count(value)} new payees within a minute`
    case 'new_payees_1h':
      return `${count(value)} new payees within an hour`
    case 'drain_new_10m':
      return `${percent(value)} of the balance leaves for new payees within 10 minutes`
    case 'drain_new_1h':
      return `${percent(value)} of the balance leaves for new payees within an hour`
    case 'own_ratio_log2':
      return `${money(column('amount'))} where this account usually pays ${money(column('amount') / 2 ** value)}`
    case 'population_ratio_log2':
      return `${money(column('amount'))} where ${money(column('amount') / 2 ** value)} is usual on this network`
    case 'new_payees_1d':
      return `${count(value)} new payees within 24 hours, on this network usually ${count(usual ?? 1)}`
    case 'payee_new_payers_1d':
      return `${count(value)} payers who never paid this payee before, within 24 hours${usually}`
    case 'payer_new_payers_7d':
      return `this account received from ${count(value)} new payers in 7 days${usually}`
    case 'payers_received_7d':
      return `those who paid this account received ${count(value)} payments in 7 days${usually}`
    case 'circles_of_four':
      return 'closes a circle: payer and payee have recent partners who pay each other'
    case 'payee_flow':
      return 'money of earlier suspicious payments has reached this payee'
    case 'pair_new':
      return 'first payment to this payee'
    default:
      return `${feature} is ${value}`
  }
}

/** Decayed counts are not whole: people get whole ones. */
function count(value: number): string {
  return String(Math.max(0, Math.round(value)))
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

function money(crd: number): string {
  return `${crd.toFixed(2)} CRD`
}
