/**
 * What is acked and not yet executed, per account: plain sums, no windows, because everything in here is younger than
 * the shortest window. Contributions are taken back one by one when a transfer is executed or its batch dropped.
 *
 * One transaction may lie in several batches (duplicates are harmless to the ledger); its transfers count once.
 */

import { FRAUD_LIMITS } from '../limits.ts'
import type { TransferFacts } from '../types.ts'

/** What one pending transfer added, so that exactly this can be taken back. */
export interface Contribution {
  readonly payer: string
  readonly payee: string
  /** In CRD. */
  readonly amount: number
  readonly timeMs: number
  /** First payment of this pair, executed or pending. */
  readonly newPair: boolean
  /** The pair's first payment is less than a day old. */
  readonly youngPair: boolean
  /** Nobody was ever seen paying this payee. */
  readonly freshPayee: boolean
  /** The payer is not among the payee's remembered payers. */
  readonly newPayer: boolean
}

/** Sums of one account's pending transfers. */
export interface PendingSums {
  readonly account: string
  outCount: number
  outSum: number
  newPayees: number
  freshPayees: number
  newSum: number
  lastOutMs: number
  inCount: number
  inSum: number
  newPayers: number
  lastInMs: number
  /** The earliest pending amounts, in CRD: a history of its own while none is executed. */
  readonly earliest: number[]
  readonly payees: PayeeCounts
}

/** Pending payments to each payee. Most accounts pay one at a time, and a map is hundreds of bytes. */
export class PayeeCounts {
  #payee = ''
  #count = 0
  /** Of all others; null: there was none. */
  #others: Map<string, number> | null = null

  of(payee: string): number {
    return payee === this.#payee ? this.#count : (this.#others?.get(payee) ?? 0)
  }

  change(payee: string, by: 1 | -1): void {
    if (this.#count === 0 && this.of(payee) === 0) this.#payee = payee
    if (payee === this.#payee) {
      this.#count += by
      return
    }
    this.#others ??= new Map()
    const count = (this.#others.get(payee) ?? 0) + by
    if (count === 0) this.#others.delete(payee)
    else this.#others.set(payee, count)
  }
}

export function nothingPending(account: string): PendingSums {
  return {
    account,
    outCount: 0,
    outSum: 0,
    newPayees: 0,
    freshPayees: 0,
    newSum: 0,
    lastOutMs: 0,
    inCount: 0,
    inSum: 0,
    newPayers: 0,
    lastInMs: 0,
    earliest: [],
    payees: new PayeeCounts(),
  }
}

/** A pending transfer, with the sums it is counted in. */
export interface PendingTransfer {
  readonly key: string
  readonly contribution: Contribution
  from: PendingSums
  to: PendingSums
}

/** The pending transfers of a transaction: most have one. */
interface PendingTransaction {
  readonly first: PendingTransfer
  /** All others, by key. */
  others: Map<string, PendingTransfer> | null
  /** How many batches hold it, and the one that was added last. */
  batches: number
  newestBatch: string
}

/** Stands for a transaction that is executed: a late batch that holds it as well does not count it again. */
export const EXECUTED = 'executed'

export class Overlay {
  readonly #maxTransfers: number
  readonly #accounts: Map<string, PendingSums> = new Map()
  /** What is known of a transaction, by its name. A payout of a hundred transfers is one of them. */
  readonly #transactions: Map<string, PendingTransaction | typeof EXECUTED> = new Map()
  /** Transactions of each batch. */
  readonly #batches: Map<string, string[]> = new Map()
  /** Names of executed transactions, a ring: the oldest is forgotten. */
  #executedNames: string[] = []
  #executedCount = 0
  #pendingCount = 0

  constructor(maxTransfers: number) {
    this.#maxTransfers = maxTransfers
  }

  /** Transfers that are pending. */
  get size(): number {
    return this.#pendingCount
  }

  account(account: string): PendingSums | undefined {
    return this.#accounts.get(account)
  }

  /** Undefined: neither pending nor lately executed. */
  find({
    transaction,
    key,
  }: Pick<TransferFacts, 'transaction' | 'key'>): PendingTransfer | typeof EXECUTED | undefined {
    const known = this.#transactions.get(transaction)
    if (known === undefined || known === EXECUTED) return known
    return known.first.key === key ? known.first : known.others?.get(key)
  }

  /** Takes a transfer's sums out while `judge` looks at the rest, then puts them back. */
  without(transfer: PendingTransfer, judge: () => void): void {
    const { contribution } = transfer
    this.#takeBack(transfer)
    try {
      judge()
    } finally {
      transfer.from = this.#sums(contribution.payer)
      transfer.to = this.#sums(contribution.payee)
      apply(transfer, 1)
    }
  }

  /**
   * Adds a transfer of a batch that is not known yet.
   * @param from sums of the payer, and `to` of the payee; undefined: they have none.
   */
  add(
    { transaction, key }: Pick<TransferFacts, 'transaction' | 'key'>,
    batchKey: string,
    contribution: Contribution,
    { from, to }: { readonly from: PendingSums | undefined; readonly to: PendingSums | undefined },
  ): void {
    const transfer: PendingTransfer = {
      key,
      contribution,
      from: from ?? this.#sums(contribution.payer),
      to: to ?? this.#sums(contribution.payee),
    }
    const known = this.#transactions.get(transaction)
    if (known === undefined || known === EXECUTED)
      this.#transactions.set(transaction, { first: transfer, others: null, batches: 0, newestBatch: '' })
    else (known.others ??= new Map<string, PendingTransfer>()).set(key, transfer)
    this.#pendingCount++
    apply(transfer, 1)
    this.addBatch(transaction, batchKey)
    if (this.#pendingCount > this.#maxTransfers) this.dropBatch(this.#batches.keys().next().value ?? batchKey)
  }

  /** Notes that this batch holds the transaction, which is pending, too. */
  addBatch(transaction: string, batchKey: string): void {
    const known = this.#transactions.get(transaction)
    if (known === undefined || known === EXECUTED || known.newestBatch === batchKey) return
    const batch = this.#batches.get(batchKey)
    if (batch === undefined) this.#batches.set(batchKey, [transaction])
    else batch.push(transaction)
    known.batches++
    known.newestBatch = batchKey
  }

  /** The transaction is executed: its transfers count no more, whatever batches hold it. */
  executed(transaction: string): void {
    const known = this.#transactions.get(transaction)
    if (known === EXECUTED) return
    if (known !== undefined) this.#end(known)
    this.#transactions.set(transaction, EXECUTED)
    const place = this.#executedCount++ % FRAUD_LIMITS.executedTransactions
    const forgotten = this.#executedNames[place]
    if (forgotten !== undefined) this.#transactions.delete(forgotten)
    this.#executedNames[place] = transaction
  }

  /** What was executed may be judged again. */
  forgetExecuted(): void {
    for (const name of this.#executedNames) this.#transactions.delete(name)
    this.#executedNames = []
    this.#executedCount = 0
  }

  /** The batch is executed, skipped or dropped: what only it held counts no more. Unknown batches are fine. */
  dropBatch(batchKey: string): void {
    const batch = this.#batches.get(batchKey)
    if (batch === undefined) return
    this.#batches.delete(batchKey)
    for (const name of batch) {
      const transaction = this.#transactions.get(name)
      if (transaction === undefined || transaction === EXECUTED || --transaction.batches > 0) continue
      this.#transactions.delete(name)
      this.#end(transaction)
    }
  }

  #end({ first, others }: PendingTransaction): void {
    this.#pendingCount -= 1 + (others?.size ?? 0)
    this.#takeBack(first)
    if (others !== null) for (const transfer of others.values()) this.#takeBack(transfer)
  }

  #takeBack(transfer: PendingTransfer): void {
    apply(transfer, -1)
    this.#forgetIfEmpty(transfer.from)
    this.#forgetIfEmpty(transfer.to)
  }

  #sums(account: string): PendingSums {
    let sums = this.#accounts.get(account)
    if (sums === undefined) {
      sums = nothingPending(account)
      this.#accounts.set(account, sums)
    }
    return sums
  }

  /** Also clears what rounding left of the sums. */
  #forgetIfEmpty({ account, outCount, inCount }: PendingSums): void {
    if (outCount === 0 && inCount === 0) this.#accounts.delete(account)
  }
}

function apply({ contribution, from, to }: PendingTransfer, sign: 1 | -1): void {
  const { payee, amount, timeMs } = contribution
  from.outCount += sign
  from.outSum += sign * amount
  if (contribution.newPair) from.newPayees += sign
  if (contribution.freshPayee) from.freshPayees += sign
  if (contribution.youngPair) from.newSum += sign * amount
  from.lastOutMs = Math.max(from.lastOutMs, timeMs)
  if (sign > 0) {
    if (from.earliest.length < FRAUD_LIMITS.pendingAmounts) from.earliest.push(amount)
  } else {
    const place = from.earliest.indexOf(amount)
    if (place >= 0) from.earliest.splice(place, 1)
  }
  from.payees.change(payee, sign)
  to.inCount += sign
  to.inSum += sign * amount
  if (contribution.newPayer) to.newPayers += sign
  to.lastInMs = Math.max(to.lastInMs, timeMs)
}
