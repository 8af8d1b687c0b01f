/** `cordon block get HEIGHT` */
import { InvalidArgumentError, type Command } from 'commander'
import type { BlockInfo } from '../../client/api.ts'
import { action } from '../run.ts'
import { nodeOptions, parseInteger, type NodeOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

export function build(command: Command): Command {
  const get = nodeOptions(command.command('get'))
    .description('a final block; its state root is empty until the block is executed')
    .argument('<height>', 'number, or latest', parseHeight)
  action(get, getBlock)
  return command
}

function parseHeight(text: string): number | 'latest' {
  if (text === 'latest') return text
  try {
    return parseInteger(0)(text)
  } catch {
    throw new InvalidArgumentError(`expected a height or latest, got ${JSON.stringify(text)}.`)
  }
}

async function getBlock(options: NodeOptions, at: number | 'latest'): Promise<CommandResult> {
  const { withNode } = await import('../context.ts')
  const block = await withNode(options, async (client) => {
    const height = at === 'latest' ? (await client.call('chain_status', {})).height : at
    return client.call('chain_block', { height })
  })
  return { data: block, text: await describe(block) }
}

async function describe(block: BlockInfo): Promise<string> {
  const { facts, time } = await import('../format.ts')
  return facts([
    ['height', String(block.height)],
    ['hash', block.hash],
    ['parent', block.parentHash],
    ['time', time(block.timeMs)],
    ['author', `${block.author}, view ${block.view}`],
    ['content', `${block.certificates} certificates, ${block.transactions} transactions`],
    ['state root', block.stateRoot ?? 'not executed yet'],
    ['receipts root', block.receiptsRoot ?? 'not executed yet'],
  ])
}
