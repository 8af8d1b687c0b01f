/** Files that a command is told to read or to write. */
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { syncFolder } from '../crypto/write-once.ts'

/** The text of a file. @throws CordonError `usage` if it cannot be read or has more than `maxBytes`. */
export function readTextFile(path: string, maxBytes: number): string {
  let text: string
  let bytes: number
  try {
    bytes = statSync(path).size // a pipe says 0 and is measured once it is read
    text = bytes > maxBytes ? '' : readFileSync(path, 'utf8')
  } catch (error) {
    throw new CordonError('usage', `${path} cannot be read (${codeOf(error)})`, { path }, { cause: error })
  }
  const found = Math.max(bytes, Buffer.byteLength(text))
  if (found > maxBytes)
    throw new CordonError('usage', `${path} has ${found} bytes; expected at most ${maxBytes}`, { path })
  return text
}

interface NewFile {
  /** Whether it may replace another one; not given: the command has no `--force`. */
  readonly force?: boolean
  /** Everybody may read it. */
  readonly isPublic?: boolean
}

/**
 * Writes a file that only its owner may read, unless it is public, over another one only if the command was told so.
 * @throws CordonError `usage`.
 */
export function writeNewFile(path: string, text: string, { force, isPublic = false }: NewFile = {}): void {
  try {
    const mode = isPublic ? 0o644 : 0o600
    writeFileSync(path, text, { mode, flag: force === true ? 'w' : 'wx', flush: true })
  } catch (error) {
    const code = codeOf(error)
    throw new CordonError(
      'usage',
      code === 'EEXIST'
        ? `${path} is there already; choose another file${force === undefined ? '' : ', or replace it with --force'}`
        : `${path} cannot be written (${code})`,
      { path },
      { cause: error },
    )
  }
}

interface Replacement {
  /** Whether it has to outlast a power cut, which takes its time. Default true. */
  readonly flush?: boolean
  /** Makes the error of a system call's code. Default: `usage`. */
  readonly unwritable?: (code: string) => CordonError
}

/**
 * Puts a text in the place of whatever the file held: readers see the old one or the new one, never a part.
 * @throws CordonError that of `unwritable`.
 */
export function replaceFile(
  path: string,
  text: string,
  {
    flush = true,
    unwritable = (code) => new CordonError('usage', `${path} cannot be written (${code})`, { path }),
  }: Replacement = {},
): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`
  const fail = (error: unknown): never => {
    const failure = unwritable(codeOf(error))
    failure.cause = error
    throw failure
  }
  try {
    // A terminal, a pipe, /dev/null: nothing to put another file in the place of.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
      writeFileSync(path, text)
      return
    }
    writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    fail(error)
  }
  if (!flush) return
  try {
    syncFolder(dirname(path))
  } catch (error) {
    if (!UNSYNCABLE.has(codeOf(error))) fail(error)
  }
}

/** A folder that one may write to and not list, or a file system that does not do this: the file is in its place all the same. */
const UNSYNCABLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EINVAL'])

/** Removes a file so that no power cut brings it back. */
export function removeForGood(path: string): void {
  rmSync(path, { force: true })
  syncFolder(dirname(path))
}

/** The code of a failed system call. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown'
}
