/** One supervisor per devnet directory: a lock file that names its holder and is taken over from a dead one. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { CordonError } from '../config/errors.ts'
import { isSameProcess, processIdentity } from './processes.ts'

const ATTEMPTS = 20

interface Holder {
  readonly pid: number
  readonly identity: string
}

/**
 * Takes the lock for this process.
 * @returns what releases it.
 * @throws CordonError `devnet-running` if a live process holds it.
 */
export function takeLock(path: string, dir: string): () => void {
  const content = JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) ?? '' })
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (create(path, content)) return () => release(path, content)
    const found = read(path)
    if (found === null) continue
    const holder = parse(found)
    if (holder !== null && isSameProcess(holder.pid, holder.identity)) {
      throw new CordonError(
        'devnet-running',
        `the devnet in ${dir} runs already (supervisor pid ${holder.pid}); see cordon devnet status, or end it with cordon devnet stop --dir ${dir}`,
        { dir, pid: holder.pid },
      )
    }
    removeStale(path, found)
  }
  throw new CordonError('devnet-running', `another process keeps taking the lock ${path}; try again`, { dir })
}

/** The live process that holds the lock, or null. */
export function lockHolder(path: string): number | null {
  const found = read(path)
  const holder = found === null ? null : parse(found)
  return holder !== null && isSameProcess(holder.pid, holder.identity) ? holder.pid : null
}

/** Whole or not at all, and never over another: the link fails if the name is taken. */
function create(path: string, content: string): boolean {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, content, { mode: 0o600 })
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Moves the file aside, and puts it back if somebody else had renewed it in the meantime. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return // somebody else removed it
  }
  try {
    if (read(aside) !== stale) linkSync(aside, path)
  } catch {
    // A third one took the lock meanwhile: the next attempt sees it.
  }
  rmSync(aside, { force: true })
}

function release(path: string, content: string): void {
  if (read(path) === content) rmSync(path, { force: true })
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function parse(text: string): Holder | null {
  try {
    const { pid, identity } = JSON.parse(text) as Partial<Holder>
    return typeof pid === 'number' && typeof identity === 'string' ? { pid, identity } : null
  } catch {
    return null
  }
}
