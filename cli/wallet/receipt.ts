/** `wallet receipt`: fetches the portable proof of a payment. */
import { fetchReceipt } from '../../client/fetch-receipt.ts'
import { withNode } from '../context.ts'
import { replaceFile } from '../files.ts'
import type { NodeOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

interface ReceiptOptions extends NodeOptions {
  readonly out?: string
  readonly timeout: number
}

export async function receipt(options: ReceiptOptions, txId: string): Promise<CommandResult> {
  const file = await withNode(options, (client) => fetchReceipt(client, txId, options.timeout))
  const { out } = options
  if (out === undefined) return { data: { txId, receipt: file }, text: file.replace(/\n$/, '') }
  replaceFile(out, file)
  const bytes = Buffer.byteLength(file)
  return {
    data: { txId, file: out, bytes },
    text: `wrote ${out} (${bytes} bytes); check it with: cordon verify ${out} --genesis GENESIS`,
  }
}
