/** The largest payment of each account lately: what a thief who has looked at an account knows of its owner. */
import { most, unitsOf } from '../amounts.ts'

/** Latest payments that count. */
const REMEMBERED = 24
/** Of an owner who never paid. */
const LARGEST_UNITS = unitsOf(300)

export class OwnAmounts {
  readonly #amounts: Map<number, bigint[]> = new Map()

  add(account: number, units: bigint): void {
    const amounts = this.#amounts.get(account) ?? []
    amounts.push(units)
    if (amounts.length > REMEMBERED) amounts.shift()
    this.#amounts.set(account, amounts)
  }

  largestUnits(account: number): bigint {
    return this.#amounts.get(account)?.reduce(most) ?? LARGEST_UNITS
  }
}
