/** The entries of the state that a block changes, from what its execution decided. */
import type { AccountCache } from './account-cache.ts'
import {
  bucketKey,
  encodeAccount,
  encodeBucket,
  encodeFees,
  encodeHold,
  encodeValidator,
  feesKey,
  holdKey,
  validatorKey,
  type BucketEntry,
} from './entries.ts'
import type { Execution } from './execute.ts'
import type { Change } from './state/tree.ts'
import { bucketEndMs, type Member, type Window } from './windows.ts'

/** What a block does to a window: buckets with new members, and buckets that do not count any more. */
export interface WindowUpdate {
  readonly added: readonly Member[]
  readonly entries: ReadonlyMap<number, BucketEntry>
  readonly dropped: readonly number[]
  /** Number of buckets afterwards. */
  readonly bucketCount: number
}

/** @param keepMs How long after its end a bucket still counts. */
export function windowUpdate(
  window: Window,
  added: readonly Member[],
  timeMs: number,
  keepMs: number,
): WindowUpdate {
  const buckets = window.buckets()
  const dropped = [...buckets.keys()].filter((bucket) => bucketEndMs(bucket) + keepMs <= timeMs)
  const entries = window.after(added)
  const fresh = [...entries.keys()].filter((bucket) => !buckets.has(bucket))
  return { added, entries, dropped, bucketCount: buckets.size + fresh.length - dropped.length }
}

function* windowEntries(kind: 'liveIds' | 'executedBatches', update: WindowUpdate): Generator<Change> {
  for (const bucket of update.dropped) yield { key: bucketKey(kind, bucket), value: null }
  for (const [bucket, entry] of update.entries)
    yield { key: bucketKey(kind, bucket), value: encodeBucket(kind, entry) }
}

/** Changed entries, each key once. */
export function stateUpdates(
  execution: Execution,
  feesBefore: bigint,
  accounts: AccountCache,
  liveIds: WindowUpdate,
  executedBatches: WindowUpdate,
): Change[] {
  const { changes } = execution
  const updates: Change[] = []
  for (const [key, account] of changes.accounts)
    updates.push({ key: accounts.treeKey(key, account.id), value: encodeAccount(account) })
  for (const hold of changes.holds.values()) updates.push({ key: holdKey(hold.id), value: encodeHold(hold) })
  for (const validator of changes.validators.values())
    updates.push({ key: validatorKey(validator.index), value: encodeValidator(validator) })
  if (changes.fees !== feesBefore) updates.push({ key: feesKey(), value: encodeFees(changes.fees) })
  updates.push(...windowEntries('liveIds', liveIds), ...windowEntries('executedBatches', executedBatches))
  return updates
}
