/** What the processes of a devnet are started with. */
import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageFolder } from '../config/entries.ts'

/** Where a node process finds the pipe to its supervisor (`leash.ts`). */
export const LEASH_FD = 3
/** What is said through it, a line each: the directory is there; the clock is to be `AHEAD N` milliseconds ahead. */
export const GO = 'go'
export const AHEAD = 'ahead'
/** What the node says through it once its ports answer. */
export const UP = 'up'
/** Set to 1: there is such a pipe. */
export const LEASH_VARIABLE = 'CORDON_DEVNET_LEASH'
/** Set to 1: the directory of the node is not there yet. */
export const EARLY_VARIABLE = 'CORDON_DEVNET_EARLY'

/** How far the node's clock is ahead of this machine's, in ms. */
export const AHEAD_VARIABLE = 'CORDON_DEVNET_AHEAD_MS'

/**
 * Environment of a node or supervisor process: without CORDON_* settings that were meant for the client, and with what
 * `bin/cordon` sets: Node's compile cache, which halves the start of a node from the second one on, and one pool of memory
 * for all threads.
 */
export function childEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('CORDON_'))
  return { NODE_COMPILE_CACHE: compileCache(), MALLOC_ARENA_MAX: '1', ...Object.fromEntries(own), ...extra }
}

/** As `bin/cordon` chooses it, so that what a build left there is found by programs that use the library, too. */
function compileCache(): string {
  const modules = join(fileURLToPath(packageFolder()), 'node_modules')
  try {
    accessSync(modules, constants.W_OK)
    return join(modules, '.cache', 'cordon')
  } catch {
    return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'cordon', 'compile')
  }
}
