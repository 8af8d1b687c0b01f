/** A devnet is seconds old: what its victims' owners did before the attack is played first, and never counted as fraud. */
import { most, unitsOf } from '../amounts.ts'
import type { Random } from '../random.ts'
import { citizensOf } from '../scenarios/population.ts'
import type { Victim } from './move.ts'

const PAYMENTS = 5
const GAP_MS = 500
/** Every so many payments one goes to a friend, the others to the usual shop. */
const FRIEND_EVERY = 3

/** An ordinary payment of an owner. */
export interface OwnPayment {
  /** Since the start, ms. */
  readonly atMs: number
  readonly citizen: number
  readonly amountUnits: bigint
  readonly memo: string
}

/** A few payments, mostly to one shop. */
export function ownerHistory(random: Random): OwnPayment[] {
  const [shop, friend] = [random.pick(citizensOf('shop')), random.pick(citizensOf('person'))]
  const usualCrd = random.between(8, 40)
  let atMs = 0
  return Array.from({ length: PAYMENTS }, (_, index) => {
    const toFriend = index % FRIEND_EVERY === FRIEND_EVERY - 1
    const payment: OwnPayment = {
      atMs,
      citizen: toFriend ? friend : shop,
      amountUnits: unitsOf(usualCrd * random.between(0.7, 1.3)),
      memo: toFriend ? 'shared dinner' : 'groceries',
    }
    atMs += GAP_MS * random.between(0.8, 1.2)
    return payment
  })
}

/** What thieves see of an account after its owner's payments. */
export function victimAfter(history: readonly OwnPayment[], balanceUnits: bigint, feeUnits: bigint): Victim {
  const amounts = history.map(({ amountUnits }) => amountUnits)
  const spent = amounts.reduce((sum, units) => sum + units + feeUnits, 0n)
  return { balanceUnits: balanceUnits - spent, largestUnits: amounts.reduce(most, 0n) }
}
