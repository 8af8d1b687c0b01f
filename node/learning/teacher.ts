/** Teaches a lesson in a thread of its own, so that nothing else waits for it. */
import type { Worker } from 'node:worker_threads'
import type { Lesson, Taught } from '../../fraud/learning/fit.ts'
import { LEARNING_LIMITS } from '../../fraud/learning/limits.ts'
import { spawnWorker } from '../workers/spawn.ts'

export interface TeacherOptions {
  /** Starts the thread; another one for tests. */
  readonly spawn?: (lesson: Lesson) => Worker
  readonly lessonMs?: number
}

export type Teach = (lesson: Lesson, signal: AbortSignal) => Promise<Taught>

/**
 * @returns rejects with the reason if the thread fails, takes longer than `lessonMs`, or the signal aborts; the thread is
 * ended then.
 */
export function createTeacher({
  spawn = (lesson) => spawnWorker('node/learning/learning-worker', lesson),
  lessonMs = LEARNING_LIMITS.lessonMs,
}: TeacherOptions = {}): Teach {
  return async (lesson, signal) => {
    const worker = spawn(lesson)
    const limit = AbortSignal.any([signal, AbortSignal.timeout(lessonMs)])
    try {
      return await answerOf(worker, limit)
    } finally {
      await worker.terminate()
    }
  }
}

function answerOf(worker: Worker, limit: AbortSignal): Promise<Taught> {
  return new Promise((resolve, reject) => {
    worker.once('message', (taught: Taught) => resolve(taught))
    worker.once('error', reject)
    worker.once('exit', (code) =>
      reject(new Error(`the learning worker ended with code ${code} before it answered`)),
    )
    limit.addEventListener(
      'abort',
      () => reject(limit.reason instanceof Error ? limit.reason : new Error('ended')),
      {
        once: true,
      },
    )
    if (limit.aborted) reject(new Error('ended'))
  })
}
