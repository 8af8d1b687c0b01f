/** `cordon evidence list` */
import type { Command } from 'commander'
import { action } from '../run.ts'
import { nodeOptions, type NodeOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

export function build(command: Command): Command {
  const list = nodeOptions(command.command('list')).description(
    'proven contradictions: who, what, in which view or batch, and the transaction that proves it',
  )
  action(list, evidenceList)
  return command
}

async function evidenceList(options: NodeOptions): Promise<CommandResult> {
  const { withNode } = await import('../context.ts')
  const { table } = await import('../format.ts')
  const offences = await withNode(options, (client) => client.call('evidence_list', {}))
  const data = { offences }
  if (offences.length === 0) return { data, text: 'no validator was proven to contradict itself' }
  const columns = ['VALIDATOR', 'OFFENCE', 'WHERE', 'HEIGHT', 'WHEN', 'TRANSACTION'].map((title) => ({
    title,
  }))
  const rows = offences.map(({ validator, kind, position, height, timeMs, txId }) => [
    validator,
    kind,
    `${kind === 'double-batch' ? 'batch' : 'view'} ${position}`,
    String(height),
    new Date(timeMs).toISOString(),
    txId,
  ])
  return { data, text: table(columns, rows) }
}
