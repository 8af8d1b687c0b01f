/**
 * Writes towns with attacks as labelled files, to learn from: docs/model-card.md. Nothing is held in them.
 *
 *   npm run bench:towns -- --out DIRECTORY [--seeds 24] [--start 2001] [--attacks 1]
 *
 * `--attacks` of each pattern play in each town. What is left out is as for the head that comes with Cordon. The files have the columns that `cordon fraud train` reads.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { ATTACK_PATTERNS } from '../devnet/attacks/attack.ts'
import { settleTown } from '../devnet/town/people.ts'
import { USUAL_TRIAL, playTrial, type PlayedPayment } from '../devnet/trial/trial.ts'
import { OUTSIDE_SOURCE } from '../fraud/evaluation/labelled-rows.ts'
import { refuse, wholeNumber } from './arguments.ts'

const UNITS_PER_CENT = 10_000n
/** A Monday, as the first day of a town is. */
const FIRST_DAY_MS = Date.UTC(2024, 0, 1)
const HOLDS_NOTHING = { score: (rows: Float32Array): Float32Array => new Float32Array(rows.length) }

const { values: options } = parseArgs({
  options: {
    out: { type: 'string' },
    seeds: { type: 'string', default: '24' },
    start: { type: 'string', default: '2001' },
    attacks: { type: 'string', default: '1' },
  },
})

function townFile(seed: number, attacksEach: number): string {
  const lines = ['time,kind,from,to,amount,is_sar,pattern_type']
  const line = (atMs: number, fields: readonly string[]): void => {
    lines.push([new Date(FIRST_DAY_MS + Math.floor(atMs)).toISOString(), ...fields].join(','))
  }
  settleTown(String(seed), USUAL_TRIAL.persons).openingUnits.forEach((units, account) => {
    line(0, ['opening', OUTSIDE_SOURCE, String(account), inCents(units), '0', ''])
  })
  const onPayment = ({ atMs, from, to, amountUnits, pattern }: PlayedPayment): void => {
    const label = pattern === null ? '0' : '1'
    line(atMs, ['transfer', String(from), String(to), inCents(amountUnits), label, pattern ?? ''])
  }
  playTrial({
    ...USUAL_TRIAL,
    seed: String(seed),
    patterns: ATTACK_PATTERNS,
    attacksEach,
    model: HOLDS_NOTHING,
    head: null,
    onPayment,
  })
  return `${lines.join('\n')}\n`
}

/** In CRD. Amounts of a town are whole cents but for opening balances, which lose what is less. */
function inCents(units: bigint): string {
  const cents = String(units / UNITS_PER_CENT).padStart(3, '0')
  return `${cents.slice(0, -2)}.${cents.slice(-2)}`
}

const directory = options.out ?? refuse('--out: expected the directory for the files, nothing came')
const [seeds, start, attacks] = [
  wholeNumber('seeds', options.seeds),
  wholeNumber('start', options.start),
  wholeNumber('attacks', options.attacks),
]
mkdirSync(directory, { recursive: true })
for (let seed = start; seed < start + seeds; seed++) {
  const path = join(directory, `town-${seed}.csv.gz`)
  writeFileSync(path, gzipSync(townFile(seed, attacks)))
  process.stdout.write(`${path}\n`)
}
