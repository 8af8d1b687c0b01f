/**
 * The questions a ledger answers. Readers see the newest block that is written: while the next one is on its way to
 * the disk, what it is about to change is answered from `inFlight`.
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { equalBytes, fromHex, mapKey, toHex } from '../crypto/bytes.ts'
import { Reader } from '../crypto/codec.ts'
import { merklePath, type MerklePath } from '../crypto/merkle.ts'
import { AccountCache } from './account-cache.ts'
import {
  accountKey,
  decodeAccount,
  decodeHold,
  holdKey,
  type AccountEntry,
  type ValidatorEntry,
} from './entries.ts'
import {
  formatCursor,
  historyItems,
  holdsOfRecord,
  parseCursor,
  type HistoryItem,
  type LedgerPage,
} from './history.ts'
import { inconsistent, type LedgerMemory } from './open.ts'
import type { OpenHold } from './open-holds.ts'
import { receiptDigest } from './receipt.ts'
import {
  bodyKey,
  decodeBody,
  decodeLocation,
  decodeResult,
  endedHoldKey,
  heightOfKey,
  historyKey,
  receiptOf,
  resultKey,
  txKey,
  type BlockBody,
  type BlockResult,
  type OutcomeCounts,
  type TxLocation,
} from './records.ts'
import type { LedgerStore } from './store/store.ts'
import type { Transaction } from './transaction.ts'
import type { Account, Bytes32, Hold, Receipt, Totals } from './types.ts'

/** A transaction that was executed, and where. */
export interface StoredTransaction {
  /** Canonical bytes. */
  readonly bytes: Uint8Array
  readonly height: number
  /** Position among the receipts of its block. */
  readonly index: number
}

/** A transaction with its receipt. */
export interface ExecutedTransaction {
  readonly receipt: Receipt
  /** Canonical bytes. */
  readonly bytes: Uint8Array
}

/** What a block did. */
export interface BlockWork {
  /** In the order of execution. */
  readonly transactions: readonly ExecutedTransaction[]
  /** In the order in which they ended. */
  readonly endedHolds: readonly Hold[]
}

/** What proves a receipt up to the receipts root of its block. */
export interface ReceiptProof {
  readonly transaction: Uint8Array
  readonly receipt: Receipt
  /** From H("receipt", encoded receipt) to `receiptsRoot`. */
  readonly path: MerklePath
  readonly receiptsRoot: Bytes32
  readonly height: number
}

export interface PageRequest {
  readonly cursor?: string
  /** 1 to LIMITS.rpcPageItems. */
  readonly limit?: number
}

/** What of a transaction says whether it can have been executed before. */
export type Replayable = Pick<Transaction, 'sender' | 'sequence' | 'validUntilMs'>

/** A block between its execution and its write: readers still see what was before. */
export interface InFlight {
  readonly accounts: ReadonlyMap<string, AccountEntry | null>
  readonly holds: ReadonlyMap<string, Hold | null>
}

export const NOTHING_IN_FLIGHT: InFlight = { accounts: new Map(), holds: new Map() }

export class LedgerReader {
  protected readonly store: LedgerStore
  protected readonly memory: LedgerMemory
  protected readonly cache: AccountCache = new AccountCache(LIMITS.accountsInMemory)
  protected inFlight: InFlight = NOTHING_IN_FLIGHT
  readonly #bodies = new Map<number, BlockBody>()

  protected constructor(store: LedgerStore, memory: LedgerMemory) {
    this.store = store
    this.memory = memory
  }

  /** Newest executed height; 0: genesis. */
  get height(): number {
    return this.memory.head.height
  }

  /** Block time of that height, ms. */
  get timeMs(): number {
    return this.newest.timeMs
  }

  get stateRoot(): Bytes32 {
    return this.memory.head.stateRoot
  }

  get genesisStateRoot(): Bytes32 {
    return this.memory.head.genesisStateRoot
  }

  /** When the next hold falls due, ms, or null. */
  get nextDueMs(): number | null {
    return this.memory.openHolds.nextDueMs
  }

  get openHolds(): number {
    return this.memory.openHolds.size
  }

  /** How many transactions had which outcome since genesis. */
  get outcomes(): OutcomeCounts {
    return this.memory.head.outcomes
  }

  protected get newest(): BlockResult {
    return this.memory.results.get(this.height) as BlockResult
  }

  /** Where all value is. `totalSupply` of genesis.ts adds it up. */
  totals(): Totals {
    return this.memory.head.totals
  }

  /** Validators with their stake and the record of their flags, by index. */
  validators(): readonly ValidatorEntry[] {
    return this.memory.validators
  }

  /** uCRD that an account has in open holds as payer. */
  heldOut(account: Bytes32): bigint {
    return this.memory.openHolds.heldBy(account)
  }

  /** Whether an unordered transaction of this id was executed and could still be valid. */
  isLive(txId: Bytes32): boolean {
    return this.memory.liveIds.find(mapKey(txId)) !== null
  }

  /** What executing a height resulted in, or null if it is not executed. */
  async result(height: number): Promise<BlockResult | null> {
    if (!Number.isSafeInteger(height) || height < 0 || height > this.height) return null
    const inMemory = this.memory.results.get(height)
    if (inMemory !== undefined) return inMemory
    const result = decodeOrNull(await this.store.get(resultKey(height)), decodeResult)
    if (result?.height !== height) throw inconsistent(`it has no result of height ${height}`)
    return result
  }

  /** The newest results, ascending by height, at most `count` and LIMITS.resultsInMemory; genesis is height 0. */
  recentResults(count: number): readonly BlockResult[] {
    return [...this.memory.results.values()].slice(Math.max(0, this.memory.results.size - count))
  }

  /** An account, or null if nothing was ever paid to it. */
  async account(id: Bytes32): Promise<Account | null> {
    const [account = null] = await this.accounts([id])
    return account
  }

  /** Accounts in the order of `ids`; null where there is none. */
  async accounts(ids: readonly Bytes32[]): Promise<(Account | null)[]> {
    return Promise.all(ids.map((id) => this.#account(id)))
  }

  async #account(id: Bytes32): Promise<Account | null> {
    const key = mapKey(id)
    const cached = this.cache.get(key)
    if (cached !== undefined) return publicAccount(cached)
    const treeKey = accountKey(id)
    for (;;) {
      await this.memory.tree.load([treeKey])
      // From here to the return nothing else runs: either the block under way has read this account, or it will not
      // change it, and the tree says what is written.
      const before = this.inFlight.accounts.get(key)
      if (before !== undefined) return publicAccount(before)
      const bytes = this.memory.tree.peek(treeKey)
      if (bytes === undefined) continue
      const copy = Uint8Array.from(id)
      const entry = decodeOrNull(bytes, (value) => decodeAccount(copy, value))
      this.cache.set(key, copy, entry, treeKey)
      return publicAccount(entry)
    }
  }

  /** A hold, open or ended, or null. */
  async hold(id: Bytes32): Promise<Hold | null> {
    const key = mapKey(id)
    const treeKey = holdKey(id)
    for (;;) {
      await this.memory.tree.load([treeKey])
      const before = this.inFlight.holds.get(key)
      if (before !== undefined) return before
      const bytes = this.memory.tree.peek(treeKey)
      if (bytes !== undefined) return decodeOrNull(bytes, decodeHold)
    }
  }

  /** Open holds, those that fall due first first. @throws CordonError `rpc-invalid` on a bad cursor or limit. */
  async holdsOpen({ cursor, limit = LIMITS.rpcPageItems }: PageRequest = {}): Promise<LedgerPage<Hold>> {
    checkLimit(limit)
    const open = this.memory.openHolds.page(cursor === undefined ? null : parseHoldCursor(cursor), limit)
    const holds = await Promise.all(open.map(({ id }) => this.hold(id)))
    const last = open.at(-1)
    const items = holds.filter((hold): hold is Hold => hold?.end === null)
    return { items, cursor: last === undefined || open.length < limit ? null : formatHoldCursor(last) }
  }

  /** Ended holds, newest first. @throws CordonError `rpc-invalid` on a bad cursor or limit. */
  async holdsEnded({ cursor, limit = LIMITS.rpcPageItems }: PageRequest = {}): Promise<LedgerPage<Hold>> {
    checkLimit(limit)
    const before = cursor === undefined ? { height: this.height + 1, skip: 0 } : parseCursor(cursor)
    const to = endedHoldKey(Math.min(before.height, this.height + 1), before.skip)
    const rows = await this.store.range({ from: endedHoldKey(0, 0), to, newestFirst: true, limit })
    const holds = await Promise.all(rows.map(([, id]) => this.hold(id)))
    const last = rows.at(-1)
    const items = holds.filter((hold): hold is Hold => hold !== null)
    if (last === undefined || rows.length < limit) return { items, cursor: null }
    return { items, cursor: formatCursor({ height: heightOfKey(last[0], 1), skip: ordinalOf(last[0]) }) }
  }

  /** The holds that ended from one height to another, both included, in the order in which they ended. */
  async holdsEndedBetween(fromHeight: number, toHeight: number): Promise<Hold[]> {
    const limit = LIMITS.rpcPageItems
    const to = endedHoldKey(toHeight + 1, 0)
    const holds: Hold[] = []
    for (let from = endedHoldKey(fromHeight, 0); ; ) {
      const rows = await this.store.range({ from, to, limit })
      const page = await Promise.all(rows.map(([, id]) => this.hold(id)))
      holds.push(...page.filter((hold) => hold !== null))
      const last = rows.at(-1)
      if (last === undefined || rows.length < limit) return holds
      from = endedHoldKey(heightOfKey(last[0], 1), ordinalOf(last[0]) + 1)
    }
  }

  /** The transactions of an executed height, in order, or null if it is not executed. */
  async transactionsOf(height: number): Promise<ExecutedTransaction[] | null> {
    const result = await this.result(height)
    if (result === null) return null
    return result.receipts === 0 ? [] : transactionsIn(await this.#body(height))
  }

  /** What an executed height did, or null if it is not executed. */
  async workOf(height: number): Promise<BlockWork | null> {
    const result = await this.result(height)
    if (result === null) return null
    const body = await this.#bodyOf(result)
    if (body === null) return { transactions: [], endedHolds: [] }
    const endedHolds = await Promise.all(body.endedHolds.map((id) => this.#endedHold(id, height)))
    return { transactions: transactionsIn(body), endedHolds }
  }

  /**
   * The receipt of a transaction, or null if none of that id was executed. Of a `transaction` that is at hand, the state
   * mostly knows that it was not: then the index is not asked, where making sure that something is missing costs reads.
   */
  async receipt(txId: Bytes32, transaction: Replayable | null = null): Promise<Receipt | null> {
    if (transaction !== null && !(await this.#mayBeExecuted(txId, transaction))) return null
    const found = await this.#find(txId)
    return found === null ? null : receiptOf(found.body, found.location.index)
  }

  /** An executed transaction, or null. */
  async transaction(txId: Bytes32): Promise<StoredTransaction | null> {
    const found = await this.#find(txId)
    if (found === null) return null
    const { body, location } = found
    return { bytes: body.transactions[location.index] as Uint8Array, ...location }
  }

  /** What proves the receipt of a transaction up to its block's receipts root, or null. */
  async receiptProof(txId: Bytes32): Promise<ReceiptProof | null> {
    const found = await this.#find(txId)
    if (found === null) return null
    const { body, location } = found
    const result = await this.result(location.height)
    if (result === null) throw inconsistent(`it has no result of height ${location.height}`)
    return {
      transaction: body.transactions[location.index] as Uint8Array,
      receipt: receiptOf(body, location.index),
      path: merklePath(body.receipts.map(receiptDigest), location.index),
      receiptsRoot: result.receiptsRoot,
      height: location.height,
    }
  }

  /**
   * What happened to an account, newest first: transfers out and in, held or not, ends of holds, other transactions.
   * @throws CordonError `rpc-invalid` on a bad cursor or limit.
   */
  async history(
    account: Bytes32,
    { cursor, limit = LIMITS.rpcPageItems }: PageRequest = {},
  ): Promise<LedgerPage<HistoryItem>> {
    checkLimit(limit)
    const start = cursor === undefined ? { height: this.height, skip: 0 } : parseCursor(cursor)
    const top = Math.min(start.height, this.height)
    const rows = await this.store.range({
      from: historyKey(account, 0),
      to: historyKey(account, top + 1),
      newestFirst: true,
      // Each record has a line at least, the skipped ones are all of the first.
      limit: limit + 1,
    })
    const items: HistoryItem[] = []
    for (const [key, record] of rows) {
      const height = heightOfKey(key, 33)
      const skip = height === start.height ? start.skip : 0
      const lines = (await this.#historyOf(height, record)).slice(skip)
      const taken = lines.slice(0, limit - items.length)
      items.push(...taken)
      if (taken.length < lines.length)
        return { items, cursor: formatCursor({ height, skip: skip + taken.length }) }
    }
    return { items, cursor: null }
  }

  /** Executed heights from `fromHeight` on at which something happened to an account, ascending. */
  async heightsOf(account: Bytes32, fromHeight: number, limit: number): Promise<number[]> {
    const from = historyKey(account, fromHeight)
    const rows = await this.store.range({ from, to: historyKey(account, this.height + 1), limit })
    return rows.map(([key]) => heightOfKey(key, 33))
  }

  async #historyOf(height: number, record: Uint8Array): Promise<HistoryItem[]> {
    const [body, result] = await Promise.all([this.#body(height), this.result(height)])
    if (result === null) throw inconsistent(`it has no result of height ${height}`)
    const holds = new Map<string, Hold>()
    for (const id of holdsOfRecord(record, body)) holds.set(mapKey(id), await this.#endedHold(id, height))
    return historyItems(record, body, result, (id) => holds.get(mapKey(id)) as Hold)
  }

  /** A hold that the body of a height names as ended. */
  async #endedHold(id: Bytes32, height: number): Promise<Hold> {
    const hold = await this.hold(id)
    if (hold?.end?.height !== height)
      throw inconsistent(`the body of height ${height} names a hold that did not end there`)
    return hold
  }

  /** What is executed uses up its sequence, or its id is live until it is invalid (ledger/execute.ts). */
  async #mayBeExecuted(txId: Bytes32, { sender, sequence, validUntilMs }: Replayable): Promise<boolean> {
    if (sequence === 0n) return validUntilMs < this.timeMs || this.isLive(txId)
    const account = await this.#account(sender)
    return account !== null && sequence <= account.sequence
  }

  async #find(txId: Bytes32): Promise<{ readonly location: TxLocation; readonly body: BlockBody } | null> {
    // Asked first: a block that is written while the index is read makes it live.
    const executed = this.isLive(txId)
    const location = decodeOrNull(await this.store.get(txKey(txId)), decodeLocation)
    if (location !== null) {
      const body = await this.#body(location.height)
      if (!equalBytes(receiptOf(body, location.index).txId, txId))
        throw inconsistent('its index names another transaction')
      return { location, body }
    }
    if (executed) throw inconsistent('a transaction that its state counts as executed is not in its index')
    return null
  }

  async #body(height: number): Promise<BlockBody> {
    const body = await this.#bodyIfAny(height)
    if (body === null) throw inconsistent(`it has no body of height ${height}`)
    return body
  }

  /** The body that goes with a result, or null: a block without receipts has one only if holds ended in it. */
  async #bodyOf({ height, hadWork, receipts }: BlockResult): Promise<BlockBody | null> {
    if (!hadWork) return null
    return receipts > 0 ? this.#body(height) : this.#bodyIfAny(height)
  }

  async #bodyIfAny(height: number): Promise<BlockBody | null> {
    const kept = this.#bodies.get(height)
    if (kept !== undefined) return kept
    const body = decodeOrNull(await this.store.get(bodyKey(height)), decodeBody)
    if (body === null) return null
    if (body.receipts.length > 0 && receiptOf(body, 0).height !== height)
      throw inconsistent(`it has another body for height ${height}`)
    this.keepBody(height, body)
    return body
  }

  /**
   * Those of the newest heights stay, whatever else is read: fresh payments are asked for most. Of older ones only this
   * one does, for the next question about the same block.
   */
  protected keepBody(height: number, body: BlockBody): void {
    this.#bodies.set(height, body)
    const oldest = this.height - LIMITS.bodiesInMemory + 1
    for (const kept of this.#bodies.keys()) if (kept < oldest && kept !== height) this.#bodies.delete(kept)
  }
}

/** Runs a decoder, if there is something to decode. */
export function decodeOrNull<T>(
  bytes: Uint8Array | null | undefined,
  decode: (bytes: Uint8Array) => T,
): T | null {
  return bytes === null || bytes === undefined ? null : decode(bytes)
}

/** What everybody sees of an account. */
export function publicAccount(entry: AccountEntry | null): Account | null {
  if (entry === null) return null
  const { id, balance, sequence, createdMs, guardian } = entry
  return { id, balance, sequence, createdMs, guardian }
}

function transactionsIn(body: BlockBody): ExecutedTransaction[] {
  return body.transactions.map((bytes, index) => ({ receipt: receiptOf(body, index), bytes }))
}

function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMITS.rpcPageItems) return
  throw new CordonError('rpc-invalid', `expected a limit from 1 to ${LIMITS.rpcPageItems}, got ${limit}`)
}

function formatHoldCursor({ expiresMs, id }: OpenHold): string {
  return `${expiresMs}.${toHex(id)}`
}

function parseHoldCursor(text: string): Pick<OpenHold, 'expiresMs' | 'id'> {
  const match = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(text)
  if (match === null)
    throw new CordonError(
      'rpc-invalid',
      `expected a cursor as returned with the page before, got ${JSON.stringify(text.slice(0, 100))}`,
    )
  return { expiresMs: Number(match[1]), id: fromHex(match[2] as string) }
}

function ordinalOf(key: Uint8Array): number {
  return new Reader(key.subarray(9)).u32()
}
