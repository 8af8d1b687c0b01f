/** Networks that are slow, short of a validator, or asked for more than they can do. */
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '../../client/rpc-client.ts'
import type { BenchDevnet } from './devnet.ts'
import { checked, maximum, startWith, warmUp, type Scenario } from './runs.ts'

const LIGHT_PER_SECOND = 50
const DELAYS_MS = [50, 100] as const
/** The validator that is taken away. */
const AWAY = 'v4'
const AWAY_PER_SECOND = 1_000
const POLL_MS = 20
/** What a small client offers beside one that offers nine times as much, together twice the maximum. */
const SMALL_CLIENT_SHARE = 0.2
const LARGE_CLIENT_SHARE = 1.8

export const delayed: Scenario = async (effort) => {
  await using devnet = await startWith(effort, effort.accounts, '--links')
  await warmUp(devnet, effort.loadS)
  const values: Record<string, number> = {}
  for (const delayMs of DELAYS_MS) {
    await devnet.verb('delay', String(delayMs))
    const { p50 } = checked(await devnet.load(LIGHT_PER_SECOND, effort.loadS)).latencyMs
    values[`delayed${delayMs}P50Ms`] = p50 ?? Infinity
  }
  return values
}

export const oneDown: Scenario = async (effort) => {
  const { loadS } = effort
  await using devnet = await startWith(effort, effort.accounts)
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

export const overload: Scenario = async (effort) => {
  await using devnet = await startWith(effort, effort.accounts)
  await warmUp(devnet, effort.loadS)
  const most = await maximum(devnet, effort.loadS)
  const over = await devnet.load(3 * most.settledPerSecond, effort.overloadS)
  const { accepted, settled, held, failed } = over
  return {
    overloadShare: (100 * over.settledPerSecond) / most.settledPerSecond,
    overloadLost: accepted - settled - held - failed,
  }
}

/** What is left for a client beside one that offers nine times as much, and more than there is. */
export const fairness: Scenario = async (effort) => {
  const { loadS } = effort
  await using devnet = await startWith(effort, effort.accounts)
  await warmUp(devnet, loadS)
  const { settledPerSecond } = await maximum(devnet, loadS)
  // Of other accounts, so that only the connections share; signed before either starts, so that neither waits for it.
  const accounts = effort.accounts / 2
  const large = await devnet.prepare(LARGE_CLIENT_SHARE * settledPerSecond, 2 * loadS, { accounts })
  const small = await devnet.prepare(SMALL_CLIENT_SHARE * settledPerSecond, 2 * loadS, {
    accounts,
    firstAccount: accounts,
  })
  const [ofSmall] = (await Promise.all([small.play(), large.play()])).map(checked)
  return { smallClientShare: (100 * (ofSmall?.settled ?? 0)) / (ofSmall?.offered ?? 0) }
}

/** A validator that was away while payments went on: from the command that starts it until it has executed them. */
export const catchUp: Scenario = async (effort) => {
  await using devnet = await startWith(effort, effort.accounts)
  await devnet.verb('kill', AWAY)
  const away = checked(await devnet.load(AWAY_PER_SECOND, effort.awayPayments / AWAY_PER_SECOND))
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
