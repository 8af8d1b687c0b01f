/** How the end of a payment is told: data, words and exit code. */
import { CordonError, EXIT } from '../config/errors.ts'
import type { HoldInfo, TxInfo } from '../client/api.ts'
import type { PaymentEnd } from '../client/payment.ts'
import type { RpcClient } from '../client/rpc-client.ts'
import { amount, amountBoth, distance, facts, milliseconds, time } from './format.ts'
import type { Names } from './names.ts'
import type { PaymentTerms } from './outbox.ts'
import type { CommandResult } from './output.ts'

/** What is said of a payment beside how it ended: names and values. */
export type Rows = readonly (readonly [string, string])[]

/** Who pays whom how much. */
export function termRows({ from, to, amount: units }: PaymentTerms, names: Names): Rows {
  return [
    ['amount', amountBoth(units)],
    ['from', names.label(from)],
    ['to', names.label(to)],
  ]
}

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

/** The holds of a payment; those that the asked node does not know are left out. @throws CordonError of any other answer. */
export async function readHolds(client: RpcClient, ids: readonly string[]): Promise<readonly HoldInfo[]> {
  const answers = await Promise.all(ids.map((id) => client.call('quarantine_get', { id }).catch(unknownHold)))
  return answers.filter((hold) => hold !== null)
}

function unknownHold(error: unknown): null {
  if (error instanceof CordonError && error.code === 'hold-unknown') return null
  throw error
}

/** What people are told of the holds of a payment whose end is known: that they cannot be read must not hide the end. */
export async function explainHolds(
  client: RpcClient,
  { txId, holds }: Pick<TxInfo, 'txId' | 'holds'>,
): Promise<readonly string[]> {
  try {
    return (await readHolds(client, holds)).map(explainHold)
  } catch (error) {
    if (!(error instanceof CordonError)) throw error
    return [`why it is held could not be read (${error.message}); ask again with: cordon tx get ${txId}`]
  }
}

/** Why a payment is held, until when, and what to do about it. */
function explainHold(hold: HoldInfo): string {
  const why = hold.classes.map(({ text }) => text)
  const then = hold.onExpiry === 'return' ? 'goes back to the payer' : 'goes on to the payee'
  return [
    `hold ${hold.id}`,
    `  ${amount(hold.amount)} held because: ${why.length === 0 ? 'no reason given' : why.join('; ')}`,
    `  unless reviewed it ${then} ${distance(hold.expiresMs, Date.now())} (${time(hold.expiresMs)})`,
    `  take it back: cordon quarantine recall ${hold.id}`,
  ].join('\n')
}

/** The result of a payment that was waited for. With `json` the reasons of holds are not asked for. */
export async function describeEnd(
  client: RpcClient,
  { info, latencyMs }: PaymentEnd,
  terms: Rows,
  json: boolean,
): Promise<CommandResult> {
  const data = {
    txId: info.txId,
    status: info.status,
    height: info.height,
    latencyMs: rounded(latencyMs),
    holds: info.holds,
    fee: info.fee,
  }
  const error = failureOf(info)
  const rows: Rows = [
    ...terms,
    ['fee', info.fee === null ? '-' : amount(info.fee)],
    ['transaction', info.txId],
  ]
  const holds = json ? [] : await explainHolds(client, info)
  const text = [headline(info, latencyMs), facts(rows), ...holds].join('\n')
  return { data, text, exit: exitOf(info), ...(error === null ? {} : { error }) }
}

function headline(info: TxInfo, latencyMs: number): string {
  const how = info.status === 'held' ? 'held for review' : info.status
  const where = info.height === null ? '' : ` at height ${info.height}`
  return `${how}${where}, final after ${milliseconds(latencyMs)}`
}

/** A payment whose end nobody waited for. */
interface UnfinishedPayment {
  readonly txId: string
  readonly status: 'sent' | 'accepted'
  /** In uCRD. */
  readonly fee: bigint
  /** From sending to accepted; null: not waited for either. */
  readonly latencyMs: number | null
}

/** The result of a payment that is on its way. */
export function describeUnfinished(
  { txId, status, fee, latencyMs }: UnfinishedPayment,
  terms: Rows,
): CommandResult {
  const rows: Rows = [...terms, ['transaction', txId], ['see how it ends', `cordon tx wait ${txId}`]]
  const after = latencyMs === null ? '' : ` after ${milliseconds(latencyMs)}`
  return {
    data: {
      txId,
      status,
      height: null,
      latencyMs: latencyMs === null ? null : rounded(latencyMs),
      holds: [],
      fee: String(fee),
    },
    text: `${status}${after}\n${facts(rows)}`,
    exit: EXIT.done,
  }
}

/** A latency for `data`: microseconds are enough. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
