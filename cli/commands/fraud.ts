/** `cordon fraud eval`: the model that nodes run, on labelled payments it has not seen. */
import { accessSync, constants, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { Option, type Command } from 'commander'
import { CordonError } from '../../config/errors.ts'
import {
  measure,
  precisionRecallCurve,
  type Metrics,
  type ScoredTransfers,
} from '../../fraud/evaluation/metrics.ts'
import { BLOCK_MS } from '../../fraud/evaluation/replay.ts'
import type { Head } from '../../fraud/head/head.ts'
import { SCORED_TOGETHER } from '../../fraud/evaluation/scoring.ts'
import { facts, table } from '../format.ts'
import { curveSvg } from '../fraud/curve-svg.ts'
import { learn, score, scoreLearning, type ScoredFile } from '../fraud/replayed-file.ts'
import { jsonOption, parseInteger, type JsonOptions } from '../options.ts'
import { rounded } from '../outcome.ts'
import type { CommandResult } from '../output.ts'
import { action } from '../run.ts'

const LABEL_MODES = ['none', 'immediate', 'delayed'] as const

interface EvalOptions extends JsonOptions {
  readonly test: string
  readonly train?: readonly string[]
  readonly labels: (typeof LABEL_MODES)[number]
  readonly fromDay: number
  readonly seed: number
  readonly delayHours: number
  readonly curve?: string
}

export function build(command: Command): Command {
  action<EvalOptions>(
    command
      .command('eval')
      .description('replay labelled payments through the model and measure what it finds')
      .requiredOption('--test <file>', 'labelled payments to score: CSV, or CSV.gz')
      .addOption(new Option('--train <file...>', 'labelled payments to learn from, and from nothing else'))
      .addOption(
        new Option('--labels <mode>', 'which labels of the test file the model learns from')
          .choices(LABEL_MODES)
          .default('none'),
      )
      .addOption(
        new Option(
          '--from-day <day>',
          'score transfers from this day of the file on; earlier ones are history',
        )
          .argParser(parseInteger(0))
          .default(20),
      )
      .addOption(
        new Option('--delay-hours <hours>', 'how long a label takes with --labels delayed')
          .argParser(parseInteger(0))
          .default(24),
      )
      .addOption(
        new Option('--seed <number>', 'chance that training takes its first weights and its order from')
          .argParser(parseInteger(0))
          .default(1),
      )
      .addOption(new Option('--curve <file>', 'write the precision-recall curve as SVG'))
      .addOption(jsonOption()),
    evaluate,
  )
  return command
}

async function evaluate(options: EvalOptions): Promise<CommandResult> {
  refuseCurve(options.curve)
  const { chooseBackend } = await import('../../fraud/backend.ts')
  const backend = await chooseBackend()
  const head = options.train === undefined ? null : await learn(options.train, options)
  const { scored, judgingMs } = await scoreWithLabels(options, head)
  const metrics = inFile(options, () => measure(scored))
  if (options.curve !== undefined) writeCurve(options.curve, options.test, scored, metrics)
  const microsecondsPerTransfer = rounded((1_000 * judgingMs) / scored.scores.length)
  const model = `on ${backend.name}, ${taught(options)}`
  return {
    data: { ...metrics, microsecondsPerTransfer },
    text: describe(options, metrics, microsecondsPerTransfer, model),
  }
}

async function scoreWithLabels(options: EvalOptions, head: Head | null): Promise<ScoredFile> {
  const { labels } = options
  return labels === 'none' ? score(options, head) : scoreLearning({ ...options, labels }, head)
}

function taught({ train, labels, delayHours }: EvalOptions): string {
  const before =
    train === undefined ? 'without labels' : `learned from ${train.map((path) => basename(path)).join(', ')}`
  if (labels === 'none') return before
  if (labels === 'immediate') return `${before}; learning from the label of each transfer`
  return `${before}; learning from labels of what it would have held, ${delayHours} h later`
}

/** Said before the work, not after it. */
function refuseCurve(path: string | undefined): void {
  if (path === undefined) return
  if (!path.endsWith('.svg'))
    throw new CordonError('usage', `--curve: expected a file named .svg, got ${JSON.stringify(path)}`)
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw curveRefusal(path, error)
  }
}

function curveRefusal(path: string, error: unknown): CordonError {
  const { code = 'unknown' } = error as NodeJS.ErrnoException
  return new CordonError('usage', `--curve: ${path} cannot be written (${code})`, { path }, { cause: error })
}

/** Says of which file and days an error speaks. */
function inFile<Result>({ test, fromDay }: EvalOptions, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof CordonError)) throw error
    throw new CordonError(
      error.code,
      `${test}, from day ${fromDay} on: ${error.message}`,
      { file: test, fromDay, ...error.payload },
      { cause: error },
    )
  }
}

function writeCurve(
  path: string,
  test: string,
  scored: ScoredTransfers,
  { averagePrecision, positives, negatives }: Metrics,
): void {
  const title = `${basename(test)}: average precision ${averagePrecision.toFixed(3)}`
  const prevalence = positives / (positives + negatives)
  try {
    writeFileSync(path, curveSvg(precisionRecallCurve(scored), { title, prevalence }))
  } catch (error) {
    throw curveRefusal(path, error)
  }
}

function describe(
  { test, fromDay, curve }: EvalOptions,
  metrics: Metrics,
  microsecondsPerTransfer: number,
  model: string,
): string {
  const { positives, negatives, recallAtFpr, valueRecallAtFpr, byPattern } = metrics
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`
  const head = facts([
    ['file', `${test}, from day ${fromDay} on`],
    ['transfers', `${positives} laundering, ${negatives} ordinary`],
    ['model', model],
    ['replay', `blocks of ${BLOCK_MS / 1_000} s, ${SCORED_TOGETHER} transfers scored together, nothing held`],
    ['ROC-AUC', metrics.rocAuc.toFixed(3)],
    ['average precision', metrics.averagePrecision.toFixed(3)],
    ['precision in the top 100', share(metrics.precisionAt100)],
    ['time per transfer', `${microsecondsPerTransfer.toFixed(1)} µs`],
    ...(curve === undefined ? [] : [['curve', curve]]),
  ])
  const rates = table(
    [
      { title: 'FALSE POSITIVES', align: 'right' },
      { title: 'RECALL', align: 'right' },
      { title: 'BY VALUE', align: 'right' },
    ],
    (Object.keys(recallAtFpr) as (keyof typeof recallAtFpr)[]).map((rate) => [
      share(Number(rate)),
      share(recallAtFpr[rate]),
      share(valueRecallAtFpr[rate]),
    ]),
  )
  const patterns = table(
    [
      { title: 'PATTERN' },
      { title: 'TRANSFERS', align: 'right' },
      { title: 'RECALL AT 1 %', align: 'right' },
    ],
    Object.entries(byPattern).map(([type, { count, recallAtFpr: at }]) => [
      type,
      String(count),
      share(at['0.01']),
    ]),
  )
  return [head, rates, ...(Object.keys(byPattern).length === 0 ? [] : [patterns])].join('\n\n')
}
