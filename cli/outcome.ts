/** How the end of a payment is told: data, words and exit code. */
import { CordonError, EXIT } from '../config/errors.ts'
import type { HoldInfo, TxInfo } from '../client/api.ts'
import type { RpcClient } from '../client/rpc-client.ts'
import { amount, distance, time } from './format.ts'

/** 0 settled, 6 held, 5 failed or expired. */
export function exitOf({ status }: Pick<TxInfo, 'status'>): number {
  if (status === 'settled') return EXIT.done
  return status === 'held' ? EXIT.held : EXIT.rejected
}

/** The error of a payment that ended without moving anything; null for the others. */
export function failureOf(info: TxInfo): CordonError | null {
  const { txId, failure } = info
  if (info.status === 'failed') {
    return new CordonError(
      'tx-failed',
      `payment ${txId} failed for good: ${failure ?? 'no reason given'}; only its fee was taken`,
      { txId, failure },
    )
  }
  if (info.status === 'expired') {
    return new CordonError(
      'tx-expired',
      `payment ${txId} expired before it was executed; nothing was taken`,
      { txId },
    )
  }
  return null
}

/** The holds of a payment; those a node cannot tell any more are left out. */
export async function readHolds(client: RpcClient, ids: readonly string[]): Promise<readonly HoldInfo[]> {
  const answers = await Promise.allSettled(ids.map((id) => client.call('quarantine_get', { id })))
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
}

/** Why a payment is held, until when, and what to do about it. */
export function explainHold(hold: HoldInfo): string {
  const why = hold.classes.map(({ text }) => text)
  const then = hold.onExpiry === 'return' ? 'goes back to the payer' : 'goes on to the payee'
  return [
    `hold ${hold.id}`,
    `  ${amount(hold.amount)} held because: ${why.length === 0 ? 'no reason given' : why.join('; ')}`,
    `  unless reviewed it ${then} ${distance(hold.expiresMs, Date.now())} (${time(hold.expiresMs)})`,
    `  take it back: cordon quarantine recall ${hold.id}`,
  ].join('\n')
}

/** A latency for `data`: microseconds are enough. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
