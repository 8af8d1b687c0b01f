/**
 * Where the password of a key comes from: `--password-stdin`, `--password-file`, the file `password` in the keystore (a
 * devnet's has one), else a prompt. Never from the command line, and never by waiting where nobody can answer.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import type { PasswordOptions } from './options.ts'

export interface PasswordRequest {
  readonly keystore: string
  /** For whom; part of the prompt. */
  readonly name: string
  /** A new password is asked for twice. */
  readonly isNew?: boolean
}

/** @throws CordonError `needs-input` where it cannot be had, `usage` for two sources or an unreadable file. */
export async function readPassword(options: PasswordOptions, request: PasswordRequest): Promise<string> {
  if (options.passwordStdin === true && options.passwordFile !== undefined) {
    throw new CordonError('usage', 'give one of --password-stdin and --password-file, not both')
  }
  if (options.passwordStdin === true) return firstLine(await readStandardInput(), 'standard input')
  if (options.passwordFile !== undefined)
    return firstLine(readPasswordFile(options.passwordFile), options.passwordFile)
  const path = join(request.keystore, 'password')
  const stored = readOptionalFile(path)
  return stored === null ? prompt(request) : firstLine(stored, path)
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

/** Stops at the first line, and at more than a password may have: a pipe that never ends must not fill the memory. */
async function readStandardInput(): Promise<string> {
  if (process.stdin.isTTY)
    throw needsInput('--password-stdin reads a pipe or file, and standard input is a terminal')
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk)
    if (text.includes('\n') || text.length > LIMITS.passwordBytes) break
  }
  return text
}

function firstLine(text: string, source: string): string {
  const line = text.split(/\r?\n/, 1)[0] ?? ''
  if (line === '') throw needsInput(`expected the password on the first line of ${source}, which is empty`)
  return line
}

async function prompt({ name, isNew }: PasswordRequest): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw needsInput(
      `the password of key ${name} is needed and there is no terminal to ask on; use --password-file FILE or --password-stdin`,
    )
  }
  const { password } = await import('@inquirer/prompts')
  const ask = (message: string): Promise<string> =>
    password({ message, mask: '*' }, { output: process.stderr })
  try {
    const first = await ask(`Password ${isNew === true ? 'for the new key' : 'of'} ${name}:`)
    if (first === '') throw needsInput('the password is empty')
    if (isNew === true && (await ask('Once more:')) !== first)
      throw needsInput('the two passwords differ; nothing was made')
    return first
  } catch (error) {
    if (error instanceof CordonError) throw error
    throw needsInput('no password was given')
  }
}

function needsInput(message: string): CordonError {
  return new CordonError('needs-input', message)
}
