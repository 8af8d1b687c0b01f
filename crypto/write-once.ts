/** Files that are there completely or not at all, and that only one process makes. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { CordonError } from '../config/errors.ts'

/**
 * Makes a file of its owner's. It appears by a link, which fails if the name is taken. Whoever made it, it is durable
 * before this returns, and so are the folders that this makes for it.
 * @param unwritable makes the error of a system call's code; not given: `config-invalid`.
 * @returns false if it was there already; then nothing is changed.
 * @throws CordonError that of `unwritable` if nothing can be written there.
 */
export function writeOnce(
  path: string,
  content: string,
  unwritable: (code: string) => CordonError = (code) =>
    new CordonError('config-invalid', `${path} cannot be written (${code})`, { path }),
): boolean {
  try {
    return write(path, content)
  } catch (error) {
    const failure = unwritable((error as NodeJS.ErrnoException).code ?? 'unknown')
    failure.cause = error
    throw failure
  }
}

function write(path: string, content: string): boolean {
  const folder = dirname(resolve(path))
  makeFolder(folder)
  const draft = join(folder, `.${randomBytes(8).toString('hex')}.draft`)
  try {
    withFile(draft, 'wx', (file) => {
      writeFileSync(file, content)
      fsyncSync(file)
    })
    return link(draft, path)
  } finally {
    rmSync(draft, { force: true })
    syncFolder(folder)
  }
}

/**
 * Makes a folder of its owner's, and those above it. A folder is an entry of the one above it: without that on the disk,
 * what lies in it is lost in a power cut.
 */
export function makeFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made))
}

/** Makes the names in a folder durable: files and folders that were made, linked or renamed there. */
export function syncFolder(path: string): void {
  withFile(path, 'r', fsyncSync)
}

function link(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function withFile(path: string, flags: string, use: (file: number) => void): void {
  const file = openSync(path, flags, 0o600)
  try {
    use(file)
  } finally {
    closeSync(file)
  }
}
