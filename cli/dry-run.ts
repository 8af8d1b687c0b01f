/** What a payment would cost and whether the asked node would flag it. Nothing is signed or sent. */
import type { DryRun } from '../client/api.ts'
import type { RpcClient } from '../client/rpc-client.ts'
import { transactionContent, unsignedBytes, type Chain } from '../client/signing.ts'
import { parseAddress } from '../crypto/address.ts'
import { toHex } from '../crypto/bytes.ts'
import { amountBoth } from './format.ts'
import type { PaymentTerms } from './outbox.ts'
import type { Rows } from './outcome.ts'
import { transferAction } from './transfers.ts'

/** @throws CordonError the node's refusal of such a payment; `address-invalid` if the node is of another network. */
export async function dryRun(client: RpcClient, chain: Chain, terms: PaymentTerms): Promise<DryRun> {
  const content = transactionContent(chain, parseAddress(terms.from).id, [
    transferAction(terms, chain.info.addressPrefix),
  ])
  return client.call('tx_dryRun', { tx: toHex(unsignedBytes(content)) })
}

/** The decision, in words. */
export function decisionOf({ wouldHold }: Pick<DryRun, 'wouldHold'>): string {
  return wouldHold
    ? 'this node would flag it; if enough others do, it is held for review'
    : 'this node would let it settle'
}

export function dryRunRows(dry: DryRun): Rows {
  return [
    ['fee', amountBoth(dry.fee)],
    ['balance after', amountBoth(dry.balanceAfter)],
    ['decision', decisionOf(dry)],
    ...dry.classes.map(({ text }) => ['because', text] as const),
  ]
}
