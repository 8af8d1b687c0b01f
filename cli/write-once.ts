/**
 * Files that are written once and never changed: a file appears complete and durable under its name, or not at all. Of
 * several processes that write one name exactly one succeeds, without a lock that a crash would leave behind.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CordonError } from '../config/errors.ts'

/**
 * @returns false if the name is taken; what is there stays as it is.
 * @throws CordonError `config-invalid` if nothing can be written there.
 */
export function writeOnce(directory: string, path: string, content: string): boolean {
  try {
    return write(directory, path, content)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new CordonError('config-invalid', `${path} cannot be written (${code})`, { path }, { cause: error })
  }
}

function write(directory: string, path: string, content: string): boolean {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const draft = join(directory, `.${randomBytes(8).toString('hex')}.draft`)
  try {
    const file = openSync(draft, 'wx', 0o600)
    try {
      writeFileSync(file, content)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    try {
      linkSync(draft, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    }
  } finally {
    rmSync(draft, { force: true })
  }
  const folder = openSync(directory, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
  return true
}
