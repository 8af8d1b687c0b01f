/** The portable receipt of a transaction, once there is one. */
import { CordonError } from '../config/errors.ts'
import type { RpcClient } from './rpc-client.ts'

/**
 * Waits until the asked node can prove the end of a transaction; some blocks pass between an end and its proof.
 * @param txId hex.
 * @returns the text of the receipt file, which `verifyPortableReceipt` checks.
 * @throws CordonError `tx-unknown`, `tx-expired`; `outcome-unknown` when the time is up.
 */
export async function fetchReceipt(client: RpcClient, txId: string, timeoutMs: number): Promise<string> {
  const proof = await client.call('tx_receipt', { txId, timeoutMs })
  if (proof !== null) return proof.file
  const { status } = await client.call('tx_get', { txId })
  if (status === 'unknown')
    throw new CordonError('tx-unknown', `the node knows no transaction ${txId}`, { txId })
  if (status === 'expired')
    throw new CordonError('tx-expired', `transaction ${txId} expired; it has no receipt`, { txId })
  throw new CordonError(
    'outcome-unknown',
    `there is no proof of ${txId} yet (it is ${status}); try again: cordon wallet receipt ${txId}`,
    { txId, status },
  )
}
