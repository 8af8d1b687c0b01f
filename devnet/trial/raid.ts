/**
 * A wave of attacks on a town: casts them, plays them on its chain and counts what is held.
 *
 * Attacks are planned when they start, with what their victims have by then. A payment for which the money is no longer
 * there is made smaller, or not made: the owner was shopping in the meantime, or an earlier leg is held.
 */
import { Attack, type AttackPattern } from '../attacks/attack.ts'
import type { Move, Victim } from '../attacks/move.ts'
import { least, wholeCents } from '../amounts.ts'
import type { Random } from '../random.ts'
import { awake } from '../town/calendar.ts'
import type { Casting } from './casting.ts'
import type { Ended, JudgedChain, Payment } from './chain.ts'
import { Heist } from './heist.ts'
import type { OwnAmounts } from './own-amounts.ts'
import type { PatternCount } from './tally.ts'
import type { Timeline } from './timeline.ts'

/** A move that goes to a chosen validator. */
export interface RoutedMove extends Move {
  readonly via?: number
}

/** What thieves make of a payment that is due. */
export interface Sending {
  /** What goes out now, and to whom; null: nothing. */
  readonly now: { readonly to: number; readonly amountUnits: bigint } | null
  /** When the rest is tried again; null: it is given up. */
  readonly againAfterMs: number | null
}

export interface Due {
  readonly to: number
  readonly amountUnits: bigint
  /** Finds another account of this payee; null: it has only this one. */
  readonly another: (() => number) | null
  /** What a dry run answers. */
  readonly wouldHold: (to: number, amountUnits: bigint) => boolean
}

/** Decides, for one planned payment, how it is sent: asked again for what it did not send. */
export type Evasion = (due: Due) => Sending

export interface RaidOptions {
  /** Of the attacks' chances. */
  readonly seed: string
  readonly patterns: Iterable<AttackPattern>
  /** Of each pattern. */
  readonly attacksEach: number
  /** Attacks begin on these days: from the first, before the last. */
  readonly fromDay: number
  readonly untilDay: number
  /** Changes the payments of a plan. */
  readonly route?: (moves: readonly Move[]) => readonly RoutedMove[]
  /** An account that thieves have at hand for a mule of this pattern; null: they use the one they hired. */
  readonly ownMule?: (pattern: AttackPattern) => number | null
  /** Called for each planned payment. Left out: it is sent as planned. */
  readonly evasion?: () => Evasion
}

/** Where a raid plays. */
interface Scene {
  readonly chain: JudgedChain
  readonly timeline: Timeline
  readonly casting: Casting
  readonly ownAmounts: OwnAmounts
  readonly exchange: number
  readonly random: Random
  readonly counts: ReadonlyMap<AttackPattern, PatternCount>
  readonly submit: (payment: Payment, pattern: AttackPattern, ended: Ended) => void
}

/** A planned payment on its way. */
interface Leg {
  readonly move: RoutedMove
  readonly atMs: number
  /** How far it was put off. */
  readonly lateMs: number
  readonly heist: Heist
  readonly pattern: AttackPattern
  readonly count: PatternCount
  readonly evasion: Evasion
}

/** Of one leg, what goes out of one account. */
interface Outgoing {
  readonly from: number
  readonly to: number
  readonly amountUnits: bigint
}

/** A town takes no fees, so that balances are what was paid. */
const NO_FEE = 0n

const asPlanned: Evasion = ({ to, amountUnits }) => ({ now: { to, amountUnits }, againAfterMs: null })

export class Raid {
  readonly #options: RaidOptions
  readonly #scene: Scene

  constructor(options: RaidOptions, scene: Scene) {
    this.#options = options
    this.#scene = scene
  }

  /** Its attacks come in time. */
  begin(): void {
    const { seed, patterns, attacksEach } = this.#options
    for (let number = 0; number < attacksEach; number++)
      for (const pattern of patterns) this.#schedule(new Attack(pattern, seed, number))
  }

  #schedule(attack: Attack): void {
    const { fromDay, untilDay } = this.#options
    const { random, timeline } = this.#scene
    const startMs = awake(random, random.whole(fromDay, untilDay - 1))
    timeline.add(startMs, () => this.#start(attack, startMs))
  }

  #start(attack: Attack, startMs: number): void {
    const { casting, counts, exchange } = this.#scene
    const { pattern } = attack
    const accounts = casting.victims(attack)
    const count = counts.get(pattern)
    if (accounts === null || count === undefined) return
    const planned = attack.plan(
      accounts.map((account) => this.#victim(account)),
      NO_FEE,
    )
    count.attacks++
    count.missed++
    const heist = new Heist(accounts, () => this.#mule(pattern), exchange)
    const { route, evasion } = this.#options
    for (const move of route === undefined ? planned : route(planned))
      this.#plan({
        move,
        atMs: startMs + move.atMs,
        lateMs: 0,
        heist,
        pattern,
        count,
        evasion: evasion?.() ?? asPlanned,
      })
  }

  #victim(account: number): Victim {
    const { chain, ownAmounts } = this.#scene
    return { balanceUnits: chain.available(account), largestUnits: ownAmounts.largestUnits(account) }
  }

  /** Hires one in any case, so that raids with and without accounts at hand differ in nothing else. */
  #mule(pattern: AttackPattern): number {
    const hired = this.#scene.casting.mule()
    return this.#options.ownMule?.(pattern) ?? hired
  }

  #plan(leg: Leg): void {
    this.#scene.timeline.add(leg.atMs, () => this.#make(leg))
  }

  #make(leg: Leg): void {
    const { move, heist, lateMs, atMs } = leg
    if (heist.lateMs > lateMs) {
      this.#plan({ ...leg, atMs: atMs + heist.lateMs - lateMs, lateMs: heist.lateMs })
      return
    }
    const to = heist.account(move.to)
    let leftUnits = move.amountUnits
    for (const from of heist.accounts(move.from)) {
      const amountUnits = wholeCents(least(leftUnits, this.#spendable(leg, from)))
      if (amountUnits <= 0n) continue
      leftUnits -= amountUnits
      this.#send(leg, { from, to, amountUnits })
    }
  }

  /** Of a mule's account, only what was stolen. */
  #spendable({ move, heist }: Leg, from: number): bigint {
    const available = this.#scene.chain.available(from)
    return move.from.kind === 'victim' ? available : least(heist.loot(from), available)
  }

  #send(leg: Leg, { from, to, amountUnits }: Outgoing): void {
    const { move, heist, atMs, lateMs } = leg
    const { now, againAfterMs } = leg.evasion({
      to,
      amountUnits,
      another: move.to.kind === 'mule' ? () => heist.another(move.to) : null,
      wouldHold: (payee, units) =>
        this.#scene.chain.wouldHold({ atMs, from, to: payee, amountUnits: units, ifHeld: 'returned' }),
    })
    if (now !== null) this.#submit(leg, { from, ...now })
    if (againAfterMs === null) return
    heist.lateMs = Math.max(heist.lateMs, lateMs + againAfterMs)
    this.#plan({
      ...leg,
      move: { ...move, amountUnits: amountUnits - (now?.amountUnits ?? 0n) },
      atMs: atMs + againAfterMs,
      lateMs: lateMs + againAfterMs,
    })
  }

  #submit({ move, heist, atMs, pattern, count }: Leg, { from, to, amountUnits }: Outgoing): void {
    const isFirst = move.from.kind === 'victim'
    if (isFirst) count.stolenUnits += amountUnits
    else heist.take(from, amountUnits)
    const via = move.via === undefined ? {} : { via: move.via }
    this.#scene.submit({ atMs, from, to, amountUnits, ifHeld: 'returned', ...via }, pattern, (verdict) => {
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
