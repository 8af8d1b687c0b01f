/** What the scenarios have in common: networks to load, their maximum, and what is read off a load. */
import { allAccountedFor, type LoadResult } from '../../devnet/load/run.ts'
import { BenchDevnet } from './devnet.ts'
import type { Values } from './measures.ts'

/** More than the network takes is offered, by so much, to find its maximum; and far more first, to see about where it is. */
const PRESSURE = 1.3
const PROBE_PER_SECOND = 4_000
const PROBE_PAYOUTS_PER_SECOND = 300
/** V8 optimises what ran some thousand times: every network is loaded before it is measured, at least this long. */
const WARM_UP_PER_SECOND = 1_500
const LEAST_WARM_UP_S = 10

export interface Effort {
  /** `bin/cordon` of the build that is measured. */
  readonly program: string
  readonly accounts: number
  /** Of the two networks whose throughput is compared. */
  readonly fewAccounts: number
  readonly manyAccounts: number
  readonly idleS: number
  readonly loadS: number
  readonly overloadS: number
  readonly awayPayments: number
}

/** Starts networks of its own, and says what it saw. */
export type Scenario = (effort: Effort) => Promise<Values>

/** A network of four, or as the flags say. */
export function startWith(
  { program }: Effort,
  accounts: number,
  ...flags: readonly string[]
): Promise<BenchDevnet> {
  return BenchDevnet.start(['--load-accounts', String(accounts), ...flags], {}, program)
}

export async function warmUp(
  devnet: BenchDevnet,
  durationS: number,
  perSecond = WARM_UP_PER_SECOND,
): Promise<void> {
  checked(await devnet.load(perSecond, Math.max(durationS, LEAST_WARM_UP_S)))
}

/** What settles when somewhat more is offered: how much that is, a short try says. */
export async function maximum(
  devnet: BenchDevnet,
  durationS: number,
  more: { readonly transfers?: number; readonly theftShare?: number } = {},
): Promise<LoadResult> {
  const firstRate = more.transfers === undefined ? PROBE_PER_SECOND : PROBE_PAYOUTS_PER_SECOND
  const probe = await devnet.load(firstRate, durationS / 2, more)
  return checked(await devnet.load(PRESSURE * probe.executedPerSecond, durationS, more))
}

/** Nothing that was accepted may be without an end. */
export function checked(result: LoadResult): LoadResult {
  if (!allAccountedFor(result)) throw new Error(`payments were lost: ${JSON.stringify(result)}`)
  return result
}

export function executedOf({ settled, held, failed }: LoadResult): number {
  return settled + held + failed
}

/** Processor time for an executed payment, all validators together. */
export function cpuMsPerPayment(load: LoadResult): number {
  return load.nodes.reduce((sum, { cpuMs }) => sum + (cpuMs ?? 0), 0) / executedOf(load)
}

export function residentMiB({ nodes }: LoadResult): number {
  return Math.max(...nodes.map(({ rssBytes }) => rssBytes ?? 0)) / 2 ** 20
}

export function latencies(name: string, { latencyMs }: LoadResult): Values {
  return { [`${name}P50Ms`]: latencyMs.p50 ?? Infinity, [`${name}P99Ms`]: latencyMs.p99 ?? Infinity }
}
