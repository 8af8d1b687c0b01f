/** Builds and signs unordered transactions of the wallet. */
import { randomBytes } from 'node:crypto'
import { CordonError } from '../config/errors.ts'
import { fromHex } from '../crypto/bytes.ts'
import { openKey, type KeyInfo, type OpenKey } from '../crypto/keystore.ts'
import type { ChainInfo } from '../client/api.ts'
import type { RpcClient } from '../client/rpc-client.ts'
import type { Action } from '../ledger/actions/index.ts'
import { minimumFee } from '../ledger/rules.ts'
import {
  encodeTransaction,
  signTransaction,
  type Authorization,
  type DecodedTransaction,
  type TransactionContent,
} from '../ledger/transaction.ts'
import type { KeystorePaths } from './context.ts'
import { TERMINAL, type Terminal } from './input.ts'
import type { LocalPasswordOptions } from './options.ts'
import { readPassword } from './password.ts'

const SIGNATURE_BYTES = 64

/** The chain as the node tells it, and its newest time. */
export interface Chain {
  readonly info: ChainInfo
  readonly chainId: Uint8Array
  readonly blockTimeMs: number
}

export async function readChain(client: RpcClient): Promise<Chain> {
  const [info, status] = await Promise.all([client.call('chain_info', {}), client.call('chain_status', {})])
  return { info, chainId: fromHex(info.chainId, 8), blockTimeMs: status.blockTimeMs }
}

/** Valid for the network's wallet validity from now, by whichever clock is ahead; at the lowest fee. */
export function transactionContent(
  chain: Chain,
  sender: Uint8Array,
  actions: readonly Action[],
): TransactionContent {
  return {
    chain: chain.chainId,
    sender,
    sequence: 0n,
    validUntilMs: Math.max(chain.blockTimeMs, Date.now()) + chain.info.walletValidityMs,
    salt: randomBytes(8).readBigUInt64BE(),
    fee: minimumFee(Number(chain.info.minFee), actions.length),
    actions,
  }
}

export function signActions(chain: Chain, key: OpenKey, actions: readonly Action[]): DecodedTransaction {
  return signTransaction(transactionContent(chain, key.publicKey, actions), [key])
}

/** Canonical bytes with a signature of zeros, for a dry run: worth nothing to whoever sees them. */
export function unsignedBytes(content: TransactionContent): Uint8Array {
  return encodeTransaction({ ...content, auth: [zeroSignature(content.sender)] })
}

/** Stands in for a signature where rules are asked before there is one. */
export function zeroSignature(key: Uint8Array): Authorization {
  return { key, signature: new Uint8Array(SIGNATURE_BYTES) }
}

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
