/** Starting worker threads from source and from the compiled package alike. */
import { Worker } from 'node:worker_threads'

/**
 * Starts the worker `name` (no extension) of the folder of `here` (an `import.meta.url`, or a folder's URL). It does not
 * keep the process alive, and its output goes to standard error: standard output belongs to results.
 */
export function spawnWorker(here: string | URL, name: string): Worker {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const worker = new Worker(new URL(`./${name}${extension}`, here), { name, stdout: true, stderr: true })
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
