/** `tx send`: signed bytes from wherever they were signed, to their end. */
import { CordonError } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import { submit, submitAndLeave, submitAndWait, type SignedPayment } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import { isOfSystem } from '../../ledger/rules.ts'
import { keystorePaths, withNode } from '../context.ts'
import { Names } from '../names.ts'
import type { KeystoreOptions, WaitUntil } from '../options.ts'
import { describeEnd, describeUnfinished, type Rows } from '../outcome.ts'
import type { CommandResult } from '../output.ts'
import { readChain } from '../../client/signing.ts'
import { factsOfNode } from './chain.ts'
import { describeTransaction, termRows } from './description.ts'
import { readTransaction } from './text.ts'

export interface SendOptions extends KeystoreOptions {
  readonly wait: WaitUntil
  readonly timeout: number
}

export async function send(options: SendOptions, file: string | undefined): Promise<CommandResult> {
  const signed = await readTransaction(file)
  requireSigned(signed)
  const names = new Names(keystorePaths(options))
  return withNode(options, async (client) => {
    const facts = factsOfNode(await readChain(client))
    const described = describeTransaction(signed, facts.addressPrefix)
    // Its id stands at the end of the answer.
    const terms = termRows(described, names, facts.timeMs).filter(([name]) => name !== 'transaction')
    return submitUntil(options, client, signed, terms)
  })
}

function requireSigned({ transaction }: DecodedTransaction): void {
  if (transaction.auth.length > 0 || isOfSystem(transaction)) return
  throw new CordonError(
    'tx-signature',
    'the transaction is not signed yet; sign it with cordon tx sign, where its key is',
  )
}

async function submitUntil(
  { wait, timeout, json }: SendOptions,
  client: RpcClient,
  { id, bytes, transaction }: DecodedTransaction,
  terms: Rows,
): Promise<CommandResult> {
  const payment: SignedPayment = { txId: id, bytes }
  const unfinished = { txId: toHex(id), fee: transaction.fee }
  if (wait === 'final')
    return describeEnd(client, await submitAndWait(client, payment, timeout), terms, json === true)
  if (wait === 'none') {
    await submitAndLeave(client, payment)
    return describeUnfinished({ ...unfinished, status: 'sent', latencyMs: null }, terms)
  }
  const startMs = performance.now()
  await submit(client, payment, timeout)
  const latencyMs = performance.now() - startMs
  return describeUnfinished({ ...unfinished, status: 'accepted', latencyMs }, terms)
}
