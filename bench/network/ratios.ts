/**
 * Measures without the speed of the machine in them, for `--check`: times are counted in signature checks of the same run,
 * rates as shares of what those allow.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MEASURES, type Values } from './measures.ts'
import type { Row } from './report.ts'

const FILE = join(import.meta.dirname, 'baselines.json')
/** Worse by more than this is a regression. */
const TOLERANCE = 0.15

/** Are ratios as they are. */
const PLAIN = ['oneDownShare', 'overloadShare', 'smallClientShare'] as const
/** Divided by the checks that all cores make in a second, for four validators. */
const RATES = ['settledPerSecond', 'payoutTransfersPerSecond', 'catchUpPerSecond'] as const
/** Times the checks of a millisecond. */
const TIMES = ['cpuMsPerPayment', 'lightP50Ms', 'halfP50Ms'] as const

/** Of what was measured. */
export function ratiosOf(rows: readonly Row[]): Values {
  const medians = new Map(rows.map(({ key, median }) => [key, median]))
  const limit = medians.get('verifyLimitPerSecond') ?? NaN
  const taken = (keys: readonly string[], of: (value: number) => number): [string, number][] =>
    keys.flatMap((key) => {
      const value = medians.get(key)
      return value === undefined ? [] : [[key, of(value)]]
    })
  return Object.fromEntries([
    ...taken(PLAIN, (value) => value / 100),
    ...taken(RATES, (value) => value / limit),
    ...taken(TIMES, (value) => (value * limit) / 1_000),
  ])
}

/** By how much is measured: accounts and durations differ, and so do the ratios. */
export type Baselines = Readonly<Record<'quick' | 'full', Values>>

/** Keeps the ratios that were measured, beside those of before. */
export function writeBaselines(size: keyof Baselines, ratios: Values): void {
  const baselines = readBaselines()
  const rounded = Object.entries(ratios).map(([key, value]): [string, number] => [
    key,
    Number(value.toPrecision(4)),
  ])
  const all = { ...baselines, [size]: { ...baselines[size], ...Object.fromEntries(rounded) } }
  writeFileSync(FILE, `${JSON.stringify(all, null, 2)}\n`)
}

export function readBaselines(): Baselines {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Baselines
}

/** A line for each ratio that is worse than its baseline, and for each that has none. */
export function regressions(ratios: Values, baselines: Values): readonly string[] {
  return Object.entries(ratios).flatMap(([key, ratio]) => {
    const baseline = baselines[key]
    if (baseline === undefined) return [`${key}: has no baseline; run with --write-baselines`]
    const wantsMore = MEASURES.find((measure) => measure.key === key)?.wants === 'more'
    const worse = wantsMore ? baseline / ratio - 1 : ratio / baseline - 1
    if (worse <= TOLERANCE) return []
    return [
      `${key}: ${ratio.toPrecision(3)}, expected ${wantsMore ? 'at least' : 'at most'} ${baseline.toPrecision(3)} (${(100 * worse).toFixed()} % worse; ${100 * TOLERANCE} % are allowed)`,
    ]
  })
}
