/**
 * The long run of the executable specification: `npm run spec:long -- [--traces N] [--replay N] [--seed N] [--steps N]`.
 * N random traces of the ordering model under all invariants, half of them per instance; some of each lot are replayed on
 * the engine; then every broken rule must be found. Exit code 1 if anything does not hold.
 */
import { availableParallelism } from 'node:os'
import { inspect, parseArgs } from 'node:util'
import { BROKEN_RULES, isFound } from './broken-rules.ts'
import { INSTANCES } from './instances.ts'
import { ORDERING, simulate } from './quint.ts'
import { replay } from './replay.ts'

/** Traces of one call of Quint, which reads the model anew each time and keeps every trace that is asked for. */
const LOT_TRACES = 250
/** Within so many traces a broken rule must be found. */
const BROKEN_RULE_TRACES = 300

const { values } = parseArgs({
  options: {
    traces: { type: 'string', default: '10000' },
    replay: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: '40' },
  },
})
const [traces, replays, seed, steps] = [values.traces, values.replay, values.seed, values.steps].map(
  Number,
) as [number, number, number, number]

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

interface Count {
  traces: number
  replayed: number
  failures: number
}

async function runLot(instance: string, lot: number, lots: number, count: Count): Promise<void> {
  const keep = Math.ceil(replays / lots)
  const options = { model: ORDERING, instance, invariant: 'safe', steps, seed: seed + lot, keep }
  const size = Math.min(LOT_TRACES, Math.ceil(traces / Object.keys(INSTANCES).length))
  const { violation, kept } = await simulate({ ...options, traces: size })
  if (violation !== null) {
    count.failures++
    say(violation)
    return
  }
  count.traces += size
  for (const trace of kept) {
    try {
      await replay(trace)
      count.replayed++
    } catch (error) {
      count.failures++
      say(`${instance}, seed ${options.seed}: ${inspect(error)}`)
    }
  }
}

/** As many at a time as there are processors: Quint is a process of one thread. */
async function runAll(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const open = tasks.values()
  const work = async (): Promise<void> => {
    for (const task of open) await task()
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
}

async function main(): Promise<number> {
  const startMs = performance.now()
  const seconds = (): number => Math.round((performance.now() - startMs) / 1_000)
  const count: Count = { traces: 0, replayed: 0, failures: 0 }
  const names = Object.keys(INSTANCES)
  const perInstance = Math.max(1, Math.ceil(traces / names.length / LOT_TRACES))
  const lots = Array.from({ length: perInstance }, (_, lot) => names.map((instance) => ({ instance, lot })))
  const tasks = lots.flat().map(({ instance, lot }) => async (): Promise<void> => {
    await runLot(instance, lot, perInstance * names.length, count)
    say(
      `${instance} ${lot}: ${count.traces} traces hold, ${count.replayed} replayed, ${count.failures} failures, ${seconds()} s`,
    )
  })
  await runAll(tasks)
  const hunts = BROKEN_RULES.map((rule) => async (): Promise<void> => {
    const found = await isFound(rule, BROKEN_RULE_TRACES, seed)
    if (!found) count.failures++
    say(`${found ? 'found' : 'NOT FOUND'}: ${rule.name}`)
  })
  await runAll(hunts)
  say(`${count.traces} traces, ${count.replayed} replayed, ${count.failures} failures, ${seconds()} s`)
  return count.failures === 0 ? 0 : 1
}

process.exitCode = await main()
