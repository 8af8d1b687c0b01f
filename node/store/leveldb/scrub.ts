/**
 * Checks the tables for which there was no time when the node started, one after the other. A table that LevelDB has
 * replaced meanwhile is gone, which is no damage.
 */
import { setTimeout } from 'node:timers/promises'
import { damageOfTable, type FileDamage } from './check.ts'

/** Between two tables, so that checking never takes more than a part of the node's time. */
const PAUSE_MS = 20

export interface ScrubOptions {
  readonly tables: readonly { readonly directory: string; readonly name: string }[]
  readonly onDamage: (directory: string, damage: FileDamage) => void
  readonly onFailure: (error: unknown) => void
}

/** @returns how to stop it, which waits for the table under way. */
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

async function scrub({ tables, onDamage }: ScrubOptions, signal: AbortSignal): Promise<void> {
  for (const { directory, name } of tables) {
    const what = await damageIfThere(directory, name)
    if (what !== null) onDamage(directory, { file: name, what })
    await setTimeout(PAUSE_MS, undefined, { signal })
  }
}

async function damageIfThere(directory: string, name: string): Promise<string | null> {
  try {
    return await damageOfTable(directory, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
