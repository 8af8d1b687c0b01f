/**
 * Circles that a transfer closes among recent payments (docs/adr/0010). Money that is laundered is sent around between
 * accounts of one hand, so a transfer of theirs closes circles of four payments, in whatever direction they went;
 * ordinary payers are scattered, and their transfers close few.
 *
 *     payer ── a            a: recent partner of the payer, b: of the payee, who paid each other
 *       │      │
 *     payee ── b            circles_of_four = Σ over all a ≠ b of the product of the weights of the three payments
 *
 * A payment weighs exp(−age / a week) ÷ payments of its pair, so that a tie of habit counts little. Executed payments
 * only: what is pending is too young to have closed much.
 */
import { type AccountTable, Field, NUMBERS } from '../account-table.ts'
import { FRAUD_LIMITS, WINDOW_MS } from '../../limits.ts'
import { highHalf, lowHalf, PartnerField, PartnerList, wholeTag } from '../partners.ts'
import { COLUMN } from '../../schema.ts'
import { type Scene, Side } from './scene.ts'

const MOST_TIES = FRAUD_LIMITS.tiesPerAccount
/** Payments older than this close no circle. */
const RECENT_MS = 3 * WINDOW_MS.week

const NOT_LOOKED_UP = -2

/** Recent partners of one account: the latest `MOST_TIES`. */
class Ties {
  count = 0
  /** Tags in two halves, as in the record. */
  readonly lows: Uint32Array = new Uint32Array(MOST_TIES)
  readonly highs: Uint32Array = new Uint32Array(MOST_TIES)
  /** exp(−age / a week), and that divided by the number of payments. */
  readonly freshness: Float64Array = new Float64Array(MOST_TIES)
  readonly weights: Float64Array = new Float64Array(MOST_TIES)
  /** 1: the partner paid. */
  readonly paid: Uint8Array = new Uint8Array(MOST_TIES)
  /** Whose ties they are. */
  #side: Side = new Side()
  /** Of each tie its position among the side's payees, or its payers. */
  readonly #places: Uint8Array = new Uint8Array(MOST_TIES)
  readonly #slots: Int32Array = new Int32Array(MOST_TIES)
  readonly #lastS: Uint32Array = new Uint32Array(MOST_TIES)
  readonly #payments: Uint32Array = new Uint32Array(MOST_TIES)

  /** @param other tag of the transfer's other account, which is no partner here. */
  gather(side: Side, other: number, timeMs: number): void {
    this.count = 0
    if (!side.known) return
    this.#side = side
    this.#gatherKind(side.payees, 0, other, timeMs)
    this.#gatherKind(side.payers, 1, other, timeMs)
    for (let i = 0; i < this.count; i++) {
      const fresh = freshness(timeMs - 1_000 * (this.#lastS[i] as number))
      this.freshness[i] = fresh
      this.weights[i] = fresh / (this.#payments[i] as number)
      this.#slots[i] = NOT_LOOKED_UP
    }
  }

  /** Record of a partner; −1: forgotten. Looked up when it is needed first. */
  slotOf(i: number, accounts: AccountTable): number {
    if (this.#slots[i] === NOT_LOOKED_UP) {
      const tag = wholeTag(this.lows[i] as number, this.highs[i] as number)
      const list = this.paid[i] === 1 ? this.#side.payers : this.#side.payees
      this.#slots[i] = accounts.partnerSlot(list, this.#places[i] as number, tag)
    }
    return this.#slots[i] as number
  }

  #gatherKind({ words, base, room }: PartnerList, paid: 0 | 1, other: number, timeMs: number): void {
    const otherLow = lowHalf(other)
    const otherHigh = highHalf(other)
    for (let i = 0; i < room; i++) {
      const low = words[base + i] as number
      const high = words[base + room + i] as number
      if (low === 0 && high === 0) return
      const lastS = words[base + PartnerField.lastS * room + i] as number
      if (timeMs - 1_000 * lastS >= RECENT_MS || (low === otherLow && high === otherHigh)) continue
      const at = this.count < MOST_TIES ? this.count++ : this.#placeOfOlder(lastS)
      if (at < 0) continue
      this.lows[at] = low
      this.highs[at] = high
      this.#places[at] = i
      this.#lastS[at] = lastS
      this.#payments[at] = words[base + PartnerField.payments * room + i] as number
      this.paid[at] = paid
    }
  }

  /** Position of the oldest tie, if it is older than this. */
  #placeOfOlder(lastS: number): number {
    let oldest = 0
    for (let i = 1; i < MOST_TIES; i++) {
      if ((this.#lastS[i] as number) < (this.#lastS[oldest] as number)) oldest = i
    }
    return (this.#lastS[oldest] as number) < lastS ? oldest : -1
  }
}

export class Circles {
  readonly #payerTies: Ties = new Ties()
  readonly #payeeTies: Ties = new Ties()
  readonly #index: TieIndex = new TieIndex()
  /** Shows one partner's partners after another's. */
  readonly #list: PartnerList = new PartnerList()

  columns(accounts: AccountTable, scene: Scene, rows: Float32Array, at: number): void {
    const { payer, payee, timeMs } = scene
    this.#payerTies.gather(payer, payee.tag, timeMs)
    this.#payeeTies.gather(payee, payer.tag, timeMs)
    rows[at + COLUMN.circles_of_four] = this.#circles(accounts, timeMs)
    rows[at + COLUMN.payer_ties] = sumOfWeights(this.#payerTies)
    rows[at + COLUMN.payee_ties] = sumOfWeights(this.#payeeTies)
    rows[at + COLUMN.payers_received_7d] = receivedByPayers(this.#payerTies, accounts, timeMs)
  }

  /** Walks the partners of one side's partners, and looks each up among the other side's: the cost of a sum, not a product. */
  #circles(accounts: AccountTable, timeMs: number): number {
    const few = this.#payerTies.count <= this.#payeeTies.count
    const [ties, others] = few ? [this.#payerTies, this.#payeeTies] : [this.#payeeTies, this.#payerTies]
    if (ties.count === 0) return 0
    this.#index.fill(others)
    let circles = 0
    for (let i = 0; i < ties.count; i++) {
      const slot = ties.slotOf(i, accounts)
      if (slot >= 0) circles += (ties.weights[i] as number) * this.#tiesToOthers(accounts, slot, timeMs)
    }
    return circles
  }

  /** Σ over the payments between the account of `slot` and the indexed partners of their weights' products. */
  #tiesToOthers({ payees, payers }: AccountTable, slot: number, timeMs: number): number {
    const list = this.#list
    payees.look(slot, list)
    const paid = this.#tiesOfKind(list, timeMs)
    payers.look(slot, list)
    return paid + this.#tiesOfKind(list, timeMs)
  }

  #tiesOfKind({ words, base, room }: PartnerList, timeMs: number): number {
    const index = this.#index
    const { marks } = index
    let sum = 0
    for (let i = base; i < base + room; i++) {
      const low = words[i] as number
      // Few tags get further than this look: it is the innermost of all.
      if (marks[low & INDEX_MASK] === 0 && low !== 0) continue
      const high = words[i + room] as number
      if (low === 0 && high === 0) break
      const other = index.weightOf(low, high)
      if (other === 0) continue
      const ageMs = timeMs - 1_000 * (words[i + PartnerField.lastS * room] as number)
      if (ageMs < RECENT_MS)
        sum += (other * freshness(ageMs)) / (words[i + PartnerField.payments * room] as number)
    }
    return sum
  }
}

const INDEX_SIZE = 256
const INDEX_MASK = INDEX_SIZE - 1

/** Weights of ties by tag, in a small hash table with open addresses. A partner of both kinds has one weight, their sum. */
class TieIndex {
  /** 0: no tie has a tag whose low half ends like this. */
  readonly marks: Uint8Array = new Uint8Array(INDEX_SIZE)
  readonly #lows: Uint32Array = new Uint32Array(INDEX_SIZE)
  readonly #highs: Uint32Array = new Uint32Array(INDEX_SIZE)
  /** 0: a free place. */
  readonly #weights: Float64Array = new Float64Array(INDEX_SIZE)

  fill(ties: Ties): void {
    this.#weights.fill(0)
    this.marks.fill(0)
    for (let i = 0; i < ties.count; i++) {
      const low = ties.lows[i] as number
      const high = ties.highs[i] as number
      const place = this.#find(low, high)
      this.marks[low & INDEX_MASK] = 1
      this.#lows[place] = low
      this.#highs[place] = high
      this.#weights[place] = (this.#weights[place] as number) + (ties.weights[i] as number)
    }
  }

  /** 0: no tie. */
  weightOf(low: number, high: number): number {
    return this.#weights[this.#find(low, high)] as number
  }

  /** Place of the tag, or the free one for it. Tags are the first bits of keys: as random as can be. */
  #find(low: number, high: number): number {
    let place = low & INDEX_MASK
    while (this.#weights[place] !== 0 && (this.#lows[place] !== low || this.#highs[place] !== high))
      place = (place + 1) & INDEX_MASK
    return place
  }
}

function sumOfWeights({ weights, count }: Ties): number {
  let sum = 0
  for (let i = 0; i < count; i++) sum += weights[i] as number
  return sum
}

/** How busy those are that paid the payer: payments that they received. */
function receivedByPayers(ties: Ties, accounts: AccountTable, timeMs: number): number {
  const { numbers } = accounts
  let sum = 0
  for (let i = 0; i < ties.count; i++) {
    if (ties.paid[i] === 0) continue
    const slot = ties.slotOf(i, accounts)
    if (slot < 0) continue
    const base = slot * NUMBERS
    const elapsedMs = Math.max(0, timeMs - (numbers[base + Field.touchedMs] as number))
    const received = (numbers[base + Field.inCountWeek] as number) * Math.exp(-elapsedMs / WINDOW_MS.week)
    sum += (ties.freshness[i] as number) * received
  }
  return sum
}

function freshness(ageMs: number): number {
  return Math.exp(-Math.max(0, ageMs) / WINDOW_MS.week)
}
