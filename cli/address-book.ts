/** The address book of a wallet: names of accounts that are not the wallet's own. A JSON object from name to address. */
import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { parseAddress } from '../crypto/address.ts'
import { makeFolder } from '../crypto/write-once.ts'
import { codeOf, replaceFile } from './files.ts'

/** Address by name. */
export type AddressBook = ReadonlyMap<string, string>

/** @returns an empty one if there is no file. @throws CordonError `keystore-invalid` if it is not what it should be. */
export function readAddressBook(path: string): AddressBook {
  let text: string
  try {
    const bytes = statSync(path).size
    if (bytes > LIMITS.addressBookBytes)
      throw invalid(path, `has ${bytes} bytes; expected at most ${LIMITS.addressBookBytes}`)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof CordonError) throw error
    if (codeOf(error) === 'ENOENT') return new Map()
    throw invalid(path, `cannot be read (${codeOf(error)})`)
  }
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>)
    return new Map(entries.map(([name, address]) => [name, checkedAddress(String(address))]))
  } catch (error) {
    throw invalid(path, `is no JSON object from name to address (${(error as Error).message})`)
  }
}

/** Written in the one way in which addresses are compared. @throws CordonError `address-invalid`. */
function checkedAddress(text: string): string {
  parseAddress(text)
  return text.toLowerCase()
}

/**
 * Replaces the file: it holds the old names or the new ones, never a part of them.
 * @throws CordonError `usage` if it would be longer than may be, `keystore-invalid` if it cannot be written.
 */
export function writeAddressBook(path: string, book: AddressBook): void {
  const text = `${JSON.stringify(Object.fromEntries(book), null, 2)}\n`
  if (Buffer.byteLength(text) > LIMITS.addressBookBytes)
    throw new CordonError(
      'usage',
      `an address book has at most ${LIMITS.addressBookBytes} bytes; remove some names`,
    )
  const unwritable = (code: string): CordonError => invalid(path, `cannot be written (${code})`)
  try {
    makeFolder(dirname(path))
  } catch (error) {
    throw unwritable(codeOf(error))
  }
  replaceFile(path, text, { unwritable })
}

function invalid(path: string, problem: string): CordonError {
  return new CordonError('keystore-invalid', `address book ${path} ${problem}`, { path })
}
