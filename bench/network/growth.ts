/** What a payment costs with more accounts, more validators, more history and more suspicion. */
import type { BenchDevnet } from './devnet.ts'
import { checked, cpuMsPerPayment, executedOf, maximum, startWith, warmUp, type Scenario } from './runs.ts'

const THEFT_SHARES = [0.01, 0.1] as const
const NETWORKS = [4, 7, 16] as const
/** So low that each payment has a block to itself and sixteen validators keep up on two cores. */
const NETWORK_PER_SECOND = 3
const HISTORY_PER_SECOND = 1_000

/** In turn, so that both meet the same hours of the machine. */
export const accounts: Scenario = async (effort) => {
  const perSecond: number[] = []
  for (const count of [effort.fewAccounts, effort.manyAccounts]) {
    await using devnet = await startWith(effort, count)
    await warmUp(devnet, effort.loadS)
    perSecond.push((await maximum(devnet, effort.loadS)).settledPerSecond)
  }
  const [few = NaN, many = NaN] = perSecond
  return { manyAccountsShare: (100 * many) / few }
}

/** Thefts among the payments: each is held, explained, and shown to reviewers. */
export const suspicion: Scenario = async (effort) => {
  await using devnet = await startWith(effort, effort.accounts)
  await warmUp(devnet, effort.loadS)
  const none = await maximum(devnet, effort.loadS)
  const values: Record<string, number> = {}
  for (const theftShare of THEFT_SHARES) {
    const some = await maximum(devnet, effort.loadS, { theftShare })
    const percent = 100 * theftShare
    values[`theft${percent}Share`] = (100 * some.executedPerSecond) / none.executedPerSecond
    values[`theft${percent}HeldPercent`] = (100 * some.held) / (some.settled + some.held)
  }
  return values
}

/** Payments by themselves with more validators: what their batches, votes and blocks cost. */
export const validators: Scenario = async (effort) => {
  const values: Record<string, number> = {}
  for (const count of NETWORKS) {
    await using devnet = await startWith(effort, effort.accounts, '--validators', String(count))
    await warmUp(devnet, effort.loadS, NETWORK_PER_SECOND)
    const prepared = await devnet.prepare(NETWORK_PER_SECOND, 2 * effort.loadS)
    const before = await traffic(devnet)
    const load = checked(await prepared.play())
    const after = await traffic(devnet)
    values[`validators${count}CpuMs`] = cpuMsPerPayment(load)
    values[`validators${count}P50Ms`] = load.latencyMs.p50 ?? Infinity
    values[`validators${count}Packets`] = (after.packets - before.packets) / executedOf(load)
    values[`validators${count}Bytes`] = (after.bytes - before.bytes) / executedOf(load)
  }
  return values
}

/** The same load at the beginning of a history and at its end. */
export const history: Scenario = async (effort) => {
  const { loadS, awayPayments } = effort
  await using devnet = await startWith(effort, effort.accounts)
  await warmUp(devnet, loadS, HISTORY_PER_SECOND)
  const first = checked(await devnet.load(HISTORY_PER_SECOND, loadS))
  const most = awayPayments / HISTORY_PER_SECOND
  checked(await devnet.load(HISTORY_PER_SECOND, most))
  const last = checked(await devnet.load(HISTORY_PER_SECOND, loadS))
  return { historyCpuRatio: cpuMsPerPayment(last) / cpuMsPerPayment(first) }
}

/** What all validators have sent so far. */
async function traffic(devnet: BenchDevnet): Promise<{ readonly packets: number; readonly bytes: number }> {
  return {
    packets: await devnet.counted('libp2p_noise_encrypted_packets_total'),
    bytes: await devnet.counted('libp2p_data_transfer_bytes_total', 'global sent'),
  }
}
