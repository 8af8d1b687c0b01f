/**
 * Ordinary payments without end: salaries, rent, bills, shops, friends, at a real pace. Pure and seeded: the caller
 * plays them and tells what each account holds.
 */
import { Random } from '../random.ts'
import { CITIZENS, households, type Household } from './population.ts'

export interface OrdinaryPayment {
  /** Since the start of the stream, ms. */
  readonly atMs: number
  /** Citizen numbers. */
  readonly from: number
  readonly to: number
  readonly amountUnits: bigint
  readonly memo: string
}

interface Kind {
  readonly weight: number
  readonly make: (
    home: Household,
    random: Random,
  ) => { readonly from: number; readonly to: number; readonly amount: number; readonly memo: string }
}

/** In CRD, to the cent: what a till shows. */
const cents = (amount: number): number => Math.max(Math.round(amount * 100), 50) / 100

/** How often each kind of payment occurs, in parts of the sum. Inflow to persons about equals what they spend. */
const KINDS: readonly Kind[] = [
  {
    weight: 70,
    make: (home, random) => {
      const shop = random.unit() < 0.6 ? home.shops[0] : random.pick(home.shops)
      const { payee, usual } = shop ?? random.pick(home.shops)
      return {
        from: home.person,
        to: payee,
        amount: cents(usual * random.between(0.6, 1.5)),
        memo: 'groceries',
      }
    },
  },
  {
    weight: 14,
    make: (home, random) => ({
      from: home.person,
      to: random.pick(home.friends),
      amount: cents(random.between(3, 45)),
      memo: 'shared dinner',
    }),
  },
  {
    weight: 8,
    make: (home, random) => {
      const { payee, amount } = random.pick(home.billers)
      return { from: home.person, to: payee, amount, memo: 'bill' }
    },
  },
  { weight: 3, make: (home) => ({ from: home.person, to: home.landlord, amount: home.rent, memo: 'rent' }) },
  {
    weight: 3,
    make: (home) => ({ from: home.employer, to: home.person, amount: home.salary, memo: 'salary' }),
  },
  {
    weight: 2,
    // A shop pays its supplier, always the same one.
    make: (home, random) => {
      const shop = random.pick(home.shops).payee
      return { from: shop, to: supplierOf(shop), amount: cents(random.between(80, 900)), memo: 'supplies' }
    },
  },
]

const TOTAL_WEIGHT = KINDS.reduce((sum, kind) => sum + kind.weight, 0)

/** Nobody pays again sooner than this: people are no machine guns. Employers pay wages from a list, a bit faster. */
const PERSON_PAUSE_MS = 30_000
const BUSINESS_PAUSE_MS = 8_000
/** Longest silence of the whole town. */
const LONGEST_GAP_MS = 3_000
/** Largest part of a person's balance in one ordinary payment. */
const LARGEST_SHARE = 4n
const ATTEMPTS = 50

export class OrdinaryTraffic {
  readonly #random: Random
  readonly #households: readonly Household[]
  readonly #lastPaidMs = new Map<number, number>()
  readonly #meanGapMs: number
  readonly #balanceOf: (citizen: number) => bigint
  #nowMs = 0

  /**
   * @param options.seed of the devnet: habits follow from it.
   * @param options.run tells one stream from another of the same seed.
   * @param options.perSecond payments of the whole town.
   * @param options.balanceOf what a citizen has now, in uCRD.
   */
  constructor(options: {
    seed: string
    run: string
    perSecond: number
    balanceOf: (citizen: number) => bigint
  }) {
    this.#random = new Random(`${options.seed}/ordinary/${options.run}`)
    this.#households = households(options.seed)
    this.#meanGapMs = 1000 / options.perSecond
    this.#balanceOf = options.balanceOf
  }

  /** The next payment. Null: nobody can pay just now; ask again for a later time. */
  next(): OrdinaryPayment | null {
    this.#nowMs += Math.min(this.#random.exponential(this.#meanGapMs), LONGEST_GAP_MS)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const planned = this.#kind().make(this.#random.pick(this.#households), this.#random)
      const amountUnits = BigInt(Math.round(planned.amount * 100)) * 10_000n
      if (!this.#rested(planned.from) || amountUnits * LARGEST_SHARE > this.#balanceOf(planned.from)) continue
      this.#lastPaidMs.set(planned.from, this.#nowMs)
      return { atMs: this.#nowMs, from: planned.from, to: planned.to, amountUnits, memo: planned.memo }
    }
    return null
  }

  #rested(citizen: number): boolean {
    const pauseMs = CITIZENS[citizen] === 'person' ? PERSON_PAUSE_MS : BUSINESS_PAUSE_MS
    const last = this.#lastPaidMs.get(citizen)
    return last === undefined || this.#nowMs - last >= pauseMs
  }

  #kind(): Kind {
    let left = this.#random.between(0, TOTAL_WEIGHT)
    for (const kind of KINDS) {
      left -= kind.weight
      if (left < 0) return kind
    }
    throw new RangeError('the weights do not add up')
  }
}

function supplierOf(shop: number): number {
  const employers = CITIZENS.flatMap((kind, index) => (kind === 'employer' ? [index] : []))
  const supplier = employers[shop % employers.length]
  if (supplier === undefined) throw new RangeError('the town has no employers')
  return supplier
}
