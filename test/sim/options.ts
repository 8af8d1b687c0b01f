/** What a run is made of, all of it drawn from the seed and printed before anything happens. */
import { makeParameters, type Parameters } from '../../config/parameters.ts'
import { Prng } from './prng.ts'
import type { Boundary } from './storage.ts'

/**
 * What a faulty validator does.
 * - silent: nothing at all
 * - scripted: the adversary of `adversary.ts` has its key: equivocates, votes at random, leaves opinions out
 * - flagger: behaves, but flags everything
 * - withholder: shows its batches to just enough validators, and serves no bodies
 * - stripper: as author and as leader leaves out every opinion that it can
 * - nullifier: votes to nullify every view, whatever it should vote
 * - replayer: sends what it sent and heard before again and again
 * - garbler: changes bytes of what it sends, so that much of it still decodes
 * - forger: changes fields of certificates: signers, counts, opinions, times
 * - slow-signer: everything leaves late
 * - hoarder: spreads batches, and never shows a certificate for them
 * - spammer: sends everything many times, with requests in between
 * - twin: runs twice with one key, each half with disks of its own
 */
export type FaultyBehaviour =
  | 'silent'
  | 'scripted'
  | 'flagger'
  | 'withholder'
  | 'stripper'
  | 'nullifier'
  | 'replayer'
  | 'garbler'
  | 'forger'
  | 'slow-signer'
  | 'hoarder'
  | 'spammer'
  | 'twin'
export const FAULTY_BEHAVIOURS: readonly FaultyBehaviour[] = [
  'silent',
  'scripted',
  'scripted',
  'flagger',
  'withholder',
  'stripper',
]

export interface Partition {
  readonly fromMs: number
  readonly untilMs: number
  /** One side. */
  readonly side: readonly number[]
  /** Only messages out of `side` are lost. */
  readonly oneWay: boolean
}

export interface CrashPlan {
  readonly nodes: readonly number[]
  readonly atMs: number
  /** Null: at once. Else at the next time the node comes to this boundary, `atMs` or later. */
  readonly boundary: Boundary | null
  readonly downMs: number
}

/** The process stops for a while and goes on where it was. */
export interface Pause {
  readonly nodes: readonly number[]
  readonly atMs: number
  readonly forMs: number
}

/** The wall clock of a node is set; before healing it is set right again. */
export interface ClockStep {
  readonly node: number
  readonly atMs: number
  readonly untilMs: number
  readonly skewMs: number
}

/**
 * What happens to the disk of a node that is not faulty. It counts against the weight F like a faulty one.
 * - signer-flip, chain-flip, ledger-flip: a bit of the signer's journal, of the chain store or of the ledger
 * - signer-gone: the signer's journal is not there any more
 */
export type DamageKind = 'signer-flip' | 'signer-gone' | 'chain-flip' | 'ledger-flip'

export interface Damage {
  readonly node: number
  readonly kind: DamageKind
  readonly atMs: number
  /** 0: the process dies with it. Else it goes on, and is looked through, or for a signer started again, after this time. */
  readonly foundMs: number
  /** Whether the next start looks through all files first; else only what it reads shows the damage. */
  readonly startReadsAll: boolean
  /** From the refusal to start until the operator has done what the refusal says. */
  readonly repairMs: number
}

export interface RunOptions {
  readonly seed: number
  readonly weights: readonly bigint[]
  readonly followers: number
  readonly faulty: readonly { readonly index: number; readonly behaviour: FaultyBehaviour }[]
  readonly parameters: Parameters
  /** Until then the network loses, delays and divides; and nodes crash. */
  readonly healMs: number
  readonly delayMs: readonly [number, number]
  /** Share of messages, before healing, that take up to `spikeMs`. */
  readonly spikes: number
  readonly spikeMs: number
  readonly loss: number
  readonly lossAfterHeal: number
  readonly gossipLoss: number
  readonly duplicates: number
  readonly partitions: readonly Partition[]
  readonly crashes: readonly CrashPlan[]
  readonly pauses: readonly Pause[]
  readonly clockSteps: readonly ClockStep[]
  readonly damages: readonly Damage[]
  /** What one message occupies a link for; 0: links carry everything at once. */
  readonly messageMs: number
  /** Offset of each node's wall clock. */
  readonly skewMs: readonly number[]
  /** Longest fsync of each node. */
  readonly fsyncMs: readonly number[]
  /** Longest execution of a block by each node. */
  readonly executeMs: readonly number[]
  readonly txEveryMs: number
  /** After healing: longest time for everybody to get over what happened and make progress. */
  readonly recoveryMs: number
  /** Then: longest time for everybody to make progress again. */
  readonly progressMs: number
  /** Blocks are executed by the ledger itself, not by a chain of hashes. */
  readonly realLedger: boolean
  /** Messages go through their encoding. */
  readonly throughWire: boolean
  /** Validators sign with Ed25519, not by an oracle. */
  readonly realKeys: boolean
}

export const BOUNDARIES: readonly Boundary[] = [
  'store-appended',
  'store-synced',
  'journal-appended',
  'journal-synced',
  'sent-some',
]

export function drawOptions(seed: number): RunOptions {
  const prng = new Prng(seed)
  const count = prng.int(4, 7)
  const weights = Array.from({ length: count }, () => BigInt(prng.pick([1, 1, 1, 2, 3, 5])))
  const followers = prng.chance(0.25) ? 1 : 0
  const nodes = count + followers
  const healMs = prng.int(2_000, 8_000)
  const faulty = drawFaulty(prng, weights, FAULTY_BEHAVIOURS)
  const standing = [...weights.keys()].filter((index) => !faulty.some((entry) => entry.index === index))
  return {
    seed,
    weights,
    followers,
    faulty,
    parameters: makeParameters('devnet', {
      quarantineMs: 1_500,
      batchTtlMs: prng.pick([3_000, 10_000, 60_000]),
      batchIntervalMs: prng.pick([5, 20, 50]),
      batchMaxTxs: prng.pick([3, 20, 500]),
      maxOpenBatches: prng.pick([2, 8, 32]),
      maxCertsPerBlock: prng.pick([2, 64]),
      assessGraceMs: prng.pick([0, 30, 100]),
    }),
    healMs,
    delayMs: prng.pick([
      [1, 10],
      [1, 40],
      [5, 80],
    ] as const),
    spikes: prng.pick([0, 0.05, 0.3]),
    spikeMs: prng.pick([300, 3_000]),
    loss: prng.pick([0, 0, 0.05, 0.2, 0.5]),
    lossAfterHeal: prng.pick([0, 0, 0.02]),
    gossipLoss: prng.pick([0, 0.1, 0.5]),
    duplicates: prng.pick([0, 0.1]),
    partitions: Array.from({ length: prng.int(0, 3) }, () => drawPartition(prng, nodes, healMs)),
    crashes: drawCrashes(prng, standing, weights, healMs, BOUNDARIES),
    pauses: [],
    clockSteps: [],
    damages: [],
    messageMs: 0,
    skewMs: Array.from({ length: nodes }, () => (prng.chance(0.5) ? 0 : prng.int(-150, 150))),
    fsyncMs: Array.from({ length: nodes }, () => prng.pick([1, 3, 20])),
    executeMs: Array.from({ length: nodes }, () => prng.pick([1, 5, 50])),
    txEveryMs: prng.pick([10, 40, 200]),
    recoveryMs: 8_000,
    progressMs: 4_000,
    throughWire: prng.chance(0.2),
    realKeys: false,
    realLedger: prng.chance(0.3),
  }
}

/** A run without loss, division or crashes, for scenarios made by hand. */
export function calmOptions(
  seed: number,
  weights: readonly bigint[],
  faulty: RunOptions['faulty'] = [],
): RunOptions {
  return {
    seed,
    weights,
    followers: 0,
    faulty,
    parameters: makeParameters('devnet', { quarantineMs: 1_500 }),
    healMs: 4_000, // nothing has to heal: it is how long the run takes
    delayMs: [5, 30],
    spikes: 0,
    spikeMs: 0,
    loss: 0,
    lossAfterHeal: 0,
    gossipLoss: 0,
    duplicates: 0,
    partitions: [],
    crashes: [],
    pauses: [],
    clockSteps: [],
    damages: [],
    messageMs: 0,
    skewMs: [],
    fsyncMs: [],
    executeMs: [],
    txEveryMs: 20,
    recoveryMs: 1_000,
    progressMs: 3_000,
    throughWire: true,
    realLedger: true,
    realKeys: false,
  }
}

/** F: the most weight that may be faulty at one time. */
export function faultBudget(weights: readonly bigint[]): bigint {
  return (weights.reduce((sum, weight) => sum + weight, 0n) - 1n) / 3n
}

/** Validators of weight at most F, none in some runs. */
export function drawFaulty(
  prng: Prng,
  weights: readonly bigint[],
  behaviours: readonly FaultyBehaviour[],
): RunOptions['faulty'] {
  if (prng.chance(0.15)) return []
  let left = faultBudget(weights)
  const faulty: { index: number; behaviour: FaultyBehaviour }[] = []
  for (const index of prng.sample([...weights.keys()], weights.length)) {
    const weight = weights[index] ?? 0n
    if (weight > left) continue
    left -= weight
    faulty.push({ index, behaviour: prng.pick(behaviours) })
  }
  return faulty
}

function drawPartition(prng: Prng, nodes: number, healMs: number): Partition {
  const fromMs = prng.int(0, healMs)
  const side = prng.sample(
    Array.from({ length: nodes }, (_, index) => index),
    prng.int(1, nodes - 1),
  )
  return { fromMs, untilMs: Math.min(healMs, fromMs + prng.int(200, 4_000)), side, oneWay: prng.chance(0.3) }
}

/** One node, nodes of weight up to F, or all of them at once; at a random moment or at a durable boundary. */
export function drawCrashes(
  prng: Prng,
  standing: readonly number[],
  weights: readonly bigint[],
  healMs: number,
  boundaries: readonly Boundary[],
): CrashPlan[] {
  const plans: CrashPlan[] = []
  for (let i = prng.int(0, 4); i > 0; i--) {
    const kind = prng.pick(['one', 'one', 'some', 'all'] as const)
    let left = faultBudget(weights)
    const some = prng.sample(standing, standing.length).filter((index) => {
      const fits = (weights[index] ?? 0n) <= left
      if (fits) left -= weights[index] ?? 0n
      return fits
    })
    const nodes = kind === 'one' ? prng.sample(standing, 1) : kind === 'some' ? some : standing
    const boundary = prng.chance(0.5) ? prng.pick(boundaries) : null
    plans.push({ nodes, atMs: prng.int(100, healMs), boundary, downMs: prng.int(10, 1_500) })
  }
  return plans
}

/** One line per group of options, for people who look at a failing seed. */
export function describe(options: RunOptions): string {
  const { parameters, ...rest } = options
  const { batchTtlMs, batchIntervalMs, batchMaxTxs, maxOpenBatches, maxCertsPerBlock, assessGraceMs } =
    parameters
  const shown = {
    ...rest,
    batchTtlMs,
    batchIntervalMs,
    batchMaxTxs,
    maxOpenBatches,
    maxCertsPerBlock,
    assessGraceMs,
  }
  return JSON.stringify(shown, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))
}
