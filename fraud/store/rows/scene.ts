/**
 * One transfer in front of the memory: its two accounts, as they are at its time, and what the pair has in common.
 * Every file of columns reads from here. One scene is used for row after row, so that a row allocates next to nothing.
 */
import type { AccountTable } from '../account-table.ts'
import { Field, NUMBERS, tagOf } from '../account-table.ts'
import { WINDOW_MS, YOUNG_PAIR_MS } from '../../limits.ts'
import { nothingPending, type Contribution, type Overlay, type PendingSums } from '../overlay.ts'
import { PartnerField, PartnerList } from '../partners.ts'
import type { TransferFacts } from '../../types.ts'
import { toCrd } from '../../units.ts'

const NO_NUMBERS = new Float64Array(NUMBERS)
const NO_PENDING = nothingPending('')

/** What brings the counters of a record to the time of the transfer, per window. */
export interface Decays {
  minute: number
  tenMinutes: number
  hour: number
  day: number
  fiveDays: number
  week: number
  tenDays: number
  twentyDays: number
}

/** One account of a transfer: its record, or an empty one. */
export class Side {
  account = ''
  slot = -1
  tag = 0
  numbers: Float64Array = NO_NUMBERS
  /** Start of its record in `numbers`. */
  base = 0
  readonly payees: PartnerList = new PartnerList()
  readonly payers: PartnerList = new PartnerList()
  /** Acked and not executed. */
  pending: PendingSums = NO_PENDING
  /** Time that `decay` is for. */
  #elapsedMs = 0
  readonly decay: Decays = {
    minute: 1,
    tenMinutes: 1,
    hour: 1,
    day: 1,
    fiveDays: 1,
    week: 1,
    tenDays: 1,
    twentyDays: 1,
  }

  get known(): boolean {
    return this.slot >= 0
  }

  look(accounts: AccountTable, overlay: Overlay | null, account: string, timeMs: number): void {
    const slot = accounts.find(account)
    const known = slot >= 0
    this.account = account
    this.slot = slot
    this.numbers = known ? accounts.numbers : NO_NUMBERS
    this.base = known ? slot * NUMBERS : 0
    if (known) {
      accounts.payees.look(slot, this.payees)
      accounts.payers.look(slot, this.payers)
    } else {
      this.payees.room = 0
      this.payers.room = 0
    }
    this.tag = known ? this.at(Field.tag) : tagOf(account)
    this.pending = overlay?.account(account) ?? NO_PENDING
    const elapsedMs = Math.max(0, timeMs - this.at(Field.touchedMs))
    if (elapsedMs === this.#elapsedMs) return // as for all transfers of a payout
    this.#elapsedMs = elapsedMs
    // Written out: a loop over names costs more than the exponentials.
    const { decay } = this
    decay.minute = Math.exp(-elapsedMs / WINDOW_MS.minute)
    decay.tenMinutes = Math.exp(-elapsedMs / WINDOW_MS.tenMinutes)
    decay.hour = Math.exp(-elapsedMs / WINDOW_MS.hour)
    decay.day = Math.exp(-elapsedMs / WINDOW_MS.day)
    decay.fiveDays = Math.exp(-elapsedMs / WINDOW_MS.fiveDays)
    decay.week = Math.exp(-elapsedMs / WINDOW_MS.week)
    decay.tenDays = Math.exp(-elapsedMs / WINDOW_MS.tenDays)
    decay.twentyDays = Math.exp(-elapsedMs / WINDOW_MS.twentyDays)
  }

  /** Its sums in the overlay, if it has any. */
  get sums(): PendingSums | undefined {
    return this.pending === NO_PENDING ? undefined : this.pending
  }

  /** A number of its record. */
  at(field: number): number {
    return this.numbers[this.base + field] as number
  }
}

export class Scene {
  readonly payer: Side = new Side()
  readonly payee: Side = new Side()
  facts: TransferFacts = {
    key: '',
    transaction: '',
    payer: '',
    payee: '',
    amount: 0n,
    payerBalance: 0n,
    timeMs: 0,
  }
  /** In CRD. */
  amount = 0
  timeMs = 0
  /** Positions: of the payee among those the payer paid, and of the payer among those the payee paid; −1: none. */
  paid = -1
  paidBack = -1
  /** Earlier payments of the pair, executed and pending. */
  pairCount = 0
  /** The pair's first payment, or that is less than a day old. */
  newPair = false
  youngPair = false
  /** Nobody was ever seen paying this payee. */
  freshPayee = false
  /** The payer is not among the payee's remembered payers. */
  newPayer = false

  /** @param overlay null: as if nothing were pending. */
  set(accounts: AccountTable, overlay: Overlay | null, facts: TransferFacts): void {
    const { payer, payee } = this
    this.facts = facts
    this.amount = toCrd(facts.amount)
    this.timeMs = facts.timeMs
    payer.look(accounts, overlay, facts.payer, facts.timeMs)
    payee.look(accounts, overlay, facts.payee, facts.timeMs)
    this.paid = payer.payees.indexOf(payee.tag)
    this.paidBack = payee.payees.indexOf(payer.tag)
    const pendingPair = payer.pending.payees.of(facts.payee)
    this.pairCount = (this.paid < 0 ? 0 : payer.payees.at(PartnerField.payments, this.paid)) + pendingPair
    this.newPair = this.pairCount === 0
    this.youngPair =
      this.paid < 0 || facts.timeMs - 1_000 * payer.payees.at(PartnerField.firstS, this.paid) < YOUNG_PAIR_MS
    this.freshPayee = !payee.known && payee.pending.inCount === 0
    this.newPayer = payee.payers.indexOf(payer.tag) < 0 && pendingPair === 0
  }

  /** What the transfer adds to what is pending. */
  contribution(): Contribution {
    const { facts, amount, timeMs, newPair, youngPair, freshPayee, newPayer } = this
    const { payer, payee } = facts
    return { payer, payee, amount, timeMs, newPair, youngPair, freshPayee, newPayer }
  }
}
