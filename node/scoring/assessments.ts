/** From scores to what a node says of transfers. */
import type { HeadByHand } from '../../fraud/head/head.ts'
import type { Comparison } from '../../fraud/learning/comparison.ts'
import type { Baseline } from '../../fraud/model/baseline.ts'
import { toByte } from '../../fraud/model/model-spec.ts'
import type { Thresholds } from '../../fraud/review/policy.ts'
import { cheapScore } from '../../fraud/model/sum.ts'
import { REASON, explain } from '../../fraud/reasons/reasons.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'
import type { Assessment, TransferFacts } from '../../fraud/types.ts'

/** What judges, all of one moment. */
export interface JudgeOfMoment {
  readonly inputs: Float32Array
  readonly baseline: Baseline
  readonly head: HeadByHand | null
  readonly thresholds: Thresholds
}

export function byCheapSum(
  transfers: readonly TransferFacts[],
  rows: Float32Array,
  judge: JudgeOfMoment,
): Assessment[] {
  return transfers.map(({ key }, i) => assessmentOf(key, { rows, i, modelScore: NaN }, judge))
}

/** `modelScore` not finite: the worker did not get to it, or the model had no number. */
export function assessmentOf(
  key: string,
  { rows, i, modelScore }: { readonly rows: Float32Array; readonly i: number; readonly modelScore: number },
  { inputs, baseline, head, thresholds }: JudgeOfMoment,
): Assessment {
  const offset = i * FEATURE_COUNT
  const cheap = !Number.isFinite(modelScore)
  const score = toByte(cheap ? cheapScore(rows, offset, inputs) : modelScore)
  if (score < thresholds.alert) return unflagged(key, score)
  const explained = explain(rows, offset, baseline, cheap ? null : head)
  const { details, parts } = explained
  const reasons = cheap ? explained.reasons | REASON.cheapSum : explained.reasons
  return { key, score, flagged: score >= thresholds.hold, reasons, details, parts }
}

/** Tells a comparison what both models said, where both came to it. */
export function compare(
  comparison: Comparison,
  transfers: readonly TransferFacts[],
  {
    scores,
    shadowScores,
    shadowInputs,
  }: {
    readonly scores: Float32Array
    readonly shadowScores: Float32Array
    readonly shadowInputs: Float32Array
  },
): void {
  transfers.forEach(({ key }, i) => {
    const [voting, shadow] = [scores[i] ?? NaN, shadowScores[i] ?? NaN]
    if (Number.isFinite(voting) && Number.isFinite(shadow))
      comparison.scored(key, { voting, shadow }, shadowInputs)
  })
}

const NO_DETAILS: Assessment['details'] = []

export function unflagged(key: string, score: number): Assessment {
  return { key, score, flagged: false, reasons: 0, details: NO_DETAILS }
}
