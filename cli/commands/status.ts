/** `cordon status` */
import type { Command } from 'commander'
import type { ChainStatus } from '../../client/api.ts'
import { action } from '../run.ts'
import { nodeOptions, type NodeOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

export function build(command: Command): Command {
  return action(nodeOptions(command), status)
}

async function status(options: NodeOptions): Promise<CommandResult> {
  const { withNode } = await import('../context.ts')
  const { status, url } = await withNode(options, async (client) => ({
    status: await client.call('chain_status', {}),
    url: client.url,
  }))
  return { data: { ...status, rpc: url }, text: await describe(status, url) }
}

async function clock(skewMs: number | null): Promise<string> {
  const { milliseconds } = await import('../format.ts')
  if (skewMs === null) return 'not compared with those of validators yet'
  return `${milliseconds(Math.abs(skewMs))} ${skewMs >= 0 ? 'ahead of' : 'behind'} those of the validators, the way of their messages included`
}

async function describe(status: ChainStatus, url: string): Promise<string> {
  const { amount, distance, facts, milliseconds } = await import('../format.ts')
  const { p50Ms, p95Ms } = status.finality
  const { model } = status
  return facts([
    [
      'node',
      `${url}, ${status.validator === null ? 'full node' : `validator ${status.validator}`}, version ${status.version}`,
    ],
    ['chain', `${status.network} ${status.genesisHash.slice(0, 16)}`],
    [
      'height',
      `${status.height} (${distance(status.blockTimeMs, Date.now())}), executed ${status.executedHeight}, view ${status.view}`,
    ],
    ['block', status.blockHash],
    ['state root', status.stateRoot],
    ['peers', String(status.peers)],
    [
      'finality',
      p50Ms === null || p95Ms === null
        ? 'not measured yet'
        : `p50 ${milliseconds(p50Ms)}, p95 ${milliseconds(p95Ms)}`,
    ],
    [
      'payments',
      `${status.settledTotal} settled, ${status.heldTotal} held, ${status.failedTotal} failed, ${status.pendingTxs} pending`,
    ],
    ['open holds', String(status.openHolds)],
    ['total supply', amount(status.totalSupply)],
    ['clock', await clock(status.clockSkewMs)],
    [
      'model',
      `${model.id.slice(0, 16)} on ${model.backend}${model.healthy ? '' : `, not well: ${model.problem ?? 'no reason given'}`}`,
    ],
  ])
}
