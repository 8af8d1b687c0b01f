/** The scenarios of `npm run bench` by name, in the order in which they are run. */
import { setTimeout as delay } from 'node:timers/promises'
import { catchUp, delayed, fairness, oneDown, overload } from './faults.ts'
import { accounts, history, suspicion, validators } from './growth.ts'
import { checked, cpuMsPerPayment, latencies, maximum, residentMiB, startWith, warmUp } from './runs.ts'
import type { Scenario } from './runs.ts'

const LIGHT_PER_SECOND = 50
/** Until V8 has given back what the start needed. */
const SETTLE_S = 25
const TRANSFERS_PER_PAYOUT = 100

/** One network from idle to its maximum. */
const payments: Scenario = async (effort) => {
  const { idleS, loadS } = effort
  await using devnet = await startWith(effort, effort.accounts)
  await delay(1_000 * SETTLE_S)
  const idleFromMs = devnet.cpuMs()
  await delay(1_000 * idleS)
  const idleCpuMs = devnet.cpuMs() - idleFromMs
  await warmUp(devnet, loadS)
  const light = checked(await devnet.load(LIGHT_PER_SECOND, loadS))
  const most = await maximum(devnet, loadS)
  const half = checked(await devnet.load(most.settledPerSecond / 2, loadS))
  return {
    idleCpuPercent: idleCpuMs / (10 * idleS),
    ...latencies('light', light),
    settledPerSecond: most.settledPerSecond,
    cpuMsPerPayment: cpuMsPerPayment(most),
    residentMiB: residentMiB(most),
    ...latencies('half', half),
  }
}

const payouts: Scenario = async (effort) => {
  await using devnet = await startWith(effort, effort.accounts)
  await warmUp(devnet, effort.loadS)
  const { settled, held, settledPerSecond } = await maximum(devnet, effort.loadS, {
    transfers: TRANSFERS_PER_PAYOUT,
  })
  return {
    payoutTransfersPerSecond: settledPerSecond * TRANSFERS_PER_PAYOUT,
    payoutHeldPercent: (100 * held) / (settled + held),
  }
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  payments,
  payouts,
  delayed,
  'one-down': oneDown,
  overload,
  fairness,
  'catch-up': catchUp,
  accounts,
  suspicion,
  validators,
  history,
}

/** Those of `--quick`: some minutes together. */
export const QUICK_ONES: readonly string[] = [
  'payments',
  'payouts',
  'delayed',
  'one-down',
  'overload',
  'fairness',
  'catch-up',
]

/** Those with ratios, which have baselines: a delay between validators is none. */
export const CHECKED: readonly string[] = QUICK_ONES.filter((name) => name !== 'delayed')
