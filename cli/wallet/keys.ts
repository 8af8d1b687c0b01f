/** `wallet create`, `list`, `address`: the keystore; no node is asked. */
import { CordonError } from '../../config/errors.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import type { NetworkName } from '../../config/parameters.ts'
import { parseAddress } from '../../crypto/address.ts'
import { createKey, hasKey, isKeyName, listKeys } from '../../crypto/keystore.ts'
import { newMnemonic, seedOfMnemonic } from '../../crypto/mnemonic.ts'
import { chosenDevnet, keystorePaths } from '../context.ts'
import { facts, table } from '../format.ts'
import { Names } from '../names.ts'
import type { KeystoreOptions, PasswordOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { readPassword } from '../password.ts'

interface CreateOptions extends PasswordOptions {
  readonly network?: NetworkName
}

export async function create(options: CreateOptions, name: string): Promise<CommandResult> {
  const { keystore } = keystorePaths(options)
  // Before anybody types a password for nothing.
  if (!isKeyName(name))
    throw new CordonError(
      'usage',
      `key name ${JSON.stringify(name)}: expected letters a–z, digits, - and _, beginning with a letter or digit`,
      { name },
    )
  if (hasKey(keystore, name))
    throw new CordonError(
      'key-exists',
      `key ${name} exists in ${keystore}; keys are never overwritten: choose another name`,
      { name },
    )
  const prefix = prefixOf(options, keystore)
  const password = await readPassword(options, { keystore, name, isNew: true })
  const words = newMnemonic()
  const { address } = await createKey(keystore, { name, seed: seedOfMnemonic(words), password, prefix })
  return {
    data: { name, address, words },
    text: [
      facts([
        ['name', name],
        ['address', address],
        ['keystore', keystore],
      ]),
      '',
      'These 24 words are the key. Write them down now: they are shown this once, and who has them has the money.',
      '',
      numbered(words),
    ].join('\n'),
  }
}

/** @throws CordonError `usage` if nothing says which network the key is for. */
function prefixOf(options: CreateOptions, keystore: string): string {
  if (options.network !== undefined) return ADDRESS_PREFIX[options.network]
  const prefixes = new Set(listKeys(keystore).map(({ address }) => parseAddress(address).prefix))
  const [only] = prefixes
  if (prefixes.size === 1 && only !== undefined) return only
  if (options.keystore === undefined && chosenDevnet(options) !== null) return ADDRESS_PREFIX.devnet
  throw new CordonError('usage', 'say which network the key is for: --network mainnet, testnet or devnet')
}

function numbered(words: string): string {
  const cells = words.split(' ').map((word, index) => `${String(index + 1).padStart(2)} ${word}`)
  const rows = Array.from({ length: Math.ceil(cells.length / 4) }, (_, row) =>
    cells.slice(4 * row, 4 * row + 4),
  )
  return facts(rows)
}

export async function list(options: KeystoreOptions): Promise<CommandResult> {
  const { keystore } = keystorePaths(options)
  const accounts = listKeys(keystore)
  const text =
    accounts.length === 0
      ? `no keys in ${keystore}; make one with: cordon wallet create NAME`
      : table(
          [{ title: 'NAME' }, { title: 'ADDRESS' }],
          accounts.map(({ name, address }) => [name, address]),
        )
  return { data: { keystore, accounts }, text }
}

export async function address(options: KeystoreOptions, name: string): Promise<CommandResult> {
  const resolved = new Names(keystorePaths(options)).resolve(name)
  return { data: { name, address: resolved }, text: resolved }
}
