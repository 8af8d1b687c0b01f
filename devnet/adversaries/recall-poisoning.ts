/**
 * Recall poisoning: accounts of a competitor make payments to a rival that look like thefts, so that they are held, and
 * recall them within the hour, day after day: the rival is to look like somebody whom thieves pay.
 *
 * Knows the rules well enough to be flagged. Costs fees only: what is held comes back.
 */
import { ATTACK_PATTERNS } from '../attacks/attack.ts'
import { shareOf, unitsOf } from '../amounts.ts'
import { Random } from '../random.ts'
import { DAY_MS, WEEK_DAYS, awake } from '../town/calendar.ts'
import { popular } from '../town/people.ts'
import { Trial } from '../trial/trial.ts'
import { HeldCount, type Adversary, type AdversaryOptions, type Figures } from './adversary.ts'

const ACCOUNTS = 12
const DEPOSIT_CRD = 2_000
const SMALL_PURCHASES = 4
const SMALL_CRD = 8
/** Before anything is judged, accounts get their money and a few small payments behind them. */
const PREPARED_FROM_DAY = 18
const JUDGED_FROM_DAY = 28
const ATTACKS_UNTIL_DAY = 34
const CAMPAIGN_FROM_DAY = 30
const CAMPAIGN_DAYS = 5
const CAMPAIGN_UNTIL_DAY: number = CAMPAIGN_FROM_DAY + CAMPAIGN_DAYS
const DAYS: number = CAMPAIGN_UNTIL_DAY + WEEK_DAYS
/** One payment after another, as when an account is emptied: the rival is the last payee. */
const DECOYS = 2
const GAP_MS = 40_000
const SHARE = 0.2

export const recallPoisoning: Adversary = (options) => ({
  ...watched(options, true),
  ...watched(options, false),
})

function watched({ seed, persons, model, head }: AdversaryOptions, poisoned: boolean): Figures {
  const random = new Random(`${seed}/recall-poisoning`)
  const rivals: number[] = []
  const toRivals = new HeldCount()
  const trial = new Trial({
    ...{ seed, persons, model, head, patterns: ATTACK_PATTERNS, learns: true },
    ...{ days: DAYS, fromDay: JUDGED_FROM_DAY, untilDay: ATTACKS_UNTIL_DAY },
    onVerdict: ({ to, pattern, atMs }, verdict) => {
      if (pattern === null && atMs >= CAMPAIGN_UNTIL_DAY * DAY_MS && rivals.includes(to))
        toRivals.add(verdict)
    },
  })
  rivals.push(random.pick(trial.town.sellers), popular(random, trial.town.shops))
  trial.casting.reserve(rivals)
  const campaign = new Campaign(trial, random)
  if (poisoned) for (let i = 0; i < ACCOUNTS; i++) campaign.enlist(random.pick(rivals))
  trial.play()
  return {
    [`payments to rivals held in the week after, ${poisoned ? 'with recalls' : 'without'}`]: toRivals,
    ...(poisoned ? { 'payments held to be recalled': campaign.held } : {}),
  }
}

class Campaign {
  /** Of payments to rivals. */
  readonly held: HeldCount = new HeldCount()
  readonly #trial: Trial
  readonly #random: Random

  constructor(trial: Trial, random: Random) {
    this.#trial = trial
    this.#random = random
  }

  /** An account that does its part. */
  enlist(rival: number): void {
    const account = this.#trial.casting.open()
    const { exchange, shops } = this.#trial.town
    this.#pay(awake(this.#random, PREPARED_FROM_DAY), exchange, account, unitsOf(DEPOSIT_CRD))
    for (let purchase = 1; purchase <= SMALL_PURCHASES; purchase++)
      this.#pay(
        awake(this.#random, PREPARED_FROM_DAY + purchase),
        account,
        this.#random.pick(shops),
        unitsOf(SMALL_CRD),
      )
    for (let day = CAMPAIGN_FROM_DAY; day < CAMPAIGN_UNTIL_DAY; day++)
      this.#provoke(account, rival, awake(this.#random, day))
  }

  #pay(atMs: number, from: number, to: number, amountUnits: bigint): void {
    this.#trial.at(atMs, () => this.#trial.pay({ atMs, from, to, amountUnits, ifHeld: 'released' }))
  }

  #provoke(account: number, rival: number, startMs: number): void {
    const payees = [...Array.from({ length: DECOYS }, () => this.#trial.casting.open()), rival]
    payees.forEach((to, i) => {
      const atMs = startMs + i * GAP_MS
      this.#trial.at(atMs, () => {
        const amountUnits = shareOf(this.#trial.chain.available(account), SHARE)
        this.#trial.pay({ atMs, from: account, to, amountUnits, ifHeld: 'recalled' }, (verdict) => {
          if (to === rival) this.held.add(verdict)
        })
      })
    })
  }
}
