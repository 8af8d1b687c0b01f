/**
 * Dusting: two hundred accounts that nobody knows pay a person next to nothing within an hour, so that the person looks
 * like a collector of stolen money, and what it pays like a collector who takes it out.
 *
 * Knows who the victim is. Costs the dust, and an account with a deposit and a fee for each of the two hundred.
 */
import { unitsOf } from '../amounts.ts'
import { Random } from '../random.ts'
import { DAY_MS, WEEK_DAYS } from '../town/calendar.ts'
import { Trial } from '../trial/trial.ts'
import { HeldCount, type Adversary, type AdversaryOptions, type Figures } from './adversary.ts'

const VICTIMS = 3
const SYBILS = 200
const DURATION_MS = 3_600_000
const DEPOSIT_CRD = 2
const LEAST_DUST_CRD = 0.01
const MOST_DUST_CRD = 1
/** Deposits come when nothing is judged yet: accounts that took their time. */
const DEPOSITS_FROM_DAY = 21
const JUDGED_FROM_DAY = 28
const DUST_DAY = 29
/** Noon. */
const DUST_MS = (DUST_DAY + 0.5) * DAY_MS
const DAYS: number = DUST_DAY + 1 + WEEK_DAYS

export const dusting: Adversary = (options) => ({ ...watched(options, true), ...watched(options, false) })

function watched({ seed, persons, model, head }: AdversaryOptions, dusted: boolean): Figures {
  const random = new Random(`${seed}/dusting`)
  const victims: number[] = []
  const [own, incoming, dust] = [new HeldCount(), new HeldCount(), new HeldCount()]
  const trial = new Trial({
    ...{ seed, persons, model, head, patterns: [] },
    ...{ days: DAYS, fromDay: JUDGED_FROM_DAY, untilDay: DAYS },
    onVerdict: ({ from, to, atMs }, verdict) => {
      if (atMs <= DUST_MS) return
      if (victims.includes(from)) own.add(verdict)
      if (victims.includes(to)) incoming.add(verdict)
    },
  })
  const awake = trial.town.persons.filter(({ sleeper }) => !sleeper)
  victims.push(...random.sample(awake, VICTIMS).map(({ account }) => account))
  if (dusted) for (const victim of victims) throwDust(trial, random, victim, dust)
  trial.play()
  const name = dusted ? 'with dust' : 'without'
  return {
    [`payments of victims held in the week after, ${name}`]: own,
    [`payments to victims held in the week after, ${name}`]: incoming,
    ...(dusted ? { 'dust held': dust } : {}),
  }
}

function throwDust(trial: Trial, random: Random, victim: number, dust: HeldCount): void {
  for (let sybil = 0; sybil < SYBILS; sybil++) {
    const account = trial.casting.open()
    const fundedMs = random.between(DEPOSITS_FROM_DAY, JUDGED_FROM_DAY) * DAY_MS
    const amountUnits = unitsOf(random.scaled(LEAST_DUST_CRD, MOST_DUST_CRD))
    const atMs = DUST_MS - random.between(0, DURATION_MS)
    trial.at(fundedMs, () => {
      const deposit = { from: trial.town.exchange, to: account, amountUnits: unitsOf(DEPOSIT_CRD) }
      trial.pay({ atMs: fundedMs, ...deposit, ifHeld: 'released' })
    })
    trial.at(atMs, () => {
      trial.pay({ atMs, from: account, to: victim, amountUnits, ifHeld: 'released' }, (verdict) =>
        dust.add(verdict),
      )
    })
  }
}
