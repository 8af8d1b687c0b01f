/**
 * The feature store: what each account did, kept in bounded memory, and one row of numbers per transfer out of it.
 *
 * Causal: a row looks at executed transfers and at those acked before it, never at later ones. Transfers of batches that
 * are acked and not executed count (`overlay.ts`), or a drain split over several validators inside one finality window
 * would be invisible. Only executed transfers change the lasting memory, so every node that executed the same blocks has
 * the same one, and it can be rebuilt by replaying them.
 *
 * O(1) per transfer; pure: time comes with the transfers.
 */
import { AccountTable, Field, NUMBERS, SECONDS, SecondsField, tagOf } from './account-table.ts'
import { Baseline } from './baseline.ts'
import { FRAUD_LIMITS, WINDOW_MS, YOUNG_PAIR_MS } from './limits.ts'
import { Overlay, type Contribution, type PendingSums } from './overlay.ts'
import { COLUMN, FEATURE_COUNT } from './schema.ts'
import { readSnapshot, writeSnapshot } from './snapshot.ts'
import type { TransferFacts, TransferOutcome } from './types.ts'

const UNITS_PER_CRD = 1e6
const PAYEES = FRAUD_LIMITS.payeesPerAccount
const PAYERS = FRAUD_LIMITS.payersPerAccount
const OWN = FRAUD_LIMITS.ownAmounts
const INFLOWS = FRAUD_LIMITS.inflowAmounts
/** Weight of a new ten-minute stretch in the usual count. */
const USUAL_WEIGHT = 0.2
/** Two amounts count as the same within this share. */
const SAME_AMOUNT = 0.01
const MOST_RATIO = 4
/** How far above the median an amount is remembered at most, as a power of two. */
const LARGEST_STEP_LOG2 = 1
/** From MAD to standard deviation under a normal law. */
const MAD_TO_DEVIATION = 1.4826

export interface FeatureStoreOptions {
  readonly maxAccounts?: number
  readonly maxProvisional?: number
}

const NO_PENDING: PendingSums = {
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

/** What left an account within a window, in CRD: executed alone (`left`), or with what is pending. */
interface Sent {
  readonly leftHour: number
  readonly sentHour: number
  /** To payees that are new; without this transfer. */
  readonly newHour: number
  readonly leftTenMinutes: number
  readonly newTenMinutes: number
  /** This transfer's amount if its payee is new, else 0. */
  readonly newAmount: number
}

/** Factors that bring the counters of a record to a later time, per window. */
interface Decays {
  minute: number
  tenMinutes: number
  hour: number
  day: number
  week: number
}

export class FeatureStore {
  readonly #options: FeatureStoreOptions
  #accounts: AccountTable
  #baseline: Baseline = new Baseline()
  readonly #overlay: Overlay
  /** Keys of executed transfers, in two generations: the older one goes when the newer is full. */
  #executed: Set<string> = new Set()
  #executedBefore: Set<string> = new Set()

  // Scratch space, so that a row allocates nothing but its contribution.
  readonly #payerDecay: Decays = { minute: 1, tenMinutes: 1, hour: 1, day: 1, week: 1 }
  readonly #payeeDecay: Decays = { minute: 1, tenMinutes: 1, hour: 1, day: 1, week: 1 }
  readonly #sorted: Float64Array = new Float64Array(OWN)
  readonly #sampleRow: Float32Array = new Float32Array(FEATURE_COUNT)

  constructor(options: FeatureStoreOptions = {}) {
    this.#options = options
    this.#accounts = new AccountTable(options.maxAccounts ?? FRAUD_LIMITS.accounts)
    this.#overlay = new Overlay(options.maxProvisional ?? FRAUD_LIMITS.provisionalTransfers)
  }

  /** What is usual on this chain: goes to the model beside the rows. */
  get baseline(): Baseline {
    return this.#baseline
  }

  /** Accounts remembered. */
  get accounts(): number {
    return this.#accounts.size
  }

  /** Transfers acked and not executed. */
  get provisional(): number {
    return this.#overlay.size
  }

  /**
   * One row of `FEATURE_COUNT` numbers per transfer, in order; each transfer counts for those after it, and stays
   * counted until `executed` or `dropBatch`.
   */
  rows(transfers: readonly TransferFacts[], batchKey: string): Float32Array {
    const rows = new Float32Array(transfers.length * FEATURE_COUNT)
    let at = 0
    for (const facts of transfers) {
      const contribution = this.#rowWithoutItself(facts, rows, at)
      if (!this.#wasExecuted(facts.key)) this.#overlay.add(facts.key, batchKey, contribution)
      at += FEATURE_COUNT
    }
    return rows
  }

  /** The row a transfer would get now. Leaves no trace. */
  dryRow(facts: TransferFacts): Float32Array {
    const row = new Float32Array(FEATURE_COUNT)
    this.#rowWithoutItself(facts, row, 0)
    return row
  }

  /** Takes executed transfers into the lasting memory, in the order of execution. */
  executed(outcomes: readonly TransferOutcome[]): void {
    for (const outcome of outcomes) {
      this.#overlay.remove(outcome.facts.key)
      this.#rememberKey(outcome.facts.key)
      this.#execute(outcome)
    }
  }

  /** The batch is executed, skipped or given up: whatever of it was not executed counts no more. */
  dropBatch(batchKey: string): void {
    this.#overlay.dropBatch(batchKey)
  }

  /** The lasting memory as bytes. What is acked and not executed is not in it: the node assesses those batches again. */
  snapshot(): Uint8Array {
    return writeSnapshot(this.#accounts, this.#baseline)
  }

  /**
   * Replaces the lasting memory.
   * @throws CordonError `format-version` for an unknown version, `data-inconsistent` for damaged bytes; the store is
   * unchanged then, and can be rebuilt by replaying executed transfers.
   */
  restore(bytes: Uint8Array): void {
    const restored = readSnapshot(bytes, this.#options.maxAccounts ?? FRAUD_LIMITS.accounts)
    this.#accounts = restored.accounts
    this.#baseline = restored.baseline
    this.#executed = new Set()
    this.#executedBefore = new Set()
  }

  #wasExecuted(key: string): boolean {
    return this.#executed.has(key) || this.#executedBefore.has(key)
  }

  #rememberKey(key: string): void {
    this.#executed.add(key)
    if (this.#executed.size < FRAUD_LIMITS.executedKeys) return
    this.#executedBefore = this.#executed
    this.#executed = new Set()
  }

  /** A transfer that lies in several batches is judged as if it were not there yet. */
  #rowWithoutItself(facts: TransferFacts, rows: Float32Array, at: number): Contribution {
    if (!this.#overlay.has(facts.key)) return this.#row(facts, rows, at, true)
    return this.#overlay.without(facts.key, () => this.#row(facts, rows, at, true))
  }

  /** Writes one row and says what the transfer would add. `pending`: whether acked transfers count. */
  #row(facts: TransferFacts, rows: Float32Array, at: number, pending: boolean): Contribution {
    const amount = Number(facts.amount) / UNITS_PER_CRD
    const contribution = this.#pairColumns(facts, amount, rows, at, pending)
    this.#payerColumns(facts, contribution, rows, at, pending)
    this.#payeeColumns(facts, contribution, rows, at, pending)
    return contribution
  }

  #pairColumns(
    facts: TransferFacts,
    amount: number,
    rows: Float32Array,
    at: number,
    pending: boolean,
  ): Contribution {
    const { payer, payee, timeMs } = facts
    const payerSlot = this.#accounts.find(payer)
    const payeeSlot = this.#accounts.find(payee)
    const payerTag = this.#tag(payer, payerSlot)
    const paid = payerSlot < 0 ? -1 : this.#payeeIndex(payerSlot, this.#tag(payee, payeeSlot))
    const paidBy = payeeSlot < 0 ? -1 : this.#payerIndex(payeeSlot, payerTag)
    const payerPending = pending ? this.#overlay.account(payer) : undefined
    const payeePending = pending ? this.#overlay.account(payee) : undefined
    const pendingPair = payerPending?.payees?.get(payee) ?? 0
    const seconds = this.#accounts.seconds
    const base = payerSlot * SECONDS
    const pairCount =
      (paid < 0 ? 0 : (seconds[base + SecondsField.payeeCount + paid] as number)) + pendingPair
    const newPair = pairCount === 0
    const youngPair =
      paid < 0 || timeMs - 1_000 * (seconds[base + SecondsField.payeeFirst + paid] as number) < YOUNG_PAIR_MS
    const payeeSeen = payeeSlot >= 0 || (payeePending?.inCount ?? 0) > 0
    const backPaid =
      (payeeSlot >= 0 && this.#payeeIndex(payeeSlot, payerTag) >= 0) ||
      payeePending?.payees?.has(payer) === true

    rows[at + COLUMN.pair_new] = newPair ? 1 : 0
    rows[at + COLUMN.pair_young] = youngPair ? 1 : 0
    rows[at + COLUMN.pair_count] = pairCount
    rows[at + COLUMN.reciprocal] = backPaid ? 1 : 0
    rows[at + COLUMN.amount] = amount
    return {
      payer,
      payee,
      amount,
      timeMs,
      newPair,
      youngPair,
      freshPayee: !payeeSeen,
      newPayer: paidBy < 0 && pendingPair === 0,
    }
  }

  #payerColumns(
    facts: TransferFacts,
    own: Contribution,
    rows: Float32Array,
    at: number,
    pending: boolean,
  ): void {
    const { timeMs } = facts
    const { amount } = own
    const slot = this.#accounts.find(facts.payer)
    const known = slot >= 0
    const numbers = known ? this.#accounts.numbers : ZEROS
    const base = known ? slot * NUMBERS : 0
    const sums = (pending ? this.#overlay.account(facts.payer) : undefined) ?? NO_PENDING
    const decay = decays(this.#payerDecay, timeMs - (numbers[base + Field.touchedMs] as number))

    const outSumHour = (numbers[base + Field.outSumHour] as number) * decay.hour
    const sentHour = outSumHour + sums.outSum + amount
    const sentDay = (numbers[base + Field.outSumDay] as number) * decay.day + sums.outSum + amount
    const plus = sums.outCount + 1
    rows[at + COLUMN.out_count_1m] = (numbers[base + Field.outCountMinute] as number) * decay.minute + plus
    rows[at + COLUMN.out_count_10m] =
      (numbers[base + Field.outCountTenMinutes] as number) * decay.tenMinutes + plus
    rows[at + COLUMN.out_count_1h] = (numbers[base + Field.outCountHour] as number) * decay.hour + plus
    rows[at + COLUMN.out_count_1d] = (numbers[base + Field.outCountDay] as number) * decay.day + plus
    rows[at + COLUMN.out_count_7d] = (numbers[base + Field.outCountWeek] as number) * decay.week + plus
    rows[at + COLUMN.out_sum_1h] = sentHour
    rows[at + COLUMN.out_sum_1d] = sentDay
    rows[at + COLUMN.out_sum_7d] =
      (numbers[base + Field.outSumWeek] as number) * decay.week + sums.outSum + amount

    const newHere = own.newPair ? 1 : 0
    const freshHere = own.freshPayee ? 1 : 0
    rows[at + COLUMN.new_payees_1m] =
      (numbers[base + Field.newPayeesMinute] as number) * decay.minute + sums.newPayees + newHere
    rows[at + COLUMN.new_payees_1h] =
      (numbers[base + Field.newPayeesHour] as number) * decay.hour + sums.newPayees + newHere
    rows[at + COLUMN.fresh_payees_1m] =
      (numbers[base + Field.freshPayeesMinute] as number) * decay.minute + sums.freshPayees + freshHere

    const lastOutMs = Math.max(numbers[base + Field.lastOutMs] as number, sums.lastOutMs)
    if (lastOutMs > 0) {
      rows[at + COLUMN.out_gap_s] = Math.max(0, timeMs - lastOutMs) / 1_000
      rows[at + COLUMN.out_gap_known] = 1
    }
    if ((numbers[base + Field.usualStretches] as number) > 0) {
      rows[at + COLUMN.out_usual_10m] = numbers[base + Field.usualCount] as number
      rows[at + COLUMN.out_usual_known] = 1
    }
    this.#inflowColumns(rows, at, base, numbers, sums, decay, sentDay, facts, amount)
    this.#amountColumns(rows, at, base, numbers, sums, amount)
    this.#balanceColumns(rows, at, facts, amount, {
      leftHour: outSumHour,
      sentHour,
      newHour: (numbers[base + Field.newSumHour] as number) * decay.hour + sums.newSum,
      leftTenMinutes: (numbers[base + Field.outSumTenMinutes] as number) * decay.tenMinutes,
      newTenMinutes: (numbers[base + Field.newSumTenMinutes] as number) * decay.tenMinutes + sums.newSum,
      newAmount: own.youngPair ? amount : 0,
    })
    this.#ageColumns(rows, at, base, numbers, known, timeMs)
  }

  #inflowColumns(
    rows: Float32Array,
    at: number,
    base: number,
    numbers: Float64Array,
    sums: PendingSums,
    decay: Decays,
    sentDay: number,
    facts: TransferFacts,
    amount: number,
  ): void {
    rows[at + COLUMN.payer_in_count_1d] =
      (numbers[base + Field.inCountDay] as number) * decay.day + sums.inCount
    rows[at + COLUMN.payer_in_count_7d] =
      (numbers[base + Field.inCountWeek] as number) * decay.week + sums.inCount
    const lastInMs = Math.max(numbers[base + Field.lastInMs] as number, sums.lastInMs)
    if (lastInMs === 0) return
    rows[at + COLUMN.in_gap_s] = Math.max(0, facts.timeMs - lastInMs) / 1_000
    rows[at + COLUMN.in_gap_known] = 1
    const received = (numbers[base + Field.inSumDay] as number) * decay.day + sums.inSum
    if (received > 0 && facts.timeMs - lastInMs < WINDOW_MS.day) {
      rows[at + COLUMN.passed_on_1d] = Math.min(MOST_RATIO, sentDay / received)
      rows[at + COLUMN.passed_on_known] = 1
    }
    if (facts.timeMs - lastInMs >= WINDOW_MS.week) return
    const inflows = Math.min(INFLOWS, numbers[base + Field.inflowWritten] as number)
    for (let i = 0; i < inflows; i++) {
      const inflow = numbers[base + Field.inflow + i] as number
      if (Math.abs(inflow - amount) <= SAME_AMOUNT * amount) rows[at + COLUMN.same_amount] = 1
    }
  }

  #amountColumns(
    rows: Float32Array,
    at: number,
    base: number,
    numbers: Float64Array,
    sums: PendingSums,
    amount: number,
  ): void {
    const log2 = log2Amount(amount)
    const usual = this.#baseline.usualAmountLog2
    if (usual !== null) {
      rows[at + COLUMN.population_ratio_log2] = log2 - usual
      rows[at + COLUMN.population_known] = 1
    }
    const settled = Math.min(OWN, numbers[base + Field.ownWritten] as number)
    if (settled >= FRAUD_LIMITS.ownAmountsNeeded) rows[at + COLUMN.own_settled] = 1
    const count = this.#gatherOwn(numbers, base, settled, sums)
    if (count < FRAUD_LIMITS.ownAmountsNeeded) return
    const median = medianOf(this.#sorted, count)
    const spread = this.#ownSpread(count, median)
    rows[at + COLUMN.own_ratio_log2] = log2 - median
    rows[at + COLUMN.own_spread_log2] = spread
    rows[at + COLUMN.own_excess_log2] = log2 - median - spread
    rows[at + COLUMN.own_known] = 1
  }

  /**
   * Puts the payer's own amounts into the scratch space and returns how many. While too few are settled, the earliest
   * pending ones count too: on a slow network the thief may come before the owner's payments are final.
   */
  #gatherOwn(numbers: Float64Array, base: number, settled: number, sums: PendingSums): number {
    for (let i = 0; i < settled; i++) this.#sorted[i] = numbers[base + Field.own + i] as number
    if (settled >= FRAUD_LIMITS.ownAmountsNeeded) return settled
    const { earliest } = sums
    for (let i = 0; i < earliest.length; i++) this.#sorted[settled + i] = log2Amount(earliest[i] as number)
    return settled + earliest.length
  }

  /** Of the amounts in the scratch space, which it overwrites. */
  #ownSpread(count: number, median: number): number {
    const sorted = this.#sorted
    for (let i = 0; i < count; i++) sorted[i] = Math.abs((sorted[i] as number) - median)
    return MAD_TO_DEVIATION * medianOf(sorted, count)
  }

  #ownMedian(numbers: Float64Array, base: number, count: number): number {
    for (let i = 0; i < count; i++) this.#sorted[i] = numbers[base + Field.own + i] as number
    return medianOf(this.#sorted, count)
  }

  /** An amount far above the usual moves the picture of what is usual by one step only: a thief's would replace it. */
  #rememberAmount(numbers: Float64Array, base: number, amount: number): void {
    const written = numbers[base + Field.ownWritten] as number
    const count = Math.min(OWN, written)
    const log2 = log2Amount(amount)
    const most =
      count < FRAUD_LIMITS.ownAmountsNeeded ? log2 : this.#ownMedian(numbers, base, count) + LARGEST_STEP_LOG2
    numbers[base + Field.own + (written % OWN)] = Math.min(log2, most)
    numbers[base + Field.ownWritten] = written + 1
  }

  /** Shares of the balance as it was before the payments of the window left. */
  #balanceColumns(rows: Float32Array, at: number, facts: TransferFacts, amount: number, sent: Sent): void {
    const balance = Number(facts.payerBalance) / UNITS_PER_CRD
    const beforeHour = balance + sent.leftHour
    const beforeTenMinutes = balance + sent.leftTenMinutes
    rows[at + COLUMN.balance_share] = shareOf(amount, balance)
    rows[at + COLUMN.drain_1h] = shareOf(sent.sentHour, beforeHour)
    rows[at + COLUMN.drain_new_1h] = shareOf(sent.newHour + sent.newAmount, beforeHour)
    rows[at + COLUMN.drain_new_10m] = shareOf(sent.newTenMinutes + sent.newAmount, beforeTenMinutes)
    rows[at + COLUMN.drained_new_10m] = shareOf(sent.newTenMinutes, beforeTenMinutes)
  }

  #ageColumns(
    rows: Float32Array,
    at: number,
    base: number,
    numbers: Float64Array,
    known: boolean,
    timeMs: number,
  ): void {
    if (!known) return
    const ageMs = Math.max(0, timeMs - (numbers[base + Field.firstMs] as number))
    rows[at + COLUMN.payer_age_s] = ageMs / 1_000
    rows[at + COLUMN.payer_known] = 1
    const payments = numbers[base + Field.outTotal] as number
    if (payments < FRAUD_LIMITS.ownAmountsNeeded) return
    const usualGapMs = Math.max(
      1_000,
      ((numbers[base + Field.lastOutMs] as number) - (numbers[base + Field.firstMs] as number)) / payments,
    )
    const gapMs = Math.max(1_000, timeMs - (numbers[base + Field.lastOutMs] as number))
    rows[at + COLUMN.idle_ratio_log2] = Math.log2(gapMs / usualGapMs)
    rows[at + COLUMN.idle_known] = 1
  }

  #payeeColumns(
    facts: TransferFacts,
    own: Contribution,
    rows: Float32Array,
    at: number,
    pending: boolean,
  ): void {
    const slot = this.#accounts.find(facts.payee)
    const known = slot >= 0
    const numbers = known ? this.#accounts.numbers : ZEROS
    const base = known ? slot * NUMBERS : 0
    const sums = (pending ? this.#overlay.account(facts.payee) : undefined) ?? NO_PENDING
    const decay = decays(this.#payeeDecay, facts.timeMs - (numbers[base + Field.touchedMs] as number))
    const plus = sums.inCount + 1
    rows[at + COLUMN.payee_in_count_1h] = (numbers[base + Field.inCountHour] as number) * decay.hour + plus
    rows[at + COLUMN.payee_in_count_1d] = (numbers[base + Field.inCountDay] as number) * decay.day + plus
    rows[at + COLUMN.payee_in_count_7d] = (numbers[base + Field.inCountWeek] as number) * decay.week + plus
    const payerHere = own.newPayer ? 1 : 0
    rows[at + COLUMN.payee_payers_1d] =
      (numbers[base + Field.payersDay] as number) * decay.day + sums.newPayers + payerHere
    rows[at + COLUMN.payee_payers_7d] =
      (numbers[base + Field.payersWeek] as number) * decay.week + sums.newPayers + payerHere
    if (!known) return
    rows[at + COLUMN.payee_age_s] =
      Math.max(0, facts.timeMs - (numbers[base + Field.firstMs] as number)) / 1_000
    rows[at + COLUMN.payee_known] = 1
  }

  #execute({ facts, held }: TransferOutcome): void {
    const { payer, payee, timeMs } = facts
    const freshPayee = this.#accounts.find(payee) < 0
    if (!held) this.#sampleBaseline(facts)
    const amount = Number(facts.amount) / UNITS_PER_CRD
    const from = this.#accounts.touch(payer, timeMs)
    this.#accounts.decayTo(from, timeMs)
    this.#executeOut(from, payee, amount, timeMs, held, freshPayee)
    if (held) return // nothing has reached the payee
    const to = this.#accounts.touch(payee, timeMs)
    this.#accounts.decayTo(to, timeMs)
    this.#executeIn(to, payer, amount, timeMs)
  }

  /** A held payment counts as an attempt: in every counter, but in no picture of what is usual for the payer. */
  #executeOut(
    slot: number,
    payee: string,
    amount: number,
    timeMs: number,
    held: boolean,
    freshPayee: boolean,
  ): void {
    const numbers = this.#accounts.numbers
    const base = slot * NUMBERS
    const seconds = this.#accounts.seconds
    const first = slot * SECONDS + SecondsField.payeeFirst
    const payeeTag = this.#tag(payee, this.#accounts.find(payee))
    const paid = this.#payeeIndex(slot, payeeTag)
    if (paid < 0) {
      bump(numbers, base + Field.newPayeesMinute, 1)
      bump(numbers, base + Field.newPayeesHour, 1)
    }
    if (freshPayee) bump(numbers, base + Field.freshPayeesMinute, 1)
    if (paid < 0 || timeMs - 1_000 * (seconds[first + paid] as number) < YOUNG_PAIR_MS) {
      bump(numbers, base + Field.newSumTenMinutes, amount)
      bump(numbers, base + Field.newSumHour, amount)
    }
    bump(numbers, base + Field.outCountMinute, 1)
    bump(numbers, base + Field.outCountTenMinutes, 1)
    bump(numbers, base + Field.outCountHour, 1)
    bump(numbers, base + Field.outCountDay, 1)
    bump(numbers, base + Field.outCountWeek, 1)
    bump(numbers, base + Field.outSumTenMinutes, amount)
    bump(numbers, base + Field.outSumHour, amount)
    bump(numbers, base + Field.outSumDay, amount)
    bump(numbers, base + Field.outSumWeek, amount)
    numbers[base + Field.lastOutMs] = Math.max(numbers[base + Field.lastOutMs] as number, timeMs)
    if (held) return
    bump(numbers, base + Field.outTotal, 1)
    this.#countStretch(base, timeMs)
    this.#rememberAmount(numbers, base, amount)
    this.#rememberPayee(slot, paid, payeeTag, timeMs)
  }

  #executeIn(slot: number, payer: string, amount: number, timeMs: number): void {
    const numbers = this.#accounts.numbers
    const base = slot * NUMBERS
    bump(numbers, base + Field.inTotal, 1)
    bump(numbers, base + Field.inCountHour, 1)
    bump(numbers, base + Field.inCountDay, 1)
    bump(numbers, base + Field.inCountWeek, 1)
    bump(numbers, base + Field.inSumDay, amount)
    numbers[base + Field.lastInMs] = Math.max(numbers[base + Field.lastInMs] as number, timeMs)
    const written = numbers[base + Field.inflowWritten] as number
    numbers[base + Field.inflow + (written % INFLOWS)] = amount
    numbers[base + Field.inflowWritten] = written + 1
    this.#rememberPayer(slot, this.#tag(payer, this.#accounts.find(payer)), timeMs)
  }

  /** Mean count of the ten-minute stretches in which the account paid at all: "usually 1". */
  #countStretch(base: number, timeMs: number): void {
    const numbers = this.#accounts.numbers
    const count = numbers[base + Field.stretchCount] as number
    if (count > 0 && timeMs - (numbers[base + Field.stretchStartMs] as number) < WINDOW_MS.tenMinutes) {
      numbers[base + Field.stretchCount] = count + 1
      return
    }
    if (count > 0) {
      const usual = numbers[base + Field.usualCount] as number
      const stretches = numbers[base + Field.usualStretches] as number
      numbers[base + Field.usualCount] = usual + Math.max(USUAL_WEIGHT, 1 / (stretches + 1)) * (count - usual)
      numbers[base + Field.usualStretches] = stretches + 1
    }
    numbers[base + Field.stretchStartMs] = timeMs
    numbers[base + Field.stretchCount] = 1
  }

  #tag(account: string, slot: number): number {
    return slot < 0 ? tagOf(account) : (this.#accounts.numbers[slot * NUMBERS + Field.tag] as number)
  }

  #payeeIndex(slot: number, tag: number): number {
    return indexOf(this.#accounts.numbers, slot * NUMBERS + Field.payeeTags, PAYEES, tag)
  }

  #payerIndex(slot: number, tag: number): number {
    return indexOf(this.#accounts.numbers, slot * NUMBERS + Field.payerTags, PAYERS, tag)
  }

  #rememberPayee(slot: number, known: number, tag: number, timeMs: number): void {
    const seconds = this.#accounts.seconds
    const base = slot * SECONDS
    const nowS = Math.floor(timeMs / 1_000)
    let i = known
    if (i < 0) {
      i = oldestOf(seconds, base + SecondsField.payeeLast, PAYEES)
      this.#accounts.numbers[slot * NUMBERS + Field.payeeTags + i] = tag
      seconds[base + SecondsField.payeeFirst + i] = nowS
      seconds[base + SecondsField.payeeCount + i] = 0
    }
    seconds[base + SecondsField.payeeLast + i] = nowS
    seconds[base + SecondsField.payeeCount + i] = (seconds[base + SecondsField.payeeCount + i] as number) + 1
  }

  /**
   * Counts distinct payers: each payer contributes what its latest payment has decayed to, so one that pays again is
   * only brought back to 1. A payer that was forgotten counts as another one.
   */
  #rememberPayer(slot: number, tag: number, timeMs: number): void {
    const { numbers, seconds } = this.#accounts
    const last = slot * SECONDS + SecondsField.payerLast
    const base = slot * NUMBERS
    let i = this.#payerIndex(slot, tag)
    const elapsedMs = i < 0 ? Infinity : Math.max(0, timeMs - 1_000 * (seconds[last + i] as number))
    bump(numbers, base + Field.payersDay, 1 - Math.exp(-elapsedMs / WINDOW_MS.day))
    bump(numbers, base + Field.payersWeek, 1 - Math.exp(-elapsedMs / WINDOW_MS.week))
    if (i < 0) {
      i = oldestOf(seconds, last, PAYERS)
      numbers[base + Field.payerTags + i] = tag
    }
    seconds[last + i] = Math.floor(timeMs / 1_000)
  }

  /** Busy accounts are left out, so that nobody's flood becomes everybody's baseline; nor is what was held. */
  #sampleBaseline(facts: TransferFacts): void {
    const row = this.#sampleRow
    row.fill(0)
    this.#row(facts, row, 0, false)
    if ((row[COLUMN.out_count_1d] as number) > FRAUD_LIMITS.sampledPaymentsPerDay) return
    if ((row[COLUMN.payee_in_count_1d] as number) > FRAUD_LIMITS.sampledReceiptsPerDay) return
    this.#baseline.sample(row, 0, facts.timeMs)
  }
}

const ZEROS = new Float64Array(NUMBERS)

function decays(out: Decays, elapsedMs: number): Decays {
  const ms = Math.max(0, elapsedMs)
  out.minute = Math.exp(-ms / WINDOW_MS.minute)
  out.tenMinutes = Math.exp(-ms / WINDOW_MS.tenMinutes)
  out.hour = Math.exp(-ms / WINDOW_MS.hour)
  out.day = Math.exp(-ms / WINDOW_MS.day)
  out.week = Math.exp(-ms / WINDOW_MS.week)
  return out
}

function bump(numbers: Float64Array, index: number, by: number): void {
  numbers[index] = (numbers[index] as number) + by
}

function log2Amount(amount: number): number {
  return Math.log2(Math.max(amount, 1 / UNITS_PER_CRD))
}

function shareOf(part: number, whole: number): number {
  return whole <= 0 ? 1 : Math.min(1, part / whole)
}

function indexOf(numbers: Float64Array, start: number, length: number, tag: number): number {
  for (let i = 0; i < length; i++) if (numbers[start + i] === tag) return i
  return -1
}

/** Index of the smallest entry: free ones are 0. */
function oldestOf(seconds: Uint32Array, start: number, length: number): number {
  let oldest = 0
  for (let i = 1; i < length; i++) {
    if ((seconds[start + i] as number) < (seconds[start + oldest] as number)) oldest = i
  }
  return oldest
}

/** Median of the first `count` numbers, which it sorts in place: insertion, because there are at most sixteen. */
function medianOf(values: Float64Array, count: number): number {
  for (let i = 1; i < count; i++) {
    const value = values[i] as number
    let j = i - 1
    for (; j >= 0 && (values[j] as number) > value; j--) values[j + 1] = values[j] as number
    values[j + 1] = value
  }
  const middle = count >> 1
  return count % 2 === 1
    ? (values[middle] as number)
    : ((values[middle - 1] as number) + (values[middle] as number)) / 2
}
