/** One attack on its way: who plays whom, and where the stolen money is. */
import type { Party } from '../attacks/move.ts'

export class Heist {
  /** Something of it was held. */
  noticed = false
  /** How far its payments were put off; later ones wait for earlier ones. */
  lateMs = 0
  readonly #victims: readonly number[]
  readonly #hire: () => number
  readonly #exchange: number
  /** Accounts of each mule, the newest last. */
  readonly #mules: Map<number, number[]> = new Map()
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

  /** Where a party is paid. */
  account(party: Party): number {
    return this.accounts(party).at(-1) as number
  }

  /** Where a party pays from; at least one. */
  accounts(party: Party): readonly number[] {
    if (party.kind === 'exchange') return [this.#exchange]
    if (party.kind === 'victim') {
      const account = this.#victims[party.index]
      if (account === undefined) throw new RangeError(`the attack has no victim ${party.index}`)
      return [account]
    }
    return this.#mules.get(party.index) ?? [this.#hireFor(party.index)]
  }

  /** One more account for a mule, at which it is paid from now on. */
  another(party: Party): number {
    if (party.kind !== 'mule') throw new RangeError(`expected a mule, got ${party.kind}`)
    return this.#hireFor(party.index)
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

  #hireFor(mule: number): number {
    const account = this.#hire()
    const accounts = this.#mules.get(mule)
    if (accounts === undefined) this.#mules.set(mule, [account])
    else accounts.push(account)
    return account
  }
}
