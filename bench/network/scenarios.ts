/** The scenarios of `npm run bench`: each starts a network of its own and says what it saw. */
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../../client/rpc-client.ts'
import { allAccountedFor, type LoadResult } from '../../devnet/load/run.ts'
import { BenchDevnet } from './devnet.ts'
import { verifyLimit } from './limit.ts'
import type { Values } from './measures.ts'

const VALIDATORS = 4
/** The one that is taken away. */
const AWAY = `v${VALIDATORS}`
const LIGHT_PER_SECOND = 50
const DELAY_MS = 50
/** Until V8 has given back what the start needed. */
const SETTLE_S = 25
/** More than the network takes is offered, by so much, to find its maximum. */
const PRESSURE = 1.3
const PROBE_PER_SECOND = 2_000
const TRANSFERS_PER_PAYOUT = 100
const PROBE_PAYOUTS_PER_SECOND = 20
const POLL_MS = 20
const AWAY_PER_SECOND = 1_000
/** V8 optimises what ran for a while: every network is loaded before it is measured. */
const WARM_UP_PER_SECOND = 1_000

export interface Effort {
  readonly accounts: number
  readonly idleS: number
  readonly loadS: number
  readonly overloadS: number
  readonly awayPayments: number
}

export type Scenario = (effort: Effort) => Promise<Values>

/** One network from idle to its maximum. */
const payments: Scenario = async ({ accounts, idleS, loadS }) => {
  const limit = await verifyLimit(VALIDATORS)
  await using devnet = await startWith(accounts)
  await delay(1_000 * SETTLE_S)
  const idleFromMs = devnet.cpuMs()
  await delay(1_000 * idleS)
  const idleCpuMs = devnet.cpuMs() - idleFromMs
  await warmUp(devnet, loadS)
  const light = checked(await devnet.load(LIGHT_PER_SECOND, loadS))
  const most = await maximum(devnet, loadS)
  const half = checked(await devnet.load(most.settledPerSecond / 2, loadS))
  return {
    verifyLimitPerSecond: limit,
    idleCpuPercent: idleCpuMs / (10 * idleS),
    ...latencies('light', light),
    settledPerSecond: most.settledPerSecond,
    shareOfVerifyLimit: (100 * most.settledPerSecond) / limit,
    cpuMsPerPayment: cpuOf(most) / most.settled,
    residentMiB: Math.max(...most.nodes.map(({ rssBytes }) => rssBytes ?? 0)) / 2 ** 20,
    ...latencies('half', half),
  }
}

const payouts: Scenario = async ({ accounts, loadS }) => {
  await using devnet = await startWith(accounts)
  await warmUp(devnet, loadS)
  const most = await maximum(devnet, loadS, TRANSFERS_PER_PAYOUT)
  // All are held while an account never paid so many before, which costs more than to settle them.
  return { payoutTransfersPerSecond: most.executedPerSecond * TRANSFERS_PER_PAYOUT }
}

const delayed: Scenario = async ({ accounts, loadS }) => {
  await using devnet = await startWith(accounts, '--links')
  await warmUp(devnet, loadS)
  await devnet.verb('delay', String(DELAY_MS))
  const { p50 } = checked(await devnet.load(LIGHT_PER_SECOND, loadS)).latencyMs
  return { delayedP50Ms: p50 ?? Infinity }
}

const oneDown: Scenario = async ({ accounts, loadS }) => {
  await using devnet = await startWith(accounts)
  await warmUp(devnet, loadS)
  const all = await maximum(devnet, loadS)
  const rate = all.settledPerSecond / 2
  const halfOfAll = checked(await devnet.load(rate, loadS))
  await devnet.verb('kill', AWAY)
  const fewer = await maximum(devnet, loadS)
  const halfOfFewer = checked(await devnet.load(Math.min(rate, fewer.settledPerSecond / 2), loadS))
  return {
    oneDownShare: (100 * fewer.settledPerSecond) / all.settledPerSecond,
    oneDownP99Ratio: (halfOfFewer.latencyMs.p99 ?? Infinity) / (halfOfAll.latencyMs.p99 ?? Infinity),
  }
}

const overload: Scenario = async ({ accounts, loadS, overloadS }) => {
  await using devnet = await startWith(accounts)
  await warmUp(devnet, loadS)
  const most = await maximum(devnet, loadS)
  const over = await devnet.load(3 * most.settledPerSecond, overloadS)
  const { accepted, settled, held, failed } = over
  return {
    overloadShare: (100 * over.settledPerSecond) / most.settledPerSecond,
    overloadLost: accepted - settled - held - failed,
  }
}

/** A validator that was away while payments went on: from the command that starts it until it has executed them. */
const catchUp: Scenario = async ({ accounts, awayPayments }) => {
  await using devnet = await startWith(accounts)
  await devnet.verb('kill', AWAY)
  const away = checked(await devnet.load(AWAY_PER_SECOND, awayPayments / AWAY_PER_SECOND))
  const height = await heightOf(devnet, 'v1')
  const fromMs = performance.now()
  await devnet.verb('restart', AWAY)
  while ((await heightOf(devnet, AWAY)) < height) await delay(POLL_MS)
  return { catchUpPerSecond: (1_000 * away.settled) / (performance.now() - fromMs) }
}

/** Newest executed height. */
async function heightOf(devnet: BenchDevnet, name: string): Promise<number> {
  const client = await connect([devnet.rpcOf(name)])
  try {
    return (await client.call('chain_status', {})).executedHeight
  } finally {
    client.close()
  }
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  payments,
  payouts,
  delayed,
  'one-down': oneDown,
  overload,
  'catch-up': catchUp,
}

function startWith(accounts: number, ...flags: readonly string[]): Promise<BenchDevnet> {
  return BenchDevnet.start(['--load-accounts', String(accounts), ...flags])
}

async function warmUp(devnet: BenchDevnet, durationS: number): Promise<void> {
  checked(await devnet.load(WARM_UP_PER_SECOND, durationS))
}

/** What settles when somewhat more is offered: how much that is, a short try says. */
async function maximum(devnet: BenchDevnet, durationS: number, transfers = 1): Promise<LoadResult> {
  const firstRate = transfers === 1 ? PROBE_PER_SECOND : PROBE_PAYOUTS_PER_SECOND
  const probe = await devnet.load(firstRate, durationS / 2, { transfers })
  return checked(await devnet.load(PRESSURE * probe.executedPerSecond, durationS, { transfers }))
}

/** Nothing that was accepted may be without an end. */
function checked(result: LoadResult): LoadResult {
  if (!allAccountedFor(result)) throw new Error(`payments were lost: ${JSON.stringify(result)}`)
  return result
}

function cpuOf({ nodes }: LoadResult): number {
  return nodes.reduce((sum, { cpuMs }) => sum + (cpuMs ?? 0), 0)
}

function latencies(name: string, { latencyMs }: LoadResult): Values {
  return { [`${name}P50Ms`]: latencyMs.p50 ?? Infinity, [`${name}P99Ms`]: latencyMs.p99 ?? Infinity }
}
