/**
 * Where the validators of a devnet spend their processor time under a load, by thread, part of the project and module.
 *
 *   npm run bench:profile -- [--rate 2700] [--seconds 10] [--transfers 1] [--accounts 2000]
 *
 * Every thread that runs JavaScript is sampled once a millisecond. What Node or V8 does for a function counts for the
 * module of that function. Times are µs per payment and validator. Linux only.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { readDevnetFile } from '../devnet/layout.ts'
import { threadCpuMs } from '../devnet/processes.ts'
import { wholeNumber } from './arguments.ts'
import { BenchDevnet } from './network/devnet.ts'

const ROOT = join(import.meta.dirname, '..')
const WARM_UP_S = 8
const WARM_UP_PER_SECOND = 1_500
/** Longest table. */
const ROWS = 60

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '2700' },
    seconds: { type: 'string', default: '10' },
    transfers: { type: 'string', default: '1' },
    accounts: { type: 'string', default: '2000' },
  },
})
const rate = wholeNumber('rate', values.rate)
const seconds = wholeNumber('seconds', values.seconds)
const transfers = wholeNumber('transfers', values.transfers)

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly children?: readonly number[]
  }[]
  /** Microseconds of the machine's monotonic clock. */
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Names of the modules of a bundle, by the line where each begins; esbuild writes them there. */
class BundleLines {
  readonly #starts: { readonly line: number; readonly module: string }[] = []

  constructor(file: string) {
    for (const [line, text] of readFileSync(file, 'utf8').split('\n').entries()) {
      const match = /^(?: {2})?\/\/ (\S+\.[cm]?[jt]s)$/.exec(text)
      if (match?.[1] !== undefined) this.#starts.push({ line, module: match[1] })
    }
  }

  moduleAt(line: number): string {
    return this.#starts.findLast((start) => start.line <= line)?.module ?? 'bundle'
  }
}

const bundles = new Map<string, BundleLines>()

function moduleOf(url: string, line: number): string | null {
  if (url === '' || url.startsWith('node:')) return null
  const file = url.replace('file://', '')
  if (!file.endsWith('.cjs') || !file.includes('/dist/')) return file.replace(`${ROOT}/`, '')
  let bundle = bundles.get(file)
  if (bundle === undefined) bundles.set(file, (bundle = new BundleLines(file)))
  return bundle.moduleAt(line)
}

function partOf(module: string): string {
  const inPackage = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module)
  if (inPackage?.[1] !== undefined) return inPackage[1]
  return module.includes('/') ? module.slice(0, module.lastIndexOf('/')) : module
}

const IDLE = '(idle)'
const SPECIAL = new Set([IDLE, '(program)', '(garbage collector)', '(root)'])

/** Microseconds by name. */
interface Sums {
  readonly modules: Map<string, number>
  readonly functions: Map<string, number>
}

/** Adds the samples between two times to `sums`. */
function addUp(profile: CpuProfile, fromUs: number, toUs: number, { modules, functions }: Sums): void {
  const parents = new Map<number, number>()
  for (const { id, children = [] } of profile.nodes) for (const child of children) parents.set(child, id)
  const named = new Map<number, { readonly module: string; readonly path: string }>()
  // Parents come before their children.
  for (const { id, callFrame } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame
    const parent = named.get(parents.get(id) ?? -1)
    const own = SPECIAL.has(functionName) ? functionName : moduleOf(url, lineNumber)
    const module = own ?? parent?.module ?? 'node itself'
    named.set(id, {
      module,
      path: own === null ? `${parent?.path ?? ''} > ${functionName}` : `${module} ${functionName}`,
    })
  }
  let at = profile.startTime
  for (const [index, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[index] ?? 0
    at += us
    const { module = IDLE, path = IDLE } = named.get(id) ?? {}
    if (at < fromUs || at > toUs || module === IDLE) continue
    modules.set(module, (modules.get(module) ?? 0) + us)
    functions.set(path, (functions.get(path) ?? 0) + us)
  }
}

/** Processor time by name of thread, over some processes. */
function threadTimesMs(pids: readonly number[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const pid of pids)
    for (const [name, ms] of threadCpuMs(pid)) times.set(name, (times.get(name) ?? 0) + ms)
  return times
}

const monotonicUs = (): number => Number(process.hrtime.bigint() / 1_000n)
const sorted = (sums: ReadonlyMap<string, number>): [string, number][] =>
  [...sums].sort(([, a], [, b]) => b - a)

interface Loaded {
  readonly pids: readonly number[]
  readonly payments: number
  readonly fromUs: number
  readonly toUs: number
}

/** Loads a devnet whose nodes write profiles into `directory` when they end. */
async function load(directory: string): Promise<Loaded> {
  await using devnet = await BenchDevnet.start(['--load-accounts', values.accounts], {
    NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${directory}`,
  })
  const pids = readDevnetFile(devnet.dir).nodes.flatMap(({ pid }) => pid ?? [])
  await devnet.load(WARM_UP_PER_SECOND, WARM_UP_S)
  const prepared = await devnet.prepare(rate, seconds, { transfers })
  const before = threadTimesMs(pids)
  const fromUs = monotonicUs()
  const { settled, held, settledPerSecond, latencyMs } = await prepared.play()
  const toUs = monotonicUs()
  const payments = settled + held
  process.stdout.write(
    `${settledPerSecond} settled a second, p50 ${latencyMs.p50} ms, ${held} held; ${payments} payments of ${transfers} transfers\n\nthreads, µs of processor time\n`,
  )
  for (const [name, ms] of sorted(threadTimesMs(pids))) {
    const spent = ms - (before.get(name) ?? 0)
    if (spent > 0) process.stdout.write(row([name, 1_000 * spent], payments * pids.length))
  }
  return { pids, payments, fromUs, toUs }
}

function row([name, us]: readonly [string, number], units: number, totalUs?: number): string {
  const share = totalUs === undefined ? '' : `${((100 * us) / totalUs).toFixed(1).padStart(6)} %`
  return `${(us / units).toFixed(2).padStart(8)}${share}  ${name}\n`
}

function show(title: string, sums: ReadonlyMap<string, number>, units: number): void {
  const total = [...sums.values()].reduce((sum, us) => sum + us, 0)
  process.stdout.write(`\n${title}: ${(total / units).toFixed(1)} µs\n`)
  for (const entry of sorted(sums).slice(0, ROWS)) process.stdout.write(row(entry, units, total))
}

/** Modules and functions of each thread. A thread's time is that in which it had something to do, on a core or waiting for one. */
function report(directory: string, { pids, payments, fromUs, toUs }: Loaded): void {
  const threads = new Map<string, Sums>()
  for (const file of readdirSync(directory)) {
    const [, , , pid = '', tid = ''] = basename(file).split('.')
    if (!pids.includes(Number(pid))) continue
    const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile
    const worker = profile.nodes.map(({ callFrame }) => /dist\/(\S+-worker)/.exec(callFrame.url)?.[1])
    const thread = tid === '0' ? 'main' : (worker.find(Boolean) ?? 'other')
    const sums = threads.get(thread) ?? { modules: new Map(), functions: new Map() }
    threads.set(thread, sums)
    addUp(profile, fromUs, toUs, sums)
  }
  const units = payments * pids.length
  for (const [thread, { modules, functions }] of threads) {
    const parts = new Map<string, number>()
    for (const [module, us] of modules) parts.set(partOf(module), (parts.get(partOf(module)) ?? 0) + us)
    show(`thread ${thread}, parts`, parts, units)
    show(`thread ${thread}, modules`, modules, units)
    show(`thread ${thread}, functions`, functions, units)
  }
}

const directory = mkdtempSync(join(tmpdir(), 'cordon-profile-'))
try {
  report(directory, await load(directory))
} finally {
  rmSync(directory, { recursive: true })
}
