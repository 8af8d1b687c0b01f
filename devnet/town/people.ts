/**
 * Who lives in a town whose weeks are played in virtual time: people with habits, and the businesses that they deal with.
 * Sizes are those of a small place: one grocer for many, so that popular shops are busy and most payments go there.
 *
 * Accounts are numbers, in order of appearance; all but newcomers, hired mules and the like are there from the start.
 */
import { unitsOf } from '../amounts.ts'
import { Random } from '../random.ts'

export interface Person {
  readonly account: number
  readonly employer: number
  readonly salaryCrd: number
  readonly landlord: number
  readonly rentCrd: number
  readonly bills: readonly { readonly payee: number; readonly amountCrd: number }[]
  /** The favourite first. */
  readonly shops: readonly { readonly shop: number; readonly usualCrd: number }[]
  readonly friends: readonly number[]
  readonly purchasesPerDay: number
  /** Shops in the first days, then falls asleep. */
  readonly sleeper: boolean
}

export interface Town {
  readonly seed: string
  readonly persons: readonly Person[]
  readonly shops: readonly number[]
  readonly employers: readonly number[]
  readonly landlords: readonly number[]
  readonly billers: readonly number[]
  /** Cars, travel, furniture: paid seldom, and much. */
  readonly dealers: readonly number[]
  /** Sells to strangers on a marketplace. */
  readonly sellers: readonly number[]
  /** Turns money of elsewhere into money of the chain and back. */
  readonly exchange: number
  /** At the start, by account, in uCRD. */
  readonly openingUnits: readonly bigint[]
}

/** Persons for each business of a kind. */
const PERSONS_PER = { shop: 25, employer: 40, landlord: 25, biller: 70, dealer: 60, seller: 20 } as const
const SLEEPER_SHARE = 0.04

/** Opening balances in CRD. */
const OPENING = {
  person: [600, 12_000],
  shop: [10_000, 60_000],
  employer: [4_000_000, 9_000_000],
  landlord: [20_000, 150_000],
  biller: [50_000, 300_000],
  dealer: [40_000, 200_000],
  seller: [500, 6_000],
  exchange: [20_000_000, 20_000_000],
} as const satisfies Readonly<Record<string, readonly [number, number]>>

class Register {
  readonly openingUnits: bigint[] = []
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** Numbers of new accounts. */
  open(kind: keyof typeof OPENING, count: number): number[] {
    const [least, most] = OPENING[kind]
    return Array.from({ length: count }, () => {
      this.openingUnits.push(unitsOf(this.#random.scaled(least, most)))
      return this.openingUnits.length - 1
    })
  }
}

/** The town of a seed. @param persons how many live there; businesses follow. */
export function settleTown(seed: string, persons: number): Town {
  const random = new Random(`${seed}/town`)
  const register = new Register(random)
  const open = (kind: keyof typeof PERSONS_PER): number[] =>
    register.open(kind, Math.max(2, Math.round(persons / PERSONS_PER[kind])))
  const [exchange = 0] = register.open('exchange', 1)
  const places = {
    shops: open('shop'),
    employers: open('employer'),
    landlords: open('landlord'),
    billers: open('biller'),
    dealers: open('dealer'),
    sellers: open('seller'),
  }
  const accounts = register.open('person', persons)
  return {
    seed,
    ...places,
    persons: accounts.map((account) => habits(random, account, accounts, places)),
    exchange,
    openingUnits: register.openingUnits,
  }
}

type Places = Pick<Town, 'shops' | 'employers' | 'landlords' | 'billers'>

function habits(random: Random, account: number, persons: readonly number[], places: Places): Person {
  return {
    account,
    employer: random.pick(places.employers),
    salaryCrd: Math.round(random.scaled(140, 420)) * 10,
    landlord: random.pick(places.landlords),
    rentCrd: Math.round(random.scaled(40, 130)) * 10,
    bills: random
      .sample(places.billers, 2)
      .map((payee) => ({ payee, amountCrd: Math.round(random.scaled(12, 120)) })),
    shops: favourites(random, places.shops).map((shop) => ({ shop, usualCrd: random.scaled(5, 70) })),
    friends: random.sample(persons, random.whole(3, 6)).filter((other) => other !== account),
    purchasesPerDay: random.scaled(0.4, 2),
    sleeper: random.chance(SLEEPER_SHARE),
  }
}

/** Three or four shops; the first ones of the town are the popular ones. */
function favourites(random: Random, shops: readonly number[]): number[] {
  const chosen = new Set<number>()
  const wanted = Math.min(shops.length, random.whole(3, 4))
  while (chosen.size < wanted) chosen.add(popular(random, shops))
  return [...chosen]
}

/** One of the shops, early ones far more often: a few grocers have most of the trade. */
export function popular(random: Random, shops: readonly number[]): number {
  return shops[Math.floor(shops.length * random.unit() ** 2)] ?? random.pick(shops)
}
