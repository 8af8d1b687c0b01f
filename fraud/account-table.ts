/**
 * The per-account memory of the feature store: one fixed-size record per account in two flat arrays, an index by account
 * id, and a list in order of last activity, whose end makes room when the table is full. Fixed records keep memory
 * bounded, snapshots a copy, and the cost of a transfer independent of history.
 *
 * Counters decay exponentially: a counter with time constant τ that is 1 at some moment is exp(−t/τ) at t later. All
 * counters of an account share one reference time, `Field.touchedMs`, and are brought forward together.
 */
import { FRAUD_LIMITS, WINDOW_MS } from './limits.ts'

const PAYEES = FRAUD_LIMITS.payeesPerAccount
const PAYERS = FRAUD_LIMITS.payersPerAccount

/** Offsets of the numbers of one record in `numbers`. */
export const Field = {
  /** 52 bits of the account id: how other records refer to this account. */
  tag: 0,
  firstMs: 1,
  touchedMs: 2,
  lastOutMs: 3,
  lastInMs: 4,
  /** Payments sent and received, ever. */
  outTotal: 5,
  inTotal: 6,
  /** Decaying counters from here to `decayEnd`, grouped by window. */
  outCountMinute: 7,
  newPayeesMinute: 8,
  freshPayeesMinute: 9,
  outCountTenMinutes: 10,
  outSumTenMinutes: 11,
  newSumTenMinutes: 12,
  outCountHour: 13,
  outSumHour: 14,
  newPayeesHour: 15,
  newSumHour: 16,
  inCountHour: 17,
  outCountDay: 18,
  outSumDay: 19,
  inCountDay: 20,
  inSumDay: 21,
  payersDay: 22,
  outCountWeek: 23,
  outSumWeek: 24,
  inCountWeek: 25,
  payersWeek: 26,
  decayEnd: 27,
  /** Ten-minute stretch that is being counted, and the mean count of earlier ones in which the account paid at all. */
  stretchStartMs: 27,
  stretchCount: 28,
  usualCount: 29,
  usualStretches: 30,
  /** log2 of settled own amounts, a ring; number ever written. */
  ownWritten: 31,
  own: 32,
  /** Inflow amounts, a ring; number ever written. */
  inflowWritten: 32 + FRAUD_LIMITS.ownAmounts,
  inflow: 33 + FRAUD_LIMITS.ownAmounts,
  payeeTags: 33 + FRAUD_LIMITS.ownAmounts + FRAUD_LIMITS.inflowAmounts,
  payerTags: 33 + FRAUD_LIMITS.ownAmounts + FRAUD_LIMITS.inflowAmounts + PAYEES,
} as const

/** Numbers per record. */
export const NUMBERS: number = Field.payerTags + PAYERS

/** Offsets in `seconds`: times as whole seconds since 1970, and counts. */
export const SecondsField = {
  payeeFirst: 0,
  payeeLast: PAYEES,
  payeeCount: 2 * PAYEES,
  payerLast: 3 * PAYEES,
} as const

/** Whole numbers per record. */
export const SECONDS: number = SecondsField.payerLast + PAYERS

/** First counter after each window's group, with the window's time constant: the layout that `decayTo` walks. */
const DECAY_GROUPS: readonly (readonly [end: number, tauMs: number])[] = [
  [Field.outCountTenMinutes, WINDOW_MS.minute],
  [Field.outCountHour, WINDOW_MS.tenMinutes],
  [Field.outCountDay, WINDOW_MS.hour],
  [Field.outCountWeek, WINDOW_MS.day],
  [Field.decayEnd, WINDOW_MS.week],
]

const INITIAL_ACCOUNTS = 256
const NONE = -1

/** The first 52 bits of an account id: enough that nobody finds another id with the tag of a known payee. */
export function tagOf(account: string): number {
  return Number.parseInt(account.slice(0, 13), 16)
}

export class AccountTable {
  readonly #maxAccounts: number
  readonly #slots: Map<string, number> = new Map()
  #ids: string[] = []
  #newer: Int32Array = new Int32Array(INITIAL_ACCOUNTS)
  #older: Int32Array = new Int32Array(INITIAL_ACCOUNTS)
  #newest = NONE
  #oldest = NONE
  #numbers: Float64Array = new Float64Array(INITIAL_ACCOUNTS * NUMBERS)
  #seconds: Uint32Array = new Uint32Array(INITIAL_ACCOUNTS * SECONDS)

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

  get seconds(): Uint32Array {
    return this.#seconds
  }

  /** Slot of an account, or −1: never seen, or forgotten. */
  find(account: string): number {
    return this.#slots.get(account) ?? NONE
  }

  /** Slot of an account, made if need be, and moved to the newest end. */
  touch(account: string, timeMs: number): number {
    const known = this.#slots.get(account)
    if (known !== undefined) {
      this.#unlink(known)
      this.#linkNewest(known)
      return known
    }
    const slot = this.#slots.size < this.#maxAccounts ? this.#append() : this.#evictOldest()
    this.#slots.set(account, slot)
    this.#ids[slot] = account
    this.#numbers.fill(0, slot * NUMBERS, (slot + 1) * NUMBERS)
    this.#seconds.fill(0, slot * SECONDS, (slot + 1) * SECONDS)
    const base = slot * NUMBERS
    this.#numbers[base + Field.tag] = tagOf(account)
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
    if (slot === this.#newer.length) this.#grow(Math.min(2 * slot, Math.max(this.#maxAccounts, slot + 1)))
    return slot
  }

  #grow(capacity: number): void {
    this.#newer = grown(this.#newer, new Int32Array(capacity))
    this.#older = grown(this.#older, new Int32Array(capacity))
    this.#numbers = grown(this.#numbers, new Float64Array(capacity * NUMBERS))
    this.#seconds = grown(this.#seconds, new Uint32Array(capacity * SECONDS))
  }

  #evictOldest(): number {
    const slot = this.#oldest
    this.#unlink(slot)
    this.#slots.delete(this.#ids[slot] as string)
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

function grown<Numbers extends Int32Array | Float64Array | Uint32Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from)
  return to
}
