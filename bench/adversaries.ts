/**
 * Adversaries of the fraud model, seed by seed, each in a town with it and without it: docs/fraud.md, Adversaries.
 *
 *   npm run bench:adversaries -- [--seeds 10] [--start 1] [--only NAME] [--model pretrained|label-free|FILE] [--json]
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ADVERSARIES, ADVERSARY_NAMES, type AdversaryName } from '../devnet/adversaries/adversaries.ts'
import { shareOf, sumOf, type Figures } from '../devnet/adversaries/adversary.ts'
import { USUAL_TRIAL } from '../devnet/trial/trial.ts'
import type { Judge } from '../devnet/trial/validator.ts'
import { PRETRAINED, chooseHead } from '../fraud/head/choose.ts'
import { chooseBackend } from '../fraud/model/backend.ts'
import { createModel } from '../fraud/model/model.ts'
import { refuse, wholeNumber } from './arguments.ts'

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10' },
    start: { type: 'string', default: '1' },
    only: { type: 'string' },
    model: { type: 'string', default: PRETRAINED },
    json: { type: 'boolean', default: false },
  },
})

function chosen(): readonly AdversaryName[] {
  const { only } = options
  if (only === undefined) return ADVERSARY_NAMES
  const found = ADVERSARY_NAMES.filter((name) => name === only)
  return found.length > 0
    ? found
    : refuse(`--only: expected ${ADVERSARY_NAMES.join(', ')}, got ${JSON.stringify(only)}`)
}

async function main(): Promise<void> {
  const [seeds, start] = [wholeNumber('seeds', options.seeds), wholeNumber('start', options.start)]
  const names = chosen()
  await chooseBackend()
  const head = chooseHead(options.model, (path) => readFileSync(path, 'utf8'))
  const judge = { model: createModel(head), head }
  const last = start + seeds - 1
  if (!options.json) process.stdout.write(`seeds ${start} to ${last}, model ${options.model}\n`)
  const results: Record<string, Figures> = {}
  for (const name of names) {
    const figures = played(name, judge, start, last)
    results[name] = figures
    if (!options.json) process.stdout.write(`\n${textOf(name, figures)}\n`)
  }
  const result = { seeds: [start, last], model: options.model, adversaries: results }
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`)
}

function played(name: AdversaryName, judge: Judge, start: number, last: number): Figures {
  let sum: Figures = {}
  for (let seed = start; seed <= last; seed++)
    sum = sumOf(sum, ADVERSARIES[name]({ seed: String(seed), persons: USUAL_TRIAL.persons, ...judge }))
  return sum
}

/** Counts are whole; CRD and shares are not. */
const inShort = (value: number): string => value.toFixed(Number.isInteger(value) ? 0 : 1)

const NAME_COLUMN = 64
const NUMBER_COLUMN = 10

function textOf(adversary: string, figures: Figures): string {
  const line = (name: string, part: string, whole: string, share: string): string =>
    `${name.padEnd(NAME_COLUMN)}${part.padStart(NUMBER_COLUMN)}${whole.padStart(NUMBER_COLUMN)}${share.padStart(NUMBER_COLUMN)}`
  const rows = Object.entries(figures).map(([name, figure]) => {
    const share = shareOf(figure)
    const percent = share === null ? '-' : `${(100 * share).toFixed(1)} %`
    return line(name, inShort(figure.part), inShort(figure.whole), percent)
  })
  return [line(adversary, '', 'of', 'share'), ...rows].join('\n')
}

void main()
