/**
 * Towns with attacks, seed by seed, through the feature store and the model of a node, with holds that take effect:
 * docs/fraud.md, Scenarios.
 *
 *   npm run bench:scenarios -- [--seeds 20] [--start 1] [--model pretrained|label-free|FILE] [--alerts] [--json]
 *
 * `--alerts` counts the cases beside the holds that a node would open for ordinary transfers.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ATTACK_PATTERNS } from '../devnet/attacks/attack.ts'
import { MIX, heldShareOfMix } from '../devnet/trial/mix.ts'
import {
  addTally,
  emptyTally,
  heldShare,
  noAttacks,
  ordinaryTotal,
  type OrdinaryCount,
  type PatternCount,
} from '../devnet/trial/tally.ts'
import { USUAL_TRIAL, playTrial } from '../devnet/trial/trial.ts'
import { PRETRAINED, chooseHead } from '../fraud/head/choose.ts'
import { chooseBackend } from '../fraud/model/backend.ts'
import { createModel } from '../fraud/model/model.ts'
import { toCrd } from '../fraud/units.ts'
import { wholeNumber } from './arguments.ts'

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    start: { type: 'string', default: '1' },
    model: { type: 'string', default: PRETRAINED },
    alerts: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const seeds = wholeNumber('seeds', options.seeds)
const start = wholeNumber('start', options.start)

async function main(): Promise<void> {
  await chooseBackend()
  const head = chooseHead(options.model, (path) => readFileSync(path, 'utf8'))
  const model = createModel(head)
  const tally = emptyTally(ATTACK_PATTERNS)
  for (let seed = start; seed < start + seeds; seed++)
    addTally(tally, playTrial({ ...USUAL_TRIAL, seed: String(seed), patterns: ATTACK_PATTERNS, model, head }))
  const ordinary = ordinaryTotal(tally)
  const result = {
    seeds: [start, start + seeds - 1],
    model: options.model,
    patterns: Object.fromEntries([...tally.patterns].map(([pattern, count]) => [pattern, inCrd(count)])),
    sum: inCrd(sumOf([...tally.patterns.values()])),
    heldShareOfMix: heldShareOfMix(tally),
    ordinary: {
      ...ordinary,
      heldShare: ordinary.held / ordinary.judged,
      alertsPerThousand: (1_000 * ordinary.alerts) / ordinary.judged,
    },
    ordinaryByKind: Object.fromEntries(tally.ordinary),
  }
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${textOf(result)}\n`)
}

interface Row {
  readonly attacks: number
  readonly missed: number
  readonly stolenCrd: number
  readonly heldAtFirstCrd: number
  readonly heldLaterCrd: number
  readonly heldShare: number | null
}

function inCrd(count: PatternCount): Row {
  return {
    attacks: count.attacks,
    missed: count.missed,
    stolenCrd: toCrd(count.stolenUnits),
    heldAtFirstCrd: toCrd(count.heldAtFirstUnits),
    heldLaterCrd: toCrd(count.heldLaterUnits),
    heldShare: heldShare(count),
  }
}

function sumOf(counts: readonly PatternCount[]): PatternCount {
  const sum = noAttacks()
  for (const count of counts) {
    sum.attacks += count.attacks
    sum.missed += count.missed
    sum.stolenUnits += count.stolenUnits
    sum.heldAtFirstUnits += count.heldAtFirstUnits
    sum.heldLaterUnits += count.heldLaterUnits
  }
  return sum
}

function perThousand(alerts: number, judged: number): string {
  return `${String(alerts).padStart(8)}${((1_000 * alerts) / judged).toFixed(2).padStart(10)}`
}

function textOf(result: {
  readonly seeds: readonly number[]
  readonly model: string
  readonly patterns: Readonly<Record<string, Row>>
  readonly sum: Row
  readonly heldShareOfMix: number | null
  readonly ordinary: OrdinaryCount
  readonly ordinaryByKind: Readonly<Record<string, OrdinaryCount>>
}): string {
  const percent = (share: number | null): string => (share === null ? '-' : `${(100 * share).toFixed(1)} %`)
  const line = (name: string, weight: string, row: Row): string =>
    [
      name.padEnd(12),
      weight.padStart(6),
      String(row.attacks).padStart(8),
      String(row.missed).padStart(7),
      row.stolenCrd.toFixed(0).padStart(11),
      percent(row.heldAtFirstCrd / row.stolenCrd).padStart(9),
      percent(row.heldLaterCrd / row.stolenCrd).padStart(9),
      percent(row.heldShare).padStart(9),
    ].join('')
  const kind = ([name, { judged, held, alerts }]: [string, OrdinaryCount]): string =>
    `${name.padEnd(12)}${String(judged).padStart(8)}${String(held).padStart(7)}${`${((100 * held) / judged).toFixed(2)} %`.padStart(9)}${options.alerts ? perThousand(alerts, judged) : ''}`
  return [
    `seeds ${result.seeds.join(' to ')}, model ${result.model}`,
    'attack      weight attacks missed stolen CRD   at first    later     held',
    ...Object.entries(result.patterns).map(([name, row]) =>
      line(name, MIX[name as keyof typeof MIX].toFixed(2), row),
    ),
    line('sum', '', result.sum),
    `in the mix of the weights ${percent(result.heldShareOfMix)} of stolen value is held`,
    '',
    `ordinary      judged   held    share${options.alerts ? '  alerts  per 1000' : ''}`,
    ...Object.entries(result.ordinaryByKind).map(kind),
    kind(['sum', result.ordinary]),
  ].join('\n')
}

void main()
