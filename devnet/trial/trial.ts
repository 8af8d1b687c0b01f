/**
 * Plays the weeks of a town with attacks in between through the parts that judge on a node, and counts what is held.
 * Deterministic: the same options give the same tally.
 *
 * Attacks are planned when they start, with what their victims have by then. A payment for which the money is no longer
 * there is made smaller, or not made: the owner was shopping in the meantime, or an earlier leg is held.
 */
import type { Head } from '../../fraud/head/head.ts'
import type { DirectionalModel } from '../../fraud/model/model.ts'
import { Attack, type AttackPattern } from '../attacks/attack.ts'
import type { Move, Party, Victim } from '../attacks/move.ts'
import { wholeCents } from '../amounts.ts'
import { Random } from '../random.ts'
import { DAY_MS, awake } from '../town/calendar.ts'
import { townLife } from '../town/life.ts'
import type { OrdinaryPayment } from '../town/payment.ts'
import { settleTown, type Town } from '../town/people.ts'
import { Casting } from './casting.ts'
import { JudgedChain } from './chain.ts'
import { OwnAmounts } from './own-amounts.ts'
import { emptyTally, type Tally } from './tally.ts'
import { Timeline } from './timeline.ts'

export interface TrialOptions {
  readonly seed: string
  readonly persons: number
  /** How long the town is watched. */
  readonly days: number
  /** Payments are judged, and attacks begin, from this day on. */
  readonly fromDay: number
  /** Attacks begin before this day, so that they end while the town is watched. */
  readonly untilDay: number
  /** One attack of each. */
  readonly patterns: readonly AttackPattern[]
  readonly model: Pick<DirectionalModel, 'score'>
  /** The one that `model` was made with. */
  readonly head: Head | null
  /** Told of every judged payment: for whoever wants to know why. */
  readonly watch?: (label: string, held: boolean, row: Float32Array, amountUnits: bigint) => void
}

/** A month of history, so that rents and wages are known, then two weeks that count. Takes some seconds. */
export const USUAL_TRIAL = { persons: 400, days: 42, fromDay: 28, untilDay: 36 } as const

export function playTrial(options: TrialOptions): Tally {
  return new Trial(options).play()
}

class Trial {
  readonly #options: TrialOptions
  readonly #town: Town
  readonly #chain: JudgedChain
  readonly #casting: Casting
  readonly #timeline: Timeline = new Timeline()
  readonly #ownAmounts: OwnAmounts = new OwnAmounts()
  readonly #tally: Tally
  readonly #random: Random

  constructor(options: TrialOptions) {
    const { seed, persons, days, fromDay, patterns, model, head } = options
    this.#options = options
    this.#random = new Random(`${seed}/trial`)
    this.#tally = emptyTally(patterns)
    this.#town = settleTown(seed, persons)
    const { openingUnits } = this.#town
    this.#chain = new JudgedChain({ openingUnits, model, head, judgedFromMs: fromDay * DAY_MS })
    const { payments, accounts } = townLife(this.#town, days)
    this.#casting = new Casting(this.#town, this.#random, accounts, (account) =>
      this.#chain.available(account),
    )
    for (const payment of payments) this.#timeline.add(payment.atMs, () => this.#payOrdinary(payment))
    for (const pattern of patterns) this.#scheduleAttack(new Attack(pattern, seed, 0))
  }

  play(): Tally {
    this.#timeline.play((atMs) => this.#chain.advanceTo(atMs))
    this.#chain.finish()
    return this.#tally
  }

  #payOrdinary({ atMs, kind, from, to, amountUnits }: OrdinaryPayment): void {
    if (amountUnits > this.#chain.available(from)) return // stolen, or held
    this.#ownAmounts.add(from, amountUnits)
    this.#chain.submit({ atMs, from, to, amountUnits, fraudulent: false }, (held, row) => {
      const count = this.#tally.ordinary.get(kind)
      if (row === null || count === undefined) return
      this.#options.watch?.(kind, held, row, amountUnits)
      count.judged++
      if (held) count.held++
    })
  }

  #scheduleAttack(attack: Attack): void {
    const { fromDay, untilDay } = this.#options
    const startMs = awake(this.#random, this.#random.whole(fromDay, untilDay - 1))
    this.#timeline.add(startMs, () => this.#start(attack, startMs))
  }

  #start(attack: Attack, startMs: number): void {
    const accounts = this.#casting.victims(attack)
    if (accounts === null) return
    const moves = attack.plan(
      accounts.map((account) => this.#victim(account)),
      0n,
    )
    const count = this.#tally.patterns.get(attack.pattern)
    if (count === undefined) throw new RangeError(`the tally does not count ${attack.pattern}`)
    count.attacks++
    count.missed++
    const heist = new Heist(accounts, () => this.#casting.mule(), this.#town.exchange)
    for (const move of moves)
      this.#timeline.add(startMs + move.atMs, () =>
        this.#make(move, startMs + move.atMs, heist, attack.pattern),
      )
  }

  #victim(account: number): Victim {
    return { balanceUnits: this.#chain.available(account), ...this.#ownAmounts.of(account) }
  }

  #make(move: Move, atMs: number, heist: Heist, pattern: AttackPattern): void {
    const [from, to] = [heist.account(move.from), heist.account(move.to)]
    const first = move.from.kind === 'victim'
    const there = first ? this.#chain.available(from) : least(heist.loot(from), this.#chain.available(from))
    const amountUnits = wholeCents(least(move.amountUnits, there))
    const count = this.#tally.patterns.get(pattern)
    if (amountUnits <= 0n || count === undefined) return
    if (first) count.stolenUnits += amountUnits
    else heist.take(from, amountUnits)
    this.#chain.submit({ atMs, from, to, amountUnits, fraudulent: true }, (held, row) => {
      if (row !== null)
        this.#options.watch?.(`${pattern}/${first ? 'first' : 'later'}`, held, row, amountUnits)
      if (!held) {
        if (move.to.kind === 'mule') heist.bring(to, amountUnits)
        return
      }
      if (first) count.heldAtFirstUnits += amountUnits
      else count.heldLaterUnits += amountUnits
      if (heist.noticed) return
      heist.noticed = true
      count.missed--
    })
  }
}

/** One attack on its way: who plays whom, and where the stolen money is. */
class Heist {
  noticed = false
  readonly #victims: readonly number[]
  readonly #hire: () => number
  readonly #exchange: number
  readonly #mules: Map<number, number> = new Map()
  /** In uCRD, by account. */
  readonly #loot: Map<number, bigint> = new Map()

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

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
