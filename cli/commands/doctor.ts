/** `cordon doctor check`, `stall` and `repair`. */
import type { Command } from 'commander'
import type { ChainProgress } from '../../client/api.ts'
import { explain } from '../explanation.ts'
import { action } from '../run.ts'
import { jsonOption, nodeOptions, type NodeOptions, type OperatorOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import type { RepairCommandOptions } from '../repair.ts'

export type DoctorCheckOptions = NodeOptions & Pick<OperatorOptions, 'nodeDir'>

export function build(command: Command): Command {
  const check = nodeOptions(command.command('check'))
    .description(
      'whether a node is well: configuration, keys, signer, disk, ports, finality, peers, clock, event loop, model, conservation',
    )
    .option(
      '--node-dir <directory>',
      "directory of the node on this machine (default: the devnet's first validator)",
    )
  explain(check, {
    about: ['Exit codes: 0 nothing is out of order, 1 something is; every check is listed.'],
    examples: ['cordon doctor check --node-dir /var/lib/cordon'],
  })
  action(
    check,
    async (options: DoctorCheckOptions): Promise<CommandResult> =>
      (await import('../doctor/examine.ts')).doctorCheck(options),
  )
  const stall = nodeOptions(command.command('stall')).description(
    'why nothing becomes final: the view, who voted what, who is missing, which certificate is lacking',
  )
  action(stall, doctorStall)
  const repair = command
    .command('repair')
    .description(
      'find damaged data of a stopped node; moves away what it gets again by itself, never the signer folder',
    )
    .requiredOption('--dir <directory>', 'directory of the node, as init made it')
    .option(
      '--salvage-pending',
      'if the log of accepted payments is damaged, go on with those in it that can be read',
    )
    .addOption(jsonOption())
  explain(repair, {
    about: ['Exit codes: 0 the node can start, 82 something is damaged that is not repaired.'],
    examples: ['cordon doctor repair --dir node'],
  })
  action(
    repair,
    async (options: RepairCommandOptions): Promise<CommandResult> =>
      (await import('../repair.ts')).repair(options),
  )
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
