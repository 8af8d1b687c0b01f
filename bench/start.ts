/**
 * How long a network takes to start, beside what four bare libp2p processes need on the same machine in the same minutes:
 *
 *   npm run bench:start -- --rounds 5
 *
 * A round has the bare hosts until each is connected to the other three; `cordon devnet --json` in a new directory until
 * it says ready, without compiled code from before and then with it; the first payment after that (`wallet send`, its
 * `latencyMs`); and `Devnet.start()` of `cordon/devnet` in a process of its own. Run it from a build (`npm run build`) with nothing beside it.
 */
import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { freePorts } from '../devnet/ports.ts'
import { wholeNumber } from './arguments.ts'
import { BenchDevnet, CORDON } from './network/devnet.ts'
import { spreadOf } from './spread.ts'

const HOSTS = 4
const LIBRARY = `const { Devnet } = await import('cordon/devnet')
const startMs = performance.now()
await using devnet = await Devnet.start()
console.log(performance.now() - startMs)`

interface Round {
  readonly bareMs: number
  readonly firstReadyMs: number
  readonly readyMs: number
  readonly firstPaymentMs: number
  readonly libraryMs: number
}

const run = promisify(execFile)

async function bareHosts(): Promise<number> {
  const [firstPort] = await freePorts(HOSTS)
  const startMs = performance.now()
  const program = join(import.meta.dirname, 'bare-libp2p.ts')
  const hosts = Array.from({ length: HOSTS }, (_, index) =>
    fork(program, [String(index), String(HOSTS), String(firstPort)]),
  )
  await Promise.all(hosts.map((host) => once(host, 'message')))
  const tookMs = performance.now() - startMs
  await Promise.all(hosts.map(ended))
  return tookMs
}

async function ended(host: ChildProcess): Promise<void> {
  const exit = once(host, 'exit')
  host.send('end')
  await exit
}

/** @param cache folder of compiled code; undefined: that of the installation, which a start before has filled. */
async function devnet(cache?: string): Promise<Pick<Round, 'readyMs' | 'firstPaymentMs'>> {
  const startMs = performance.now()
  await using started = await BenchDevnet.start([], cache === undefined ? {} : { NODE_COMPILE_CACHE: cache })
  const readyMs = performance.now() - startMs
  const { dir } = started
  const payment = ['--from', 'alice', '--to', 'bob', '--amount', '1CRD', '--yes', '--json', '--dir', dir]
  const { stdout } = await run(CORDON, ['wallet', 'send', ...payment])
  const { data } = JSON.parse(stdout) as { data: { latencyMs: number } }
  return { readyMs, firstPaymentMs: data.latencyMs }
}

async function library(): Promise<number> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', LIBRARY], {
    cwd: join(import.meta.dirname, '..'),
  })
  return Number(stdout)
}

async function round(): Promise<Round> {
  const cache = mkdtempSync(join(tmpdir(), 'cordon-start-'))
  try {
    const bareMs = await bareHosts()
    const { readyMs: firstReadyMs } = await devnet(cache)
    return { bareMs, firstReadyMs, ...(await devnet()), libraryMs: await library() }
  } finally {
    rmSync(cache, { recursive: true, force: true })
  }
}

function shown(values: readonly number[]): string {
  const { median, least, most } = spreadOf(values)
  return `${median.toFixed()} (${least.toFixed()}–${most.toFixed()})`
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
  const rounds: Round[] = []
  for (let count = wholeNumber('rounds', values.rounds); count > 0; count--) {
    rounds.push(await round())
    process.stdout.write(`${JSON.stringify(rounds.at(-1))}\n`)
  }
  const rows: [what: string, of: (each: Round) => number][] = [
    ['four bare libp2p processes, ms', ({ bareMs }) => bareMs],
    ['cordon devnet ready on a first start, ms', ({ firstReadyMs }) => firstReadyMs],
    ['cordon devnet ready, ms', ({ readyMs }) => readyMs],
    ['in units of the bare ones, %', ({ readyMs, bareMs }) => (100 * readyMs) / bareMs],
    ['Devnet.start(), ms', ({ libraryMs }) => libraryMs],
    ['first payment, ms', ({ firstPaymentMs }) => firstPaymentMs],
  ]
  for (const [what, of] of rows) process.stdout.write(`${what}: ${shown(rounds.map(of))}\n`)
}

void main()
