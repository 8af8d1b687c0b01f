/** Which network a key or contact is of, before any node is asked. */
import { CordonError } from '../../config/errors.ts'
import { ADDRESS_PREFIX } from '../../config/networks.ts'
import type { NetworkName } from '../../config/parameters.ts'
import { parseAddress } from '../../crypto/address.ts'
import { listKeys } from '../../crypto/keystore.ts'
import { chosenDevnet } from '../context.ts'
import type { LocalOptions } from '../options.ts'

export interface NetworkOptions extends LocalOptions {
  readonly network?: NetworkName
}

/**
 * Prefix of its addresses: that of `--network`, else of the keystore's keys, else the devnet's.
 * @param what for the error.
 * @throws CordonError `usage` if nothing says which network it is.
 */
export function prefixOf(options: NetworkOptions, keystore: string, what: string): string {
  if (options.network !== undefined) return ADDRESS_PREFIX[options.network]
  const prefixes = new Set(listKeys(keystore).map(({ address }) => parseAddress(address).prefix))
  const [only] = prefixes
  if (prefixes.size === 1 && only !== undefined) return only
  if (options.keystore === undefined && chosenDevnet(options) !== null) return ADDRESS_PREFIX.devnet
  throw new CordonError('usage', `say which network ${what} is for: --network mainnet, testnet or devnet`)
}
