/**
 * Money for the accounts of those who try a devnet. A payer that pays everybody looks like one whose account was taken
 * over, so the operators of all nodes allow what it pays, in the way they would for a payer that they know.
 */
import { operatorOfNode } from '../client/operator-of-node.ts'
import { submitAndWait } from '../client/payment.ts'
import type { RpcClient } from '../client/rpc-client.ts'
import { readChain, signActions } from '../client/signing.ts'
import { CordonError } from '../config/errors.ts'
import { decodeAddress } from '../crypto/address.ts'
import { toHex, utf8 } from '../crypto/bytes.ts'
import { devnetAddress } from './accounts.ts'
import { deriveKey } from './keys.ts'
import { nodePaths, readDevnetFile, type DevnetFile } from './layout.ts'

const WHY = 'faucet of this devnet'
const ALLOWED_MS = 30 * 86_400_000
const TIMEOUT_MS = 30_000

export interface FaucetPayment {
  /** Hex. */
  readonly txId: string
  readonly to: string
  /** uCRD, a decimal string. */
  readonly amount: string
}

/**
 * Pays `units` uCRD to an address and waits until it has them.
 * @throws CordonError `address-invalid`; `tx-failed` if it did not settle.
 */
export async function payFromFaucet(
  dir: string,
  client: RpcClient,
  { to, units }: { readonly to: string; readonly units: bigint },
): Promise<FaucetPayment> {
  const file = readDevnetFile(dir)
  const key = deriveKey(file.seed, 'faucet', 0)
  const chain = await readChain(client)
  const payee = decodeAddress(chain.info.addressPrefix, to)
  await allowFaucet(dir, file, devnetAddress(key.publicKey))
  const { id, bytes } = signActions(chain, key, [
    { type: 'transfer', to: payee, amount: units, memo: utf8('faucet') },
  ])
  const { info } = await submitAndWait(client, { txId: id, bytes }, TIMEOUT_MS)
  if (info.status === 'settled') return { txId: toHex(id), to, amount: String(units) }
  throw new CordonError(
    'tx-failed',
    `the faucet's payment ${toHex(id)} ended as ${info.status}${info.failure === null ? '' : ` (${info.failure})`}`,
    { txId: toHex(id), status: info.status },
  )
}

/** A node that does not run has no say. */
async function allowFaucet(dir: string, { nodes }: DevnetFile, account: string): Promise<void> {
  const validators = nodes.filter(({ validator }) => validator)
  await Promise.allSettled(
    validators.map(async (node) => {
      const operator = operatorOfNode(nodePaths(dir, node).dir)
      const { entries } = await operator.call('review_entries', {})
      if (entries.some((entry) => entry.kind === 'allow' && entry.account === account)) return
      await operator.call('review_addEntry', { kind: 'allow', account, why: WHY, forMs: ALLOWED_MS })
    }),
  )
}
