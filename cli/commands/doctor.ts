/** `cordon doctor stall` */
import type { Command } from 'commander'
import type { ChainProgress } from '../../client/api.ts'
import { action } from '../run.ts'
import { nodeOptions, type NodeOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

export function build(command: Command): Command {
  const stall = nodeOptions(command.command('stall')).description(
    'why nothing becomes final: the view, who voted what, who is missing, which certificate is lacking',
  )
  action(stall, doctorStall)
  return command
}

async function doctorStall(options: NodeOptions): Promise<CommandResult> {
  const { withNode } = await import('../context.ts')
  const { progress, url } = await withNode(options, async (client) => ({
    progress: await client.call('chain_progress', {}),
    url: client.url,
  }))
  return { data: { ...progress, rpc: url }, text: await describe(progress, url) }
}

async function describe(progress: ChainProgress, url: string): Promise<string> {
  const { facts, milliseconds } = await import('../format.ts')
  const { stalled, sinceFinalMs, findings, advice } = progress
  const height = `height ${progress.height}, ${milliseconds(sinceFinalMs)} ago`
  const found = findings.map((finding, index) => [index === 0 ? 'found' : '', finding])
  return facts([
    ['node', url],
    ['newest final block', height],
    ['stalled', stalled ? 'yes' : `no; the chain counts as stalled after ${milliseconds(progress.stallMs)}`],
    ...(stalled ? [...found, ['to do', advice]] : found),
  ])
}
