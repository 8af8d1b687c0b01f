/** `cordon tx …` */
import type { Command } from 'commander'
import type { TxInfo } from '../../client/api.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { action } from '../run.ts'
import { keystoreOptions, parseId, timeoutOption, type KeystoreOptions } from '../options.ts'
import type { CommandResult } from '../output.ts'

const DEFAULT_TIMEOUT = '60s'

export function build(command: Command): Command {
  const get = keystoreOptions(command.command('get'))
    .description('what became of a transaction')
    .argument('<id>', 'id of the transaction', parseId)
  action(get, getTransaction)
  const wait = keystoreOptions(command.command('wait'))
    .description('wait until a transaction is settled, held, failed or expired; exits like wallet send')
    .argument('<id>', 'id of the transaction', parseId)
    .addOption(timeoutOption(DEFAULT_TIMEOUT))
  action(wait, waitForEnd)
  return command
}

async function getTransaction(options: KeystoreOptions, txId: string): Promise<CommandResult> {
  const { withNode } = await import('../context.ts')
  const { CordonError } = await import('../../config/errors.ts')
  return withNode(options, async (client) => {
    const info = await client.call('tx_get', { txId })
    if (info.status === 'unknown')
      throw new CordonError('tx-unknown', `the node knows no transaction ${txId}`, { txId })
    return { data: info, text: await describe(options, client, info) }
  })
}

async function waitForEnd(
  options: KeystoreOptions & { readonly timeout: number },
  txId: string,
): Promise<CommandResult> {
  const { withNode, keystorePaths } = await import('../context.ts')
  const { waitForTransaction } = await import('../../client/payment.ts')
  const { exitOf, failureOf } = await import('../outcome.ts')
  const { Outbox } = await import('../outbox.ts')
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
  const { amountBoth, amount, facts, time } = await import('../format.ts')
  const { keystorePaths } = await import('../context.ts')
  const { Names } = await import('../names.ts')
  const { explainHold, readHolds } = await import('../outcome.ts')
  const names = new Names(keystorePaths(options))
  const rows: (readonly [string, string])[] = [
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
  const holds = options.json === true ? [] : await readHolds(client, info.holds)
  return [facts(rows), ...holds.map(explainHold)].join('\n')
}
