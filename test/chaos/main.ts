/**
 * `npm run chaos -- --minutes M --seed S [--validators N] [--rate R] [--built] [--keep] [--json]`: real nodes, real
 * faults, real payments. Exit 1 if anything was lost, forked or did not recover.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BUILT_NODE } from './built-node.ts'
import { runChaos } from './run.ts'

/** "Recovery to finality within 5 s after the last fault heals." */
const RECOVERY_BAR_MS = 5_000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    validators: { type: 'string', default: '4' },
    rate: { type: 'string', default: '40' },
    built: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

function numberOf(name: 'minutes' | 'validators' | 'rate'): number {
  const value = Number(values[name])
  if (Number.isFinite(value) && value > 0) return value
  process.stderr.write(`chaos: --${name}: expected a number above 0, got ${JSON.stringify(values[name])}\n`)
  process.exit(2)
}

const [minutes, validators, rate] = [numberOf('minutes'), numberOf('validators'), numberOf('rate')]
const startMs = performance.now()
const say = (text: string): boolean =>
  process.stderr.write(`${((performance.now() - startMs) / 1000).toFixed(1).padStart(8)} s  ${text}\n`)
const parent = mkdtempSync(join(tmpdir(), 'cordon-chaos-'))
const dir = join(parent, 'devnet')
say(`seed ${values.seed}, ${validators} validators, ${minutes} min, ${rate} payments per second, in ${dir}`)
const result = await runChaos({
  dir,
  validators,
  seed: values.seed,
  forMs: minutes * 60_000,
  ratePerSecond: rate,
  onProgress: say,
  ...(values.built && { entry: BUILT_NODE }),
})
for (const finding of result.findings) say(`FOUND: ${finding}`)
const passed = result.lost === 0 && result.findings.length === 0 && result.worstRecoveryMs <= RECOVERY_BAR_MS
if (passed && !values.keep) rmSync(parent, { recursive: true, force: true })
else say(`kept: ${dir}`)
process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`)
process.exit(passed ? 0 : 1)
