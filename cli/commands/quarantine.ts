/** `cordon quarantine …`: declarations; what they do is loaded when they run. */
import { Option, type Command } from 'commander'
import { addCaseCommands } from './review.ts'
import { action } from '../run.ts'
import {
  collect,
  keystoreOptions,
  parseId,
  parseInteger,
  passwordOptions,
  reviewOptions,
  timeoutOption,
} from '../options.ts'

const DEFAULT_TIMEOUT = '30s'

export function build(command: Command): Command {
  const list = keystoreOptions(command.command('list'))
    .description('payments held for review, the ones that fall due next first')
    .addOption(
      new Option('--status <status>', 'open ones, or those that have ended')
        .choices(['open', 'ended'])
        .default('open'),
    )
    .option('--limit <count>', 'at most this many', parseInteger(1), 100)
    .option('--cursor <cursor>', 'go on where an earlier answer stopped')
  action(list, async (options: never) => (await import('../quarantine/read.ts')).list(options))

  const show = reviewOptions(command.command('show'))
    .description('one hold with who flagged it, why, and its reviews; with a token also its case')
    .argument('<id>', 'id of the hold', parseId)
  action(show, async (options: never, id: string) =>
    (await import('../quarantine/read.ts')).show(options, id),
  )

  review(command, 'release', 'vote as operator for letting it go on to the payee')
  review(command, 'return', 'vote as operator for giving it back to the payer')

  const recall = passwordOptions(command.command('recall'))
    .description('take a held payment back, as its payer')
    .argument('<id>', 'id of the hold', parseId)
    .addOption(timeoutOption(DEFAULT_TIMEOUT))
  action(recall, async (options: never, id: string) =>
    (await import('../quarantine/act.ts')).recall(options, id),
  )

  const confirm = passwordOptions(command.command('confirm'))
    .description('let a held payment go on, as the guardian of its payer')
    .argument('<id>', 'id of the hold', parseId)
    .addOption(timeoutOption(DEFAULT_TIMEOUT))
  action(confirm, async (options: never, id: string) =>
    (await import('../quarantine/act.ts')).confirm(options, id),
  )
  addCaseCommands(command)
  return command
}

function review(command: Command, side: 'release' | 'return', description: string): void {
  const sub = passwordOptions(command.command(side))
    .description(`${description}; more than half of the stake decides`)
    .argument('<id>', 'id of the hold', parseId)
    .option(
      '--as <operators>',
      "operator keys to vote with; may be repeated (default with a devnet: all of its validators')",
      collect,
    )
    .addOption(timeoutOption(DEFAULT_TIMEOUT))
  action(sub, async (options: never, id: string) =>
    (await import('../quarantine/act.ts')).review(options, id, side),
  )
}
