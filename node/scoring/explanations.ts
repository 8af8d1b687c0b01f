/** The numbers behind this node's own flags, kept for reviewers: the newest `LIMITS` of them. */
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import type { Assessment } from '../../fraud/types.ts'

export class Explanations {
  readonly #max: number
  #byKey: Map<string, Assessment> = new Map()

  constructor(max: number = FRAUD_LIMITS.explanations) {
    this.#max = max
  }

  get size(): number {
    return this.#byKey.size
  }

  get(key: string): Assessment | null {
    return this.#byKey.get(key) ?? null
  }

  add(assessment: Assessment): void {
    this.#byKey.delete(assessment.key)
    this.#byKey.set(assessment.key, assessment)
    if (this.#byKey.size <= this.#max) return
    const oldest = this.#byKey.keys().next()
    if (oldest.done !== true) this.#byKey.delete(oldest.value)
  }

  toJson(): string {
    return JSON.stringify([...this.#byKey.values()])
  }

  /** Replaces all. */
  load(assessments: readonly Assessment[]): void {
    this.#byKey = new Map(assessments.slice(-this.#max).map((assessment) => [assessment.key, assessment]))
  }
}

/**
 * The list behind `Explanations.toJson`. Those that a build without ranges wrote are given none.
 * @throws Error if the text is no list of assessments.
 */
export function parseExplanations(json: string): Assessment[] {
  const list: unknown = JSON.parse(json)
  if (!Array.isArray(list) || !list.every(isAssessment)) throw new TypeError('expected a list of assessments')
  return list.map((assessment) => ({
    ...assessment,
    details: assessment.details.map((detail) => ({ ...detail, usualRange: detail.usualRange ?? null })),
  }))
}

function isAssessment(value: unknown): value is Assessment {
  return (
    typeof value === 'object' &&
    value !== null &&
    'key' in value &&
    typeof value.key === 'string' &&
    'score' in value &&
    typeof value.score === 'number' &&
    'details' in value &&
    Array.isArray(value.details)
  )
}
