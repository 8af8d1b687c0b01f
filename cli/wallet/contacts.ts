/** `wallet contact add | list | remove`: the address book; no node is asked. */
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { decodeAddress } from '../../crypto/address.ts'
import { hasKey, isKeyName } from '../../crypto/keystore.ts'
import { readAddressBook, writeAddressBook } from '../address-book.ts'
import { keystorePaths } from '../context.ts'
import { facts, table } from '../format.ts'
import type { LocalOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { prefixOf, type NetworkOptions } from './network.ts'

export async function add(options: NetworkOptions, name: string, text: string): Promise<CommandResult> {
  const { keystore, addressBook } = keystorePaths(options)
  if (!isKeyName(name))
    throw new CordonError(
      'usage',
      `contact name ${JSON.stringify(name.slice(0, 80))}: expected 1 to ${LIMITS.keyNameCharacters} characters of a–z, 0–9, - and _, beginning with a letter or digit`,
      { name: name.slice(0, 80) },
    )
  if (hasKey(keystore, name))
    throw new CordonError(
      'usage',
      `${name} is the name of your own key in ${keystore}; choose another name`,
      {
        name,
      },
    )
  decodeAddress(prefixOf(options, keystore, 'the contact'), text)
  const address = text.toLowerCase()
  const book = readAddressBook(addressBook)
  const before = book.get(name)
  if (before !== undefined && before !== address)
    throw new CordonError(
      'usage',
      `${name} stands for ${before} already; remove that first: cordon wallet contact remove ${name}`,
      { name, address: before },
    )
  writeAddressBook(addressBook, new Map([...book, [name, address]]))
  return {
    data: { name, address, addressBook },
    text: facts([
      ['name', name],
      ['address', address],
      ['address book', addressBook],
    ]),
  }
}

export async function list(options: LocalOptions): Promise<CommandResult> {
  const { addressBook } = keystorePaths(options)
  const contacts = [...readAddressBook(addressBook)]
    .map(([name, address]) => ({ name, address }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const text =
    contacts.length === 0
      ? `no contacts in ${addressBook}; add one with: cordon wallet contact add NAME ADDRESS`
      : table(
          [{ title: 'NAME' }, { title: 'ADDRESS' }],
          contacts.map(({ name, address }) => [name, address]),
        )
  return { data: { addressBook, contacts }, text }
}

export async function remove(options: LocalOptions, name: string): Promise<CommandResult> {
  const { addressBook } = keystorePaths(options)
  const book = new Map(readAddressBook(addressBook))
  const address = book.get(name)
  if (address === undefined)
    throw new CordonError(
      'not-found',
      `no contact ${JSON.stringify(name.slice(0, 80))} in ${addressBook}; see: cordon wallet contact list`,
      { name: name.slice(0, 80) },
    )
  book.delete(name)
  writeAddressBook(addressBook, book)
  return { data: { name, address }, text: `removed ${name} (${address})` }
}
