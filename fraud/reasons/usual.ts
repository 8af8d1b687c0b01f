/**
 * What is usual for a feature: the account's own value and range where they are known, else everybody's. Made of the row
 * and the baseline that judged, so that a person sees what the model saw.
 */
import type { Baseline } from '../model/baseline.ts'
import { TAIL } from '../model/model-spec.ts'
import type { FeatureName } from '../schema.ts'
import type { ReasonDetail } from '../types.ts'

type Usual = Pick<ReasonDetail, 'usual' | 'usualRange'>

const UNKNOWN: Usual = { usual: null, usualRange: null }

/** In the feature's unit. */
export function usualOf(
  feature: FeatureName,
  column: (name: FeatureName) => number,
  baseline: Baseline,
): Usual {
  switch (feature) {
    case 'out_count_10m':
      // Only the mean is kept of the stretches in which the account paid.
      return column('out_usual_known') === 1 ? { usual: column('out_usual_10m'), usualRange: null } : UNKNOWN
    case 'own_ratio_log2': {
      if (column('own_known') === 0) return UNKNOWN
      const spread = column('own_spread_log2')
      return { usual: 0, usualRange: { from: 0 - spread, to: spread, of: 'account' } }
    }
    case 'population_ratio_log2':
      return column('population_known') === 1 ? { usual: 0, usualRange: null } : UNKNOWN
    default:
      return usualOnNetwork(feature, baseline)
  }
}

function usualOnNetwork(feature: FeatureName, baseline: Baseline): Usual {
  const term = TAIL.findIndex((candidate) => candidate.feature === feature)
  const found = term < 0 ? null : baseline.usual(term)
  if (found === null) return UNKNOWN
  const { value, from, to } = found
  return { usual: value, usualRange: { from, to, of: 'network' } }
}
