/** `tx decode` and `tx hash`: what is in the bytes of a transaction; no node is asked. */
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { keystorePaths } from '../context.ts'
import { facts as columns } from '../format.ts'
import { Names } from '../names.ts'
import type { LocalOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'
import { offlineFacts } from './chain.ts'
import { describeTransaction, problemOf, signatureRows, termRows } from './description.ts'
import { readTransaction } from './text.ts'

interface DecodeOptions extends LocalOptions {
  readonly genesis?: string
}

export async function decode(options: DecodeOptions, file: string | undefined): Promise<CommandResult> {
  const facts = offlineFacts(options)
  const names = new Names(keystorePaths(options))
  const decoded = await readTransaction(file)
  const described = describeTransaction(decoded, facts.addressPrefix)
  const problem = problemOf(decoded, facts)
  const isOfChain = equalBytes(decoded.transaction.chain, facts.chain)
  const data = {
    ...described,
    isOfChain,
    network: isOfChain ? facts.network : null,
    problem: problem === null ? null : { code: problem.code, message: problem.message },
  }
  const text = columns([
    ...termRows(described, names, facts.timeMs),
    [
      'chain',
      isOfChain ? `${described.chain}, ${facts.network}` : `${described.chain}: NOT that of the genesis`,
    ],
    ...signatureRows(described, names),
    [
      'a node would',
      problem === null ? 'take it in if balance and sequence fit' : `refuse it: ${problem.message}`,
    ],
  ])
  return { data, text }
}

export async function hash(_options: object, file: string | undefined): Promise<CommandResult> {
  const txId = toHex((await readTransaction(file)).id)
  return { data: { txId }, text: txId }
}
