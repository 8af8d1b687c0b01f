/**
 * A flood: somebody sends so many payments, all the time, that no other one comes to the model within the scoring budget,
 * and thieves do their work behind it. The cheap sum judges all of it then (`node/scoring/scorer.ts`).
 *
 * The payments of the flood itself are not played: accounts that pay so often are no sample of what is usual, and the sum
 * of one transfer knows nothing of others' (`fraud/store/feature-store.ts`). Costs the fees of the flood.
 */
import { ATTACK_PATTERNS } from '../attacks/attack.ts'
import { cheapScore } from '../../fraud/model/sum.ts'
import { FEATURE_COUNT } from '../../fraud/schema.ts'
import { ordinaryTotal } from '../trial/tally.ts'
import { USUAL_TRIAL, playTrial } from '../trial/trial.ts'
import type { Judge } from '../trial/validator.ts'
import { valueHeld, type Adversary, type Figures } from './adversary.ts'

/** What judges where the model does not come to it. */
const CHEAP_SUM: Judge['model'] = {
  score: (rows, inputs) =>
    Float32Array.from({ length: rows.length / FEATURE_COUNT }, (_, i) =>
      cheapScore(rows, i * FEATURE_COUNT, inputs),
    ),
}

export const flood: Adversary = ({ seed, persons, model, head }) => {
  const judgedBy = (judge: Judge['model'], name: string): Figures => {
    const tally = playTrial({ ...USUAL_TRIAL, seed, persons, patterns: ATTACK_PATTERNS, model: judge, head })
    const { judged, held } = ordinaryTotal(tally)
    return {
      ...valueHeld(tally, `value held, ${name}`),
      [`ordinary payments held, ${name}`]: { part: held, whole: judged },
    }
  }
  return { ...judgedBy(model, 'by the model'), ...judgedBy(CHEAP_SUM, 'by the cheap sum') }
}
