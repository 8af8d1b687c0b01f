/** How the rows of a payout stand: by what a node says of the newest attempt at their transaction, and of their holds. */
import type { HoldInfo, TxInfo } from '../../client/api.ts'
import { hasEnded, isProvablyExpired } from '../../client/payment.ts'
import type { RpcClient } from '../../client/rpc-client.ts'
import { EXIT } from '../../config/errors.ts'
import { toHex } from '../../crypto/bytes.ts'
import type { ChunkAttempt } from './attempts.ts'

/**
 * `settled`: paid. `held`: in a hold that is open. `returned`: the hold ended and the money is back. `failed`,
 * `expired`: nothing moved, nor can it by what was signed so far. `pending`: none of these is known yet.
 */
type RowState = 'settled' | 'held' | 'returned' | 'failed' | 'expired' | 'pending'

export interface RowStanding {
  readonly state: RowState
  /** Null: never signed. */
  readonly txId: string | null
  readonly holdId: string | null
  readonly error: string | null
}

/** States of a row that a further run tries to pay. A returned payment was taken back on purpose. */
export const UNPAID: readonly RowState[] = ['failed', 'expired', 'pending']

/** The same for each row of a transaction. */
export function allRows(
  count: number,
  state: RowState,
  txId: string | null,
  error: string | null,
): RowStanding[] {
  return Array.from({ length: count }, () => ({ state, txId, holdId: null, error }))
}

/** How the `count` rows of an attempt stand. */
export async function askStanding(
  client: RpcClient,
  attempt: ChunkAttempt | null,
  count: number,
): Promise<readonly RowStanding[]> {
  if (attempt === null) return allRows(count, 'pending', null, 'not sent yet')
  const txId = toHex(attempt.txId)
  const info = await client.call('tx_get', { txId })
  if (hasEnded(info) && info.status !== 'expired') return endedStanding(client, info)
  if (isProvablyExpired(info, attempt.validUntilMs))
    return allRows(count, 'expired', txId, 'not executed within its validity')
  if (info.status === 'unknown' && attempt.refusal !== null)
    return allRows(count, 'failed', txId, attempt.refusal)
  return allRows(count, 'pending', txId, null)
}

/** How the rows of a transaction that is final stand. */
export async function endedStanding(client: RpcClient, info: TxInfo): Promise<readonly RowStanding[]> {
  const { txId, status, transfers, failure } = info
  if (status === 'failed')
    return allRows(transfers.length, 'failed', txId, `tx-failed: ${failure ?? 'no reason given'}`)
  return Promise.all(
    transfers.map(async ({ holdId }): Promise<RowStanding> => {
      if (holdId === null) return { state: 'settled', txId, holdId, error: null }
      const hold = await client.call('quarantine_get', { id: holdId })
      return { state: STATE_OF_HOLD[hold.status], txId, holdId, error: reasonOf(hold) }
    }),
  )
}

const STATE_OF_HOLD: Readonly<Record<HoldInfo['status'], RowState>> = {
  open: 'held',
  confirmed: 'settled',
  released: 'settled',
  'expired-released': 'settled',
  recalled: 'returned',
  returned: 'returned',
  'expired-returned': 'returned',
}

function reasonOf({ status, classes }: HoldInfo): string | null {
  if (STATE_OF_HOLD[status] === 'settled') return null
  const why = classes.map(({ text }) => text).join('; ')
  return status === 'open' ? why : `${status}: ${why}`
}

/** How many rows stand how. */
export type StateCounts = Readonly<Record<RowState, number>>

export function countStates(standings: readonly RowStanding[]): StateCounts {
  const counts = { settled: 0, held: 0, returned: 0, failed: 0, expired: 0, pending: 0 }
  for (const { state } of standings) counts[state]++
  return counts
}

/** 0 all settled, 6 the others are held, 4 some are unknown, 7 some are not paid, 5 none is. */
export function exitOfCounts({ settled, held, returned, failed, expired, pending }: StateCounts): number {
  if (pending > 0) return EXIT.outcomeUnknown
  if (returned + failed + expired > 0) return settled + held > 0 ? EXIT.partlyDone : EXIT.rejected
  return held > 0 ? EXIT.held : EXIT.done
}
