/** `cordon fraud eval`: the model that nodes run, on labelled payments it has not seen. */
import { accessSync, constants, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { Option, type Command } from 'commander'
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import { measure, precisionRecallCurve, type Metrics } from '../../fraud/evaluation/metrics.ts'
import { BLOCK_MS, Replay, SCORED_TOGETHER, type Replayed } from '../../fraud/evaluation/replay.ts'
import { MODEL_ID } from '../../fraud/model-spec.ts'
import { facts, table } from '../format.ts'
import { curveSvg } from '../fraud/curve-svg.ts'
import { labelledRows } from '../fraud/labelled-file.ts'
import { jsonOption, parseInteger, type JsonOptions } from '../options.ts'
import { rounded } from '../outcome.ts'
import { ProgressBar } from '../progress.ts'
import type { CommandResult } from '../output.ts'
import { action } from '../run.ts'

const LABEL_MODES = ['none', 'immediate', 'delayed'] as const

interface EvalOptions extends JsonOptions {
  readonly test: string
  readonly train?: readonly string[]
  readonly labels: (typeof LABEL_MODES)[number]
  readonly fromDay: number
  readonly curve?: string
}

export function build(command: Command): Command {
  action<EvalOptions>(
    command
      .command('eval')
      .description('replay labelled payments through the model and measure what it finds')
      .requiredOption('--test <file>', 'labelled payments to score: CSV, or CSV.gz')
      .addOption(new Option('--train <file...>', 'labelled payments to learn from first'))
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
      .addOption(new Option('--curve <file>', 'write the precision-recall curve as SVG'))
      .addOption(jsonOption()),
    evaluate,
  )
  return command
}

async function evaluate(options: EvalOptions): Promise<CommandResult> {
  refuseLearning(options)
  refuseCurve(options.curve)
  const { backend, replayed } = await replay(options)
  const metrics = inFile(options, () => measure(replayed))
  if (options.curve !== undefined) writeCurve(options.curve, options.test, replayed, metrics)
  const microsecondsPerTransfer = rounded((1_000 * replayed.judgingMs) / replayed.scores.length)
  return {
    data: { ...metrics, microsecondsPerTransfer },
    text: describe(options, metrics, microsecondsPerTransfer, backend),
  }
}

/** A figure with labels that taught nobody anything would look like one of a trained model. */
function refuseLearning({ train, labels }: EvalOptions): void {
  if (train === undefined && labels === 'none') return
  const option = train === undefined ? `--labels ${labels}` : '--train'
  throw new CordonError(
    'usage',
    `${option}: the model has no head that learns from labels yet; leave it out to measure the label-free model`,
    { option },
  )
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

async function replay({
  test,
  fromDay,
}: EvalOptions): Promise<{ readonly backend: string; readonly replayed: Replayed }> {
  const { chooseBackend } = await import('../../fraud/backend.ts')
  const { createModel } = await import('../../fraud/model.ts')
  const backend = await chooseBackend()
  const played = new Replay({ model: createModel(), fromDay, nowMs: threadCpuMs })
  const bar = new ProgressBar(`replaying ${basename(test)}`)
  try {
    for await (const rows of labelledRows(test, (share) => bar.show(share)))
      for (const row of rows) played.add(row)
  } finally {
    bar.clear()
  }
  return { backend: backend.name, replayed: played.finish() }
}

/** CPU time of this thread: what else the machine does is no cost of the model. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
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
  replayed: Replayed,
  { averagePrecision, positives, negatives }: Metrics,
): void {
  const title = `${basename(test)}: average precision ${averagePrecision.toFixed(3)}`
  const prevalence = positives / (positives + negatives)
  try {
    writeFileSync(path, curveSvg(precisionRecallCurve(replayed), { title, prevalence }))
  } catch (error) {
    throw curveRefusal(path, error)
  }
}

function describe(
  { test, fromDay, curve }: EvalOptions,
  metrics: Metrics,
  microsecondsPerTransfer: number,
  backend: string,
): string {
  const { positives, negatives, recallAtFpr, valueRecallAtFpr, byPattern } = metrics
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`
  const head = facts([
    ['file', `${test}, from day ${fromDay} on`],
    ['transfers', `${positives} laundering, ${negatives} ordinary`],
    ['model', `${toHex(MODEL_ID).slice(0, 16)} on ${backend}, without labels`],
    ['replay', `blocks of ${BLOCK_MS / 1_000} s, ${SCORED_TOGETHER} transfers scored together, nothing held`],
    ['ROC-AUC', metrics.rocAuc.toFixed(3)],
    ['average precision', metrics.averagePrecision.toFixed(3)],
    ['precision in the top 100', share(metrics.precisionAt100)],
    ['CPU per transfer', `${microsecondsPerTransfer.toFixed(1)} µs`],
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
