/**
 * Circles that a transfer closes among recent payments (docs/adr/0010). Money that is laundered is sent around between
 * accounts of one hand, so a transfer of theirs closes circles of three and four payments, in whatever direction they
 * went; ordinary payers are scattered, and their transfers close few.
 *
 *     payer ── a            a: recent partner of the payer, b: of the payee, who paid each other
 *       │      │            circles_of_four  = Σ over all a, b of the weights of the three payments
 *     payee ── b            circles_of_three = the same with a = b
 *
 * A payment weighs exp(−age / a week) ÷ payments of its pair, so that a tie of habit counts little. Executed payments
 * only: what is pending is too young to have closed much.
 */
import type { AccountTable } from '../account-table.ts'
import { Field, NUMBERS, WORDS, WordField } from '../account-table.ts'
import { FRAUD_LIMITS, WINDOW_MS } from '../limits.ts'
import { indexOfTag } from '../rings.ts'
import { COLUMN } from '../schema.ts'
import type { Scene, Side } from './scene.ts'

const PAYEES = FRAUD_LIMITS.payeesPerAccount
const PAYERS = FRAUD_LIMITS.payersPerAccount
const MOST_TIES = FRAUD_LIMITS.tiesPerAccount
/** Payments older than this close no circle. */
const RECENT_MS = 3 * WINDOW_MS.week

/** The two kinds of partners in a record: where their tags, times and numbers of payments lie. */
const KINDS = [
  { tags: Field.payeeTags, lastS: WordField.payeeLastS, count: WordField.payeeCount, length: PAYEES },
  { tags: Field.payerTags, lastS: WordField.payerLastS, count: WordField.payerCount, length: PAYERS },
] as const
type Kind = (typeof KINDS)[number]

/** Recent partners of one account. */
class Ties {
  count = 0
  readonly tags: Float64Array = new Float64Array(PAYEES + PAYERS)
  /** exp(−age / a week), and that divided by the number of payments. */
  readonly freshness: Float64Array = new Float64Array(PAYEES + PAYERS)
  readonly weights: Float64Array = new Float64Array(PAYEES + PAYERS)
  /** Records of the partners; −1: forgotten. */
  readonly slots: Int32Array = new Int32Array(PAYEES + PAYERS)
  readonly received: Uint8Array = new Uint8Array(PAYEES + PAYERS)

  /** @param other tag of the transfer's other account, which is no partner here. */
  gather(accounts: AccountTable, side: Side, other: number, timeMs: number): void {
    this.count = 0
    if (!side.known) return
    for (const kind of KINDS) this.#gatherKind(accounts, side, kind, other, timeMs)
    while (this.count > MOST_TIES) this.#dropOldest()
  }

  #gatherKind(accounts: AccountTable, side: Side, kind: Kind, other: number, timeMs: number): void {
    for (let i = 0; i < kind.length; i++) {
      const tag = side.at(kind.tags + i)
      if (tag === 0) return
      const ageMs = timeMs - 1_000 * side.wordAt(kind.lastS + i)
      if (tag === other || ageMs >= RECENT_MS) continue
      const at = this.count++
      this.tags[at] = tag
      this.freshness[at] = freshness(ageMs)
      this.weights[at] = this.freshness[at] / side.wordAt(kind.count + i)
      this.slots[at] = accounts.findTag(tag)
      this.received[at] = kind.tags === Field.payerTags ? 1 : 0
    }
  }

  #dropOldest(): void {
    let oldest = 0
    for (let i = 1; i < this.count; i++) {
      if ((this.freshness[i] as number) < (this.freshness[oldest] as number)) oldest = i
    }
    const last = --this.count
    for (const column of [this.tags, this.freshness, this.weights, this.slots, this.received]) {
      column[oldest] = column[last] as number
    }
  }
}

export class Circles {
  readonly #payerTies: Ties = new Ties()
  readonly #payeeTies: Ties = new Ties()

  columns(accounts: AccountTable, scene: Scene, rows: Float32Array, at: number): void {
    const { payer, payee, timeMs } = scene
    this.#payerTies.gather(accounts, payer, payee.tag, timeMs)
    this.#payeeTies.gather(accounts, payee, payer.tag, timeMs)
    this.#circles(accounts, timeMs, rows, at)
    rows[at + COLUMN.payer_ties] = sumOfWeights(this.#payerTies)
    rows[at + COLUMN.payee_ties] = sumOfWeights(this.#payeeTies)
    rows[at + COLUMN.payer_density] = densityAround(this.#payerTies, accounts.numbers, timeMs)
    rows[at + COLUMN.payee_density] = densityAround(this.#payeeTies, accounts.numbers, timeMs)
    rows[at + COLUMN.payers_received_7d] = receivedByPayers(this.#payerTies, accounts.numbers, timeMs)
  }

  #circles(accounts: AccountTable, timeMs: number, rows: Float32Array, at: number): void {
    const [ties, others] = [this.#payerTies, this.#payeeTies]
    let [four, three] = [0, 0]
    for (let i = 0; i < ties.count; i++) {
      const tag = ties.tags[i]
      const slot = ties.slots[i] as number
      const weight = ties.weights[i] as number
      for (let j = 0; j < others.count; j++) {
        const other = others.tags[j] as number
        const both = weight * (others.weights[j] as number)
        if (tag === other) three += both
        else if (slot >= 0) four += both * tieBetween(accounts, slot, other, timeMs)
      }
    }
    rows[at + COLUMN.circles_of_four] = four
    rows[at + COLUMN.circles_of_three] = three
  }
}

/** Weight of what the account of `slot` paid to the partner, or was paid by it. */
function tieBetween({ numbers, words }: AccountTable, slot: number, tag: number, timeMs: number): number {
  let weight = 0
  for (const kind of KINDS) {
    const i = indexOfTag(numbers, slot * NUMBERS + kind.tags, kind.length, tag)
    if (i < 0) continue
    const base = slot * WORDS
    const ageMs = timeMs - 1_000 * (words[base + kind.lastS + i] as number)
    if (ageMs < RECENT_MS) weight += freshness(ageMs) / (words[base + kind.count + i] as number)
  }
  return weight
}

function sumOfWeights({ weights, count }: Ties): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += weights[i] as number
  return sum
}

/** What the partners' own payments closed lately. */
function densityAround({ weights, slots, count }: Ties, numbers: Float64Array, timeMs: number): number {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number
    if (slot < 0) continue
    sum += (weights[i] as number) * decayed(numbers, slot, Field.density, timeMs, WINDOW_MS.tenDays)
  }
  return sum
}

/** How busy those are that paid the payer: payments that they received. */
function receivedByPayers(
  { freshness: fresh, slots, received, count }: Ties,
  numbers: Float64Array,
  timeMs: number,
): number {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number
    if (received[i] === 0 || slot < 0) continue
    sum += (fresh[i] as number) * decayed(numbers, slot, Field.inCountWeek, timeMs, WINDOW_MS.week)
  }
  return sum
}

function decayed(numbers: Float64Array, slot: number, field: number, timeMs: number, tauMs: number): number {
  const base = slot * NUMBERS
  const elapsedMs = Math.max(0, timeMs - (numbers[base + Field.touchedMs] as number))
  return (numbers[base + field] as number) * Math.exp(-elapsedMs / tauMs)
}

function freshness(ageMs: number): number {
  return Math.exp(-Math.max(0, ageMs) / WINDOW_MS.week)
}
