/** Labelled files played through the feature store: to score them, or to learn from them. */
import { basename } from 'node:path'
import { CordonError } from '../../config/errors.ts'
import { Random } from '../../devnet/random.ts'
import type { ScoredTransfers } from '../../fraud/evaluation/metrics.ts'
import { Replay, Stopwatch, type Judge } from '../../fraud/evaluation/replay.ts'
import type { Head } from '../../fraud/head/head.ts'
import { ProgressBar } from '../progress.ts'
import { labelledRows } from './labelled-file.ts'

interface Days {
  readonly fromDay: number
}

interface LearningDays extends Days {
  readonly test: string
  readonly labels: 'immediate' | 'delayed'
  readonly delayHours: number
  readonly seed: number
}

const HOUR_MS = 3_600_000

/** What a file had to teach. */
interface Lesson {
  readonly path: string
  readonly transfers: number
  readonly laundering: number
}

/** A head that learned from these files and from nothing else. The backend must be chosen. */
export async function learn(
  paths: readonly string[],
  { fromDay, seed }: Days & { readonly seed: number },
): Promise<{ readonly head: Head; readonly lessons: readonly Lesson[] }> {
  const { TrainingRowCollector } = await import('../../fraud/evaluation/training-rows.ts')
  const { trainHead } = await import('../../fraud/head/train.ts')
  const collector = new TrainingRowCollector()
  const stopwatch = new Stopwatch(() => performance.now())
  const lessons: Lesson[] = []
  for (const path of paths) {
    const before = collector.counts
    await play(path, { judge: collector, head: null, fromDay, stopwatch })
    const { transfers, laundering } = collector.counts
    lessons.push({
      path,
      transfers: transfers - before.transfers,
      laundering: laundering - before.laundering,
    })
  }
  const random = new Random(`fraud training ${seed}`)
  const bar = new ProgressBar('training')
  try {
    const head = trainHead(collector.finish(), {
      random: () => random.unit(),
      onProgress: (share) => bar.show(share),
    })
    return { head, lessons }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CordonError(
      'labelled-file-invalid',
      `${paths.join(', ')}, from day ${fromDay} on: ${error.message}`,
      { files: paths, fromDay },
      { cause: error },
    )
  } finally {
    bar.clear()
  }
}

export interface ScoredFile {
  readonly scored: ScoredTransfers
  /** Of features and score, in the mean over all transfers that were judged. */
  readonly microsecondsPerTransfer: number
  /** How often what was learned on the way changed the head. */
  readonly heads: number
}

/** Scores a file by the label-free model, or by a head. The backend must be chosen. */
export async function score(
  { test, fromDay }: Days & { readonly test: string },
  head: Head | null,
): Promise<ScoredFile> {
  const { createModel } = await import('../../fraud/model/model.ts')
  const { Scoring } = await import('../../fraud/evaluation/scoring.ts')
  const model = createModel(head)
  const stopwatch = new Stopwatch(() => performance.now())
  const scoring = new Scoring(model, stopwatch)
  await play(test, { judge: scoring, head, fromDay, stopwatch })
  const scored = scoring.finish()
  model.dispose()
  return { scored, microsecondsPerTransfer: microseconds(stopwatch, scored.scores.length), heads: 0 }
}

/** Scores a file while learning from its labels, starting from the label-free model, or from a head. */
export async function scoreLearning(
  { test, fromDay, labels, delayHours, seed }: LearningDays,
  head: Head | null,
): Promise<ScoredFile> {
  const { LearningScoring } = await import('../../fraud/evaluation/learning.ts')
  const { FROM_TAIL, fromNetwork } = await import('../../fraud/learning/fit.ts')
  const stopwatch = new Stopwatch(() => performance.now())
  const random = new Random(`fraud learning ${seed}`)
  const scoring = new LearningScoring({
    start: head === null ? FROM_TAIL : fromNetwork(head),
    labels,
    delayMs: delayHours * HOUR_MS,
    fromDay,
    random: () => random.unit(),
    stopwatch,
  })
  await play(test, { judge: scoring, head, fromDay: 0, stopwatch })
  const scored = scoring.finish()
  return { scored, microsecondsPerTransfer: microseconds(stopwatch, scoring.judged), heads: scoring.heads }
}

function microseconds({ totalMs }: Stopwatch, transfers: number): number {
  return (1_000 * totalMs) / Math.max(1, transfers)
}

async function play(
  path: string,
  options: Days & { readonly judge: Judge; readonly head: Head | null; readonly stopwatch: Stopwatch },
): Promise<void> {
  const replay = new Replay(options)
  const bar = new ProgressBar(`replaying ${basename(path)}`)
  try {
    for await (const rows of labelledRows(path, (share) => bar.show(share)))
      for (const row of rows) replay.add(row)
  } finally {
    bar.clear()
  }
  replay.finish()
}
