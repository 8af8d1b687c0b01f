/** Starting worker threads. */
import { Worker } from 'node:worker_threads'
import { entryUrl, type Entry } from '../../config/entries.ts'

/**
 * Starts a worker, named after its file. It does not keep the process alive, and its output goes to standard error:
 * standard output belongs to results.
 */
export function spawnWorker(entry: Entry): Worker {
  const name = entry.slice(entry.lastIndexOf('/') + 1)
  const worker = new Worker(entryUrl(entry), { name, stdout: true, stderr: true })
  worker.stdout.pipe(process.stderr, { end: false })
  worker.stderr.pipe(process.stderr, { end: false })
  worker.unref()
  return worker
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
