/** `tx get` and `tx wait`: what a node says of a transaction. */
import { CordonError } from '../../config/errors.ts'
import type { TxInfo } from '../../client/api.ts'
import { waitForTransaction } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { keystorePaths, withNode } from '../context.ts'
import { amount, amountBoth, facts, time } from '../format.ts'
import { Names } from '../names.ts'
import type { KeystoreOptions } from '../options.ts'
import { exitOf, explainHolds, failureOf, type Rows } from '../outcome.ts'
import { Outbox } from '../outbox.ts'
import type { CommandResult } from '../output.ts'

export async function get(options: KeystoreOptions, txId: string): Promise<CommandResult> {
  return withNode(options, async (client) => {
    const info = await client.call('tx_get', { txId })
    if (info.status === 'unknown')
      throw new CordonError('tx-unknown', `the node knows no transaction ${txId}`, { txId })
    return { data: info, text: await describe(options, client, info) }
  })
}

interface WaitOptions extends KeystoreOptions {
  readonly timeout: number
}

export async function wait(options: WaitOptions, txId: string): Promise<CommandResult> {
  return withNode(options, async (client) => {
    const info = await waitForTransaction(client, txId, options.timeout)
    Outbox.forget(keystorePaths(options).outbox, txId)
    const error = failureOf(info)
    return {
      data: info,
      text: await describe(options, client, info),
      exit: exitOf(info),
      ...(error === null ? {} : { error }),
    }
  })
}

async function describe(options: KeystoreOptions, client: RpcClient, info: TxInfo): Promise<string> {
  const names = new Names(keystorePaths(options))
  const rows: Rows = [
    ['transaction', info.txId],
    ['status', info.failure === null ? info.status : `${info.status}: ${info.failure}`],
    ['height', info.height === null ? '-' : `${info.height} (${time(info.timeMs)})`],
    ['from', info.sender === null ? '-' : names.label(info.sender)],
    ...info.transfers.map(
      (transfer) => ['pays', `${amountBoth(transfer.amount)} to ${names.label(transfer.to)}`] as const,
    ),
    ['fee', info.fee === null ? '-' : amount(info.fee)],
    ['valid until', time(info.validUntilMs)],
  ]
  const holds = options.json === true ? [] : await explainHolds(client, info)
  return [facts(rows), ...holds].join('\n')
}
