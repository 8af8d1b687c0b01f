/**
 * Runs simulations: `npm run sim -- --seeds N --start S`, or one of them with `--seed X`, with `--trace` in every
 * detail. A failing seed is printed with all that was drawn for it; the same seed gives the same run.
 */
import { parseArgs } from 'node:util'
import { describe, drawOptions } from './options.ts'
import { World } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    start: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
  },
})

async function simulate(seed: number): Promise<boolean> {
  const options = drawOptions(seed)
  if (!values.quiet) console.log(`seed ${seed} ${describe(options)}`)
  const world = await World.create(
    options,
    values.trace
      ? {
          trace: (line) => {
            console.log(line)
          },
        }
      : {},
  )
  const startedMs = performance.now()
  try {
    const result = await world.run()
    const { notes, ...numbers } = result
    const took = `${Math.round(performance.now() - startedMs)} ms`
    if (!values.quiet)
      console.log(
        `seed ${seed} ok in ${took} ${JSON.stringify({ ...numbers, notes: Object.fromEntries(notes) })}`,
      )
    return true
  } catch (error) {
    if (values.quiet) console.log(`seed ${seed} ${describe(options)}`)
    console.log(
      `seed ${seed} FAILED at ${world.scheduler.nowMs.toFixed(2)} ms: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
    return false
  }
}

const first = Number(values.seed ?? values.start)
const count = values.seed === undefined ? Number(values.seeds) : 1
const failed: number[] = []
for (let done = 0; done < count; done++) {
  if (!(await simulate(first + done))) failed.push(first + done)
  if (values.quiet && (done + 1) % 50 === 0) console.log(`${done + 1} of ${count} runs`)
}
console.log(
  failed.length === 0
    ? `${count} runs, no violation`
    : `${failed.length} of ${count} runs failed: seeds ${failed.join(' ')}`,
)
process.exitCode = failed.length === 0 ? 0 : 1
