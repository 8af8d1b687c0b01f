/** Files that are there completely or not at all, and that only one process makes. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CordonError } from '../config/errors.ts'

/**
 * Makes a file of its owner's. It appears by a link, which fails if the name is taken. Whoever made it, it is durable
 * before this returns.
 * @returns false if it was there already; then nothing is changed.
 * @throws CordonError `config-invalid` if nothing can be written there.
 */
export function writeOnce(path: string, content: string): boolean {
  try {
    return write(path, content)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new CordonError('config-invalid', `${path} cannot be written (${code})`, { path }, { cause: error })
  }
}

function write(path: string, content: string): boolean {
  const directory = dirname(path)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const draft = join(directory, `.${randomBytes(8).toString('hex')}.draft`)
  try {
    withFile(draft, 'wx', (file) => {
      writeFileSync(file, content)
      fsyncSync(file)
    })
    return link(draft, path)
  } finally {
    rmSync(draft, { force: true })
    withFile(directory, 'r', fsyncSync)
  }
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
