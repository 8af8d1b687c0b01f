/** `cordon devnet pause|resume|partition|delay|loss|heal`: faults that a real network has, for a devnet that runs. */
import { InvalidArgumentError, Option } from 'commander'
import type { ControlRequest, NodeRequest } from '../../devnet/control.ts'
import type { LinkState } from '../../devnet/links/conditions.ts'
import { askDevnet, type DevnetDirOptions, type DevnetVerbs } from '../devnet-control.ts'
import { table } from '../format.ts'
import type { CommandResult } from '../output.ts'
import { action } from '../run.ts'

interface PartitionOptions extends DevnetDirOptions {
  readonly oneWay?: boolean
}

interface DelayOptions extends DevnetDirOptions {
  readonly jitter?: number
  readonly node?: readonly string[]
}

interface LossOptions extends DevnetDirOptions {
  readonly node?: readonly string[]
}

export function buildNetworkVerbs({ verb, dirOf }: DevnetVerbs): void {
  action<DevnetDirOptions, [string]>(
    verb('pause', 'stop the process of one node without ending it (SIGSTOP)').argument(
      '<name>',
      'such as v1',
    ),
    (options, name) => signal(dirOf(options), { op: 'pause', name }),
  )
  action<DevnetDirOptions, [string]>(
    verb('resume', 'let a paused node go on (SIGCONT)').argument('<name>', 'such as v1'),
    (options, name) => signal(dirOf(options), { op: 'resume', name }),
  )
  action<PartitionOptions, [string[]]>(
    verb('partition', 'cut nodes off from all others (needs --links)')
      .argument('<names...>', 'the nodes on one side, such as v1 v2')
      .option('--one-way', 'cut off only what these nodes send'),
    (options, names) => bend(dirOf(options), { op: 'partition', names, oneWay: options.oneWay === true }),
  )
  action<DelayOptions, [number]>(
    verb('delay', 'delay what nodes send and receive; 0 ends it (needs --links)')
      .argument('<ms>', 'one way, such as 50', parseNumber)
      .addOption(new Option('--jitter <ms>', 'vary it by so much up and down').argParser(parseNumber))
      .option('--node <names...>', 'only these nodes (default: all)'),
    (options, delayMs) =>
      bend(dirOf(options), {
        op: 'delay',
        delayMs,
        jitterMs: options.jitter ?? 0,
        names: options.node ?? [],
      }),
  )
  action<LossOptions, [number]>(
    verb('loss', 'lose packets of what nodes send and receive; 0 ends it (needs --links)')
      .argument('<percent>', 'such as 5', parseNumber)
      .option('--node <names...>', 'only these nodes (default: all)'),
    (options, lossPercent) => bend(dirOf(options), { op: 'loss', lossPercent, names: options.node ?? [] }),
  )
  action<DevnetDirOptions>(verb('heal', 'end all partitions, delays and losses'), (options) =>
    bend(dirOf(options), { op: 'heal' }),
  )
}

function parseNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError(`expected a number from 0 on, got ${JSON.stringify(text)}.`)
  return value
}

async function signal(dir: string, request: NodeRequest): Promise<CommandResult> {
  const data = (await askDevnet(dir, request)) as { readonly name: string; readonly pid: number | null }
  const { name, pid } = data
  if (pid === null)
    return { data, text: `${name} does not run; start it with: cordon devnet restart ${name} --dir ${dir}` }
  const text =
    request.op === 'pause'
      ? `paused ${name} (pid ${pid}); let it go on with: cordon devnet resume ${name} --dir ${dir}`
      : `${name} goes on (pid ${pid})`
  return { data, text }
}

async function bend(dir: string, request: ControlRequest): Promise<CommandResult> {
  const links = (await askDevnet(dir, request)) as readonly LinkState[]
  const data = {
    links: links.map(({ from, to, condition: { isCut, delayMs, jitterMs, lossShare } }) => ({
      from,
      to,
      cut: isCut,
      delayMs,
      jitterMs,
      lossPercent: lossShare * 100,
    })),
  }
  if (data.links.length === 0) return { data, text: 'every node reaches every other one at once' }
  const rows = data.links.map(({ from, to, cut, delayMs, jitterMs, lossPercent }) => [
    from,
    to,
    cut ? 'cut' : 'open',
    jitterMs === 0 ? `${delayMs} ms` : `${delayMs} ± ${jitterMs} ms`,
    `${lossPercent} %`,
  ])
  const columns = ['FROM', 'TO', 'STATE', 'DELAY', 'LOSS'].map((title) => ({ title }))
  return { data, text: `${table(columns, rows)}\nend it with: cordon devnet heal --dir ${dir}` }
}
