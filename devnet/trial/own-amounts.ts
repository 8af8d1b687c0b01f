/** What accounts usually pay: what a thief who has looked at an account knows of its owner. */
import { unitsOf } from '../amounts.ts'

/** Latest payments that count. */
const REMEMBERED = 24
/** Of an owner who never paid. */
const USUAL_UNITS = unitsOf(30)
const LARGEST_UNITS = unitsOf(300)

export class OwnAmounts {
  readonly #amounts: Map<number, bigint[]> = new Map()

  add(account: number, units: bigint): void {
    const amounts = this.#amounts.get(account) ?? []
    amounts.push(units)
    if (amounts.length > REMEMBERED) amounts.shift()
    this.#amounts.set(account, amounts)
  }

  of(account: number): { readonly usualUnits: bigint; readonly largestUnits: bigint } {
    const sorted = (this.#amounts.get(account) ?? []).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    return {
      usualUnits: sorted[sorted.length >> 1] ?? USUAL_UNITS,
      largestUnits: sorted.at(-1) ?? LARGEST_UNITS,
    }
  }
}
