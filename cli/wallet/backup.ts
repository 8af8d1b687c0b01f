/** `wallet export` and `wallet import`: keys as sealed files, or from their 24 words; no node is asked. */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { createKey, exportKey, importKey, requireFree, type KeyInfo } from '../../crypto/keystore.ts'
import { seedOfMnemonic } from '../../crypto/mnemonic.ts'
import { keystorePaths } from '../context.ts'
import { readTextFile, writeNewFile } from '../files.ts'
import { facts } from '../format.ts'
import { needsInput, readStandardInput, TERMINAL, type Terminal } from '../input.ts'
import type { LocalOptions, LocalPasswordOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { readPassword } from '../password.ts'
import { prefixOf, type NetworkOptions } from './network.ts'

interface ExportOptions extends LocalOptions {
  readonly out: string
}

/** Writes the key file as it lies in the keystore: the key in it stays sealed. */
export async function exportTo({ out, ...options }: ExportOptions, name: string): Promise<CommandResult> {
  const { address, text } = exportKey(keystorePaths(options).keystore, name)
  writeNewFile(out, text)
  return {
    data: { name, address, file: out },
    text: facts([
      ['name', name],
      ['address', address],
      ['written to', `${out}, sealed with the password of the key`],
    ]),
  }
}

export interface ImportOptions extends LocalPasswordOptions, NetworkOptions {
  readonly file?: string
  readonly wordsStdin?: boolean
}

export async function importInto(
  options: ImportOptions,
  name: string,
  terminal: Terminal = TERMINAL,
): Promise<CommandResult> {
  requireOneSource(options)
  const { keystore } = keystorePaths(options)
  requireFree(keystore, name) // before anybody types 24 words for nothing
  const { address } =
    options.file === undefined
      ? await fromWords(options, keystore, name, terminal)
      : importKey(keystore, name, readTextFile(options.file, LIMITS.keystoreBytes), options.file)
  return {
    data: { name, address },
    text: facts([
      ['name', name],
      ['address', address],
      ['keystore', keystore],
    ]),
  }
}

function requireOneSource({ file, wordsStdin, passwordStdin }: ImportOptions): void {
  if (file !== undefined && wordsStdin === true)
    throw new CordonError('usage', 'give one of --file and --words-stdin, not both')
  if (wordsStdin === true && passwordStdin === true)
    throw new CordonError(
      'usage',
      'standard input cannot give the words and the password; use --password-file for the password',
    )
}

async function fromWords(
  options: ImportOptions,
  keystore: string,
  name: string,
  terminal: Terminal,
): Promise<KeyInfo> {
  const prefix = prefixOf(options, keystore, 'the key')
  const seed = seedOfMnemonic(await readWords(options, name, terminal))
  const password = await readPassword(options, { keystore, name, isNew: true }, terminal)
  return createKey(keystore, { name, seed, password, prefix })
}

/** @throws CordonError `needs-input` where they cannot be had. */
async function readWords({ wordsStdin }: ImportOptions, name: string, terminal: Terminal): Promise<string> {
  if (wordsStdin === true)
    return readStandardInput({
      what: 'the 24 words of --words-stdin',
      maxCharacters: LIMITS.mnemonicCharacters,
      oneLine: false,
    })
  if (!terminal.canAsk)
    throw needsInput(
      `the 24 words of ${name} are needed and there is no terminal to ask on; use --words-stdin, or --file FILE for an exported key`,
    )
  return terminal.secret(`The 24 words of ${name}:`).catch(() => {
    throw needsInput('no words were given')
  })
}
