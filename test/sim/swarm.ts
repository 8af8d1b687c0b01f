/**
 * The profile `swarm`: everything at once, and far from the middle: sets of 1 to 30 validators (four runs of five have
 * 4 to 7), weights up to the largest total, one validator without whom there is no quorum, stopped processes, clocks that
 * jump, full, slow and damaged disks, lost signers, narrow links, and every kind of faulty validator.
 */
import { LIMITS } from '../../config/limits.ts'
import {
  BOUNDARIES,
  drawCrashes,
  drawFaulty,
  drawOptions,
  faultBudget,
  type ClockStep,
  type Damage,
  type FaultyBehaviour,
  type Pause,
  type RunOptions,
} from './options.ts'
import { Prng } from './prng.ts'
import type { Boundary } from './storage.ts'

const BEHAVIOURS: readonly FaultyBehaviour[] = [
  'silent',
  'scripted',
  'scripted',
  'flagger',
  'withholder',
  'stripper',
  'nullifier',
  'replayer',
  'garbler',
  'forger',
  'slow-signer',
  'hoarder',
  'spammer',
  'twin',
]
const SWARM_BOUNDARIES: readonly Boundary[] = [
  ...BOUNDARIES,
  'store-full',
  'journal-full',
  'journal-replaced',
]
/** A large set with the load of a small one would take minutes. */
const LARGE_SET = 8
/** One of these takes as long as seven small ones: half of those drawn become smaller, so one run in fifty has one. */
const LARGEST_SETS = 17

export function drawSwarm(seed: number): RunOptions {
  const prng = new Prng(seed * 7 + 3)
  const base = drawOptions(seed)
  const count = drawCount(seed, prng)
  const weights = drawWeights(prng, count)
  // A validator alone makes a thousand blocks a second, which no follower here could fetch one by one.
  const followers = count < LARGE_SET && prng.chance(0.2) && count > 1 ? 1 : 0
  const nodes = count + followers
  const healMs = count < LARGE_SET ? prng.int(1_500, 6_000) : prng.int(800, 2_000)
  const damages = drawDamages(new Prng(seed * 17 + 17), weights, nodes, healMs)
  const faulty = makeRoom(drawFaulty(prng, weights, BEHAVIOURS), damages, weights)
  const standing = [...weights.keys()].filter((index) => !faulty.some((entry) => entry.index === index))
  const each = <Item>(draw: () => Item): Item[] => Array.from({ length: nodes }, draw)
  return {
    ...base,
    weights,
    followers,
    faulty,
    healMs,
    partitions: Array.from({ length: prng.int(0, 3) }, () => {
      const fromMs = prng.int(0, healMs)
      const side = prng.sample([...Array(nodes).keys()], prng.int(1, Math.max(1, nodes - 1)))
      const untilMs = Math.min(healMs, fromMs + prng.int(200, 3_000))
      return { fromMs, untilMs, side, oneWay: prng.chance(0.4) }
    }),
    crashes: drawCrashes(prng, standing, weights, healMs, SWARM_BOUNDARIES),
    pauses: Array.from({ length: prng.int(0, 2) }, () => drawPause(prng, standing, healMs)),
    clockSteps: bearable(
      Array.from({ length: prng.int(0, 2) }, () => drawClockStep(prng, nodes, healMs)),
      weights,
    ),
    damages,
    messageMs: prng.pick([0, 0, 0, 0.1, 0.5]) * (isQuorumAlone(weights) ? 0 : 1),
    skewMs: each(() => (prng.chance(0.5) ? 0 : prng.int(-150, 150))),
    fsyncMs: each(() => prng.pick([1, 3, 20, 100])),
    executeMs: each(() => prng.pick([1, 5, 50])),
    txEveryMs: count < LARGE_SET ? base.txEveryMs : 200,
    // Leaders that are down or faulty cost a timeout each, and a large set has many in a row.
    recoveryMs: 12_000 + 600 * count,
    progressMs: 6_000 + 600 * count,
    realLedger: base.realLedger && count < LARGE_SET,
    // Drawn apart, so that it changes nothing else of a seed.
    realKeys: count < LARGE_SET && new Prng(seed * 13 + 5).chance(0.02),
  }
}

function drawCount(seed: number, prng: Prng): number {
  if (prng.chance(0.8)) return prng.int(4, 7)
  const count = prng.pick([1, 2, 3, prng.int(LARGE_SET, LARGEST_SETS - 1), prng.int(LARGEST_SETS, 30)])
  // Drawn apart, so that it changes no seed but these.
  return count >= LARGEST_SETS && new Prng(seed * 23 + 11).chance(0.5) ? Math.floor(count / 2) : count
}

function drawWeights(prng: Prng, count: number): bigint[] {
  const scheme = prng.pick(['equal', 'mixed', 'mixed', 'huge', 'giant'] as const)
  const each = (draw: (index: number) => bigint): bigint[] => Array.from({ length: count }, (_, i) => draw(i))
  const most = LIMITS.totalWeight / BigInt(count)
  switch (scheme) {
    case 'equal':
      return each(() => 1n)
    case 'mixed':
      return each(() => BigInt(prng.pick([1, 1, 1, 2, 3, 5])))
    case 'huge':
      return each(() => most - BigInt(prng.below(1_000)))
    case 'giant': {
      // More than a third of all weight on one: nothing becomes final without it.
      const giant = prng.below(count)
      return each((index) => (index === giant ? BigInt(count) : 1n))
    }
  }
}

/** One who waits for nobody makes hundreds of blocks a second: over a narrow link nobody could follow (seed 18702). */
function isQuorumAlone(weights: readonly bigint[]): boolean {
  const total = weights.reduce((sum, weight) => sum + weight, 0n)
  return weights.some((weight) => weight > (2n * total) / 3n)
}

/** In one run of five: one or two nodes of weight at most F. Drawn apart, so that it changes nothing else of a seed. */
function drawDamages(prng: Prng, weights: readonly bigint[], nodes: number, healMs: number): Damage[] {
  // One who is a quorum alone would be waited for, and makes more blocks than a node that lost its own could fetch.
  if (isQuorumAlone(weights) || !prng.chance(0.2)) return []
  let left = faultBudget(weights)
  return prng.sample([...Array(nodes).keys()], nodes).flatMap((node, i): Damage[] => {
    const weight = weights[node] ?? 0n
    if (weight > left || i > 1) return []
    left -= weight
    const isFollower = node >= weights.length
    const kind = isFollower
      ? prng.pick(['chain-flip', 'ledger-flip'] as const)
      : prng.pick(['signer-flip', 'signer-gone', 'chain-flip', 'chain-flip', 'ledger-flip'] as const)
    const atMs = prng.int(100, healMs)
    const later = prng.chance(0.5) ? prng.int(0, healMs - atMs) : 0
    return [
      {
        node,
        kind,
        atMs,
        // A journal that is gone shows itself at a start.
        foundMs: kind === 'signer-gone' ? 0 : later,
        startReadsAll: prng.chance(0.7),
        repairMs: prng.int(10, 1_500),
      },
    ]
  })
}

/** Validators with damaged disks take the place of faulty ones: of those the first stay for whom there is weight left. */
function makeRoom(
  faulty: RunOptions['faulty'],
  damages: readonly Damage[],
  weights: readonly bigint[],
): RunOptions['faulty'] {
  if (damages.length === 0) return faulty
  let left = faultBudget(weights)
  for (const { node } of damages) left -= weights[node] ?? 0n
  return faulty.filter(({ index }) => {
    const weight = weights[index] ?? 0n
    if (weight > left || damages.some(({ node }) => node === index)) return false
    left -= weight
    return true
  })
}

/** One node, or all of them. */
function drawPause(prng: Prng, standing: readonly number[], healMs: number): Pause {
  const nodes = prng.chance(0.7) ? prng.sample(standing, 1) : standing
  const atMs = prng.int(100, healMs)
  return { nodes, atMs, forMs: Math.min(healMs - atMs, prng.int(50, 4_000)) }
}

/**
 * Block time is what a quorum believes it is, and never goes back: were its clocks a minute ahead, the chain would wait
 * for a minute after they are set right. So at most weight F believes that.
 */
function bearable(steps: readonly ClockStep[], weights: readonly bigint[]): ClockStep[] {
  let left = faultBudget(weights)
  return steps.filter(({ node }) => {
    const weight = weights[node] ?? 0n
    if (weight > left) return false
    left -= weight
    return true
  })
}

function drawClockStep(prng: Prng, nodes: number, healMs: number): ClockStep {
  const atMs = prng.int(100, healMs)
  return {
    node: prng.below(nodes),
    atMs,
    untilMs: healMs,
    skewMs: prng.pick([-60_000, -2_000, 700, 5_000, 60_000]),
  }
}
