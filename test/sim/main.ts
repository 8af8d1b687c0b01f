/**
 * Runs simulations.
 *
 *   npm run sim -- --seeds 10000 --start 1 --profile swarm    many; the options of those that fail are printed, shrunk
 *   npm run sim -- --seed 17 --profile swarm --trace          one, in every detail
 *
 * `--no-shrink` leaves failing runs as they are. The same seed gives the same run. With `--json` the last line is one object; exit code 1 if anything failed.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { describe } from './options.ts'
import { shrink } from './shrink.ts'
import { PROFILES, simulate, type Outcome, type Profile } from './simulate.ts'
import { sweep } from './sweep.ts'

const PROGRESS_MS = 2_000
/** Failing runs that are shrunk; what is wrong shows in the first ones. */
const SHRUNK_FAILURES = 3

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    start: { type: 'string', default: '1' },
    seed: { type: 'string' },
    profile: { type: 'string', default: 'core' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: true },
  },
  allowNegative: true,
})

function wholeNumber(name: 'seeds' | 'start' | 'seed' | 'jobs', min: number): number {
  const number = Number(values[name])
  if (Number.isSafeInteger(number) && number >= min) return number
  throw new RangeError(`--${name} expects a whole number of at least ${min}, got ${String(values[name])}`)
}

function profileOf(name: string): Profile {
  if (Object.hasOwn(PROFILES, name)) return name as Profile
  throw new RangeError(`--profile expects ${Object.keys(PROFILES).join(' or ')}, got ${name}`)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

function report({ seed, failure }: Outcome): void {
  say(`seed ${seed} FAILED, ${failure?.kind ?? 'unknown'}: ${failure?.message ?? ''}`)
}

async function runOne(seed: number, profile: Profile): Promise<boolean> {
  const options = PROFILES[profile](seed)
  say(`seed ${seed} ${profile} ${describe(options)}`)
  const hooks = values.trace ? { trace: (line: string) => process.stdout.write(`${line}\n`) } : {}
  const outcome = await simulate(options, hooks)
  if (outcome.failure !== null) report(outcome)
  else
    say(
      `seed ${seed} ok ${JSON.stringify({ ...outcome.result, notes: Object.fromEntries(outcome.result?.notes ?? []) })}`,
    )
  return outcome.failure === null
}

async function runMany(first: number, count: number, profile: Profile): Promise<boolean> {
  const startMs = performance.now()
  let shownMs = startMs
  let failed = 0
  const result = await sweep({
    profile,
    first,
    count,
    jobs: wholeNumber('jobs', 1),
    onOutcome: (outcome, done) => {
      if (outcome.failure !== null) {
        failed++
        report(outcome)
      }
      if (performance.now() - shownMs < PROGRESS_MS) return
      shownMs = performance.now()
      const perSecond = (1_000 * done) / (shownMs - startMs)
      const left = Math.ceil((count - done) / perSecond)
      say(`${done} of ${count} runs, ${failed} failed, ${perSecond.toFixed(1)} per second, ${left} s left`)
    },
  })
  const failures = [...result.violations, ...result.stalls]
  for (const { seed, failure } of failures.slice(0, values.shrink ? SHRUNK_FAILURES : 0)) {
    if (failure === null) continue
    const { options, outcome } = await shrink(PROFILES[profile](seed), failure)
    say(`seed ${seed} shrunk: ${describe(options)}`)
    report(outcome)
  }
  const seconds = Math.round((performance.now() - startMs) / 1_000)
  const { seeds, auditHash, worstRecoveryMs } = result
  say(
    `${seeds} runs in ${seconds} s: ${failures.length === 0 ? 'no violation, no stall' : `${failures.length} failed: ${failures.map(({ seed }) => seed).join(' ')}`}`,
  )
  if (values.json) {
    const line = {
      seeds,
      violations: result.violations.length,
      stalls: result.stalls.length,
      auditHash,
      worstRecoveryMs,
      seconds,
    }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  }
  return failures.length === 0
}

const profile = profileOf(values.profile)
const good =
  values.seed === undefined
    ? await runMany(wholeNumber('start', 0), wholeNumber('seeds', 1), profile)
    : await runOne(wholeNumber('seed', 0), profile)
process.exitCode = good ? 0 : 1
