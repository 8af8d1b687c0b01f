/** Who in the town plays the roles of an attack. Nobody plays two parts in a trial, so that each attack stands for itself. */
import type { Attack } from '../attacks/attack.ts'
import type { Target } from '../attacks/move.ts'
import { unitsOf } from '../amounts.ts'
import type { Random } from '../random.ts'
import type { Town } from '../town/people.ts'

/** Mules who lend an account that they have had for long, for a share. The others' are made for the purpose. */
const LENT_CHANCE = 0.3
/** Less is not worth a theft. */
const LEAST_BALANCE_UNITS = unitsOf(500)

export class Casting {
  readonly #town: Town
  readonly #random: Random
  readonly #availableUnits: (account: number) => bigint
  readonly #cast: Set<number> = new Set()
  #nextAccount: number

  /** @param accounts numbers from here on are free. */
  constructor(town: Town, random: Random, accounts: number, availableUnits: (account: number) => bigint) {
    this.#town = town
    this.#random = random
    this.#nextAccount = accounts
    this.#availableUnits = availableUnits
  }

  /** Accounts of the victims; null: the town has no more of them. */
  victims({ target, victims }: Attack): readonly number[] | null {
    const free = this.#candidates(target).filter((account) => !this.#cast.has(account))
    const worth = free.filter((account) => this.#availableUnits(account) >= LEAST_BALANCE_UNITS)
    if (worth.length < victims) return null
    const chosen = this.#random.sample(worth, victims)
    for (const account of chosen) this.#cast.add(account)
    return chosen
  }

  mule(): number {
    const free = this.#candidates('person').filter((account) => !this.#cast.has(account))
    if (free.length === 0 || !this.#random.chance(LENT_CHANCE)) return this.open()
    const lent = this.#random.pick(free)
    this.#cast.add(lent)
    return lent
  }

  /** An account that nobody has seen before. */
  open(): number {
    return this.#nextAccount++
  }

  /** They play another part, and none in an attack unless that asks for them. */
  reserve(accounts: readonly number[]): void {
    for (const account of accounts) this.#cast.add(account)
  }

  #candidates(target: Target): readonly number[] {
    if (target === 'shop') return this.#town.shops
    const sleeps = target === 'sleeper'
    return this.#town.persons.filter(({ sleeper }) => sleeper === sleeps).map(({ account }) => account)
  }
}
