/**
 * What is acked and not yet executed, per account: plain sums, no windows, because everything in here is younger than
 * the shortest window. Contributions are taken back one by one when a transfer is executed or its batch dropped.
 *
 * One transfer may lie in several batches (duplicates are harmless to the ledger); it counts once.
 */

import { FRAUD_LIMITS } from '../limits.ts'

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
  /** Pending payments to each payee; null: none yet. */
  payees: Map<string, number> | null
}

export function nothingPending(): PendingSums {
  return {
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
    payees: null,
  }
}

interface Entry {
  readonly contribution: Contribution
  batches: number
}

export class Overlay {
  readonly #maxTransfers: number
  readonly #accounts: Map<string, PendingSums> = new Map()
  readonly #entries: Map<string, Entry> = new Map()
  readonly #batches: Map<string, string[]> = new Map()

  constructor(maxTransfers: number) {
    this.#maxTransfers = maxTransfers
  }

  get size(): number {
    return this.#entries.size
  }

  account(account: string): PendingSums | undefined {
    return this.#accounts.get(account)
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Takes a transfer's sums out while `judge` looks at the rest, then puts them back. */
  without<Result>(key: string, judge: () => Result): Result {
    const entry = this.#entries.get(key)
    if (entry === undefined) return judge()
    this.#apply(entry.contribution, -1)
    try {
      return judge()
    } finally {
      this.#apply(entry.contribution, 1)
    }
  }

  /** Adds a transfer of a batch. One that another batch holds already is only noted. */
  add(key: string, batchKey: string, contribution: Contribution): void {
    let batch = this.#batches.get(batchKey)
    if (batch === undefined) {
      batch = []
      this.#batches.set(batchKey, batch)
    }
    batch.push(key)
    const entry = this.#entries.get(key)
    if (entry !== undefined) {
      entry.batches++
      return
    }
    this.#entries.set(key, { contribution, batches: 1 })
    this.#apply(contribution, 1)
    if (this.#entries.size > this.#maxTransfers) this.dropBatch(this.#batches.keys().next().value ?? batchKey)
  }

  /** The transfer is executed: it counts no more, whatever batches hold it. */
  remove(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#apply(entry.contribution, -1)
  }

  /** The batch is executed, skipped or dropped: what only it held counts no more. Unknown batches are fine. */
  dropBatch(batchKey: string): void {
    const batch = this.#batches.get(batchKey)
    if (batch === undefined) return
    this.#batches.delete(batchKey)
    for (const key of batch) {
      const entry = this.#entries.get(key)
      if (entry !== undefined && --entry.batches <= 0) this.remove(key)
    }
  }

  #apply(contribution: Contribution, sign: 1 | -1): void {
    const { payer, payee, amount, timeMs } = contribution
    const from = this.#sums(payer)
    from.outCount += sign
    from.outSum += sign * amount
    if (contribution.newPair) from.newPayees += sign
    if (contribution.freshPayee) from.freshPayees += sign
    if (contribution.youngPair) from.newSum += sign * amount
    from.lastOutMs = Math.max(from.lastOutMs, timeMs)
    if (sign > 0) {
      if (from.earliest.length < FRAUD_LIMITS.pendingAmounts) from.earliest.push(amount)
    } else if (from.earliest.includes(amount)) {
      from.earliest.splice(from.earliest.indexOf(amount), 1)
    }
    from.payees ??= new Map()
    const pairCount = (from.payees.get(payee) ?? 0) + sign
    if (pairCount === 0) from.payees.delete(payee)
    else from.payees.set(payee, pairCount)
    const to = this.#sums(payee)
    to.inCount += sign
    to.inSum += sign * amount
    if (contribution.newPayer) to.newPayers += sign
    to.lastInMs = Math.max(to.lastInMs, timeMs)
    if (sign < 0) {
      this.#forgetIfEmpty(payer, from)
      this.#forgetIfEmpty(payee, to)
    }
  }

  #sums(account: string): PendingSums {
    let sums = this.#accounts.get(account)
    if (sums === undefined) {
      sums = nothingPending()
      this.#accounts.set(account, sums)
    }
    return sums
  }

  /** Also clears what rounding left of the sums. */
  #forgetIfEmpty(account: string, sums: PendingSums): void {
    if (sums.outCount === 0 && sums.inCount === 0) this.#accounts.delete(account)
  }
}
