/**
 * Checks the tables of a running node again and again. What a read looked at is checked with it (`read-check.ts`), what
 * LevelDB merged after that (`merge-check.ts`); this finds the damage in what nobody touches.
 */
import { setTimeout } from 'node:timers/promises'
import { damagedTables } from './check.ts'
import type { FileDamage } from './damage.ts'

/** Between two tables, so that checking takes a few percent of the node's time. */
const TABLE_PAUSE_MS = 100
/** Between two rounds. */
const ROUND_PAUSE_MS = 3_600_000

export interface ScrubOptions {
  /** Directories of open databases. */
  readonly directories: readonly string[]
  /** Whether to begin at once: not every table was checked before. */
  readonly atOnce: boolean
  readonly onDamage: (directory: string, damage: FileDamage) => void
  readonly onFailure: (error: unknown) => void
}

/** @returns how to stop it. */
export function startScrub(options: ScrubOptions): () => Promise<void> {
  const stop = new AbortController()
  const done = scrub(options, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) options.onFailure(error)
  })
  return () => {
    stop.abort()
    return done
  }
}

async function scrub({ directories, atOnce, onDamage }: ScrubOptions, signal: AbortSignal): Promise<void> {
  // Does not keep a process alive that has nothing else to do.
  const pause = (ms: number): Promise<void> => setTimeout(ms, undefined, { signal, ref: false })
  if (!atOnce) await pause(ROUND_PAUSE_MS)
  for (;;) {
    for (const directory of directories)
      for await (const damage of damagedTables(directory, () => pause(TABLE_PAUSE_MS)))
        onDamage(directory, damage)
    await pause(ROUND_PAUSE_MS)
  }
}
