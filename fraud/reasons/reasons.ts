/**
 * Why a transfer was flagged: bits for the ack, and sentences with numbers for people. Made for flagged transfers only,
 * on whichever thread has the row.
 */
import type { Baseline } from '../model/baseline.ts'
import type { HeadByHand } from '../head/head.ts'
import { RULES, TAIL, toByte, type Rule } from '../model/model-spec.ts'
import { COLUMN, type FeatureName } from '../schema.ts'
import { ruleScore, tailScore } from '../model/sum.ts'
import { tailTerm } from '../model/tail.ts'
import { TOPICS } from './topics.ts'
import { sentence } from './sentences.ts'
import { usualOf } from './usual.ts'
import type { ReasonDetail, ScorePart } from '../types.ts'

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
  /** The payee has paid unusually many itself: money that scatters. */
  fanOut: 1 << 10,
  /** The transfer is unusual in several ways at once. */
  unusual: 1 << 11,
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
  patience: [
    { bit: REASON.drain, feature: 'drain_new_1h' },
    { bit: REASON.amount, feature: 'own_ratio_log2' },
    { bit: REASON.newPayee, feature: 'new_payees_1d' },
  ],
  awakening: [
    { bit: REASON.unusual, feature: 'idle_ratio_log2' },
    { bit: REASON.amount, feature: 'own_ratio_log2' },
    { bit: REASON.newPayee, feature: 'pair_new' },
  ],
  relay: [
    { bit: REASON.passThrough, feature: 'passed_on_1d' },
    { bit: REASON.newPayee, feature: 'pair_new' },
  ],
  lending: [
    { bit: REASON.passThrough, feature: 'passed_on_1d' },
    { bit: REASON.amount, feature: 'own_ratio_log2' },
    { bit: REASON.newPayee, feature: 'pair_new' },
  ],
  conduit: [
    { bit: REASON.passThrough, feature: 'passed_on_1d' },
    { bit: REASON.amount, feature: 'population_ratio_log2' },
  ],
}

/** What raises the score by less than this share is not worth a sentence. */
const SMALLEST_SHARE = 0.1

export interface Explanation {
  readonly reasons: number
  /** Largest share first. */
  readonly details: readonly ReasonDetail[]
  /** What the score is the largest of. */
  readonly parts: readonly ScorePart[]
}

/**
 * Explains the row that starts at `offset`, by whichever of its parts weighs most: a rule, or what compares with the
 * population.
 * @param head the head that judged, or null: the tail.
 */
export function explain(
  rows: Float32Array,
  offset: number,
  baseline: Baseline,
  head: HeadByHand | null,
): Explanation {
  const rules = RULES.map((rule) => ({ rule, score: ruleScore(rule, rows, offset) }))
  const strongest = rules.reduce((a, b) => (b.score > a.score ? b : a))
  const population = populationOf(rows, offset, baseline, head)
  const reasons = strongest.score >= population.score ? reasonsOfRule(strongest.rule) : population.reasons
  const parts = [
    ...rules.map(({ rule, score }) => partOf(rule.name, score, reasonsOfRule(rule))),
    partOf('population', population.score, population.reasons),
  ]
  const whole = reasons.reduce((sum, reason) => sum + reason.part, 0) || 1
  const details = reasons
    .map((reason) => detailOf(reason, reason.part / whole, rows, offset, baseline))
    .sort((a, b) => b.share - a.share)
  return { reasons: bitsOf(reasons), details, parts }
}

function bitsOf(reasons: readonly Reason[]): number {
  return reasons.reduce((bits, reason) => bits | reason.bit, 0)
}

function partOf(name: string, score: number, reasons: readonly Reason[]): ScorePart {
  return { name, score: toByte(score), reasons: bitsOf(reasons) }
}

function reasonsOfRule({ name }: Rule): Reason[] {
  return RULE_REASONS[name].map((reason) => ({ ...reason, part: 1 }))
}

/** Score and reasons of what compares with the population. */
function populationOf(
  rows: Float32Array,
  offset: number,
  { inputs }: Baseline,
  head: HeadByHand | null,
): { readonly score: number; readonly reasons: Reason[] } {
  const score = head === null ? tailScore(rows, offset, inputs) : head.score(rows, offset, inputs)
  const parts =
    head === null
      ? TAIL.map(({ feature }, i) => ({ feature, part: tailTerm(i, rows, offset, inputs) }))
      : head.parts(rows, offset, inputs)
  return { score, reasons: topicsOf(parts) }
}

/** Parts of the score by what they tell: those that raise it, summed by topic, without the small ones. */
function topicsOf(parts: readonly { readonly feature: FeatureName; readonly part: number }[]): Reason[] {
  const topics = new Map<FeatureName, Reason>()
  for (const { feature, part } of parts) {
    const topic = TOPICS[feature]
    if (topic === undefined || part <= 0) continue
    const before = topics.get(topic.feature)?.part ?? 0
    topics.set(topic.feature, { bit: REASON[topic.reason], feature: topic.feature, part: before + part })
  }
  const sum = [...topics.values()].reduce((total, { part }) => total + part, 0)
  return [...topics.values()].filter(({ part }) => part >= SMALLEST_SHARE * sum)
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
  const { usual, usualRange } = usualOf(feature, column, baseline)
  return { feature, value, usual, usualRange, share, text: sentence(feature, value, usual, column) }
}
