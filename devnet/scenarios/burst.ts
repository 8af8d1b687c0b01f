/** Machine gun: one account pays many accounts that nobody paid before, several a second, a small amount each. */
import { leftAfter, victimHistory, wholeCents, type AttackInput, type AttackPayment } from './victim.ts'

const PAYMENTS = 50
const DURATION_MS = 9_000
const HISTORY_PAYMENTS = 3
const HISTORY_GAP_MS = 400
const PAUSE_BEFORE_MS = 500
/** All payments together, in parts of 1000 of the balance. */
const LEAST_TAKEN = 300
const MOST_TAKEN = 600

export function planBurst(input: AttackInput): AttackPayment[] {
  const { random } = input
  const history = victimHistory(random, HISTORY_PAYMENTS, HISTORY_GAP_MS)
  const left = leftAfter(history, PAYMENTS, input)
  const each = (left * BigInt(Math.round(random.between(LEAST_TAKEN, MOST_TAKEN)))) / 1000n / BigInt(PAYMENTS)
  const startMs = (history.at(-1)?.atMs ?? 0) + PAUSE_BEFORE_MS
  const gapMs = DURATION_MS / PAYMENTS
  const shots = Array.from(
    { length: PAYMENTS },
    (_, index): AttackPayment => ({
      atMs: startMs + gapMs * (index + random.between(0, 0.8)),
      to: { kind: 'mule', index },
      amountUnits: wholeCents((each * BigInt(Math.round(random.between(800, 1_200)))) / 1000n),
      memo: '',
      fraudulent: true,
    }),
  )
  return [...history, ...shots]
}
