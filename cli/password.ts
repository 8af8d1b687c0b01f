/**
 * Where the password of a key comes from: `--password-stdin`, `--password-file`, the file `password` in the keystore (a
 * devnet's has one), else a prompt. Never from the command line, and never by waiting where nobody can answer.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { needsInput, readStandardInput, TERMINAL, type InputRequest, type Terminal } from './input.ts'
import type { LocalPasswordOptions } from './options.ts'

interface PasswordRequest {
  readonly keystore: string
  /** For whom; part of the prompt. */
  readonly name: string
  /** A new password is asked for twice. */
  readonly isNew?: boolean
}

const FROM_PIPE: InputRequest = {
  what: 'the password of --password-stdin',
  maxCharacters: LIMITS.passwordBytes,
  oneLine: true,
}

/** @throws CordonError `needs-input` where it cannot be had, `usage` for two sources or an unreadable file. */
export async function readPassword(
  options: LocalPasswordOptions,
  request: PasswordRequest,
  terminal: Terminal = TERMINAL,
): Promise<string> {
  if (options.passwordStdin === true && options.passwordFile !== undefined) {
    throw new CordonError('usage', 'give one of --password-stdin and --password-file, not both')
  }
  if (options.passwordStdin === true) return firstLine(await readStandardInput(FROM_PIPE), 'standard input')
  if (options.passwordFile !== undefined)
    return firstLine(readPasswordFile(options.passwordFile), options.passwordFile)
  const path = join(request.keystore, 'password')
  const stored = readOptionalFile(path)
  return stored === null ? prompt(request, terminal) : firstLine(stored, path)
}

function readPasswordFile(path: string): string {
  const text = readOptionalFile(path)
  if (text === null) throw new CordonError('usage', `password file ${path} does not exist`, { path })
  return text
}

function readOptionalFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    if (code === 'ENOENT') return null
    throw new CordonError('usage', `password file ${path} cannot be read (${code})`, { path })
  }
}

function firstLine(text: string, source: string): string {
  const line = text.split(/\r?\n/, 1)[0] ?? ''
  if (line === '') throw needsInput(`expected the password on the first line of ${source}, which is empty`)
  return line
}

async function prompt({ name, isNew }: PasswordRequest, terminal: Terminal): Promise<string> {
  if (!terminal.canAsk) {
    throw needsInput(
      `the password of key ${name} is needed and there is no terminal to ask on; use --password-file FILE or --password-stdin`,
    )
  }
  try {
    const first = await terminal.secret(`Password ${isNew === true ? 'for the new key' : 'of'} ${name}:`)
    if (first === '') throw needsInput('the password is empty')
    if (isNew === true && (await terminal.secret('Once more:')) !== first)
      throw needsInput('the two passwords differ; nothing was made')
    return first
  } catch (error) {
    if (error instanceof CordonError) throw error
    throw needsInput('no password was given')
  }
}
