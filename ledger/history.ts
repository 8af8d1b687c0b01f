/**
 * What happened to an account, newest first. A block leaves one small record per account it touched, which points into
 * the block's body; the body has the rest.
 */
import { CordonError } from '../config/errors.ts'
import { mapKey } from '../crypto/bytes.ts'
import { Reader, Writer } from '../crypto/codec.ts'
import type { Execution } from './execute.ts'
import { receiptOf, type BlockBody } from './records.ts'
import { isOfSystem } from './rules.ts'
import { decodeTransaction } from './transaction.ts'
import type { Bytes32, Hold, HoldEnd, Receipt } from './types.ts'

/** One line of an account's history. */
export interface HistoryItem {
  /** Of a hold's end: the transaction that made the hold. */
  readonly txId: Bytes32
  readonly height: number
  readonly timeMs: number
  /** `other`: a transaction without transfers, or one that failed before any money moved to somebody. */
  readonly direction: 'in' | 'out' | 'other'
  readonly counterparty: Bytes32 | null
  /** In uCRD. */
  readonly amount: bigint
  /** Paid by this account, counted once per transaction. */
  readonly fee: bigint
  /** As in the transfer. */
  readonly memo: Uint8Array
  readonly status: 'settled' | 'held' | 'failed' | 'recalled' | 'released' | 'returned'
  /** The hold made or ended, or null. */
  readonly holdId: Bytes32 | null
}

export interface LedgerPage<Item> {
  readonly items: readonly Item[]
  /** Give it back to go on; null: the end. */
  readonly cursor: string | null
}

/** Role of an account in something that a block did. Codes are stored: append only. */
const ROLE = { sender: 0, payee: 1, holdPayer: 2, holdPayee: 3 } as const

/** Points at a receipt (sender), a transfer of one (payee), or an ended hold. */
interface Pointer {
  readonly role: number
  /** Of the receipt or ended hold in the body. */
  readonly index: number
  readonly action: number
}

/** The record of each account that a block touched, in order of execution. */
export function* historyRecords(
  execution: Execution,
): Generator<{ readonly account: Bytes32; readonly record: Uint8Array }> {
  const touched = new Map<string, { readonly account: Bytes32; readonly pointers: Pointer[] }>()
  const point = (account: Bytes32, pointer: Pointer): void => {
    const key = mapKey(account)
    const entry = touched.get(key)
    if (entry === undefined) touched.set(key, { account, pointers: [pointer] })
    else entry.pointers.push(pointer)
  }
  const pointHolds = (from: number, to: number): void => {
    for (let index = from; index < to; index++) {
      const hold = execution.endedHolds[index] as Hold
      point(hold.payer, { role: ROLE.holdPayer, index, action: 0 })
      point(hold.payee, { role: ROLE.holdPayee, index, action: 0 })
    }
  }
  const { receipts, transactions, transfers, endedHolds, endedBy } = execution
  const firstByAction = endedHolds.findIndex((hold) => endedBy.has(hold))
  let hold = firstByAction === -1 ? endedHolds.length : firstByAction
  pointHolds(0, hold)
  let transfer = 0
  for (const [index, receipt] of receipts.entries()) {
    const { transaction } = transactions[index] as Execution['transactions'][number]
    if (!isOfSystem(transaction)) point(transaction.sender, { role: ROLE.sender, index, action: 0 })
    for (; transfers[transfer]?.txId === receipt.txId; transfer++) {
      const { payee, action } = transfers[transfer] as Execution['transfers'][number]
      point(payee, { role: ROLE.payee, index, action })
    }
    let end = hold
    while (end < endedHolds.length && endedBy.get(endedHolds[end] as Hold) === index) end++
    pointHolds(hold, end)
    hold = end
  }
  for (const { account, pointers } of touched.values()) yield { account, record: encodePointers(pointers) }
}

function encodePointers(pointers: readonly Pointer[]): Uint8Array {
  const writer = new Writer(6 * pointers.length)
  for (const { role, index, action } of pointers) writer.u8(role).u32(index).u8(action)
  return writer.finish()
}

function decodePointers(record: Uint8Array): Pointer[] {
  const reader = new Reader(record)
  const pointers: Pointer[] = []
  while (reader.remaining > 0) pointers.push({ role: reader.u8(), index: reader.u32(), action: reader.u8() })
  return pointers
}

/** Ids of the ended holds that a record points at. */
export function holdsOfRecord(record: Uint8Array, body: BlockBody): readonly Bytes32[] {
  return decodePointers(record).flatMap(({ role, index }) =>
    role === ROLE.holdPayer || role === ROLE.holdPayee ? [body.endedHolds[index] as Bytes32] : [],
  )
}

/** The lines of one record, newest first. `holdOf` knows the holds of `holdsOfRecord`. */
export function historyItems(
  record: Uint8Array,
  body: BlockBody,
  block: { height: number; timeMs: number },
  holdOf: (id: Bytes32) => Hold,
): HistoryItem[] {
  const items = decodePointers(record).flatMap((pointer) => {
    switch (pointer.role) {
      case ROLE.sender:
        return sentItems(receiptOf(body, pointer.index), body.transactions[pointer.index] as Uint8Array)
      case ROLE.payee:
        return [
          receivedItem(
            receiptOf(body, pointer.index),
            body.transactions[pointer.index] as Uint8Array,
            pointer.action,
          ),
        ]
      default:
        return [
          endItem(holdOf(body.endedHolds[pointer.index] as Bytes32), pointer.role === ROLE.holdPayer, block),
        ]
    }
  })
  return items.reverse()
}

function sentItems(receipt: Receipt, bytes: Uint8Array): HistoryItem[] {
  const { actions } = decodeTransaction(bytes).transaction
  const { txId, height, timeMs, outcome } = receipt
  const items: HistoryItem[] = actions.flatMap((action, index) => {
    if (action.type !== 'transfer') return []
    const holdId = holdOfAction(receipt, index)
    const status = outcome === 'failed' ? 'failed' : holdId === null ? 'settled' : 'held'
    return [
      {
        txId,
        height,
        timeMs,
        direction: 'out',
        counterparty: action.to,
        amount: action.amount,
        fee: 0n,
        memo: action.memo,
        status,
        holdId,
      },
    ]
  })
  const nothing: HistoryItem = {
    txId,
    height,
    timeMs,
    direction: 'other',
    counterparty: null,
    amount: 0n,
    fee: 0n,
    memo: new Uint8Array(0),
    status: outcome,
    holdId: null,
  }
  const [first = nothing, ...rest] = items
  return [{ ...first, fee: receipt.fee }, ...rest]
}

function receivedItem(receipt: Receipt, bytes: Uint8Array, index: number): HistoryItem {
  const { sender, actions } = decodeTransaction(bytes).transaction
  const action = actions[index]
  if (action?.type !== 'transfer')
    throw new Error(`a history record points at action ${index}, which is no transfer`)
  const { txId, height, timeMs } = receipt
  const holdId = holdOfAction(receipt, index)
  const status = holdId === null ? 'settled' : 'held'
  return {
    txId,
    height,
    timeMs,
    direction: 'in',
    counterparty: sender,
    amount: action.amount,
    fee: 0n,
    memo: action.memo,
    status,
    holdId,
  }
}

function holdOfAction(receipt: Receipt, action: number): Bytes32 | null {
  return receipt.holds.find((hold) => hold.action === action)?.holdId ?? null
}

/** The end of a hold, as seen from the payment: outgoing for its payer, incoming for its payee. */
function endItem(
  hold: Hold,
  isPayer: boolean,
  { height, timeMs }: { height: number; timeMs: number },
): HistoryItem {
  return {
    txId: hold.txId,
    height,
    timeMs,
    direction: isPayer ? 'out' : 'in',
    counterparty: isPayer ? hold.payee : hold.payer,
    amount: hold.amount,
    fee: 0n,
    memo: new Uint8Array(0),
    status: END_STATUS[hold.end?.how ?? 'returned'],
    holdId: hold.id,
  }
}

/** How the end of a hold looks from its payment. */
export const END_STATUS: Readonly<Record<HoldEnd, 'recalled' | 'released' | 'returned'>> = {
  recalled: 'recalled',
  confirmed: 'released',
  released: 'released',
  returned: 'returned',
  'expired-released': 'released',
  'expired-returned': 'returned',
}

/** A place in a history: below this height, or in it after so many lines. */
export interface HistoryCursor {
  readonly height: number
  readonly skip: number
}

export function formatCursor({ height, skip }: HistoryCursor): string {
  return `${height}.${skip}`
}

/** @throws CordonError `rpc-invalid` on what `formatCursor` does not write. */
export function parseCursor(text: string): HistoryCursor {
  const match = /^(\d{1,14})\.(\d{1,9})$/.exec(text)
  if (match === null)
    throw new CordonError(
      'rpc-invalid',
      `expected a cursor as returned with the page before, got ${JSON.stringify(text.slice(0, 80))}`,
    )
  return { height: Number(match[1]), skip: Number(match[2]) }
}
