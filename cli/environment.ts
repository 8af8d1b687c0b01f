/**
 * `CORDON_*` variables mirror flags: `CORDON_RPC` is `--rpc`, and so on; a flag given on the command line wins. What
 * says who is paid, how much, or what is overwritten has no variable. Unknown variables warn and never fail:
 * orchestrators put their own into the environment.
 */
import type { Command, Option } from 'commander'
import { NODE_VARIABLES } from '../config/variables.ts'
import { note } from './output.ts'

/** Flags without a variable. */
const NOT_MIRRORED: ReadonlySet<string> = new Set(['from', 'to', 'amount', 'memo', 'key', 'dry-run', 'as', 'out', 'force', 'help', 'version', 'param', 'status', 'limit', 'cursor'])

/** Every mirrored flag of any command; `test/cli/environment.test.ts` holds it to the command tree. */
export const MIRRORED_FLAGS: readonly string[] = [
  'base-port',
  'demo',
  'detach',
  'dir',
  'duration',
  'full-nodes',
  'genesis',
  'json',
  'keystore',
  'load-accounts',
  'network',
  'password-file',
  'password-stdin',
  'rate',
  'rpc',
  'seed',
  'timeout',
  'validator-key',
  'validators',
  'wait',
]

/** Read elsewhere: by the daemon, on top of its configuration. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(NODE_VARIABLES)

export function variableOf(flag: string): string {
  return `CORDON_${flag.toUpperCase().replaceAll('-', '_')}`
}

export function isMirrored(option: Pick<Option, 'long'>): boolean {
  return option.long !== undefined && option.long !== null && !NOT_MIRRORED.has(option.long.slice(2))
}

/** Gives each mirrored option of a command, and of those under it, its variable. */
export function bindEnvironment(command: Command, environment: NodeJS.ProcessEnv): void {
  for (const option of command.options) {
    if (!isMirrored(option) || option.long === undefined || option.long === null) continue
    const variable = variableOf(option.long.slice(2))
    option.env(variable)
    // commander takes any value of a flag's variable for "on"
    const off = option.isBoolean() && ['', '0', 'false', 'no'].includes(environment[variable]?.toLowerCase() ?? '')
    if (off) Reflect.deleteProperty(environment, variable)
  }
  for (const child of command.commands) bindEnvironment(child, environment)
}

/** Says on stderr which `CORDON_*` variables mean nothing. */
export function warnUnknownVariables(environment: NodeJS.ProcessEnv): void {
  const known = new Set([...MIRRORED_FLAGS.map(variableOf), ...OTHER_VARIABLES])
  const unknown = Object.keys(environment).filter((name) => name.startsWith('CORDON_') && !known.has(name))
  if (unknown.length > 0) note(`ignoring unknown environment variable${unknown.length > 1 ? 's' : ''} ${unknown.sort().join(', ')}`)
}
