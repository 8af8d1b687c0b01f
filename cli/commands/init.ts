/** `cordon init`: the directory of a node. */
import type { Command } from 'commander'
import { explain } from '../explanation.ts'
import { action } from '../run.ts'
import type { InitOptions } from '../node-directory.ts'
import { jsonOption } from '../options.ts'
import type { CommandResult } from '../output.ts'

export function build(command: Command): Command {
  command
    .requiredOption('--dir <directory>', 'directory to make')
    .requiredOption('--genesis <file>', 'genesis file of the chain; it is copied')
    .option(
      '--validator-key [file]',
      'run a validator with the key in this file, or with a new key if no file is named',
    )
    .addOption(jsonOption())
  explain(command, {
    about: ['Edit config/cordon.toml in the directory before the first start: ports, peers to connect to.'],
    examples: ['cordon init --dir node --genesis genesis.json --validator-key'],
  })
  return action(
    command,
    async (options: InitOptions): Promise<CommandResult> =>
      (await import('../node-directory.ts')).init(options),
  )
}
