/** `cordon devnet faucet|warp|snapshot|restore`: money, time and states of a devnet that runs. */
import { InvalidArgumentError } from 'commander'
import { parseAmount } from '../../config/amount.ts'
import type { ControlRequest } from '../../devnet/control.ts'
import { devnetPaths, readDevnetFile } from '../../devnet/layout.ts'
import type { SnapshotInfo } from '../../devnet/snapshots.ts'
import type { WarpResult } from '../../devnet/supervisor.ts'
import { keystorePaths, withNode } from '../context.ts'
import { askDevnet, type DevnetDirOptions, type DevnetVerbs } from '../devnet-control.ts'
import { amountBoth, time, facts, table } from '../format.ts'
import { Names } from '../names.ts'
import { parseDuration } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { action } from '../run.ts'

export function buildStateVerbs({ verb, dirOf }: DevnetVerbs): void {
  action<DevnetDirOptions, [string, bigint]>(
    verb('faucet', 'pay play money to an account, and wait until it is there')
      .argument('<account>', 'a name or an address')
      .argument('<amount>', 'with its unit, such as 1000CRD', parseMoney),
    (options, account, units) => faucet(dirOf(options), account, units),
  )
  action<DevnetDirOptions, [number]>(
    verb('warp', 'move the time of all nodes on, so that holds and payments fall due').argument(
      '<time>',
      'such as 24h or 10m',
      parseDuration,
    ),
    (options, byMs) => warp(dirOf(options), byMs),
  )
  action<DevnetDirOptions, [string?]>(
    verb('snapshot', 'keep what all nodes know under a name, or list what is kept').argument(
      '[name]',
      'such as before-attack; without one, those there are',
    ),
    (options, name) => (name === undefined ? list(dirOf(options)) : keep(dirOf(options), name)),
  )
  action<DevnetDirOptions, [string]>(
    verb('restore', 'go back to a snapshot; what happened since is forgotten').argument(
      '<name>',
      'of the snapshot',
    ),
    (options, name) => restore(dirOf(options), name),
  )
}

function parseMoney(text: string): bigint {
  try {
    const units = parseAmount(text)
    if (units > 0n) return units
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : String(error))
  }
  throw new InvalidArgumentError('the amount must be more than 0.')
}

async function faucet(dir: string, account: string, units: bigint): Promise<CommandResult> {
  const { payFromFaucet } = await import('../../devnet/faucet.ts')
  const names = new Names(keystorePaths({ dir }))
  const to = names.resolve(account)
  return withNode({ dir }, async (client) => {
    const data = await payFromFaucet(dir, client, { to, units })
    const { balance } = await client.call('account_get', { address: to })
    const text = facts([
      ['paid', amountBoth(data.amount)],
      ['to', names.label(to)],
      ['balance now', amountBoth(balance)],
      ['transaction', data.txId],
    ])
    return { data: { ...data, balance }, text }
  })
}

async function warp(dir: string, byMs: number): Promise<CommandResult> {
  const { warpChain } = await import('../../devnet/time-travel.ts')
  return withNode({ dir }, async (client) => {
    const data = await warpChain(
      client,
      async () => (await askDevnet(dir, { op: 'warp', byMs })) as WarpResult,
    )
    const text = `the devnet's time is ${time(data.blockTimeMs)} now; what fell due until then has ended`
    return { data, text }
  })
}

async function list(dir: string): Promise<CommandResult> {
  const { listSnapshots } = await import('../../devnet/snapshots.ts')
  readDevnetFile(dir)
  const snapshots = listSnapshots(dir)
  if (snapshots.length === 0)
    return {
      data: { snapshots },
      text: `no snapshot is kept; take one with: cordon devnet snapshot NAME --dir ${dir}`,
    }
  const rows = snapshots.map(({ name, takenMs, genesisHash }) => [
    name,
    time(takenMs),
    genesisHash.slice(0, 16),
  ])
  return {
    data: { snapshots },
    text: table([{ title: 'NAME' }, { title: 'TAKEN' }, { title: 'CHAIN' }], rows),
  }
}

async function keep(dir: string, name: string): Promise<CommandResult> {
  const { saveSnapshot } = await import('../../devnet/snapshots.ts')
  const data = await onDevnet(dir, { op: 'snapshot', name }, () => saveSnapshot(dir, name, Date.now()))
  return { data, text: `kept as ${name}; go back to it with: cordon devnet restore ${name} --dir ${dir}` }
}

async function restore(dir: string, name: string): Promise<CommandResult> {
  const { restoreSnapshot } = await import('../../devnet/snapshots.ts')
  const data = await onDevnet(dir, { op: 'restore', name }, () => restoreSnapshot(dir, name))
  return { data, text: `the devnet in ${dir} is where it was at ${time(data.takenMs)}` }
}

/** By the supervisor while the devnet runs, which stops its nodes for it; else here. */
async function onDevnet(
  dir: string,
  request: ControlRequest,
  here: () => SnapshotInfo,
): Promise<SnapshotInfo> {
  const { lockHolder } = await import('../../devnet/lock.ts')
  const { whileStopped } = await import('../../devnet/stopped.ts')
  if (lockHolder(devnetPaths(dir).lock) === null) return whileStopped(dir, here)
  return (await askDevnet(dir, request)) as SnapshotInfo
}
