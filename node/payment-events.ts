/**
 * What happened to payments, block by block. Which events a block has, and in which order, follows from the block alone.
 * The newest blocks are what nearly everybody who follows asks for: each is read once, and told to all of them.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PaymentEvent } from '../client/api.ts'
import { LIMITS } from '../config/limits.ts'
import { encodeAddress } from '../crypto/address.ts'
import { mapKey, toHex } from '../crypto/bytes.ts'
import { END_STATUS, formatCursor } from '../ledger/history.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { ExecutedTransaction } from '../ledger/reader.ts'
import type { BlockResult } from '../ledger/records.ts'
import { decodeTransaction } from '../ledger/transaction.ts'
import type { Hold } from '../ledger/types.ts'
import { transfersOf } from './transfers.ts'

/** An event as the ledger has it: most are looked at and not told, and writing addresses takes its time. */
interface LedgerEvent {
  readonly event: PaymentEvent['event']
  readonly txId: Uint8Array
  readonly payer: Uint8Array
  readonly payee: Uint8Array
  readonly amount: bigint
  readonly memo: Uint8Array | null
  readonly holdId: Uint8Array | null
  readonly failure: string | null
}

type Block = Pick<BlockResult, 'height' | 'timeMs'>

/** The events of one executed block: its transfers in the order of execution, then the holds that ended. */
export class BlockPayments {
  readonly #block: Block
  readonly #events: readonly LedgerEvent[]
  readonly #prefix: string
  readonly #told: (PaymentEvent | undefined)[] = []
  #byAccount: ReadonlyMap<string, readonly number[]> | null = null

  constructor(block: Block, events: readonly LedgerEvent[], prefix: string) {
    this.#block = block
    this.#events = events
    this.#prefix = prefix
  }

  /** Indexes of the events that concern an account, ascending; null: of all. */
  concerning(account: Uint8Array | null): Iterable<number> {
    if (account === null) return this.#events.keys()
    this.#byAccount ??= indexesByAccount(this.#events)
    return this.#byAccount.get(mapKey(account)) ?? []
  }

  /** The event at an index, as clients see it: the same for all of them, so it is written once. */
  told(index: number): PaymentEvent {
    return (this.#told[index] ??= this.#tell(index))
  }

  #tell(index: number): PaymentEvent {
    const { height, timeMs } = this.#block
    const { event, txId, payer, payee, amount, memo, holdId, failure } = this.#events[index] as LedgerEvent
    return {
      event,
      cursor: formatCursor({ height, skip: index + 1 }),
      height,
      timeMs,
      txId: toHex(txId),
      payer: encodeAddress(this.#prefix, payer),
      payee: encodeAddress(this.#prefix, payee),
      amount: String(amount),
      memo: memo === null ? null : Buffer.from(memo).toString('utf8'),
      holdId: holdId === null ? null : toHex(holdId),
      failure,
    }
  }
}

export class PaymentEventReader {
  readonly #ledger: Pick<Ledger, 'height' | 'workOf'>
  readonly #prefix: string
  /** By height. */
  readonly #shared = new Map<number, Promise<BlockPayments>>()

  /** @param prefix of addresses. */
  constructor(ledger: Pick<Ledger, 'height' | 'workOf'>, prefix: string) {
    this.#ledger = ledger
    this.#prefix = prefix
  }

  /** Whether the events of this height are read once for all who ask. */
  isShared(height: number): boolean {
    return height > this.#ledger.height - LIMITS.followedBlocksInMemory
  }

  /** The events of an executed block. */
  of(block: Block): Promise<BlockPayments> {
    const { height } = block
    if (!this.isShared(height)) return this.#read(block)
    const shared = this.#shared.get(height)
    if (shared !== undefined) return shared
    const reading = this.#read(block)
    reading.catch(() => this.#shared.delete(height))
    this.#shared.set(height, reading)
    for (const kept of this.#shared.keys()) if (!this.isShared(kept)) this.#shared.delete(kept)
    return reading
  }

  async #read(block: Block): Promise<BlockPayments> {
    const work = await this.#ledger.workOf(block.height)
    const events: LedgerEvent[] = []
    for (const [index, transaction] of (work?.transactions ?? []).entries()) {
      events.push(...transferEvents(transaction))
      if ((index + 1) % LIMITS.txsPerTurn === 0) await nextTurn()
    }
    events.push(...(work?.endedHolds ?? []).map(endEvent))
    return new BlockPayments(block, events, this.#prefix)
  }
}

function transferEvents({ receipt, bytes }: ExecutedTransaction): LedgerEvent[] {
  const { txId, outcome, failure, holds } = receipt
  const { transaction } = decodeTransaction(bytes)
  return transfersOf(transaction).map(({ action, transfer }) => {
    const hold = holds.find((made) => made.action === action)
    return {
      event: outcome === 'failed' ? 'failed' : hold === undefined ? 'settled' : 'held',
      txId,
      payer: transaction.sender,
      payee: transfer.to,
      amount: transfer.amount,
      memo: transfer.memo,
      holdId: hold?.holdId ?? null,
      failure,
    }
  })
}

function endEvent({ id, txId, payer, payee, amount, end }: Hold): LedgerEvent {
  if (end === null) throw new Error(`hold ${toHex(id)} is listed as ended and is open`)
  return { event: END_STATUS[end.how], txId, payer, payee, amount, memo: null, holdId: id, failure: null }
}

/** Which events concern whom. A payment that failed never reached its payee, so it is none of theirs. */
function indexesByAccount(events: readonly LedgerEvent[]): ReadonlyMap<string, readonly number[]> {
  const indexes = new Map<string, number[]>()
  const add = (account: string, index: number): void => {
    const known = indexes.get(account)
    if (known === undefined) indexes.set(account, [index])
    else known.push(index)
  }
  for (const [index, { event, payer, payee }] of events.entries()) {
    const [from, to] = [mapKey(payer), mapKey(payee)]
    add(from, index)
    if (to !== from && event !== 'failed') add(to, index)
  }
  return indexes
}
