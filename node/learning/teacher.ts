/** Teaches a lesson in a thread of its own, so that nothing else waits for it. */
import { once } from 'node:events'
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
      const answered = once(worker, 'message', { signal: limit }) as Promise<[Taught]>
      const [taught] = await Promise.race([answered, ended(worker, limit)])
      return taught
    } finally {
      await worker.terminate()
    }
  }
}

async function ended(worker: Worker, signal: AbortSignal): Promise<never> {
  const [code] = (await once(worker, 'exit', { signal })) as [number]
  throw new Error(`the learning worker ended with code ${code} before it answered`)
}
