/** Opening a ledger: makes one from genesis in an empty store, or brings back to memory what a store holds. */
import { CordonError } from '../config/errors.ts'
import type { Genesis } from '../config/genesis.ts'
import { LIMITS } from '../config/limits.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import { DecodeError } from '../crypto/codec.ts'
import { EMPTY_ROOT } from '../crypto/merkle.ts'
import { neededUntilMs } from './block-records.ts'
import {
  bucketKey,
  decodeFees,
  decodeValidator,
  encodeBucket,
  feesKey,
  validatorKey,
  type ValidatorEntry,
} from './entries.ts'
import { genesisEntries, genesisTotals } from './genesis.ts'
import { OpenHolds } from './open-holds.ts'
import {
  decodeChanges,
  decodeHead,
  decodeOpenHold,
  decodeResult,
  decodeWindowRecord,
  encodeHead,
  encodeResult,
  headKey,
  heightOfKey,
  pageKey,
  resultKey,
  STORE_VERSION,
  storeVersionOf,
  tableRange,
  type BlockResult,
  type Head,
} from './records.ts'
import { StateTree } from './state/tree.ts'
import type { LedgerStore, StoreRow } from './store/store.ts'
import type { Bytes32 } from './types.ts'
import { Window } from './windows.ts'

/** Rows read at once while opening. */
const ROWS_PER_READ = 256

/** A block whose window record is still needed. */
export interface NeededWindow {
  readonly height: number
  readonly untilMs: number
}

/** Everything of a ledger that is in memory; it says what the store says. */
export interface LedgerMemory {
  head: Head
  readonly tree: StateTree
  /** Heights whose changed entries are kept, ascending. */
  readonly changedHeights: number[]
  /** Newest heights, ascending. */
  readonly results: Map<number, BlockResult>
  /** By index. */
  validators: readonly ValidatorEntry[]
  fees: bigint
  readonly openHolds: OpenHolds
  readonly liveIds: Window
  readonly executedBatches: Window
  /** Ascending by height. */
  readonly neededWindows: NeededWindow[]
}

export function inconsistent(what: string, cause?: unknown): CordonError {
  return new CordonError(
    'data-inconsistent',
    `the stored ledger contradicts itself: ${what}; delete the ledger directory and start again: it is rebuilt from the final blocks`,
    {},
    { cause },
  )
}

/** Reads state pages of a store. */
function pagesOf(
  store: LedgerStore,
): (paths: readonly string[]) => Promise<readonly (Uint8Array | undefined)[]> {
  return (paths) => store.getMany(paths.map(pageKey))
}

/**
 * @throws CordonError `other-chain`, `format-version`, `data-inconsistent`, `genesis-invalid`.
 */
export async function loadLedger(
  store: LedgerStore,
  genesis: Genesis,
  genesisHash: Bytes32,
): Promise<LedgerMemory> {
  let bytes = await store.get(headKey)
  if (bytes === undefined) {
    const [row] = await store.range({ from: new Uint8Array(0), to: Uint8Array.of(0xff), limit: 1 })
    if (row !== undefined) throw inconsistent('it has records but no head')
    await createLedger(store, genesis, genesisHash)
    bytes = await store.get(headKey)
    if (bytes === undefined) throw inconsistent('what was written is not there')
  }
  checkVersion(bytes)
  try {
    const head = decodeHead(bytes)
    if (!equalBytes(head.genesisHash, genesisHash)) {
      throw new CordonError(
        'other-chain',
        `the ledger directory holds chain ${toHex(head.genesisHash)}, the genesis file is of ${toHex(genesisHash)}; use the directory or the genesis file of the other one`,
      )
    }
    return await readMemory(store, head, genesis)
  } catch (error) {
    if (error instanceof DecodeError || error instanceof RangeError) throw inconsistent(error.message, error)
    throw error
  }
}

function checkVersion(head: Uint8Array): void {
  const version = head.length >= 2 ? storeVersionOf(head) : 0
  if (version === STORE_VERSION) return
  throw new CordonError(
    'format-version',
    `the ledger directory has format ${version}, this build knows ${STORE_VERSION}; use the build that wrote it, or delete the directory to rebuild it from the final blocks`,
    { version },
  )
}

async function createLedger(store: LedgerStore, genesis: Genesis, genesisHash: Bytes32): Promise<void> {
  const totals = genesisTotals(genesis)
  const tree = StateTree.empty(pagesOf(store))
  for (const { key, value } of genesisEntries(genesis)) tree.set(key, value)
  const head: Head = {
    genesisHash,
    genesisStateRoot: tree.root,
    height: 0,
    stateRoot: tree.root,
    entries: tree.count,
    totals,
    outcomes: { settled: 0, held: 0, failed: 0 },
    liveIdBuckets: 0,
    executedBatchBuckets: 0,
  }
  const result: BlockResult = {
    height: 0,
    digest: new Uint8Array(32),
    timeMs: genesis.createdMs,
    stateRoot: tree.root,
    receiptsRoot: EMPTY_ROOT,
    hadWork: false,
    receipts: 0,
  }
  await store.write([
    ...tree.takePages().map(({ path, bytes }) => ({ key: pageKey(path), value: bytes })),
    { key: resultKey(0), value: encodeResult(result) },
    { key: headKey, value: encodeHead(head) },
  ])
}

async function readMemory(store: LedgerStore, head: Head, genesis: Genesis): Promise<LedgerMemory> {
  const { tree, changedHeights } = await readTree(store, head)
  const results = await readResults(store, head)
  const indexes = genesis.validators.map((_, index) => index)
  await tree.load([feesKey(), ...indexes.map(validatorKey)])
  const validators = indexes.map((index) =>
    decodeValidator(required(tree.get(validatorKey(index)), `validator ${index}`)),
  )
  const fees = decodeFees(required(tree.get(feesKey()), 'the fee pool'))
  if (fees !== head.totals.fees)
    throw inconsistent(`its head counts ${head.totals.fees} uCRD of fees, its state ${fees}`)
  const openHolds = await readOpenHolds(store, head)
  const windows = await readWindows(store, genesis.parameters.batchTtlMs)
  await checkWindow(tree, 'liveIds', windows.liveIds, head.liveIdBuckets)
  await checkWindow(tree, 'executedBatches', windows.executedBatches, head.executedBatchBuckets)
  return { head, tree, changedHeights, results, validators, fees, openHolds, ...windows }
}

/** The state as of the head: pages, and on top of them what recent blocks changed. */
async function readTree(
  store: LedgerStore,
  head: Head,
): Promise<Pick<LedgerMemory, 'tree' | 'changedHeights'>> {
  const heights = []
  for await (const [key, value] of rowsOf(store, 'd'))
    heights.push({ height: heightOfKey(key, 1), changes: decodeChanges(value) })
  const tree = StateTree.stored(head.stateRoot, head.entries, pagesOf(store))
  await tree.replay(heights)
  if (!equalBytes(tree.root, head.stateRoot) || tree.count !== head.entries) {
    throw inconsistent('its state does not have the root its head names')
  }
  return { tree, changedHeights: heights.map(({ height }) => height) }
}

function required(value: Uint8Array | null, what: string): Uint8Array {
  if (value === null) throw inconsistent(`its state has no entry for ${what}`)
  return value
}

async function readResults(store: LedgerStore, head: Head): Promise<Map<number, BlockResult>> {
  const rows = await store.range({ ...tableRange('r'), newestFirst: true, limit: LIMITS.resultsInMemory })
  const results = rows.toReversed().map(([, value]) => decodeResult(value))
  const newest = results.at(-1)
  const fits = rows.every(
    ([key], index) =>
      heightOfKey(key, 1) === head.height - index && results.at(-1 - index)?.height === head.height - index,
  )
  if (newest === undefined || !fits || !equalBytes(newest.stateRoot, head.stateRoot)) {
    throw inconsistent(
      `the results of the newest blocks do not fit its head, which is at height ${head.height}`,
    )
  }
  return new Map(results.map((result) => [result.height, result]))
}

async function* rowsOf(store: LedgerStore, table: 'd' | 'o' | 'w'): AsyncGenerator<StoreRow> {
  let { from } = tableRange(table)
  for (;;) {
    const rows = await store.range({ ...tableRange(table), from, limit: ROWS_PER_READ })
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < ROWS_PER_READ) return
    from = Buffer.concat([last[0], Uint8Array.of(0)])
  }
}

async function readOpenHolds(store: LedgerStore, head: Head): Promise<OpenHolds> {
  const holds = new OpenHolds()
  let amount = 0n
  for await (const [key, value] of rowsOf(store, 'o')) {
    const hold = decodeOpenHold(key, value)
    holds.add(hold)
    amount += hold.amount
  }
  if (amount !== head.totals.holds)
    throw inconsistent(`its open holds add up to ${amount} uCRD, its head says ${head.totals.holds}`)
  return holds
}

type Windows = Pick<LedgerMemory, 'liveIds' | 'executedBatches' | 'neededWindows'>

/**
 * Replays the window records. A bucket that does not count any more may come back, because a record is kept until the
 * last of its members is not needed; the ledger dropped those at the time of the block below it.
 */
async function readWindows(store: LedgerStore, batchTtlMs: number): Promise<Windows> {
  const liveIds = new Window('live-ids')
  const executedBatches = new Window('executed-set')
  const neededWindows: NeededWindow[] = []
  for await (const [key, value] of rowsOf(store, 'w')) {
    const record = decodeWindowRecord(value)
    liveIds.add(record.liveIds, liveIds.after(record.liveIds))
    executedBatches.add(record.batches, executedBatches.after(record.batches))
    neededWindows.push({
      height: heightOfKey(key, 1),
      untilMs: neededUntilMs(record.liveIds, record.batches, batchTtlMs),
    })
  }
  return { liveIds, executedBatches, neededWindows }
}

/** Holds the rebuilt window against the state, and drops the buckets that the state has dropped. */
async function checkWindow(
  tree: StateTree,
  kind: 'liveIds' | 'executedBatches',
  window: Window,
  bucketCount: number,
): Promise<void> {
  const keys = [...window.buckets()].map(([bucket, entry]) => ({
    bucket,
    entry,
    key: bucketKey(kind, bucket),
  }))
  await tree.load(keys.map(({ key }) => key))
  for (const { bucket, entry, key } of keys) {
    const stored = tree.get(key)
    if (stored === null) window.drop([bucket])
    else if (!equalBytes(stored, encodeBucket(kind, entry))) {
      throw inconsistent(`bucket ${bucket} of its ${kind} does not fit its recent blocks`)
    }
  }
  if (window.buckets().size !== bucketCount) {
    throw inconsistent(
      `its recent blocks fill ${window.buckets().size} buckets of ${kind}, its head counts ${bucketCount}`,
    )
  }
}
