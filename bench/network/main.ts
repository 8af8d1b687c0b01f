/**
 * What a network of four validators does on this machine, beside what is asked of it:
 *
 *   npm run bench -- --quick
 *   npm run bench -- --repeat 3 --only payments --only payouts --json out.json
 *
 * Load is signed beforehand, sent through the real RPC from this process at its intended times (open loop), and judged from
 * those times. Every repetition has a network of its own. Run it from a build (`npm run build`) with nothing beside it.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { refuse, wholeNumber } from '../arguments.ts'
import { reportOf, summary, type Sample } from './report.ts'
import { SCENARIOS, type Effort } from './scenarios.ts'

const QUICK: Effort = { accounts: 2_000, idleS: 5, loadS: 6, overloadS: 10, awayPayments: 20_000 }
const FULL: Effort = { accounts: 100_000, idleS: 20, loadS: 20, overloadS: 60, awayPayments: 100_000 }

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true, default: Object.keys(SCENARIOS) },
      json: { type: 'string' },
    },
  })
  const effort = values.quick ? QUICK : FULL
  const samples: Sample[] = []
  for (let count = wholeNumber('repeat', values.repeat); count > 0; count--) {
    for (const name of values.only) {
      const scenario = SCENARIOS[name]
      if (scenario === undefined)
        refuse(`--only: expected ${Object.keys(SCENARIOS).join(', ')}, got ${JSON.stringify(name)}`)
      const seen = await scenario(effort)
      samples.push(...Object.entries(seen).map(([key, value]) => ({ key, value })))
      process.stderr.write(`${name}: ${JSON.stringify(seen)}\n`)
    }
  }
  const rows = summary(samples)
  process.stdout.write(`${reportOf(rows)}\n`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`)
}

void main()
