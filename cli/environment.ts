/**
 * `CORDON_*` variables mirror flags: `CORDON_RPC` is `--rpc`, and so on; a flag given on the command line wins. What
 * says who is paid, how much, or what is overwritten has no variable. Unknown variables warn and never fail:
 * orchestrators put their own into the environment.
 */
import { Command, type Option } from 'commander'
import { CLIENT_VARIABLES, NODE_VARIABLES } from '../config/variables.ts'
import { note } from './output.ts'

/** Flags without a variable. */
const NOT_MIRRORED: ReadonlySet<string> = new Set([
  'from',
  'to',
  'amount',
  'memo',
  'fee',
  'sequence',
  'valid-for',
  'key',
  'dry-run',
  'yes',
  'policy',
  'all',
  'as',
  'out',
  'config-out',
  'scope',
  'outcome',
  'note',
  'payer',
  'payee',
  'account',
  'validator',
  'stake',
  'for',
  'why',
  'since',
  'follow',
  'expires',
  'file',
  'words-stdin',
  'force',
  'origin',
  'max-total',
  'results',
  'cursor-file',
  'count',
  'until-idle',
  'uri',
  'message',
  'qr',
  'help',
  'version',
  'param',
  'status',
  'limit',
  'cursor',
  // What is measured: left in the environment, they would change a figure without a trace on the command line.
  'test',
  'train',
  'labels',
  'from-day',
  'curve',
  'model',
  'data',
  'delay-hours',
  // Written into a configuration file once; the node itself has variables for them.
  'announce',
  'bootstrap',
  'p2p-port',
  'rpc-port',
  'operator-port',
  'signer-lost-wait', // an answer to one loss; left in the environment it would answer the next one, too
])

function variableOf(flag: string): string {
  return `CORDON_${flag.toUpperCase().replaceAll('-', '_')}`
}

function isMirrored(option: Option): boolean {
  return !NOT_MIRRORED.has(nameOf(option))
}

/** Without its dashes. */
function nameOf(option: Option): string {
  return (option.long ?? option.flags).replace(/^-+/, '')
}

/** A command whose options, and those of the commands under it, have their variables. */
export class MirroringCommand extends Command {
  override createCommand(name?: string): MirroringCommand {
    return new MirroringCommand(name)
  }

  override addOption(option: Option): this {
    return super.addOption(isMirrored(option) ? option.env(variableOf(nameOf(option))) : option)
  }
}

const OFF: readonly string[] = ['', '0', 'false', 'no']

/** commander takes any value of a switch's variable for "on"; `CORDON_JSON=0` is meant as off. */
export function dropSwitchesTurnedOff(command: Command, environment: NodeJS.ProcessEnv): void {
  for (const { envVar, required, optional } of command.options) {
    if (envVar === undefined || required || optional) continue
    if (OFF.includes(environment[envVar]?.toLowerCase() ?? 'on')) Reflect.deleteProperty(environment, envVar)
  }
  for (const child of command.commands) dropSwitchesTurnedOff(child, environment)
}

/** Says on stderr which `CORDON_*` variables mean nothing. */
export function warnUnknownVariables(environment: NodeJS.ProcessEnv): void {
  const known = new Set<string>([...CLIENT_VARIABLES, ...NODE_VARIABLES])
  const unknown = Object.keys(environment).filter((name) => name.startsWith('CORDON_') && !known.has(name))
  if (unknown.length > 0)
    note(`ignoring unknown environment variable${unknown.length > 1 ? 's' : ''} ${unknown.sort().join(', ')}`)
}
