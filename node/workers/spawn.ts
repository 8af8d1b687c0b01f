/** Starting and ending worker threads. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { entryUrl, type Entry } from '../../config/entries.ts'

/** `threadId` of a worker that has ended. */
const GONE = -1

/**
 * Starts a worker, named after its file. It does not keep the process alive, and its output goes to standard error:
 * standard output belongs to results.
 * @param workerData what it needs from the start on; copied.
 */
export function spawnWorker(entry: Entry, workerData?: unknown): Worker {
  // What a node is started with is for its main thread (`devnet/node-process.ts`): a worker that began with it too would
  // take 32 MiB that it hardly uses.
  setFlagsFromString('--min-semi-space-size=0')
  const name = entry.slice(entry.lastIndexOf('/') + 1)
  const worker = new Worker(entryUrl(entry), { name, workerData, stdout: true, stderr: true })
  worker.stdout.pipe(process.stderr, { end: false })
  worker.stderr.pipe(process.stderr, { end: false })
  worker.unref()
  return worker
}

/** The message on which a worker ends itself: one that is terminated cannot keep its compiled code (`config/launch.ts`). */
export const END = 'end'
/** A worker that has not ended itself by then is terminated. */
const END_TIMEOUT_MS = 1_000

/** Asks a worker to end, and sees that it does. */
export async function endWorker(worker: Worker): Promise<void> {
  if (worker.threadId === GONE) return
  const timeout = new AbortController()
  const exited = once(worker, 'exit').catch(() => undefined) // an error of it is told to its owner
  worker.postMessage(END)
  await Promise.race([exited, delay(END_TIMEOUT_MS, undefined, timeout).catch(() => undefined)])
  timeout.abort()
  await worker.terminate()
}

/** Growing pauses between restarts. */
export class Backoff {
  readonly #firstMs: number
  readonly #mostMs: number
  #nextMs: number

  constructor(firstMs: number, mostMs: number) {
    this.#firstMs = firstMs
    this.#mostMs = mostMs
    this.#nextMs = firstMs
  }

  /** Pause before the next attempt, ms. */
  next(): number {
    const pauseMs = this.#nextMs
    this.#nextMs = Math.min(this.#mostMs, 2 * pauseMs)
    return pauseMs
  }

  /** It works again. */
  reset(): void {
    this.#nextMs = this.#firstMs
  }
}
