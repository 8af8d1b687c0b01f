/** Checks the tables that LevelDB merges in the stores of a running node, soon after it did. */
import { stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { FileDamage } from './damage.ts'
import { damageOfKept, forgetKept, keepNew, mergedTables } from './kept-tables.ts'

/** How long a table may be there without a second name: what was written a second ago is still in memory. */
const LOOK_MS = 1_000
/** Checked at one look, so that checking takes a few percent of the node's time. */
const TABLES_PER_LOOK = 8
/** With more tables waiting all are checked, so that their room on the disk has an end. */
const MOST_WAITING = 100

export interface MergeCheckOptions {
  /** Directories of open databases whose tables are kept. */
  readonly directories: readonly string[]
  readonly onDamage: (directory: string, damage: FileDamage) => void
  /** The file system has no second names for files: what is merged there is not checked. */
  readonly onUnlinkable: (directory: string) => void
  readonly onFailure: (error: unknown) => void
}

/** @returns how to stop it, and wait for what is under way. What is not checked by then is checked at the next start. */
export function startMergeCheck(options: MergeCheckOptions): () => Promise<void> {
  const stop = new AbortController()
  const checks = options.directories.map((directory) =>
    checkMerges(directory, options, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) options.onFailure(error)
    }),
  )
  return async () => {
    stop.abort()
    await Promise.all(checks)
  }
}

async function checkMerges(
  directory: string,
  { onDamage, onUnlinkable }: MergeCheckOptions,
  signal: AbortSignal,
): Promise<void> {
  let seen = 0n
  for (;;) {
    // Does not keep a process alive that has nothing else to do.
    await setTimeout(LOOK_MS, undefined, { signal, ref: false })
    // Changes whenever a file comes or goes.
    const { mtimeNs } = await stat(directory, { bigint: true })
    if (mtimeNs === seen) continue
    if (!(await keepNew(directory))) {
      onUnlinkable(directory)
      return
    }
    const merged = await mergedTables(directory)
    const now = merged.length > MOST_WAITING ? merged : merged.slice(0, TABLES_PER_LOOK)
    for (const name of now) {
      const damage = await damageOfKept(directory, name)
      if (signal.aborted) return
      if (damage !== null) {
        // It stays, so that the next start finds it too.
        onDamage(directory, damage)
        return
      }
      await forgetKept(directory, name)
    }
    if (now.length === merged.length) seen = mtimeNs
  }
}
