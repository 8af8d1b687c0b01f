/**
 * Which load account pays whom, and how much. Ordinary, not machine-gun: the rate is spread evenly over the accounts, each
 * has three usual payees and three usual payers, and amounts are small and keep to what the pair is used to.
 */
import { Random } from '../random.ts'

interface LoadTransfer {
  /** Number of a load account. */
  readonly to: number
  readonly amountUnits: bigint
}

export interface LoadPayment extends LoadTransfer {
  /** Number of a load account. */
  readonly from: number
}

/** A transaction of many transfers. */
export interface LoadPayout {
  readonly from: number
  readonly transfers: readonly LoadTransfer[]
}

/** How often each usual payee gets the payment. */
const PARTNER_SHARES = [0.6, 0.3, 0.1] as const
/** What a thief sends first, and then again and again to others, in CRD; with the balance of a load account so often. */
const THEFT = { firstCrd: 300, crd: 5, payments: 130 } as const
const LEAST_CENTS = 100
const MOST_CENTS = 1_500
const UNITS_PER_CENT = 10_000n
export const FEWEST_LOAD_ACCOUNTS = 8

/** Payment number k of a seed: the same in every run. */
export class LoadPlan {
  readonly #seed: string
  readonly #accounts: number
  readonly #random: Random
  /** The order in which accounts pay: k → (step · k + shift) mod accounts, which visits each once per round. */
  readonly #step: number
  readonly #shift: number
  readonly #offsets: readonly number[]

  constructor(seed: string, run: string, accounts: number) {
    if (accounts < FEWEST_LOAD_ACCOUNTS)
      throw new RangeError(`expected at least ${FEWEST_LOAD_ACCOUNTS} load accounts, got ${accounts}`)
    const habits = new Random(`${seed}/load`)
    this.#seed = seed
    this.#accounts = accounts
    this.#random = new Random(`${seed}/load/${run}`)
    this.#step = coprimeTo(accounts, habits)
    this.#shift = this.#random.below(accounts)
    this.#offsets = habits.sample(
      Array.from({ length: Math.min(accounts, 64) - 1 }, (_, index) => index + 1),
      PARTNER_SHARES.length,
    )
  }

  /** The payment for slot `k`, to a usual payee; call with 0, 1, 2, … */
  payment(k: number): LoadPayment {
    const from = this.#payer(k)
    return { from, ...this.#transfer(from, this.#offsets[this.#partner()] ?? 1) }
  }

  /**
   * The payout for slot `k`: to as many accounts, always the same ones of a payer. At most one less than accounts. All
   * together are about as much as a payment: who pays many out has far more than that, else it is a drain.
   */
  payout(k: number, transfers: number): LoadPayout {
    const from = this.#payer(k)
    const share = ({ to, amountUnits }: LoadTransfer): LoadTransfer => ({
      to,
      amountUnits: amountUnits / BigInt(transfers),
    })
    return {
      from,
      transfers: Array.from({ length: transfers }, (_, index) => share(this.#transfer(from, index + 1))),
    }
  }

  /**
   * Payment `k` of thieves, one after the other: a large one, and many after it, each to an account it never paid. In each
   * run others begin.
   */
  theft(k: number): LoadPayment {
    const thief = (this.#shift + Math.floor(k / THEFT.payments)) % this.#accounts
    const turn = k % THEFT.payments
    const amountUnits = BigInt(turn === 0 ? THEFT.firstCrd : THEFT.crd) * 100n * UNITS_PER_CENT
    return { from: thief, to: (thief + 1 + (turn % (this.#accounts - 1))) % this.#accounts, amountUnits }
  }

  #payer(k: number): number {
    return ((k % this.#accounts) * this.#step + this.#shift) % this.#accounts
  }

  #transfer(from: number, offset: number): LoadTransfer {
    const usualCents =
      LEAST_CENTS + Math.floor(pairNumber(this.#seed, from, offset) * (MOST_CENTS - LEAST_CENTS))
    const cents = Math.round(usualCents * this.#random.between(0.8, 1.25))
    return { to: (from + offset) % this.#accounts, amountUnits: BigInt(cents) * UNITS_PER_CENT }
  }

  #partner(): number {
    let left = this.#random.unit()
    const found = PARTNER_SHARES.findIndex((share) => (left -= share) < 0)
    return found < 0 ? 0 : found
  }
}

/** A number in [0, 1) that belongs to the pair. */
function pairNumber(seed: string, from: number, offset: number): number {
  let mixed =
    (Math.imul(from + 1, 0x9e37_79b1) ^
      Math.imul(offset, 0x85eb_ca6b) ^
      Math.imul(seed.length + 1, 0xc2b2_ae35)) >>>
    0
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d) >>> 0
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2 ** 32
}

function coprimeTo(count: number, random: Random): number {
  for (;;) {
    const step = 1 + random.below(count - 1)
    if (gcd(step, count) === 1) return step
  }
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
