/**
 * Poisoning: one account in twenty of the town is in the hand of a patient thief. For a month these pay each other, new
 * accounts and the exchange in the way that stolen money goes later: relays that keep a little, accounts that pass on at
 * once what came. Reviews find each of these payments ordinary, which it is. Then the attacks come, with these accounts
 * as mules where stolen money rests with one.
 *
 * Knows how its attacks will look. Costs fees, and a month: the money goes round and comes back.
 */
import { ATTACK_PATTERNS, type AttackPattern } from '../attacks/attack.ts'
import { HOUR_MS, MINUTE_MS } from '../attacks/move.ts'
import { shareOf } from '../amounts.ts'
import { Random } from '../random.ts'
import { DAY_MS, awake } from '../town/calendar.ts'
import { Trial } from '../trial/trial.ts'
import { HeldCount, valueHeld, type Adversary, type AdversaryOptions, type Figures } from './adversary.ts'

/** Of all persons. */
const OWNED_SHARE = 0.05
const JUDGED_FROM_DAY = 28
const POISON_DAYS = 30
const RAID_FROM_DAY: number = JUDGED_FROM_DAY + POISON_DAYS
const RAID_UNTIL_DAY: number = RAID_FROM_DAY + 8
const DAYS: number = RAID_UNTIL_DAY + 6
const SOONEST_MS = 10 * MINUTE_MS
const LATEST_MS = 6 * HOUR_MS
/** Accounts of a relay, the last of which pays the exchange. */
const HANDS = 4
const RELAYS_PER_DAY = 4
/** New accounts that are paid, and pass it on. */
const NEWCOMERS_PER_DAY = 3
/** Of what the first account has. */
const LEAST_SENT = 0.1
const MOST_SENT = 0.5
const LEAST_PASSED = 0.9
const MOST_PASSED = 0.98
/** Attacks that need many accounts for a moment only. */
const HASTY: readonly AttackPattern[] = ['drain', 'burst']

export const poisoning: Adversary = (options) => ({ ...watched(options, true), ...watched(options, false) })

function watched({ seed, persons, model, head }: AdversaryOptions, poisoned: boolean): Figures {
  const [stolen, ordinary] = [new HeldCount(), new HeldCount()]
  const trial = new Trial({
    ...{ seed, persons, model, head, patterns: [], learns: true },
    ...{ days: DAYS, fromDay: JUDGED_FROM_DAY, untilDay: DAYS },
    onVerdict: ({ pattern, atMs }, verdict) => {
      if (atMs < RAID_FROM_DAY * DAY_MS) return
      if (pattern === null) ordinary.add(verdict)
      else stolen.add(verdict)
    },
  })
  const gang = new Gang(trial, new Random(`${seed}/poisoning`), Math.round(OWNED_SHARE * persons))
  const patterns = ATTACK_PATTERNS
  const others = { seed: `${seed}/others`, patterns, attacksEach: 1 }
  trial.raid({ ...others, fromDay: JUDGED_FROM_DAY, untilDay: RAID_FROM_DAY - 1 })
  if (poisoned) gang.poison()
  const counts = trial.raid({
    ...{ seed, patterns, attacksEach: 1, fromDay: RAID_FROM_DAY, untilDay: RAID_UNTIL_DAY },
    ...(poisoned ? { ownMule: (pattern) => (HASTY.includes(pattern) ? null : gang.mule()) } : {}),
  })
  trial.play()
  const name = poisoned ? 'after poisoning' : 'without'
  return {
    ...valueHeld({ patterns: counts }, `value held, ${name}`),
    [`payments of attacks held, ${name}`]: stolen,
    [`ordinary payments held, ${name}`]: ordinary,
    ...(poisoned ? { 'crafted payments held': gang.held } : {}),
  }
}

/** Accounts in one hand. */
class Gang {
  /** Of crafted payments. */
  readonly held: HeldCount = new HeldCount()
  readonly #trial: Trial
  readonly #random: Random
  readonly #accounts: readonly number[]
  #mules = 0

  constructor(trial: Trial, random: Random, size: number) {
    this.#trial = trial
    this.#random = random
    const awakeOnes = trial.town.persons.filter(({ sleeper }) => !sleeper)
    this.#accounts = random.sample(awakeOnes, size).map(({ account }) => account)
    trial.casting.reserve(this.#accounts)
  }

  /** The next account that has not been one; null: all have. */
  mule(): number | null {
    return this.#accounts[this.#mules++] ?? null
  }

  poison(): void {
    const { casting } = this.#trial
    for (let day = JUDGED_FROM_DAY; day < RAID_FROM_DAY; day++) {
      for (let relay = 0; relay < RELAYS_PER_DAY; relay++)
        this.#relay(awake(this.#random, day), this.#random.sample(this.#accounts, HANDS))
      for (let newcomer = 0; newcomer < NEWCOMERS_PER_DAY; newcomer++)
        this.#relay(awake(this.#random, day), [this.#random.pick(this.#accounts), casting.open()])
    }
  }

  /** From hand to hand to the exchange, which pays the first one back a day later. */
  #relay(startMs: number, hands: readonly number[]): void {
    const { exchange } = this.#trial.town
    const [first = exchange] = hands
    const stops = [...hands, exchange]
    const pass = (at: number, atMs: number, units: bigint): void => {
      const [from, to] = [stops[at], stops[at + 1]]
      if (from === undefined) return
      if (to === undefined) this.#pay(atMs + DAY_MS, from, first, units)
      else
        this.#pay(atMs, from, to, units, () => {
          const passed = shareOf(units, this.#random.between(LEAST_PASSED, MOST_PASSED))
          pass(at + 1, atMs + this.#random.scaled(SOONEST_MS, LATEST_MS), passed)
        })
    }
    this.#trial.at(startMs, () => {
      const share = this.#random.between(LEAST_SENT, MOST_SENT)
      pass(0, startMs, shareOf(this.#trial.chain.available(first), share))
    })
  }

  #pay(atMs: number, from: number, to: number, amountUnits: bigint, settled?: () => void): void {
    this.#trial.at(atMs, () => {
      this.#trial.pay({ atMs, from, to, amountUnits, ifHeld: 'released' }, (verdict) => {
        this.held.add(verdict)
        if (verdict !== 'held') settled?.()
      })
    })
  }
}
