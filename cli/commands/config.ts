/** `cordon config check | show` */
import type { Command } from 'commander'
import { jsonOption, type JsonOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { explain } from '../explanation.ts'
import { action } from '../run.ts'

export interface ConfigOptions extends JsonOptions {
  readonly dir: string
}

export interface ShowOptions extends ConfigOptions {
  readonly origin?: boolean
}

export function build(command: Command): Command {
  const check = inDirectory(
    command.command('check'),
    'whether a node could start with its configuration, genesis and keys, and everything that is wrong; the node may run',
  )
  explain(check, {
    about: ['Exit codes: 0 nothing is wrong, 78 something is; every problem is listed.'],
    examples: ['cordon config check --dir node --json'],
  })
  action(
    check,
    async (options: ConfigOptions): Promise<CommandResult> =>
      (await import('../config.ts')).checkConfig(options),
  )

  const show = inDirectory(
    command.command('show'),
    'every setting with the value that holds: variables win over the file, the file over defaults',
  ).option('--origin', 'say where each value comes from: default, line of the file, or variable')
  action(
    show,
    async (options: ShowOptions): Promise<CommandResult> =>
      (await import('../config.ts')).showConfig(options),
  )
  return command
}

function inDirectory(command: Command, description: string): Command {
  return command
    .description(description)
    .option('--dir <directory>', 'directory of the node, as init made it; of a devnet: DEVNET/v1', '.')
    .addOption(jsonOption())
}
