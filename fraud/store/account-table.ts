/**
 * The per-account memory of the feature store: one fixed-size record of numbers per account in a flat array, its partners
 * (`partners.ts`), an index by account id, and a list in order of last activity, whose end makes room when the table is
 * full. All of it is bounded, so the cost of a transfer is independent of history.
 *
 * Counters decay exponentially: a counter with time constant τ that is 1 at some moment is exp(−t/τ) at t later. All
 * counters of an account share one reference time, `Field.touchedMs`, and are brought forward together.
 */
import { FRAUD_LIMITS, WINDOW_MS } from '../limits.ts'
import { PartnerField, Partners, PAYEE_FIELDS, PAYER_FIELDS, type PartnerList } from './partners.ts'

const OWN = FRAUD_LIMITS.ownAmounts
const INFLOWS = FRAUD_LIMITS.inflowAmounts

/** Offsets of the numbers of one record in `numbers`. */
export const Field = {
  /** 52 bits of the account id: how other records refer to this account. */
  tag: 0,
  firstMs: 1,
  touchedMs: 2,
  lastOutMs: 3,
  lastInMs: 4,
  /** Payments sent and received, and those of new pairs among them, ever. */
  outTotal: 5,
  inTotal: 6,
  newPayeesTotal: 7,
  newPayersTotal: 8,
  /** Decaying counters from here to `decayEnd`, grouped by window. */
  outCountMinute: 9,
  newPayeesMinute: 10,
  freshPayeesMinute: 11,
  outCountTenMinutes: 12,
  outSumTenMinutes: 13,
  newSumTenMinutes: 14,
  outCountHour: 15,
  outSumHour: 16,
  newPayeesHour: 17,
  newSumHour: 18,
  inCountHour: 19,
  outCountDay: 20,
  outSumDay: 21,
  newPayeesDay: 22,
  inCountDay: 23,
  inSumDay: 24,
  payersDay: 25,
  newPayersDay: 26,
  /** How many steps the money came that this account received (`trail.ts`). */
  hops: 27,
  outCountWeek: 28,
  outSumWeek: 29,
  newPayeesWeek: 30,
  inCountWeek: 31,
  inSumWeek: 32,
  payersWeek: 33,
  newPayersWeek: 34,
  /** Suspicion its money brought; the most suspicious payment sent and received. */
  flow: 35,
  worstOut: 36,
  worstIn: 37,
  outCountTwentyDays: 38,
  outSumTwentyDays: 39,
  inSumTwentyDays: 40,
  newPayersTwentyDays: 41,
  decayEnd: 42,
  /** Ten-minute stretch that is being counted, and the mean count of earlier ones in which the account paid at all. */
  stretchStartMs: 42,
  stretchCount: 43,
  usualCount: 44,
  usualStretches: 45,
  /** log2 of settled own amounts, a ring; number ever written. */
  ownWritten: 46,
  own: 47,
  /** Inflow amounts and their times, rings; number ever written. */
  inflowWritten: 47 + OWN,
  inflow: 48 + OWN,
  inflowMs: 48 + OWN + INFLOWS,
} as const

/** Numbers per record. */
export const NUMBERS: number = Field.inflowMs + INFLOWS

/** First counter after each window's group, with the window's time constant: the layout that `decayTo` walks. */
const DECAY_GROUPS: readonly (readonly [end: number, tauMs: number])[] = [
  [Field.outCountTenMinutes, WINDOW_MS.minute],
  [Field.outCountHour, WINDOW_MS.tenMinutes],
  [Field.outCountDay, WINDOW_MS.hour],
  [Field.hops, WINDOW_MS.day],
  [Field.outCountWeek, WINDOW_MS.fiveDays],
  [Field.flow, WINDOW_MS.week],
  [Field.outCountTwentyDays, WINDOW_MS.tenDays],
  [Field.decayEnd, WINDOW_MS.twentyDays],
]

/**
 * Room is made in these steps, and then for all at once: the system gives memory when it is written to, while growing further
 * would copy tens of megabytes and need them twice meanwhile.
 */
const INITIAL_ACCOUNTS = 256
const MORE_ACCOUNTS = 4_096
const NONE = -1

/** The first 52 bits of an account id: enough that nobody finds another id with the tag of a known payee. */
export function tagOf(account: string): number {
  return Number.parseInt(account.slice(0, 13), 16)
}

export class AccountTable {
  readonly #maxAccounts: number
  readonly #slots: Map<string, number> = new Map()
  readonly #slotsByTag: Map<number, number> = new Map()
  #ids: string[] = []
  #newer: Int32Array = new Int32Array(INITIAL_ACCOUNTS)
  #older: Int32Array = new Int32Array(INITIAL_ACCOUNTS)
  #newest = NONE
  #oldest = NONE
  #numbers: Float64Array = new Float64Array(INITIAL_ACCOUNTS * NUMBERS)
  readonly payees: Partners = new Partners(PAYEE_FIELDS, FRAUD_LIMITS.payeesPerAccount, INITIAL_ACCOUNTS)
  readonly payers: Partners = new Partners(PAYER_FIELDS, FRAUD_LIMITS.payersPerAccount, INITIAL_ACCOUNTS)

  constructor(maxAccounts: number) {
    this.#maxAccounts = maxAccounts
  }

  get size(): number {
    return this.#slots.size
  }

  /** All numbers; a record starts at `slot * NUMBERS`. Replaced when the table grows: never keep it. */
  get numbers(): Float64Array {
    return this.#numbers
  }

  /** Slot of an account, or −1: never seen, or forgotten. */
  find(account: string): number {
    return this.#slots.get(account) ?? NONE
  }

  /**
   * Slot of the partner at position `i` of a list, or −1: forgotten. Where it was found last time is remembered beside it,
   * since looking for it costs more than all the rest of a row.
   */
  partnerSlot(list: PartnerList, i: number, tag: number): number {
    const hint = list.at(PartnerField.slot, i)
    if (this.#numbers[hint * NUMBERS + Field.tag] === tag) return hint
    const found = this.#slotsByTag.get(tag)
    if (found === undefined) return NONE
    list.set(PartnerField.slot, i, found)
    return found
  }

  /** Slot of an account, made if need be, and moved to the newest end. @param hint where it was found lately; −1: not. */
  touch(account: string, timeMs: number, hint: number = NONE): number {
    const known = hint >= 0 && this.#ids[hint] === account ? hint : this.#slots.get(account)
    if (known !== undefined) {
      this.#unlink(known)
      this.#linkNewest(known)
      return known
    }
    const slot = this.#slots.size < this.#maxAccounts ? this.#append() : this.#evictOldest()
    this.#slots.set(account, slot)
    this.#ids[slot] = account
    const base = slot * NUMBERS
    const tag = tagOf(account)
    this.#slotsByTag.set(tag, slot)
    this.#numbers[base + Field.tag] = tag
    this.#numbers[base + Field.firstMs] = timeMs
    this.#numbers[base + Field.touchedMs] = timeMs
    this.#linkNewest(slot)
    return slot
  }

  /** Brings the counters of a record forward to `timeMs`. An earlier time changes nothing. */
  decayTo(slot: number, timeMs: number): void {
    const numbers = this.#numbers
    const base = slot * NUMBERS
    const elapsedMs = timeMs - (numbers[base + Field.touchedMs] as number)
    if (elapsedMs <= 0) return
    numbers[base + Field.touchedMs] = timeMs
    let field: number = Field.outCountMinute
    for (const [end, tauMs] of DECAY_GROUPS) {
      const factor = Math.exp(-elapsedMs / tauMs)
      for (; field < end; field++) numbers[base + field] = (numbers[base + field] as number) * factor
    }
  }

  /** Account ids from least to most recently active, with their slots. */
  *oldestFirst(): Generator<readonly [account: string, slot: number]> {
    for (let slot = this.#oldest; slot !== NONE; slot = this.#newer[slot] as number) {
      yield [this.#ids[slot] as string, slot]
    }
  }

  #append(): number {
    const slot = this.#slots.size
    if (slot === this.#newer.length)
      this.#grow(slot < MORE_ACCOUNTS ? Math.min(MORE_ACCOUNTS, this.#maxAccounts) : this.#maxAccounts)
    return slot
  }

  #grow(capacity: number): void {
    this.#newer = grown(this.#newer, new Int32Array(capacity))
    this.#older = grown(this.#older, new Int32Array(capacity))
    this.#numbers = grown(this.#numbers, new Float64Array(capacity * NUMBERS))
    this.payees.reserve(capacity)
    this.payers.reserve(capacity)
  }

  #evictOldest(): number {
    const slot = this.#oldest
    this.#unlink(slot)
    this.#slots.delete(this.#ids[slot] as string)
    this.#slotsByTag.delete(this.#numbers[slot * NUMBERS + Field.tag] as number)
    this.#numbers.fill(0, slot * NUMBERS, (slot + 1) * NUMBERS)
    this.payees.forget(slot)
    this.payers.forget(slot)
    return slot
  }

  #linkNewest(slot: number): void {
    this.#newer[slot] = NONE
    this.#older[slot] = this.#newest
    if (this.#newest === NONE) this.#oldest = slot
    else this.#newer[this.#newest] = slot
    this.#newest = slot
  }

  #unlink(slot: number): void {
    const newer = this.#newer[slot] as number
    const older = this.#older[slot] as number
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
  }
}

function grown<Numbers extends Int32Array | Float64Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from)
  return to
}
