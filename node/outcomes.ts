/** Who waits for the end of a transaction, and the newest executed blocks for those who follow. */
import type { BlockEvent } from '../client/api.ts'

/** Events kept in memory; older ones are rebuilt from the ledger. */
const RECENT_EVENTS = 1_024

export interface Waiting {
  readonly promise: Promise<void>
  readonly cancel: () => void
}

export class Outcomes {
  readonly #waiting: Map<string, Set<() => void>> = new Map()
  readonly #listeners: Set<() => void> = new Set()
  readonly #recent: Map<number, BlockEvent> = new Map()

  /** Resolves when the transaction has ended, the time is up, or `signal` aborts. */
  waitFor(txName: string, timeoutMs: number, signal: AbortSignal): Waiting {
    let done: () => void = () => undefined
    const promise = new Promise<void>((resolve) => (done = resolve))
    const waiters = this.#waiting.get(txName) ?? new Set()
    this.#waiting.set(txName, waiters)
    const timer = setTimeout(() => {
      finish()
    }, timeoutMs)
    const finish = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      waiters.delete(finish)
      if (waiters.size === 0 && this.#waiting.get(txName) === waiters) this.#waiting.delete(txName)
      done()
    }
    waiters.add(finish)
    signal.addEventListener('abort', finish)
    if (signal.aborted) finish()
    return { promise, cancel: finish }
  }

  /** A block was executed: wakes those who wait for its transactions, and those who follow. */
  publish(event: BlockEvent): void {
    this.#recent.set(event.height, event)
    this.#recent.delete(event.height - RECENT_EVENTS)
    for (const { txId } of event.results) this.#finish(txId)
    for (const txId of event.expired) this.#finish(txId)
    for (const listener of this.#listeners) listener()
  }

  recent(height: number): BlockEvent | null {
    return this.#recent.get(height) ?? null
  }

  /** Calls `listener` after each executed block. @returns how to stop it. */
  onExecuted(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #finish(txName: string): void {
    const waiters = this.#waiting.get(txName)
    if (waiters !== undefined) for (const finish of [...waiters]) finish()
  }
}
