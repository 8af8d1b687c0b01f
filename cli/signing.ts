/** Keys of the keystore, before something is signed with them. */
import { CordonError } from '../config/errors.ts'
import { openKey, type KeyInfo, type OpenKey } from '../crypto/keystore.ts'
import type { Chain } from '../client/signing.ts'
import type { KeystorePaths } from './context.ts'
import { TERMINAL, type Terminal } from './input.ts'
import type { LocalPasswordOptions } from './options.ts'
import { readPassword } from './password.ts'

/** Opens a key of the keystore, asking for its password if need be. */
export async function unlock(
  options: LocalPasswordOptions,
  paths: KeystorePaths,
  key: KeyInfo,
  terminal: Terminal = TERMINAL,
): Promise<OpenKey> {
  const password = await readPassword(options, { keystore: paths.keystore, name: key.name }, terminal)
  return openKey(paths.keystore, key.name, password)
}

/** Of the chain's network, or the payment would go nowhere. @throws CordonError `address-invalid`. */
export function requireNetwork(key: KeyInfo, chain: Chain): void {
  const { addressPrefix, network } = chain.info
  if (key.address.startsWith(`${addressPrefix}1`)) return
  throw new CordonError(
    'address-invalid',
    `key ${key.name} (${key.address}) is of another network than the node's, which is ${network} with addresses ${addressPrefix}1…`,
    {
      address: key.address,
    },
  )
}
