/**
 * What the ledger stores beside the state, and under which keys. The first byte of a key is its table:
 *
 *   m                      head: format version, chain, applied height, totals
 *   s path                 page of the state tree
 *   r height               result of a block
 *   b height               body: receipts, their transactions, holds ended; absent if there are none
 *   d height               entries of the state that a block changed, kept until all its pages are written
 *   w height               what a block added to the windows, kept while any of it counts
 *   t txId                 where the receipt of a transaction is
 *   h account height       what a block did to an account, for its history
 *   o expiresMs holdId     an open hold
 *   e height ordinal       an ended hold
 *
 * Values are versioned as a whole by the head.
 */
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { utf8 } from '../crypto/bytes.ts'
import type { OpenHold } from './open-holds.ts'
import type { Change } from './state/tree.ts'
import { decodeReceipt } from './receipt.ts'
import type { Bytes32, Receipt, Totals } from './types.ts'
import { memberOf, type Member } from './windows.ts'

/** Version of everything the ledger stores. */
export const STORE_VERSION = 1

const table = (name: string): number => name.charCodeAt(0)

export const headKey: Uint8Array = utf8('m')

export function pageKey(path: string): Uint8Array {
  return utf8(`s${path}`)
}

function heightKey(name: string, height: number): Uint8Array {
  return new Writer(9).u8(table(name)).u48(height).finish()
}

export const resultKey = (height: number): Uint8Array => heightKey('r', height)
export const bodyKey = (height: number): Uint8Array => heightKey('b', height)
export const changesKey = (height: number): Uint8Array => heightKey('d', height)
export const windowKey = (height: number): Uint8Array => heightKey('w', height)

export function txKey(id: Bytes32): Uint8Array {
  return new Writer(33).u8(table('t')).fixed(id, 32).finish()
}

/** Height 2^48 − 1 and above sort after every block. */
export function historyKey(account: Bytes32, height: number): Uint8Array {
  return new Writer(41).u8(table('h')).fixed(account, 32).u48(height).finish()
}

export function openHoldKey(expiresMs: number, id: Bytes32): Uint8Array {
  return new Writer(41).u8(table('o')).u48(expiresMs).fixed(id, 32).finish()
}

export function endedHoldKey(height: number, ordinal: number): Uint8Array {
  return new Writer(13).u8(table('e')).u48(height).u32(ordinal).finish()
}

/** Start and end of a whole table. */
export function tableRange(name: 'd' | 'o' | 'r' | 'w'): {
  readonly from: Uint8Array
  readonly to: Uint8Array
} {
  return { from: utf8(name), to: Uint8Array.of(table(name) + 1) }
}

/** Height in a key that ends in it, or of `resultKey` and the like. */
export function heightOfKey(key: Uint8Array, offset: number): number {
  return new Reader(key.subarray(offset)).u48()
}

/** How many transactions had which outcome since genesis. */
export interface OutcomeCounts {
  readonly settled: number
  readonly held: number
  readonly failed: number
}

export interface Head {
  readonly genesisHash: Bytes32
  readonly genesisStateRoot: Bytes32
  readonly height: number
  readonly stateRoot: Bytes32
  /** Entries of the state. */
  readonly entries: number
  readonly totals: Totals
  readonly outcomes: OutcomeCounts
  /** Buckets of the two windows, to notice a missing record. */
  readonly liveIdBuckets: number
  readonly executedBatchBuckets: number
}

export function encodeHead(head: Head): Uint8Array {
  const { totals, outcomes } = head
  return new Writer(192)
    .u16(STORE_VERSION)
    .fixed(head.genesisHash, 32)
    .fixed(head.genesisStateRoot, 32)
    .u48(head.height)
    .fixed(head.stateRoot, 32)
    .u32(head.entries)
    .u64(totals.balances)
    .u64(totals.holds)
    .u64(totals.stake)
    .u64(totals.fees)
    .u48(outcomes.settled)
    .u48(outcomes.held)
    .u48(outcomes.failed)
    .u32(head.liveIdBuckets)
    .u32(head.executedBatchBuckets)
    .finish()
}

/** The format version of stored data, before anything else of it is looked at. */
export function storeVersionOf(head: Uint8Array): number {
  return new Reader(head).u16()
}

/** @throws DecodeError, as all of the decoders here. */
export function decodeHead(bytes: Uint8Array): Head {
  const reader = new Reader(bytes)
  const version = reader.u16()
  if (version !== STORE_VERSION)
    throw new DecodeError(`expected a head of version ${STORE_VERSION}, got ${version}`)
  const head: Head = {
    genesisHash: reader.fixed(32),
    genesisStateRoot: reader.fixed(32),
    height: reader.u48(),
    stateRoot: reader.fixed(32),
    entries: reader.u32(),
    totals: { balances: reader.u64(), holds: reader.u64(), stake: reader.u64(), fees: reader.u64() },
    outcomes: { settled: reader.u48(), held: reader.u48(), failed: reader.u48() },
    liveIdBuckets: reader.u32(),
    executedBatchBuckets: reader.u32(),
  }
  reader.end()
  return head
}

/** What executing a block resulted in. */
export interface BlockResult {
  readonly height: number
  /** Block digest; zeros at height 0. */
  readonly digest: Bytes32
  readonly timeMs: number
  readonly stateRoot: Bytes32
  readonly receiptsRoot: Bytes32
  readonly hadWork: boolean
  readonly receipts: number
}

export function encodeResult(result: BlockResult): Uint8Array {
  return new Writer(120)
    .u48(result.height)
    .fixed(result.digest, 32)
    .u48(result.timeMs)
    .fixed(result.stateRoot, 32)
    .fixed(result.receiptsRoot, 32)
    .u8(result.hadWork ? 1 : 0)
    .u32(result.receipts)
    .finish()
}

export function decodeResult(bytes: Uint8Array): BlockResult {
  const reader = new Reader(bytes)
  const result: BlockResult = {
    height: reader.u48(),
    digest: reader.fixed(32),
    timeMs: reader.u48(),
    stateRoot: reader.fixed(32),
    receiptsRoot: reader.fixed(32),
    hadWork: bit(reader),
    receipts: reader.u32(),
  }
  reader.end()
  return result
}

/** Everything of a block that people ask for later. */
export interface BlockBody {
  /** Encoded, in order. */
  readonly receipts: readonly Uint8Array[]
  /** Bytes of the transaction of each receipt. */
  readonly transactions: readonly Uint8Array[]
  /** Ids of the holds that ended, in order. */
  readonly endedHolds: readonly Bytes32[]
}

export function encodeBody(body: BlockBody): Uint8Array {
  const writer = new Writer(512 * body.receipts.length + 32 * body.endedHolds.length + 8)
  writer.u32(body.receipts.length)
  for (const receipt of body.receipts) writer.bytes(receipt)
  for (const transaction of body.transactions) writer.bytes(transaction)
  writer.u32(body.endedHolds.length)
  for (const id of body.endedHolds) writer.fixed(id, 32)
  return writer.finish()
}

export function decodeBody(bytes: Uint8Array): BlockBody {
  const reader = new Reader(bytes)
  const count = countOf(reader, 2 * LENGTH_BYTES, 'receipts with their transactions')
  const receipts = Array.from({ length: count }, () => reader.bytes(bytes.length))
  const transactions = Array.from({ length: count }, () => reader.bytes(bytes.length))
  const endedHolds = Array.from({ length: countOf(reader, 32, 'ended holds') }, () => reader.fixed(32))
  reader.end()
  return { receipts, transactions, endedHolds }
}

/** The receipt at `index` of a body. */
export function receiptOf(body: BlockBody, index: number): Receipt {
  const bytes = body.receipts[index]
  if (bytes === undefined)
    throw new DecodeError(`expected receipt ${index}, the block has ${body.receipts.length}`)
  return decodeReceipt(bytes)
}

/** Where a receipt is. */
export interface TxLocation {
  readonly height: number
  readonly index: number
}

export function encodeLocation({ height, index }: TxLocation): Uint8Array {
  return new Writer(12).u48(height).u32(index).finish()
}

export function decodeLocation(bytes: Uint8Array): TxLocation {
  const reader = new Reader(bytes)
  const location = { height: reader.u48(), index: reader.u32() }
  reader.end()
  return location
}

/** What a block added to the windows. */
export interface WindowRecord {
  readonly liveIds: readonly Member[]
  readonly batches: readonly Member[]
}

export function encodeWindowRecord({ liveIds, batches }: WindowRecord): Uint8Array {
  const writer = new Writer(40 * liveIds.length + 40 * batches.length + 8)
  for (const members of [liveIds, batches]) {
    writer.u32(members.length)
    for (const { bucket, bytes } of members) writer.u48(bucket).fixed(bytes, 32)
  }
  return writer.finish()
}

/** @throws DecodeError. */
export function decodeWindowRecord(bytes: Uint8Array): WindowRecord {
  const reader = new Reader(bytes)
  const members = (): Member[] =>
    Array.from({ length: countOf(reader, 40, 'members of a window') }, () =>
      memberOf(reader.u48(), reader.fixed(32)),
    )
  const record = { liveIds: members(), batches: members() }
  reader.end()
  return record
}

export function encodeChanges(changes: readonly Change[]): Uint8Array {
  const writer = new Writer(80 * changes.length + 4)
  writer.u32(changes.length)
  for (const { key, value } of changes) {
    writer.fixed(key, 32).u8(value === null ? 0 : 1)
    if (value !== null) writer.bytes(value)
  }
  return writer.finish()
}

/** @throws DecodeError. */
export function decodeChanges(bytes: Uint8Array): Change[] {
  const reader = new Reader(bytes)
  const changes = Array.from({ length: countOf(reader, 33, 'changes') }, () => ({
    key: reader.fixed(32),
    value: bit(reader) ? reader.bytes(bytes.length) : null,
  }))
  reader.end()
  return changes
}

export function encodeOpenHold({ payer, amount }: OpenHold): Uint8Array {
  return new Writer(40).fixed(payer, 32).u64(amount).finish()
}

export function decodeOpenHold(key: Uint8Array, value: Uint8Array): OpenHold {
  const keyReader = new Reader(key.subarray(1))
  const reader = new Reader(value)
  const hold = {
    expiresMs: keyReader.u48(),
    id: keyReader.fixed(32),
    payer: reader.fixed(32),
    amount: reader.u64(),
  }
  keyReader.end()
  reader.end()
  return hold
}

const LENGTH_BYTES = 4

/** A count of items of at least `itemBytes` each: no more than are there, so nothing is made for a damaged one. */
function countOf(reader: Reader, itemBytes: number, what: string): number {
  return reader.count(Math.floor((reader.remaining - LENGTH_BYTES) / itemBytes), what)
}

function bit(reader: Reader): boolean {
  const value = reader.u8()
  if (value > 1) throw new DecodeError(`expected 0 or 1, got ${value}`)
  return value === 1
}
