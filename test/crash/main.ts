/**
 * `npm run crash -- --rounds N [--points a,b] [--minutes M] [--seed S] [--rate R] [--built] [--keep] [--json]`: kills
 * real validators at every named durable boundary, N times each. Exit 1 if a validator signed two things, anything was
 * lost or forked, a node did not come back by itself, or a point was not reached. SIGTERM ends it after the round that is
 * played, with its result.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BUILT_NODE } from '../chaos/built-node.ts'
import { FAIL_POINT_NAMES, type FailPoint } from '../../node/fail-points.ts'
import { runCrashes } from './run.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    points: { type: 'string', default: FAIL_POINT_NAMES.join(',') },
    minutes: { type: 'string', default: '1440' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '40' },
    built: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

function refuse(text: string): never {
  process.stderr.write(`crash: ${text}\n`)
  process.exit(2)
}

function numberOf(name: 'rounds' | 'minutes' | 'rate'): number {
  const value = Number(values[name])
  if (Number.isFinite(value) && value > 0) return value
  return refuse(`--${name}: expected a number above 0, got ${JSON.stringify(values[name])}`)
}

function isPoint(name: string): name is FailPoint {
  return (FAIL_POINT_NAMES as readonly string[]).includes(name)
}

const points = values.points.split(',').map((name) => {
  if (isPoint(name)) return name
  return refuse(`--points: expected some of ${FAIL_POINT_NAMES.join(',')}, got ${JSON.stringify(name)}`)
})
const [rounds, minutes, rate] = [numberOf('rounds'), numberOf('minutes'), numberOf('rate')]
const startMs = performance.now()
const say = (text: string): boolean =>
  process.stderr.write(`${((performance.now() - startMs) / 1000).toFixed(1).padStart(8)} s  ${text}\n`)
const parent = mkdtempSync(join(tmpdir(), 'cordon-crash-'))
const dir = join(parent, 'devnet')
say(
  `seed ${values.seed}, ${rounds} rounds of ${points.length} points, ${rate} payments per second, in ${dir}`,
)
const stop = new AbortController()
process.once('SIGTERM', () => {
  say('told to stop: this round is the last one')
  stop.abort()
})
const { findings, ...result } = await runCrashes({
  dir,
  points,
  rounds,
  forMs: minutes * 60_000,
  seed: values.seed,
  ratePerSecond: rate,
  signal: stop.signal,
  onProgress: say,
  ...(values.built && { entry: BUILT_NODE }),
})
for (const finding of findings) say(`FOUND: ${finding}`)
const { doubleSigns, lost, forks, repairs } = result
const passed = findings.length + doubleSigns + lost + forks + repairs === 0
if (passed && !values.keep) rmSync(parent, { recursive: true, force: true })
else say(`kept: ${dir}`)
process.stdout.write(`${JSON.stringify(result, null, values.json ? 0 : 2)}\n`)
process.exit(passed ? 0 : 1)
