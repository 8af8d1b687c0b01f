/** Names of accounts: keys of the keystore and entries of the address book. An address stands for itself. */
import { CordonError } from '../config/errors.ts'
import { decodeAddress, parseAddress } from '../crypto/address.ts'
import { isKeyName, listKeys, type KeyInfo } from '../crypto/keystore.ts'
import { readAddressBook, type AddressBook } from './address-book.ts'
import type { KeystorePaths } from './context.ts'

/** Length from which what is no name must be meant as an address. */
const ADDRESS_LIKE = 40

export class Names {
  readonly #keys: readonly KeyInfo[]
  readonly #contacts: AddressBook

  constructor(paths: Pick<KeystorePaths, 'keystore' | 'addressBook'>) {
    this.#keys = listKeys(paths.keystore)
    this.#contacts = readAddressBook(paths.addressBook)
  }

  get keys(): readonly KeyInfo[] {
    return this.#keys
  }

  /** The key whose address this is, or null. */
  keyOf(address: string): KeyInfo | null {
    return this.#keys.find((key) => key.address === address) ?? null
  }

  /**
   * The key meant by `--from`: its name, or its address.
   * @throws CordonError `key-unknown` with those there are.
   */
  keyFrom(text: string, { keystore }: Pick<KeystorePaths, 'keystore'>): KeyInfo {
    const key = this.#keys.find(({ name, address }) => name === text || address === text)
    if (key !== undefined) return key
    const known =
      this.#keys.length === 0
        ? 'it has none yet'
        : `it has ${this.#keys
            .map(({ name }) => name)
            .slice(0, 20)
            .join(', ')}`
    throw new CordonError('key-unknown', `--from: no key ${JSON.stringify(text)} in ${keystore}; ${known}`, {
      name: text,
    })
  }

  /** The name people know an address by, or null. */
  nameOf(address: string): string | null {
    const contact = [...this.#contacts].find(([, other]) => other === address)
    return this.keyOf(address)?.name ?? contact?.[0] ?? null
  }

  /** A name, or enough of an address to tell it from others in a table. */
  short(address: string): string {
    return this.nameOf(address) ?? `${address.slice(0, 12)}…${address.slice(-6)}`
  }

  /** `alice (dcdn1…)`, or the address alone. */
  label(address: string): string {
    const name = this.nameOf(address)
    return name === null ? address : `${name} (${address})`
  }

  /**
   * The address meant by a name or an address.
   * @throws CordonError `address-invalid` with what is known.
   */
  resolve(text: string): string {
    const named = this.#keys.find(({ name }) => name === text)?.address ?? this.#contacts.get(text)
    if (named !== undefined) return named
    if (isKeyName(text) && text.length < ADDRESS_LIKE && !text.includes('1')) throw this.#unknown(text)
    try {
      parseAddress(text)
      return text.toLowerCase()
    } catch (error) {
      if (text.length >= ADDRESS_LIKE || !isKeyName(text)) throw error
      throw this.#unknown(text)
    }
  }

  /** Account id of a name or an address on the network with this prefix. @throws CordonError `address-invalid`. */
  accountId(text: string, prefix: string): Uint8Array {
    return decodeAddress(prefix, this.resolve(text))
  }

  #unknown(name: string): CordonError {
    const known = [...this.#keys.map((key) => key.name), ...this.#contacts.keys()]
    const list =
      known.length === 0
        ? 'none is known yet'
        : `known are ${known.slice(0, 20).join(', ')}${known.length > 20 ? ', …' : ''}`
    return new CordonError(
      'address-invalid',
      `${JSON.stringify(name)} is no address and no name in the keystore or address book; ${list}`,
      { name },
    )
  }
}
