/** `cordon devnet`: start a network of validators on this machine, and bend it. */
import { resolve } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { CordonError } from '../../config/errors.ts'
import { ATTACK_PATTERNS, type AttackPattern } from '../../devnet/attacks/attack.ts'
import { DEFAULT_DEVNET_DIR } from '../../devnet/layout.ts'
import { explain } from '../explanation.ts'
import { askDevnet } from '../devnet-control.ts'
import { distance, table } from '../format.ts'
import { jsonOption, parseInteger } from '../options.ts'
import { note, type CommandResult } from '../output.ts'
import { action } from '../run.ts'
import type { DevnetStatus } from '../../devnet/ready.ts'
import { buildNetworkVerbs } from './devnet-network.ts'
import { buildStateVerbs } from './devnet-state.ts'
import type { StartOptions } from './devnet-start.ts'

interface CommonOptions {
  readonly dir?: string
  readonly json?: boolean
}

interface AttackCommandOptions extends CommonOptions {
  readonly seed?: string
}

const PATTERN_NAMES = `${ATTACK_PATTERNS.slice(0, -1).join(', ')} or ${ATTACK_PATTERNS.at(-1) ?? ''}`

export function build(command: Command): Command {
  // Options after a subcommand's name are the subcommand's.
  command.enablePositionalOptions()
  buildStart(command)
  const verb = (name: string, description: string): Command =>
    command.command(name).description(description).addOption(dirOption()).addOption(jsonOption())
  const dirOf = (options: Pick<CommonOptions, 'dir'>): string => {
    const given =
      command.getOptionValueSource('dir') === 'cli' ? command.opts<CommonOptions>().dir : undefined
    return given ?? options.dir ?? DEFAULT_DEVNET_DIR
  }
  action<CommonOptions>(verb('status', 'nodes with process, height and peers'), (options) =>
    status(dirOf(options)),
  )
  action<CommonOptions>(verb('stop', 'stop all nodes; what they know stays'), (options) =>
    stop(dirOf(options)),
  )
  action<CommonOptions>(
    verb('reset', 'begin a new chain in a stopped devnet, with the same accounts'),
    (options) => reset(dirOf(options)),
  )
  action<CommonOptions, [string]>(
    verb('kill', 'end one node at once, as a crash would (SIGKILL)').argument('<name>', 'such as v1'),
    (options, name) => kill(dirOf(options), name),
  )
  action<CommonOptions, [string]>(
    verb('restart', 'stop one node if it runs, start it, and wait until it is ready').argument(
      '<name>',
      'such as v1',
    ),
    (options, name) => restart(dirOf(options), name),
  )
  buildNetworkVerbs({ verb, dirOf })
  buildStateVerbs({ verb, dirOf })
  action<AttackCommandOptions, [AttackPattern]>(
    verb('attack', 'play a labelled attack, and count what was held')
      .argument('<pattern>', PATTERN_NAMES, parsePattern)
      .addOption(
        new Option(
          '--seed <text>',
          'what its amounts and times follow from (default: the seed of the devnet and the number of the attack)',
        ),
      ),
    (options, pattern) => attack(dirOf(options), pattern, options.seed),
  )
  return command
}

function buildStart(command: Command): void {
  command
    .addOption(
      new Option('--validators <count>', 'validators v1, v2, … (default: 4)').argParser(parseInteger(1)),
    )
    .addOption(
      new Option('--full-nodes <count>', 'nodes f1, f2, … with no vote (default: 0)').argParser(
        parseInteger(0),
      ),
    )
    .addOption(dirOption())
    .addOption(
      new Option('--base-port <port>', 'first port to use (default: free ones)').argParser(parseInteger(1)),
    )
    .addOption(new Option('--seed <text>', 'origin of keys and traffic (default: cordon)'))
    .addOption(
      new Option('--param <name=value>', 'set a genesis parameter; may be given several times').argParser(
        collectParameter,
      ),
    )
    .addOption(
      new Option('--load-accounts <count>', 'accounts for cordon bench (default: 2000)').argParser(
        parseInteger(0),
      ),
    )
    .addOption(new Option('--demo', 'show payments of a town, with attacks now and then'))
    .addOption(new Option('--links', 'connect nodes by links that can be bent'))
    .addOption(new Option('--config-out <file>', 'write URLs, accounts and their keys to a file'))
    .addOption(new Option('--detach', 'leave it running once it is usable'))
    .addOption(new Option('--json', 'print one JSON object per line'))
  explain(command, {
    about: [],
    examples: ['cordon devnet --demo', 'cordon devnet --validators 7 --detach --json'],
  })
  action<StartOptions>(command, async (options) => (await import('./devnet-start.ts')).start(options))
}

function dirOption(): Option {
  return new Option('--dir <directory>', `where it is (default: ${DEFAULT_DEVNET_DIR})`)
}

function collectParameter(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const parts = text.split(',').map((part) => /^([A-Za-z]+)=(.+)$/.exec(part))
  const entries = parts.map((match) => {
    if (match?.[1] === undefined || match[2] === undefined)
      throw new InvalidArgumentError(
        `expected NAME=VALUE such as quarantineMs=3000, got ${JSON.stringify(text)}.`,
      )
    return [match[1], match[2]] as const
  })
  return { ...before, ...Object.fromEntries(entries) }
}

function parsePattern(text: string): AttackPattern {
  const pattern = ATTACK_PATTERNS.find((known) => known === text)
  if (pattern === undefined)
    throw new InvalidArgumentError(`expected ${PATTERN_NAMES}, got ${JSON.stringify(text)}.`)
  return pattern
}

async function status(dir: string): Promise<CommandResult> {
  const { devnetStatus } = await import('../../devnet/ready.ts')
  const data = await devnetStatus(dir)
  return { data, text: statusText(data) }
}

function statusText({ dir, running, supervisor, startedMs, nodes }: DevnetStatus): string {
  const head = running
    ? `devnet in ${dir}: runs since ${distance(startedMs ?? 0, Date.now())}, supervisor pid ${supervisor ?? '-'}`
    : `devnet in ${dir}: does not run; start it with: cordon devnet --dir ${dir}`
  const rows = nodes.map(({ name, pid, ready, height, peers, rpc }) => [
    name,
    pid === null ? 'stopped' : ready ? 'ready' : 'not ready',
    pid === null ? '-' : String(pid),
    height === null ? '-' : String(height),
    peers === null ? '-' : String(peers),
    rpc,
  ])
  const links = nodes.flatMap(({ name, validator, review }) =>
    validator && review !== null ? [`  ${name}  ${review}`] : [],
  )
  const reviewing =
    links.length === 0
      ? ''
      : `\n\nReview held payments as each operator (the links are signed in):\n${links.join('\n')}`
  return `${head}\n\n${table([{ title: 'NODE' }, { title: 'STATE' }, { title: 'PID', align: 'right' }, { title: 'HEIGHT', align: 'right' }, { title: 'PEERS', align: 'right' }, { title: 'RPC' }], rows)}${reviewing}`
}

async function stop(dir: string): Promise<CommandResult> {
  const { stopDevnet } = await import('../../devnet/supervisor.ts')
  const stopped = await stopDevnet(dir)
  return {
    data: { dir: resolve(dir), stopped },
    text: stopped ? `stopped the devnet in ${dir}` : `the devnet in ${dir} did not run`,
  }
}

async function reset(dir: string): Promise<CommandResult> {
  const { resetDevnet } = await import('../../devnet/create.ts')
  const data = resetDevnet(dir)
  const text = [
    `The chain ${data.oldGenesisHash.slice(0, 16)} of ${dir} is gone; the next start begins chain ${data.genesisHash.slice(0, 16)} at height 0.`,
    'Accounts, keys and ports are the same. Signing state of the old chain is kept, not deleted, in',
    `  ${data.kept}`,
  ].join('\n')
  return { data: { dir: resolve(dir), ...data }, text }
}

async function kill(dir: string, name: string): Promise<CommandResult> {
  const data = (await askDevnet(dir, { op: 'kill', name })) as {
    readonly name: string
    readonly pid: number | null
  }
  return {
    data,
    text:
      data.pid === null
        ? `${name} did not run`
        : `killed ${name} (pid ${data.pid}); start it again with: cordon devnet restart ${name} --dir ${dir}`,
  }
}

async function restart(dir: string, name: string): Promise<CommandResult> {
  const data = (await askDevnet(dir, { op: 'restart', name })) as {
    readonly name: string
    readonly pid: number
    readonly ready: boolean
  }
  if (!data.ready)
    note(
      `${name} answers but cannot be ready: too few validators run to make blocks; see cordon devnet status --dir ${dir}`,
    )
  return { data, text: data.ready ? `${name} is ready (pid ${data.pid})` : `${name} runs (pid ${data.pid})` }
}

async function attack(dir: string, pattern: AttackPattern, seed: string | undefined): Promise<CommandResult> {
  const { connectValidators } = await import('../../devnet/clients.ts')
  const { playAttack } = await import('../../devnet/attacks/play.ts')
  const clients = await connectValidators(dir).catch((error: unknown) => {
    throw error instanceof CordonError && error.code === 'cannot-connect'
      ? new CordonError('devnet-missing', error.message)
      : error
  })
  try {
    const data = await playAttack({ dir, pattern, clients, ...(seed !== undefined && { seed }) })
    const text = `${pattern}: ${data.fraudulent} fraudulent payments, ${data.held} held, ${data.settled} settled, ${data.failed} failed${data.unsent === 0 ? '' : `, ${data.unsent} not sent for lack of money`}\nsee the holds with: cordon quarantine list --dir ${dir}`
    return { data, text }
  } finally {
    for (const client of clients) client.close()
  }
}
