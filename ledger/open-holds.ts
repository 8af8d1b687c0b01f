/** Open holds in the order in which they fall due, in memory: (expiresMs, id) with what queries need. */
import { compareBytes, mapKey } from '../crypto/bytes.ts'
import type { Bytes32, Hold } from './types.ts'

export interface OpenHold {
  readonly expiresMs: number
  readonly id: Bytes32
  readonly payer: Bytes32
  readonly amount: bigint
}

export class OpenHolds {
  /** Ascending. New holds fall due last as a rule, so insertion is cheap. */
  readonly #queue: OpenHold[] = []
  readonly #heldByPayer = new Map<string, bigint>()

  get size(): number {
    return this.#queue.length
  }

  /** When the next hold falls due, or null. */
  get nextDueMs(): number | null {
    return this.#queue[0]?.expiresMs ?? null
  }

  /** uCRD of a payer in open holds. */
  heldBy(payer: Bytes32): bigint {
    return this.#heldByPayer.get(mapKey(payer)) ?? 0n
  }

  add(hold: OpenHold): void {
    this.#queue.splice(this.#position(hold), 0, hold)
    this.#addHeld(hold.payer, hold.amount)
  }

  remove(hold: Pick<Hold, 'expiresMs' | 'id'>): void {
    const [removed] = this.#queue.splice(this.#position(hold), 1)
    if (removed === undefined || compareBytes(removed.id, hold.id) !== 0)
      throw new Error('the hold to end is not among the open ones')
    this.#addHeld(removed.payer, -removed.amount)
  }

  #addHeld(payer: Bytes32, amount: bigint): void {
    const key = mapKey(payer)
    const held = (this.#heldByPayer.get(key) ?? 0n) + amount
    if (held === 0n) this.#heldByPayer.delete(key)
    else this.#heldByPayer.set(key, held)
  }

  /** Those with `expiresMs` ≤ `timeMs`, at most `max`, in order. */
  due(timeMs: number, max: number): readonly OpenHold[] {
    let count = 0
    while (count < max && (this.#queue[count]?.expiresMs ?? Infinity) <= timeMs) count++
    return this.#queue.slice(0, count)
  }

  /** At most `limit` that come after `after` in order, from the start if it is null. */
  page(after: Pick<OpenHold, 'expiresMs' | 'id'> | null, limit: number): readonly OpenHold[] {
    let start = 0
    if (after !== null) {
      start = this.#position(after)
      const found = this.#queue[start]
      if (found !== undefined && order(found, after) === 0) start++
    }
    return this.#queue.slice(start, start + limit)
  }

  /** Position of the first hold that is not before `hold`. */
  #position(hold: Pick<OpenHold, 'expiresMs' | 'id'>): number {
    let low = 0
    let high = this.#queue.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (order(this.#queue[middle] as OpenHold, hold) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

function order(a: Pick<OpenHold, 'expiresMs' | 'id'>, b: Pick<OpenHold, 'expiresMs' | 'id'>): number {
  return a.expiresMs - b.expiresMs || compareBytes(a.id, b.id)
}
