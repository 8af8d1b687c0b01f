/** One attack on its way: who plays whom, and where the stolen money is. */
import type { Party } from '../attacks/move.ts'

export class Heist {
  /** Something of it was held. */
  noticed = false
  readonly #victims: readonly number[]
  readonly #hire: () => number
  readonly #exchange: number
  readonly #mules: Map<number, number> = new Map()
  /** In uCRD, by account. */
  readonly #loot: Map<number, bigint> = new Map()

  /**
   * @param victims their accounts.
   * @param hire finds an account for a mule when the first payment reaches it.
   */
  constructor(victims: readonly number[], hire: () => number, exchange: number) {
    this.#victims = victims
    this.#hire = hire
    this.#exchange = exchange
  }

  account(party: Party): number {
    if (party.kind === 'exchange') return this.#exchange
    if (party.kind === 'victim') {
      const account = this.#victims[party.index]
      if (account === undefined) throw new RangeError(`the attack has no victim ${party.index}`)
      return account
    }
    let account = this.#mules.get(party.index)
    if (account === undefined) {
      account = this.#hire()
      this.#mules.set(party.index, account)
    }
    return account
  }

  /** Stolen money that a mule has, in uCRD. */
  loot(account: number): bigint {
    return this.#loot.get(account) ?? 0n
  }

  bring(account: number, units: bigint): void {
    this.#loot.set(account, this.loot(account) + units)
  }

  take(account: number, units: bigint): void {
    this.#loot.set(account, this.loot(account) - units)
  }
}
