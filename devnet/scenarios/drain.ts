/**
 * Account takeover: somebody has the victim's key and empties the account to new payees within seconds, in a few
 * transfers of uneven size that look like payments.
 */
import { leftAfter, victimHistory, wholeCents, type AttackInput, type AttackPayment } from './victim.ts'

const TRANSFERS = 8
const HISTORY_PAYMENTS = 5
const HISTORY_GAP_MS = 500
const PAUSE_BEFORE_MS = 600
/** Part of the balance that leaves, in parts of 1000. */
const LEAST_TAKEN = 920
const MOST_TAKEN = 990

export function planDrain(input: AttackInput): AttackPayment[] {
  const { random } = input
  const history = victimHistory(random, HISTORY_PAYMENTS, HISTORY_GAP_MS)
  const left = leftAfter(history, TRANSFERS, input)
  const loot = (left * BigInt(Math.round(random.between(LEAST_TAKEN, MOST_TAKEN)))) / 1000n
  const shares = Array.from({ length: TRANSFERS }, () => random.between(0.7, 1.3))
  const whole = shares.reduce((sum, share) => sum + share, 0)
  let atMs = (history.at(-1)?.atMs ?? 0) + PAUSE_BEFORE_MS
  const transfers = shares.map((share, index): AttackPayment => {
    const payment: AttackPayment = {
      atMs,
      to: { kind: 'mule', index },
      amountUnits: wholeCents((loot * BigInt(Math.floor((share / whole) * 1e6))) / 1_000_000n),
      memo: '',
      fraudulent: true,
    }
    atMs += random.between(200, 600)
    return payment
  })
  return [...history, ...transfers]
}
