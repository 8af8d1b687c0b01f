/** `wallet receipt`: fetches the portable proof of a payment. */
import { CordonError } from '../../config/errors.ts'
import { withNode } from '../context.ts'
import { replaceFile } from '../files.ts'
import type { NodeOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

interface ReceiptOptions extends NodeOptions {
  readonly out?: string
  readonly timeout: number
}

export async function receipt(options: ReceiptOptions, txId: string): Promise<CommandResult> {
  const file = await withNode(options, async (client) => {
    const proof = await client.call('tx_receipt', { txId, timeoutMs: options.timeout })
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
  })
  const { out } = options
  if (out === undefined) return { data: { txId, receipt: file }, text: file.replace(/\n$/, '') }
  replaceFile(out, file)
  const bytes = Buffer.byteLength(file)
  return {
    data: { txId, file: out, bytes },
    text: `wrote ${out} (${bytes} bytes); check it with: cordon verify ${out} --genesis GENESIS`,
  }
}
