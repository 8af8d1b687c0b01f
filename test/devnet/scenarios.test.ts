import assert from 'node:assert/strict'
import test from 'node:test'
import { OrdinaryTraffic, type OrdinaryPayment } from '../../devnet/scenarios/ordinary.ts'
import { CITIZENS, openingBalance } from '../../devnet/scenarios/population.ts'

const FEE = 1_000n

/** Plays a stream in memory: balances move as they would on a chain. */
function town(seed: string, run: string, count: number): { payments: OrdinaryPayment[]; balances: bigint[] } {
  const balances = CITIZENS.map((_, citizen) => openingBalance(seed, citizen))
  const traffic = new OrdinaryTraffic({ seed, run, perSecond: 3, balanceOf: (citizen) => balances[citizen]! })
  const payments: OrdinaryPayment[] = []
  while (payments.length < count) {
    const payment = traffic.next()
    if (payment === null) continue
    payments.push(payment)
    balances[payment.from]! -= payment.amountUnits + FEE
    balances[payment.to]! += payment.amountUnits
  }
  return { payments, balances }
}

test('ordinary traffic: real pace, nobody hurries, nobody empties an account, most pairs repeat', () => {
  for (const seed of ['cordon', 'another']) {
    // Two hours of the demo.
    const { payments, balances } = town(seed, '7', 21_600)
    const hours = payments.at(-1)!.atMs / 3_600_000
    assert.ok(hours > 1.8 && hours < 2.2, `${hours} hours`)
    const last = new Map<number, number>()
    const pairs = new Set<string>()
    let repeated = 0
    for (const { atMs, from, to, amountUnits } of payments) {
      assert.notEqual(from, to)
      assert.ok(amountUnits > 0n && amountUnits % 10_000n === 0n)
      const pauseMs = atMs - (last.get(from) ?? -Infinity)
      assert.ok(
        pauseMs >= (CITIZENS[from] === 'person' ? 30_000 : 8_000),
        `citizen ${from} paid again after ${pauseMs} ms`,
      )
      last.set(from, atMs)
      if (pairs.has(`${from}>${to}`)) repeated++
      pairs.add(`${from}>${to}`)
    }
    assert.ok(repeated / payments.length > 0.8, `${repeated} of ${payments.length} repeat`)
    assert.ok(balances.every((balance) => balance > 0n))
    const persons = balances.filter((_, citizen) => CITIZENS[citizen] === 'person')
    assert.ok(
      persons.reduce((sum, balance) => sum + balance, 0n) > 240n * 500n * 1_000_000n,
      'the town does not go broke',
    )
  }
})

test('a stream follows from seed and run', () => {
  assert.deepEqual(town('a', '1', 50), town('a', '1', 50))
  assert.notDeepEqual(town('a', '1', 50), town('a', '2', 50))
})

test('a town without money makes no payments', () => {
  const traffic = new OrdinaryTraffic({ seed: 'a', run: '1', perSecond: 3, balanceOf: () => 0n })
  assert.equal(traffic.next(), null)
})
