/**
 * How well scores tell laundering from ordinary transfers. Pure arithmetic on three columns; the definitions, in words,
 * are in `docs/fraud.md`, *Evaluation*.
 *
 * Transfers are ranked by score, the highest first. Equal scores are cut in order of time, as a reviewer with a queue
 * would; only ROC-AUC, which has no cut, gives them their mean rank.
 */
import { CordonError } from '../../config/errors.ts'

/** Scored transfers, in order of time; the columns have the same length. */
export interface ScoredTransfers {
  /** Higher is more suspicious. */
  readonly scores: readonly number[]
  readonly laundering: readonly boolean[]
  /** Amounts, in any unit. */
  readonly values: readonly number[]
  /** Type of each transfer's pattern, or null. */
  readonly patternTypes: readonly (string | null)[]
}

/** False-positive rates at which recall is told, by name, in thousandths: their products with counts are exact. */
const RATES = { '0.001': 1, '0.005': 5, '0.01': 10 } as const
/** The rate at which patterns are compared. */
const PATTERN_RATE = '0.01'
const TOP = 100

export type FalsePositiveRate = keyof typeof RATES
export type AtFpr = Readonly<Record<FalsePositiveRate, number>>

export interface PatternMetrics {
  /** Laundering transfers of this type. */
  readonly count: number
  /** At the threshold that all patterns share. */
  readonly recallAtFpr: Readonly<Record<typeof PATTERN_RATE, number>>
}

export interface Metrics {
  readonly rocAuc: number
  readonly averagePrecision: number
  readonly recallAtFpr: AtFpr
  readonly precisionAt100: number
  /** As recall, each transfer weighing its amount. */
  readonly valueRecallAtFpr: AtFpr
  /** Laundering transfers. */
  readonly positives: number
  readonly negatives: number
  readonly byPattern: Readonly<Record<string, PatternMetrics>>
}

export interface CurvePoint {
  readonly recall: number
  readonly precision: number
}

/** Transfers by rank. */
interface Ranking {
  readonly transfers: ScoredTransfers
  /** Indexes, the most suspicious first. */
  readonly order: Uint32Array
  readonly positives: number
  readonly negatives: number
}

/**
 * @throws CordonError `labelled-file-invalid` unless both laundering and ordinary transfers are there.
 * @throws RangeError for a score that is no number.
 */
export function measure(transfers: ScoredTransfers): Metrics {
  const ranking = rank(transfers)
  const { positives, negatives } = ranking
  return {
    rocAuc: rocAuc(ranking),
    averagePrecision: averagePrecision(ranking),
    recallAtFpr: atRates((rate) => recall(ranking, rate, () => 1)),
    precisionAt100: precisionAtTop(ranking),
    valueRecallAtFpr: atRates((rate) => recall(ranking, rate, (i) => transfers.values[i] as number)),
    positives,
    negatives,
    byPattern: byPattern(ranking),
  }
}

/** Precision over recall: one point per laundering transfer, in order of rank. Errors as `measure`. */
export function precisionRecallCurve(transfers: ScoredTransfers): CurvePoint[] {
  const ranking = rank(transfers)
  const points: CurvePoint[] = []
  ranking.order.forEach((index, above) => {
    if (transfers.laundering[index] !== true) return
    const found = points.length + 1
    points.push({ recall: found / ranking.positives, precision: found / (above + 1) })
  })
  return points
}

function rank(transfers: ScoredTransfers): Ranking {
  const { scores, laundering } = transfers
  if (!scores.every(Number.isFinite)) throw new RangeError('a score is no number')
  const positives = laundering.filter(Boolean).length
  const negatives = laundering.length - positives
  if (positives === 0 || negatives === 0) {
    throw new CordonError(
      'labelled-file-invalid',
      `expected both laundering and ordinary transfers among those that are scored, got ${positives} laundering and ${negatives} ordinary`,
      { positives, negatives },
    )
  }
  const order = Uint32Array.from(scores, (_, i) => i).sort(
    (a, b) => (scores[b] as number) - (scores[a] as number) || a - b,
  )
  return { transfers, order, positives, negatives }
}

/** Share of the pairs of one laundering and one ordinary transfer in which the first has the higher score; equal: half. */
function rocAuc({ transfers: { scores, laundering }, order, positives, negatives }: Ranking): number {
  let won = 0
  let positivesAbove = 0
  for (let start = 0; start < order.length; ) {
    const score = scores[order[start] as number]
    let [equalPositives, equalNegatives] = [0, 0]
    let end = start
    for (; end < order.length && scores[order[end] as number] === score; end++) {
      if (laundering[order[end] as number] === true) equalPositives++
      else equalNegatives++
    }
    won += equalNegatives * (positivesAbove + equalPositives / 2)
    positivesAbove += equalPositives
    start = end
  }
  return won / (positives * negatives)
}

function averagePrecision({ transfers: { laundering }, order, positives }: Ranking): number {
  let found = 0
  let sum = 0
  order.forEach((index, above) => {
    if (laundering[index] === true) sum += ++found / (above + 1)
  })
  return sum / positives
}

/** How many ranks come before the first false positive that the rate does not allow. */
function ranksWithin(
  { transfers: { laundering }, order, negatives }: Ranking,
  rate: FalsePositiveRate,
): number {
  const allowed = Math.floor((negatives * RATES[rate]) / 1_000)
  let falsePositives = 0
  const first = order.findIndex((index) => laundering[index] !== true && ++falsePositives > allowed)
  return first === -1 ? order.length : first
}

function recall(ranking: Ranking, rate: FalsePositiveRate, weight: (index: number) => number): number {
  const { laundering } = ranking.transfers
  const within = ranksWithin(ranking, rate)
  let [found, all] = [0, 0]
  ranking.order.forEach((index, above) => {
    if (laundering[index] !== true) return
    all += weight(index)
    if (above < within) found += weight(index)
  })
  return found / all
}

function precisionAtTop({ transfers: { laundering }, order }: Ranking): number {
  const top = order.subarray(0, TOP)
  return top.filter((index) => laundering[index] === true).length / top.length
}

function byPattern(ranking: Ranking): Record<string, PatternMetrics> {
  const { laundering, patternTypes } = ranking.transfers
  const within = ranksWithin(ranking, PATTERN_RATE)
  const counts = new Map<string, { count: number; found: number }>()
  ranking.order.forEach((index, above) => {
    const type = patternTypes[index] ?? null
    if (laundering[index] !== true || type === null) return
    const counted = counts.get(type) ?? { count: 0, found: 0 }
    counted.count++
    if (above < within) counted.found++
    counts.set(type, counted)
  })
  return Object.fromEntries(
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([type, { count, found }]) => [type, { count, recallAtFpr: { [PATTERN_RATE]: found / count } }]),
  )
}

function atRates(value: (rate: FalsePositiveRate) => number): AtFpr {
  return { '0.001': value('0.001'), '0.005': value('0.005'), '0.01': value('0.01') }
}
