/**
 * What a client makes of a payment before it is sent: a transaction of its chain, with a time after which it can no longer
 * settle and a salt that tells it from another one like it (ledger.md).
 */
import { randomBytes } from 'node:crypto'
import { fromHex } from '../crypto/bytes.ts'
import { SIGNATURE_BYTES, type KeyPair } from '../crypto/ed25519.ts'
import type { Action } from '../ledger/actions/index.ts'
import { minimumFee } from '../ledger/rules.ts'
import {
  encodeTransaction,
  signTransaction,
  type Authorization,
  type DecodedTransaction,
  type TransactionContent,
} from '../ledger/transaction.ts'
import type { ChainInfo } from './api.ts'
import type { RpcClient } from './rpc-client.ts'

/** The chain as the node tells it, and its newest time. */
export interface Chain {
  readonly info: ChainInfo
  /** 8 bytes. */
  readonly chainId: Uint8Array
  readonly blockTimeMs: number
}

export async function readChain(client: RpcClient): Promise<Chain> {
  const [info, status] = await Promise.all([client.call('chain_info', {}), client.call('chain_status', {})])
  return { info, chainId: fromHex(info.chainId, 8), blockTimeMs: status.blockTimeMs }
}

/** What of a chain a transaction needs. */
export interface SigningChain extends Pick<Chain, 'chainId' | 'blockTimeMs'> {
  readonly info: Pick<ChainInfo, 'walletValidityMs' | 'minFee'>
}

/** Valid for the network's wallet validity from now, by whichever clock is ahead; at the lowest fee. */
export function transactionContent(
  chain: SigningChain,
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

export function signActions(
  chain: SigningChain,
  key: KeyPair,
  actions: readonly Action[],
): DecodedTransaction {
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
