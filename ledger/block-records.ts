/** The records beside the state that a block writes: body, index of transactions, histories, holds, windows. */
import type { Execution } from './execute.ts'
import { historyRecords } from './history.ts'
import {
  bodyKey,
  encodeBody,
  encodeLocation,
  encodeOpenHold,
  encodeWindowRecord,
  endedHoldKey,
  historyKey,
  openHoldKey,
  txKey,
  windowKey,
  type BlockBody,
} from './records.ts'
import type { StoreChange } from './store/store.ts'
import { bucketEndMs, type Member } from './windows.ts'

/** The body of a block, or null if it has none. */
export function bodyOf(execution: Execution, encodedReceipts: readonly Uint8Array[]): BlockBody | null {
  const { transactions, endedHolds } = execution
  if (encodedReceipts.length === 0 && endedHolds.length === 0) return null
  return {
    receipts: encodedReceipts,
    transactions: transactions.map(({ bytes }) => bytes),
    endedHolds: endedHolds.map(({ id }) => id),
  }
}

/** Everything but state pages, result and head. */
export function* blockRecords(
  height: number,
  execution: Execution,
  body: BlockBody | null,
): Generator<StoreChange> {
  if (body !== null) yield { key: bodyKey(height), value: encodeBody(body) }
  for (const { txId, index } of execution.receipts)
    yield { key: txKey(txId), value: encodeLocation({ height, index }) }
  for (const { account, record } of historyRecords(execution))
    yield { key: historyKey(account, height), value: record }
  yield* holdRecords(height, execution)
  if (execution.newBatches.length === 0) return
  const record = { liveIds: execution.newLiveIds, batches: execution.newBatches }
  yield { key: windowKey(height), value: encodeWindowRecord(record) }
}

function* holdRecords(height: number, { changes, endedHolds }: Execution): Generator<StoreChange> {
  for (const hold of changes.holds.values()) {
    const key = openHoldKey(hold.expiresMs, hold.id)
    yield { key, value: hold.end === null ? encodeOpenHold(hold) : null }
  }
  for (const [ordinal, { id }] of endedHolds.entries())
    yield { key: endedHoldKey(height, ordinal), value: id }
}

/** Until when a block's window record is needed to rebuild the windows. */
export function neededUntilMs(
  liveIds: readonly Member[],
  batches: readonly Member[],
  batchTtlMs: number,
): number {
  let untilMs = 0
  for (const { bucket } of liveIds) untilMs = Math.max(untilMs, bucketEndMs(bucket))
  for (const { bucket } of batches) untilMs = Math.max(untilMs, bucketEndMs(bucket) + batchTtlMs)
  return untilMs
}
