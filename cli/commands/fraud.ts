/** `cordon fraud eval` and `train`: fraud models on labelled payments.  */
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { Option, type Command } from 'commander'
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import {
  measure,
  precisionRecallCurve,
  type Metrics,
  type ScoredTransfers,
} from '../../fraud/evaluation/metrics.ts'
import { BLOCK_MS } from '../../fraud/evaluation/replay.ts'
import { encodeHead } from '../../fraud/head/file.ts'
import { headId, type Head } from '../../fraud/head/head.ts'
import { chooseHead } from '../../fraud/head/choose.ts'
import { modelIdOf } from '../../fraud/model/model-spec.ts'
import { SCORED_TOGETHER } from '../../fraud/evaluation/scoring.ts'
import { facts, table } from '../format.ts'
import { buildModelCommands } from './fraud-model.ts'
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
  readonly model?: string
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
          '--model <file>',
          'a model made by train, or "pretrained": the one that comes with Cordon',
        ).conflicts('train'),
      )
      .addOption(fromDayOption('score transfers from this day of the file on; earlier ones are history'))
      .addOption(
        new Option('--delay-hours <hours>', 'how long a label takes with --labels delayed')
          .argParser(parseInteger(0))
          .default(24),
      )
      .addOption(seedOption())
      .addOption(new Option('--curve <file>', 'write the precision-recall curve as SVG'))
      .addOption(jsonOption()),
    evaluate,
  )
  action<TrainOptions>(
    command
      .command('train')
      .description('learn a fraud model from labelled payments and write it to a file')
      .requiredOption('--data <file...>', 'labelled payments to learn from: CSV, or CSV.gz')
      .requiredOption('--out <file>', 'where to write the model')
      .addOption(fromDayOption('learn from transfers of this day of each file on; earlier ones are history'))
      .addOption(seedOption())
      .addOption(jsonOption()),
    train,
  )
  buildModelCommands(command.command('model').description('the models of a running node: which one votes'))
  return command
}

const fromDayOption = (about: string): Option =>
  new Option('--from-day <day>', about).argParser(parseInteger(0)).default(20)

const seedOption = (): Option =>
  new Option('--seed <number>', 'chance that training takes its first weights and its order from')
    .argParser(parseInteger(0))
    .default(1)

interface TrainOptions extends JsonOptions {
  readonly data: readonly string[]
  readonly out: string
  readonly fromDay: number
  readonly seed: number
}

async function train({ data: paths, out, fromDay, seed }: TrainOptions): Promise<CommandResult> {
  refuseOutput('--out', out)
  const { chooseBackend } = await import('../../fraud/model/backend.ts')
  const backend = await chooseBackend()
  const { head, lessons } = await learn(paths, { fromDay, seed })
  const card = {
    name: basename(out, '.json'),
    trainedOn: new Date().toISOString().slice(0, ISO_DAY_CHARACTERS),
    data: lessons.map(
      ({ path, transfers, laundering }) =>
        `${basename(path)}, from day ${fromDay} on: ${transfers} transfers, ${laundering} laundering`,
    ),
  }
  writeOutput('--out', out, encodeHead(head, card))
  const modelId = toHex(modelIdOf(headId(head)))
  return {
    data: { file: out, modelId, card },
    text: facts([
      ['model', modelId],
      ['file', out],
      ['backend', backend.name],
      ...card.data.map((line) => ['learned from', line] as const),
    ]),
  }
}

const ISO_DAY_CHARACTERS = 10

async function evaluate(options: EvalOptions): Promise<CommandResult> {
  refuseCurve(options.curve)
  const { chooseBackend } = await import('../../fraud/model/backend.ts')
  const backend = await chooseBackend()
  const head = await headOf(options)
  const { scored, heads, ...costs } = await scoreWithLabels(options, head)
  const metrics = inFile(options, () => measure(scored))
  if (options.curve !== undefined) writeCurve(options.curve, options.test, scored, metrics)
  const microsecondsPerTransfer = rounded(costs.microsecondsPerTransfer)
  const model = `on ${backend.name}, ${taught(options, heads)}`
  return {
    data: { ...metrics, microsecondsPerTransfer },
    text: describe(options, metrics, microsecondsPerTransfer, model),
  }
}

async function headOf(options: EvalOptions): Promise<Head | null> {
  const { train: paths, model } = options
  if (model !== undefined) return chooseHead(model, (path) => readFileSync(path, 'utf8'))
  return paths === undefined ? null : (await learn(paths, options)).head
}

async function scoreWithLabels(options: EvalOptions, head: Head | null): Promise<ScoredFile> {
  const { labels } = options
  return labels === 'none' ? score(options, head) : scoreLearning({ ...options, labels }, head)
}

function taught({ train: paths, model, labels, delayHours }: EvalOptions, heads: number): string {
  const start = model === undefined ? 'without labels' : `model ${basename(model)}`
  const before =
    paths === undefined ? start : `learned from ${paths.map((path) => basename(path)).join(', ')}`
  if (labels === 'none') return before
  const from =
    labels === 'immediate'
      ? 'the label of each transfer'
      : `labels of what it would have held, ${delayHours} h later`
  return `${before}; learning from ${from}: ${heads} changes`
}

function refuseCurve(path: string | undefined): void {
  if (path === undefined) return
  if (!path.endsWith('.svg'))
    throw new CordonError('usage', `--curve: expected a file named .svg, got ${JSON.stringify(path)}`)
  refuseOutput('--curve', path)
}

/** Said before the work, not after it. */
function refuseOutput(option: string, path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw outputRefusal(option, path, error)
  }
}

function writeOutput(option: string, path: string, content: string): void {
  try {
    writeFileSync(path, content)
  } catch (error) {
    throw outputRefusal(option, path, error)
  }
}

function outputRefusal(option: string, path: string, error: unknown): CordonError {
  const { code = 'unknown' } = error as NodeJS.ErrnoException
  return new CordonError(
    'usage',
    `${option}: ${path} cannot be written (${code})`,
    { path },
    { cause: error },
  )
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
  writeOutput('--curve', path, curveSvg(precisionRecallCurve(scored), { title, prevalence }))
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
