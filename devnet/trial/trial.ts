/**
 * Plays the weeks of a town with attacks in between through the parts that judge on a node, and counts what is held.
 * Deterministic: the same options give the same tally.
 */
import type { AttackPattern } from '../attacks/attack.ts'
import { Random } from '../random.ts'
import { DAY_MS } from '../town/calendar.ts'
import { townLife } from '../town/life.ts'
import type { OrdinaryKind, OrdinaryPayment } from '../town/payment.ts'
import { settleTown, type Town } from '../town/people.ts'
import { Casting } from './casting.ts'
import { JudgedChain, type Ended, type Payment, type Verdict } from './chain.ts'
import { OwnAmounts } from './own-amounts.ts'
import { Raid, type RaidOptions } from './raid.ts'
import { emptyTally, type PatternCount, type Tally } from './tally.ts'
import { Timeline } from './timeline.ts'
import type { ValidatorsOptions } from './validators.ts'

/** A town, and when it is watched. */
interface TownOptions {
  readonly seed: string
  readonly persons: number
  /** How long the town is watched. */
  readonly days: number
  /** Payments are judged, and attacks begin, from this day on. */
  readonly fromDay: number
  /** Attacks begin before this day, so that they end while the town is watched. */
  readonly untilDay: number
}

export interface TrialOptions extends TownOptions, Omit<ValidatorsOptions, 'chance'> {
  readonly patterns: readonly AttackPattern[]
  /** Of each pattern; 1 unless given. */
  readonly attacksEach?: number
  /** How the attacks differ from the usual ones. */
  readonly raid?: Pick<RaidOptions, 'route' | 'ownMule' | 'evasion'>
  /** Told of each payment when it is made, in order of time. */
  readonly onPayment?: (payment: PlayedPayment) => void
  /** Told of each payment when it is executed. */
  readonly onVerdict?: (payment: PlayedPayment, verdict: Verdict) => void
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

export function playTrial(options: TrialOptions): Tally {
  return new Trial(options).play()
}

/** To be played once; before that, more may be put into it. */
export class Trial {
  readonly town: Town
  readonly casting: Casting
  readonly chain: JudgedChain
  readonly #options: TrialOptions
  readonly #timeline: Timeline = new Timeline()
  readonly #ownAmounts: OwnAmounts = new OwnAmounts()
  readonly #tally: Tally
  readonly #random: Random

  constructor(options: TrialOptions) {
    const { seed, persons, days, fromDay, untilDay, patterns, attacksEach = 1, raid = {} } = options
    this.#options = options
    this.#random = new Random(`${seed}/trial`)
    this.#tally = emptyTally(patterns)
    this.town = settleTown(seed, persons)
    const { openingUnits } = this.town
    const { payments, accounts } = townLife(this.town, days)
    this.chain = new JudgedChain({ ...options, openingUnits, chance: seed, judgedFromMs: fromDay * DAY_MS })
    this.casting = new Casting(this.town, this.#random, accounts, (account) => this.chain.available(account))
    for (const payment of payments) this.at(payment.atMs, () => this.#payOrdinary(payment))
    this.#raid({ seed, patterns, attacksEach, fromDay, untilDay, ...raid }, this.#tally.patterns)
  }

  /** Something happens at this time. */
  at(atMs: number, happen: () => void): void {
    this.#timeline.add(atMs, happen)
  }

  /** More attacks. @returns what is counted of them while the trial plays. */
  raid(options: RaidOptions): Map<AttackPattern, PatternCount> {
    const counts = emptyTally([...options.patterns]).patterns
    this.#raid(options, counts)
    return counts
  }

  /** A payment that is neither ordinary nor part of an attack, if the money is there. */
  pay(payment: Payment, ended: Ended = () => undefined): void {
    if (payment.amountUnits <= 0n || payment.amountUnits > this.chain.available(payment.from)) return
    this.chain.submit(payment, ended)
  }

  play(): Tally {
    this.#timeline.play((atMs) => this.chain.advanceTo(atMs))
    this.chain.finish()
    return this.#tally
  }

  #raid(options: RaidOptions, counts: ReadonlyMap<AttackPattern, PatternCount>): void {
    new Raid(options, {
      chain: this.chain,
      timeline: this.#timeline,
      casting: this.casting,
      ownAmounts: this.#ownAmounts,
      exchange: this.town.exchange,
      random: this.#random,
      counts,
      submit: (payment, pattern, ended) => this.#submit(payment, pattern, ended),
    }).begin()
  }

  #payOrdinary({ atMs, kind, from, to, amountUnits }: OrdinaryPayment): void {
    if (amountUnits > this.chain.available(from)) return // stolen, or held
    this.#ownAmounts.add(from, amountUnits)
    this.#submit({ atMs, from, to, amountUnits, ifHeld: 'released' }, null, (verdict) => {
      this.#countOrdinary(kind, verdict)
    })
  }

  #countOrdinary(kind: OrdinaryKind, verdict: Verdict): void {
    const count = this.#tally.ordinary.get(kind)
    if (verdict === 'unjudged' || count === undefined) return
    count.judged++
    if (verdict === 'held') count.held++
    if (verdict === 'alert') count.alerts++
  }

  #submit(payment: Payment, pattern: AttackPattern | null, ended: Ended): void {
    const { atMs, from, to, amountUnits } = payment
    const played = { atMs, from, to, amountUnits, pattern }
    const { onPayment, onVerdict } = this.#options
    onPayment?.(played)
    this.chain.submit(payment, (verdict) => {
      ended(verdict)
      onVerdict?.(played, verdict)
    })
  }
}
