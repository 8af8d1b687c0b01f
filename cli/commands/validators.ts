/** `cordon validators` */
import type { Command } from 'commander'
import type { ValidatorInfo } from '../../client/api.ts'
import { action } from '../run.ts'
import { nodeOptions, type NodeOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

export function build(command: Command): Command {
  return action(nodeOptions(command), validators)
}

async function validators(options: NodeOptions): Promise<CommandResult> {
  const { withNode } = await import('../context.ts')
  const { amount, percent, table } = await import('../format.ts')
  const list = await withNode(options, (client) => client.call('chain_validators', {}))
  const yes = (flag: boolean): string => (flag ? 'yes' : 'no')
  const text = table(
    [
      { title: 'NAME' },
      { title: 'STAKE', align: 'right' },
      { title: 'SHARE', align: 'right' },
      { title: 'IN SET' },
      { title: 'NEXT' },
      { title: 'CONNECTED' },
      { title: 'FLAGS RIGHT', align: 'right' },
      { title: 'OPERATOR' },
    ],
    list.map((entry) => [
      entry.name,
      amount(entry.stake),
      percent(entry.shareBps),
      yes(entry.inSet),
      yes(entry.inNextSet),
      yes(entry.connected),
      flagsRight(entry),
      entry.operator,
    ]),
  )
  return { data: { validators: list }, text }
}

/** Of the flags whose hold was decided: "3 of 4". A dash: none was. */
function flagsRight({ flagsConfirmed, flagsRefuted }: ValidatorInfo): string {
  const decided = flagsConfirmed + flagsRefuted
  return decided === 0 ? '–' : `${flagsConfirmed} of ${decided}`
}
