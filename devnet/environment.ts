/** What the processes of a devnet are started with. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where a node process finds the pipe to its supervisor (`leash.ts`). */
export const LEASH_FD = 3
/** Set to 1: there is such a pipe. */
export const LEASH_VARIABLE = 'CORDON_DEVNET_LEASH'
/** Set to 1: the directory of the node is not there yet. */
export const EARLY_VARIABLE = 'CORDON_DEVNET_EARLY'

/**
 * Environment of a node or supervisor process: without CORDON_* settings that were meant for the client, and with
 * Node's compile cache, which halves the start of a node from the second one on.
 */
export function childEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('CORDON_'))
  const cacheHome = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return { NODE_COMPILE_CACHE: join(cacheHome, 'cordon', 'compile'), ...Object.fromEntries(own), ...extra }
}
