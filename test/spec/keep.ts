/** Writes the traces that every test run replays: `npm run spec:traces`. To be run when the model has changed. */
import { writeFileSync } from 'node:fs'
import { INSTANCES } from './instances.ts'
import { KEPT_TRACES } from './kept.ts'
import { ORDERING, simulate } from './quint.ts'

const TRACES_PER_INSTANCE = 10
const STEPS = 40
const SEED = 7

const lines: string[] = []
for (const instance of Object.keys(INSTANCES)) {
  const size = { traces: TRACES_PER_INSTANCE, keep: TRACES_PER_INSTANCE, steps: STEPS, seed: SEED }
  const { violation, kept } = await simulate({ model: ORDERING, instance, invariant: 'safe', ...size })
  if (violation !== null) throw new Error(violation)
  lines.push(...kept.map((trace) => JSON.stringify(trace)))
}
writeFileSync(KEPT_TRACES, `${lines.join('\n')}\n`)
process.stdout.write(`${lines.length} traces, ${STEPS} steps each\n`)
