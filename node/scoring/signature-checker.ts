/**
 * Checks all signatures of a batch off the main thread: one message per batch, everything packed into one buffer
 * (`signature-batch.ts`). Small batches are checked at once: a thread hop would cost more than their signatures.
 */
import type { Worker } from 'node:worker_threads'
import { LIMITS } from '../../config/limits.ts'
import { Backoff, endWorker, spawnWorker } from '../workers/spawn.ts'
import { checkPacked, packSignatures, type SignatureToCheck } from '../workers/signature-batch.ts'

export type { SignatureToCheck } from '../workers/signature-batch.ts'

/** Up to this many are checked on the main thread: under a millisecond. */
const INLINE_SIGNATURES = 16
/** Without a worker, this many are checked in one turn of the main thread. */
const PER_TURN = 64
const FIRST_RESTART_MS = 250
const LONGEST_RESTART_MS = 30_000

export interface SignatureChecker {
  /**
   * One answer per signature: 0 bad, 1 accepted, 2 only the slow reference accepts it. As soon as the batch cannot
   * be acked any more (a bad signature, or more than `LIMITS.slowSignaturesPerBatch` slow ones), the rest are answered 0
   * unseen: nobody can buy a second of reference checks with one batch. Never rejects.
   */
  check(signatures: readonly SignatureToCheck[]): Promise<Uint8Array>
  close(): Promise<void>
}

/** @param spawn starts the thread; another one for tests. */
export function createSignatureChecker(
  spawn: () => Worker = () => spawnWorker('node/workers/signature-worker'),
): SignatureChecker {
  return new WorkerSignatureChecker(spawn)
}

interface Waiting {
  readonly signatures: readonly SignatureToCheck[]
  readonly resolve: (answers: Uint8Array | Promise<Uint8Array>) => void
}

class WorkerSignatureChecker implements SignatureChecker {
  readonly #spawn: () => Worker
  readonly #backoff = new Backoff(FIRST_RESTART_MS, LONGEST_RESTART_MS)
  readonly #waiting: Map<number, Waiting> = new Map()
  #worker: Worker | null = null
  #online = false
  #restart: NodeJS.Timeout | null = null
  #nextId = 0
  #closed = false

  constructor(spawn: () => Worker) {
    this.#spawn = spawn
  }

  check(signatures: readonly SignatureToCheck[]): Promise<Uint8Array> {
    if (signatures.length <= INLINE_SIGNATURES) return Promise.resolve(checkInline(signatures))
    const worker = this.#worker
    if (worker === null || !this.#online) {
      // The first large batch starts the thread: a node that is only just starting has better things to do.
      if (worker === null && this.#restart === null && !this.#closed) this.#start()
      return checkInTurns(signatures)
    }
    return new Promise((resolve) => {
      const id = this.#nextId++
      this.#waiting.set(id, { signatures, resolve })
      const packed = packSignatures(signatures)
      worker.postMessage({ id, packed }, [packed.buffer])
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#restart !== null) clearTimeout(this.#restart)
    const worker = this.#worker
    this.#worker = null
    this.#finishHere()
    if (worker !== null) await endWorker(worker)
  }

  #start(): void {
    this.#restart = null
    const worker = this.#spawn()
    this.#worker = worker
    this.#online = false
    worker.on('online', () => {
      if (worker === this.#worker) this.#online = true
    })
    worker.on('message', ({ id, answers }: { id: number; answers: Uint8Array }) => {
      this.#backoff.reset()
      this.#waiting.get(id)?.resolve(answers)
      this.#waiting.delete(id)
    })
    worker.on('error', () => this.#gone(worker))
    worker.on('exit', () => this.#gone(worker))
  }

  /** The worker is gone: its batches are checked here, and it is started again. */
  #gone(worker: Worker): void {
    if (worker !== this.#worker || this.#closed) return
    this.#worker = null
    this.#finishHere()
    this.#restart = setTimeout(() => this.#start(), this.#backoff.next())
    this.#restart.unref()
  }

  #finishHere(): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { signatures, resolve } of waiting) resolve(checkInTurns(signatures))
  }
}

function checkInline(signatures: readonly SignatureToCheck[]): Uint8Array {
  return checkPacked(packSignatures(signatures), LIMITS.slowSignaturesPerBatch)
}

async function checkInTurns(signatures: readonly SignatureToCheck[]): Promise<Uint8Array> {
  const answers = new Uint8Array(signatures.length)
  let slowAllowed: number = LIMITS.slowSignaturesPerBatch
  for (let first = 0; first < signatures.length; first += PER_TURN) {
    if (first > 0) await new Promise((resolve) => setImmediate(resolve))
    const part = checkPacked(packSignatures(signatures.slice(first, first + PER_TURN)), slowAllowed)
    answers.set(part, first)
    if (part.includes(0)) break
    slowAllowed -= part.filter((answer) => answer === 2).length
  }
  return answers
}
