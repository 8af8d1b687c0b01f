/**
 * What a network of validators does on this machine, beside what is asked of it:
 *
 *   npm run bench -- --quick
 *   npm run bench -- --repeat 3 --only payments --only payouts --json out.json
 *   npm run bench -- --quick --repeat 3 --only payments --against ../before/bin/cordon
 *   npm run bench -- --quick --plot throughput.svg
 *   npm run bench -- --quick --repeat 3 --check
 *
 * Load is signed beforehand, sent through the real RPC from this process at its intended times (open loop), and judged from
 * those times. Every repetition has networks of its own. Run it from a build (`npm run build`) with nothing beside it.
 * `--against` measures another build in turn with this one. `--check` exits with status 1 if a ratio is more than 15 %
 * worse than in `baselines.json`, which `--write-baselines` writes.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { MAX_LOAD_ACCOUNTS } from '../../devnet/accounts.ts'
import { refuse, wholeNumber } from '../arguments.ts'
import { CORDON } from './devnet.ts'
import { verifyLimit } from './limit.ts'
import type { Values } from './measures.ts'
import { readBaselines, ratiosOf, regressions, writeBaselines, type Baselines } from './ratios.ts'
import { comparisonOf, reportOf, summary, type Sample } from './report.ts'
import type { Effort } from './runs.ts'
import { CHECKED, QUICK_ONES, SCENARIOS } from './scenarios.ts'
import { sweep, sweepSvg } from './sweep.ts'

const VALIDATORS = 4
type Size = Omit<Effort, 'program'>
const QUICK: Size = {
  ...{ accounts: 2_000, fewAccounts: 1_000, manyAccounts: 100_000 },
  ...{ idleS: 5, loadS: 6, overloadS: 10, awayPayments: 20_000 },
}
const FULL: Size = {
  ...{ accounts: 100_000, fewAccounts: 1_000, manyAccounts: MAX_LOAD_ACCOUNTS },
  ...{ idleS: 20, loadS: 20, overloadS: 60, awayPayments: 100_000 },
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true },
      json: { type: 'string' },
      plot: { type: 'string' },
      against: { type: 'string' },
      check: { type: 'boolean', default: false },
      'write-baselines': { type: 'boolean', default: false },
    },
  })
  const size = values.quick ? QUICK : FULL
  if (values.plot !== undefined) {
    await plot(values.plot, { ...size, program: CORDON })
    return
  }
  const all = Object.keys(SCENARIOS)
  const usual = values.check || values['write-baselines'] ? CHECKED : values.quick ? QUICK_ONES : all
  const names = values.only ?? usual
  const unknown = names.find((name) => SCENARIOS[name] === undefined)
  if (unknown !== undefined) refuse(`--only: expected ${all.join(', ')}, got ${JSON.stringify(unknown)}`)
  const programs = [CORDON, ...(values.against === undefined ? [] : [values.against])]
  const [own = [], other] = await measure(programs, names, wholeNumber('repeat', values.repeat), size)
  const rows = summary(own)
  process.stdout.write(`${other === undefined ? reportOf(rows) : comparisonOf(rows, summary(other))}\n`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`)
  const ratios = ratiosOf(rows)
  const sizeName = values.quick ? 'quick' : 'full'
  if (values['write-baselines']) writeBaselines(sizeName, ratios)
  if (values.check) check(sizeName, ratios)
}

/** @returns the samples of each program, which take turns. */
async function measure(
  programs: readonly string[],
  names: readonly string[],
  repetitions: number,
  size: Size,
): Promise<readonly (readonly Sample[])[]> {
  const samples = programs.map((): Sample[] => [])
  for (let count = 0; count < repetitions; count++) {
    for (const [index, program] of programs.entries()) {
      const seen: Record<string, number> = { verifyLimitPerSecond: await verifyLimit(VALIDATORS) }
      for (const name of names) {
        const found = await SCENARIOS[name]?.({ ...size, program }).catch(failure)
        process.stderr.write(`${program === CORDON ? '' : `${program} `}${name}: ${JSON.stringify(found)}\n`)
        Object.assign(seen, found)
      }
      samples[index]?.push(...Object.entries(withShare(seen)).map(([key, value]) => ({ key, value })))
    }
  }
  return samples
}

/** What one scenario did not get done leaves the others. */
function failure(error: unknown): Values {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
  return {}
}

function withShare(seen: Values): Values {
  const { settledPerSecond, verifyLimitPerSecond = NaN } = seen
  if (settledPerSecond === undefined) return seen
  return { ...seen, shareOfVerifyLimit: (100 * settledPerSecond) / verifyLimitPerSecond }
}

async function plot(file: string, effort: Effort): Promise<void> {
  const points = await sweep(effort)
  for (const point of points) process.stdout.write(`${JSON.stringify(point)}\n`)
  writeFileSync(file, sweepSvg(points, 'Four validators on two cores: throughput and finality'))
}

function check(size: keyof Baselines, ratios: Values): void {
  const worse = regressions(ratios, readBaselines()[size])
  for (const line of worse) process.stderr.write(`${line}\n`)
  if (worse.length > 0) process.exitCode = 1
}

void main()
