/**
 * One process per directory: a lock file that names its owner. A lock whose owner is gone (kill −9, power loss) is
 * taken over. Two signers on one folder would be two instances of one validator, and cost it its stake.
 */
import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CordonError } from '../config/errors.ts'

const LOCK_FILE = 'lock'
const ATTEMPTS = 5

/** Names a process so that another one with the same number, after a reboot or in a new container, is not taken for it. */
interface Owner {
  readonly pid: number
  /** Boot and start time of the process where the system tells them, else null. */
  readonly born: string | null
  /** Tells two locks of one process apart. */
  readonly token: string
}

/** Tokens of the locks this process holds. */
const held = new Set<string>()

export interface DirectoryLock {
  release(): Promise<void>
}

/** @throws CordonError `directory-locked` while another live process, or another user in this one, holds the directory. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = resolve(join(directory, LOCK_FILE))
  const owner: Owner = {
    pid: process.pid,
    born: await birthOf(process.pid),
    token: randomBytes(8).toString('hex'),
  }
  const text = JSON.stringify(owner)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    held.add(owner.token)
    if ((await createExclusively(path, text)) && (await readOrNull(path)) === text) {
      return {
        release: async () => {
          held.delete(owner.token)
          if ((await readOrNull(path)) === text) await rm(path, { force: true })
        },
      }
    }
    held.delete(owner.token)
    await removeIfStale(path, directory)
  }
  throw locked(directory, 'several processes are starting on it at once')
}

/** The live process that holds the directory, or null. */
export async function lockHolder(directory: string): Promise<number | null> {
  const text = await readOrNull(join(directory, LOCK_FILE))
  const owner = text === null ? null : parseOwner(text)
  return owner !== null && (await isAlive(owner)) ? owner.pid : null
}

async function createExclusively(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(text)
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Moves the stale lock aside first, so that of two processes that see it only one removes it. */
async function removeIfStale(path: string, directory: string): Promise<void> {
  const text = await readOrNull(path)
  if (text === null) return
  const owner = parseOwner(text)
  if (owner !== null && (await isAlive(owner))) throw locked(directory, `process ${owner.pid} uses it`)
  const aside = `${path}.${randomBytes(4).toString('hex')}`
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await readOrNull(aside)) === text) await rm(aside, { force: true })
  else await rename(aside, path)
}

function parseOwner(text: string): Owner | null {
  try {
    const owner = JSON.parse(text) as Partial<Owner>
    if (!Number.isInteger(owner.pid) || typeof owner.token !== 'string') return null
    return { pid: Number(owner.pid), born: owner.born ?? null, token: owner.token }
  } catch {
    return null // a crash tore it: its owner is gone
  }
}

async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.pid === process.pid) return held.has(owner.token)
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const born = await birthOf(owner.pid)
  return born === null || owner.born === null || born === owner.born
}

/** Linux tells the boot and when within it a process started; elsewhere null. */
async function birthOf(pid: number): Promise<string | null> {
  const [boot, stat] = await Promise.all([
    readOrNull('/proc/sys/kernel/random/boot_id'),
    readOrNull(`/proc/${pid}/stat`),
  ])
  if (boot === null || stat === null) return null
  // The second field is the program's name in parentheses and may hold spaces; the start time is field 22.
  const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return startTicks === undefined ? null : `${boot.trim()}/${startTicks}`
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return null
    throw error
  }
}

function locked(directory: string, why: string): CordonError {
  return new CordonError(
    'directory-locked',
    `${directory} is locked: ${why}. Stop that process first, or give this node a directory of its own`,
    { directory },
  )
}
