/** Options that many commands share, and how their values are read. */
import { InvalidArgumentError, Option, type Command } from 'commander'

export interface JsonOptions {
  readonly json?: boolean
}

/** How a client finds a node. */
export interface NodeOptions extends JsonOptions {
  readonly rpc?: string
  readonly dir?: string
}

/** How a client finds the operator methods of a node, and its token. */
export interface OperatorOptions extends NodeOptions {
  readonly operator?: string
  readonly tokenFile?: string
  readonly nodeDir?: string
}

/** How a client finds keys. */
export interface KeystoreOptions extends NodeOptions {
  readonly keystore?: string
}

/** How a client finds operator methods and names. */
export interface ReviewOptions extends OperatorOptions, KeystoreOptions {}

export interface PasswordOptions extends KeystoreOptions {
  readonly passwordFile?: string
  readonly passwordStdin?: boolean
}

export const jsonOption = (): Option => new Option('--json', 'print one JSON envelope')

/** How a command that asks no node finds keys and a chain. */
export interface LocalOptions extends JsonOptions {
  readonly dir?: string
  readonly keystore?: string
}

/** The same, and how it opens them. */
export type LocalPasswordOptions = Omit<PasswordOptions, 'rpc'>

/** Adds `--rpc`, `--dir` and `--json`. */
export function nodeOptions(command: Command): Command {
  return command.addOption(rpcOption()).addOption(dirOption()).addOption(jsonOption())
}

/** Adds what a command needs that reads names and prints a stream of events, which needs no `--json`. */
export function streamOptions(command: Command): Command {
  return command.addOption(rpcOption()).addOption(dirOption()).addOption(keystoreOption())
}

const rpcOption = (): Option =>
  new Option('--rpc <url>', 'ask this node; may be a list separated by commas, tried in turn')

const dirOption = (): Option => new Option('--dir <directory>', 'devnet to use (default: .cordon/devnet)')

/** Adds what a command needs that reads names or addresses and asks no node. */
export function localOptions(command: Command): Command {
  return command.addOption(dirOption()).addOption(jsonOption()).addOption(keystoreOption())
}

/** Adds what a command needs that calls operator methods, beside `--rpc` and `--dir`. */
export function operatorOptions(command: Command): Command {
  return nodeOptions(command)
    .addOption(
      new Option(
        '--node-dir <directory>',
        "directory of the node whose operator methods to use (default: the devnet's first validator)",
      ),
    )
    .addOption(new Option('--operator <url>', 'operator methods of a node elsewhere; needs --token-file'))
    .addOption(new Option('--token-file <file>', "file with the secret of a token (default: the node's own)"))
}

/** Adds what a command needs that reads names or addresses. */
export function keystoreOptions(command: Command): Command {
  return nodeOptions(command).addOption(keystoreOption())
}

export const keystoreOption = (): Option =>
  new Option('--keystore <directory>', "keys to use (default: the devnet's, else ~/.cordon/keystore)")

/** Adds what a command needs that calls operator methods and reads names or addresses. */
export function reviewOptions(command: Command): Command {
  return operatorOptions(command).addOption(keystoreOption())
}

/** Adds what a command needs that opens keys. */
export function passwordOptions(command: Command): Command {
  return withPassword(keystoreOptions(command))
}

/** Adds what a command needs that opens keys and asks no node. */
export function localPasswordOptions(command: Command): Command {
  return withPassword(localOptions(command))
}

function withPassword(command: Command): Command {
  return command
    .addOption(new Option('--password-file <file>', 'read the password from the first line of a file'))
    .addOption(new Option('--password-stdin', 'read the password from the first line of standard input'))
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `10s`, `500ms`, `2m`, `1h`, `30d`: milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text)
  if (match === null)
    throw new InvalidArgumentError(
      `expected a time with its unit such as 10s, 500ms or 2m, got ${JSON.stringify(text)}.`,
    )
  return Math.round(Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? 0))
}

/** A whole number of at least `min`. */
export function parseInteger(min: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN
    if (!(value >= min))
      throw new InvalidArgumentError(`expected a whole number from ${min}, got ${JSON.stringify(text)}.`)
    return value
  }
}

/** 64 hex digits: a transaction or hold id. Capitals are taken as well. */
export function parseId(text: string): string {
  const id = text.toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(id)) {
    throw new InvalidArgumentError(
      `expected an id of 64 hex digits, got ${JSON.stringify(text.slice(0, 80))} (${text.length} characters).`,
    )
  }
  return id
}

/** Collects an option that may be given several times, each value as it stands. */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

/** Collects an option that may be given several times, or once with commas. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').filter((part) => part !== '')]
}

/** The chain of a command that need not ask a node. */
export const genesisOption = (description: string): Option => new Option('--genesis <file>', description)

/** How long to wait for the end of a payment. */
export type WaitUntil = 'none' | 'accepted' | 'final'

export const waitOption = (): Option =>
  new Option('--wait <until>', 'what to wait for').choices(['none', 'accepted', 'final']).default('final')

const UNKNOWN_AFTER = 'give up waiting after this time (exit 4)'

/** `--timeout` with a default such as `30s`. */
export function timeoutOption(standard: string, description: string = UNKNOWN_AFTER): Option {
  return new Option('--timeout <time>', description)
    .argParser(parseDuration)
    .default(parseDuration(standard), standard)
}
