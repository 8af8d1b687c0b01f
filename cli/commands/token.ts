/** `cordon token create | list | revoke | whoami` */
import { Argument, Option, type Command } from 'commander'
import { SCOPES, type Scope } from '../../config/scopes.ts'
import {
  jsonOption,
  operatorOptions,
  parseDuration,
  type JsonOptions,
  type OperatorOptions,
} from '../options.ts'
import type { CommandResult } from '../output.ts'
import { action } from '../run.ts'

export interface TokenOptions extends JsonOptions {
  readonly dir: string
}

export interface CreateOptions extends TokenOptions {
  readonly scope: Scope
  readonly expires?: number
  readonly out?: string
}

export function build(command: Command): Command {
  const create = inDirectory(command.command('create'), 'make a token for the operator methods of a node')
    .addArgument(new Argument('<name>', 'who or what uses it'))
    .addOption(
      new Option('--scope <scope>', 'what it allows; each includes those before it')
        .choices(SCOPES)
        .makeOptionMandatory(),
    )
    .option('--expires <time>', 'how long it is valid, such as 12h or 30d (default: for ever)', parseDuration)
    .option('--out <file>', 'write the secret to this new file, mode 0600, instead of printing it')
  action(
    create,
    async (options: CreateOptions, name: string): Promise<CommandResult> =>
      (await import('../token.ts')).createToken(options, name),
  )

  const list = inDirectory(command.command('list'), 'the tokens of a node; their secrets are not known')
  action(
    list,
    async (options: TokenOptions): Promise<CommandResult> =>
      (await import('../token.ts')).listTokens(options),
  )

  const revoke = inDirectory(
    command.command('revoke'),
    'end a token; a running node knows at its next use',
  ).addArgument(new Argument('<name>', 'name of the token'))
  action(
    revoke,
    async (options: TokenOptions, name: string): Promise<CommandResult> =>
      (await import('../token.ts')).revokeToken(options, name),
  )

  const whoami = operatorOptions(command.command('whoami')).description(
    'ask a running node whose token this is, and what it allows',
  )
  action(
    whoami,
    async (options: OperatorOptions): Promise<CommandResult> => (await import('../token.ts')).whoami(options),
  )
  return command
}

function inDirectory(command: Command, description: string): Command {
  return command
    .description(description)
    .requiredOption('--dir <directory>', 'directory of the node, as init made it; of a devnet: DEVNET/v1')
    .addOption(jsonOption())
}
