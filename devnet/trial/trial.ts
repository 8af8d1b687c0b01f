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
import type { Move, Victim } from '../attacks/move.ts'
import { least, wholeCents } from '../amounts.ts'
import { Random } from '../random.ts'
import { DAY_MS, awake } from '../town/calendar.ts'
import { townLife } from '../town/life.ts'
import type { OrdinaryPayment } from '../town/payment.ts'
import { settleTown, type Town } from '../town/people.ts'
import { Casting } from './casting.ts'
import { JudgedChain } from './chain.ts'
import { Heist } from './heist.ts'
import { OwnAmounts } from './own-amounts.ts'
import { emptyTally, type PatternCount, type Tally } from './tally.ts'
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
  readonly patterns: readonly AttackPattern[]
  /** Of each pattern; 1 unless given. */
  readonly attacksEach?: number
  readonly model: Pick<DirectionalModel, 'score'>
  /** The one that `model` was made with. */
  readonly head: Head | null
  /** Told of each payment when it is made, in order of time. */
  readonly onPayment?: (payment: PlayedPayment) => void
}

export interface PlayedPayment {
  /** Since midnight before the first day, ms. */
  readonly atMs: number
  readonly from: number
  readonly to: number
  readonly amountUnits: bigint
  /** Null: an ordinary one. */
  readonly pattern: AttackPattern | null
}

/** A month of history, so that rents and wages are known, then two weeks that count. Takes some seconds. */
export const USUAL_TRIAL = { persons: 400, days: 42, fromDay: 28, untilDay: 36 } as const

/** Of what, and when. */
interface Leg {
  readonly atMs: number
  readonly heist: Heist
  readonly pattern: AttackPattern
  readonly count: PatternCount
}

/** A town takes no fees, so that balances are what was paid. */
const NO_FEE = 0n

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
    const { seed, persons, days, fromDay, patterns, attacksEach = 1, model, head } = options
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
    for (let number = 0; number < attacksEach; number++)
      for (const pattern of patterns) this.#scheduleAttack(new Attack(pattern, seed, number))
  }

  play(): Tally {
    this.#timeline.play((atMs) => this.#chain.advanceTo(atMs))
    this.#chain.finish()
    return this.#tally
  }

  #payOrdinary({ atMs, kind, from, to, amountUnits }: OrdinaryPayment): void {
    if (amountUnits > this.#chain.available(from)) return // stolen, or held
    this.#ownAmounts.add(from, amountUnits)
    this.#options.onPayment?.({ atMs, from, to, amountUnits, pattern: null })
    this.#chain.submit({ atMs, from, to, amountUnits, fraudulent: false }, (verdict) => {
      const count = this.#tally.ordinary.get(kind)
      if (verdict === 'unjudged' || count === undefined) return
      count.judged++
      if (verdict === 'held') count.held++
      if (verdict === 'alert') count.alerts++
    })
  }

  #scheduleAttack(attack: Attack): void {
    const { fromDay, untilDay } = this.#options
    const startMs = awake(this.#random, this.#random.whole(fromDay, untilDay - 1))
    this.#timeline.add(startMs, () => this.#start(attack, startMs))
  }

  #start(attack: Attack, startMs: number): void {
    const accounts = this.#casting.victims(attack)
    const count = this.#tally.patterns.get(attack.pattern)
    if (accounts === null || count === undefined) return
    const moves = attack.plan(
      accounts.map((account) => this.#victim(account)),
      NO_FEE,
    )
    count.attacks++
    count.missed++
    const heist = new Heist(accounts, () => this.#casting.mule(), this.#town.exchange)
    for (const move of moves) {
      const atMs = startMs + move.atMs
      this.#timeline.add(atMs, () => this.#make(move, { atMs, heist, pattern: attack.pattern, count }))
    }
  }

  #victim(account: number): Victim {
    const [balanceUnits, largestUnits] = [
      this.#chain.available(account),
      this.#ownAmounts.largestUnits(account),
    ]
    return { balanceUnits, largestUnits }
  }

  #make(move: Move, { atMs, heist, pattern, count }: Leg): void {
    const [from, to] = [heist.account(move.from), heist.account(move.to)]
    const isFirst = move.from.kind === 'victim'
    const available = this.#chain.available(from)
    const amountUnits = wholeCents(
      least(move.amountUnits, isFirst ? available : least(heist.loot(from), available)),
    )
    if (amountUnits <= 0n) return
    if (isFirst) count.stolenUnits += amountUnits
    else heist.take(from, amountUnits)
    this.#options.onPayment?.({ atMs, from, to, amountUnits, pattern })
    this.#chain.submit({ atMs, from, to, amountUnits, fraudulent: true }, (verdict) => {
      if (verdict === 'held') countHold(count, heist, isFirst, amountUnits)
      else if (move.to.kind === 'mule') heist.bring(to, amountUnits)
    })
  }
}

function countHold(count: PatternCount, heist: Heist, isFirst: boolean, units: bigint): void {
  if (isFirst) count.heldAtFirstUnits += units
  else count.heldLaterUnits += units
  if (heist.noticed) return
  heist.noticed = true
  count.missed--
}
