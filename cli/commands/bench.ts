/** `cordon bench`: pre-signed load against a running devnet, over real RPC, in an open loop. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { CordonError } from '../../config/errors.ts'
import { DEFAULT_DEVNET_DIR } from '../../devnet/layout.ts'
import { allAccountedFor, runLoad, type LoadResult } from '../../devnet/load/run.ts'
import { facts, table } from '../format.ts'
import { jsonOption, parseInteger } from '../options.ts'
import { note, type CommandResult } from '../output.ts'
import { action } from '../run.ts'

interface BenchOptions {
  readonly dir?: string
  readonly rate: number
  readonly duration: number
  readonly loadAccounts?: number
  readonly json?: boolean
}

export function build(command: Command): Command {
  command
    .addOption(new Option('--dir <directory>', `directory of the devnet (default: ${DEFAULT_DEVNET_DIR})`))
    .addOption(new Option('--rate <count>', 'payments per second').argParser(parseRate).makeOptionMandatory())
    .addOption(new Option('--duration <seconds>', 'for how long').argParser(parseRate).makeOptionMandatory())
    .addOption(
      new Option(
        '--load-accounts <count>',
        'how many of the load accounts of the devnet take part (default: all)',
      ).argParser(parseInteger(1)),
    )
    .addOption(jsonOption())
  return action<BenchOptions>(command, bench)
}

/** A bare number above 0. */
function parseRate(text: string): number {
  const value = /^\d{1,9}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (!(value > 0)) throw new InvalidArgumentError(`expected a number above 0, got ${JSON.stringify(text)}.`)
  return value
}

async function bench({ dir, rate, duration, loadAccounts }: BenchOptions): Promise<CommandResult> {
  const result = await runLoad({
    dir: dir ?? DEFAULT_DEVNET_DIR,
    ratePerSecond: rate,
    durationS: duration,
    ...(loadAccounts !== undefined && { accounts: loadAccounts }),
    onProgress: note,
  })
  const shown = { data: result, text: benchText(result) }
  if (allAccountedFor(result)) return shown
  const { accepted, settled, held, failed, expired } = result
  const missing = accepted - settled - held - failed - expired
  return {
    ...shown,
    error: new CordonError('outcome-unknown', `the end of ${missing} accepted payments is not known yet`, {
      missing,
    }),
  }
}

function benchText(result: LoadResult): string {
  const { latencyMs, refusals } = result
  const ms = (value: number | null): string => (value === null ? '-' : `${value.toFixed(1)} ms`)
  const why = Object.entries(refusals).map(([code, count]) => `${count} ${code}`)
  const counts = facts([
    ['offered', String(result.offered)],
    ['accepted', String(result.accepted)],
    ['refused', [String(result.refused), ...(why.length === 0 ? [] : [`(${why.join(', ')})`])].join(' ')],
    ['settled', String(result.settled)],
    ['held', String(result.held)],
    ['failed', String(result.failed)],
    ['expired', String(result.expired)],
    ['settled per second', String(result.settledPerSecond)],
    ['latency p50 / p95 / p99', `${ms(latencyMs.p50)} / ${ms(latencyMs.p95)} / ${ms(latencyMs.p99)}`],
  ])
  const nodes = table(
    [{ title: 'NODE' }, { title: 'CPU', align: 'right' }, { title: 'MEMORY', align: 'right' }],
    result.nodes.map(({ name, cpuMs, rssBytes }) => [
      name,
      cpuMs === null ? '-' : `${(cpuMs / 1000).toFixed(2)} s`,
      rssBytes === null ? '-' : `${(rssBytes / 1024 / 1024).toFixed(0)} MiB`,
    ]),
  )
  return `${counts}\n\n${nodes}`
}
