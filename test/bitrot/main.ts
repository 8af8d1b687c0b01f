/**
 * `npm run bitrot -- --flips N --seed S [--running] [--only PATTERN] [--json]`: flips bits in the files of a node and looks
 * what comes of it. The last line is one object; exit 1 if an answer was wrong, or a start crashed or hung.
 */
import { parseArgs } from 'node:util'
import { runBitrot } from './run.ts'

const PROGRESS_EVERY = 100

const { values } = parseArgs({
  options: {
    flips: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    running: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})

function wholeNumber(name: 'flips' | 'seed'): number {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= 1) return value
  process.stderr.write(
    `bitrot: --${name}: expected a whole number from 1, got ${JSON.stringify(values[name])}\n`,
  )
  process.exit(2)
}

const [flips, seed] = [wholeNumber('flips'), wholeNumber('seed')]

const say = (line: string): boolean => process.stderr.write(`${line}\n`)
say(`seed ${seed}, ${flips} flips ${values.running ? 'while the stores are open' : 'before the start'}`)
const { verdicts, byFile, failures } = await runBitrot({
  flips,
  seed,
  running: values.running,
  only: new RegExp(values.only),
  onProgress: (done, { file, bit, verdict, detail }) => {
    if (verdict === 'wrong' || verdict === 'crashed' || verdict === 'hung')
      say(`${verdict}: bit ${bit} of ${file}: ${detail}`)
    if (done % PROGRESS_EVERY === 0) say(`${done} flips`)
  },
})
const line = { flips, ...verdicts, byFile }
if (!values.json)
  for (const [kind, counts] of Object.entries(byFile))
    say(
      `${kind.padEnd(24)} ${Object.entries(counts)
        .map(([verdict, count]) => `${verdict} ${count}`)
        .join(', ')}`,
    )
process.stdout.write(`${JSON.stringify(line)}\n`)
process.exit(failures.length === 0 ? 0 : 1)
