/** Makes a failing run smaller: takes away nodes and faults one by one as long as it still fails in the same way. */
import { faultBudget, type RunOptions } from './options.ts'
import { simulate, type Outcome } from './simulate.ts'

/** Each attempt is a whole run. */
const MAX_ATTEMPTS = 60

/** Options that are simpler by one thing each, the largest things first. */
function* simpler(options: RunOptions): Generator<RunOptions> {
  const withoutLast = dropLastValidator(options)
  if (withoutLast !== null) yield withoutLast
  if (options.followers > 0) yield { ...options, followers: 0 }
  for (const list of ['faulty', 'crashes', 'partitions', 'pauses', 'clockSteps', 'damages'] as const)
    for (let i = 0; i < options[list].length; i++) yield { ...options, [list]: options[list].toSpliced(i, 1) }
  for (const share of ['loss', 'spikes', 'gossipLoss', 'duplicates', 'lossAfterHeal', 'messageMs'] as const)
    if (options[share] > 0) yield { ...options, [share]: 0 }
  if (options.skewMs.some((skewMs) => skewMs !== 0)) yield { ...options, skewMs: options.skewMs.map(() => 0) }
  if (options.fsyncMs.some((fsyncMs) => fsyncMs > 1))
    yield { ...options, fsyncMs: options.fsyncMs.map(() => 1) }
  if (options.realLedger) yield { ...options, realLedger: false }
  if (options.throughWire) yield { ...options, throughWire: false }
}

/** Null if nothing would be left, or a follower or the plan of a fault would change its meaning. */
function dropLastValidator(options: RunOptions): RunOptions | null {
  const { weights, followers, faulty, damages } = options
  const last = weights.length - 1
  if (last < 1 || followers > 0) return null
  const left = weights.slice(0, last)
  const faultyLeft = faulty.filter(({ index }) => index !== last)
  const damagesLeft = damages.filter(({ node }) => node !== last)
  const unsound = [...faultyLeft.map(({ index }) => index), ...damagesLeft.map(({ node }) => node)]
  if (unsound.reduce((sum, index) => sum + (left[index] ?? 0n), 0n) > faultBudget(left)) return null
  const without = (nodes: readonly number[]): number[] => nodes.filter((node) => node !== last)
  return {
    ...options,
    weights: left,
    faulty: faultyLeft,
    damages: damagesLeft,
    partitions: options.partitions.map((entry) => ({ ...entry, side: without(entry.side) })),
    crashes: options.crashes.map((plan) => ({ ...plan, nodes: without(plan.nodes) })),
    pauses: options.pauses.map((plan) => ({ ...plan, nodes: without(plan.nodes) })),
    clockSteps: options.clockSteps.filter(({ node }) => node !== last),
  }
}

/** @returns the smallest failing options found, and how those fail. */
export async function shrink(
  options: RunOptions,
  failure: NonNullable<Outcome['failure']>,
): Promise<{ readonly options: RunOptions; readonly outcome: Outcome }> {
  let smallest = options
  let outcome: Outcome = { seed: options.seed, result: null, failure }
  let attempts = 0
  for (let improved = true; improved && attempts < MAX_ATTEMPTS; ) {
    improved = false
    for (const candidate of simpler(smallest)) {
      if (++attempts > MAX_ATTEMPTS) break
      const tried = await simulate(candidate)
      if (tried.failure?.kind !== failure.kind) continue
      smallest = candidate
      outcome = tried
      improved = true
      break
    }
  }
  return { options: smallest, outcome }
}
