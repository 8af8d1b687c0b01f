/** What a victim paid before the takeover: a few small payments to shops and friends, never counted as fraud. */
import type { Random } from '../random.ts'
import type { AttackPayment } from './attack.ts'
import { citizensOf } from './population.ts'

/** `count` ordinary payments, about `gapMs` apart, mostly to one shop. */
export function victimHistory(random: Random, count: number, gapMs: number): AttackPayment[] {
  const [shop, friend] = [random.pick(citizensOf('shop')), random.pick(citizensOf('person'))]
  const usual = random.between(8, 40)
  let atMs = 0
  return Array.from({ length: count }, (_, index) => {
    const payment: AttackPayment = {
      atMs,
      to: { kind: 'citizen', index: index % 3 === 2 ? friend : shop },
      amountUnits: BigInt(Math.round(usual * random.between(0.7, 1.3) * 100)) * 10_000n,
      memo: index % 3 === 2 ? 'shared dinner' : 'groceries',
      fraudulent: false,
    }
    atMs += gapMs * random.between(0.8, 1.2)
    return payment
  })
}
