/**
 * `npm run fuzz -- --seconds S --seed N [--only NAME] [--keep] [--json]`: fuzzes all decoders in turn for S seconds
 * together. `--keep` adds inputs that reached something new to the corpus; `--only NAME --input HEX` tries one input.
 * Exit 1 if something was found.
 */
import { parseArgs } from 'node:util'
import { fromHex } from '../../crypto/bytes.ts'
import { keep, KEPT_BYTES } from './corpus.ts'
import { DECODERS } from './decoders.ts'
import type { Decoder } from './decoder.ts'
import { findingOf, fuzz, type Finding } from './fuzz.ts'
import { judge } from './judge.ts'
import { minimise } from './minimise.ts'
import { Watchdog } from './watchdog.ts'

/** What it may cost to make an input small before it is kept. */
const TRIES_BEFORE_KEEPING = 200

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    input: { type: 'string' },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

function usage(problem: string): never {
  process.stderr.write(`fuzz: ${problem}\n`)
  process.exit(2)
}

function numberOf(name: 'seconds' | 'seed'): number {
  const value = Number(values[name])
  return Number.isFinite(value) && value > 0
    ? value
    : usage(`--${name}: expected a number above 0, got ${values[name]}`)
}

const chosen = DECODERS.filter(({ name }) => values.only === undefined || name === values.only)
if (chosen.length === 0)
  usage(`--only: expected one of ${DECODERS.map(({ name }) => name).join(', ')}, got ${String(values.only)}`)

function say(finding: Finding): void {
  process.stderr.write(
    `FOUND in ${finding.decoder}: ${finding.fault}\n  input  ${finding.input}\n  replay ${finding.replay}\n`,
  )
}

async function tryOne(decoder: Decoder, hex: string): Promise<number> {
  const bytes = fromHex(hex)
  const { fault, fate } = await judge(decoder, bytes)
  if (fault === null) {
    process.stdout.write(`${decoder.name}: ${fate}\n`)
    return 0
  }
  say(await findingOf(decoder, bytes, fault))
  return 1
}

async function run(seconds: number, seed: number): Promise<number> {
  const watchdog = new Watchdog()
  let [kept, found] = [0, 0]
  process.stderr.write(`fuzz: seed ${seed}, ${chosen.length} decoders, ${seconds} s\n`)
  for (const decoder of chosen) {
    const report = await fuzz(decoder, {
      seed,
      forMs: (seconds * 1_000) / chosen.length,
      watchdog,
      onNovel: async (bytes, fate) => {
        if (!values.keep) return
        const sameFate = async (candidate: Uint8Array): Promise<boolean> =>
          (await judge(decoder, candidate)).fate === fate
        const small = await minimise(bytes, sameFate, TRIES_BEFORE_KEEPING)
        if (small.length <= KEPT_BYTES && keep(decoder.name, small)) kept += 1
      },
    })
    if (report.finding !== null) {
      found += 1
      say(report.finding)
      if (values.keep) keep(decoder.name, fromHex(report.finding.input))
    }
    const { decoder: name, inputs, accepted, fates } = report
    process.stdout.write(
      values.json
        ? `${JSON.stringify(report)}\n`
        : `${name.padEnd(18)} ${String(inputs).padStart(9)} inputs  ${String(accepted).padStart(8)} accepted  ${fates} fates\n`,
    )
  }
  await watchdog.stop()
  if (values.keep) process.stderr.write(`fuzz: ${kept} inputs kept\n`)
  return found === 0 ? 0 : 1
}

const [only] = chosen
process.exitCode =
  values.input === undefined || only === undefined
    ? await run(numberOf('seconds'), numberOf('seed'))
    : await tryOne(only, values.input)
