/**
 * The operating point: ordinary traffic passes, attacks are held, on chains seconds old and on older ones.
 * Each case plays several seeds and prints the one that fails.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { account, heldShare, heldValueShare, play, random, type Payment } from './play.ts'

const SEEDS = [1, 2, 3, 4, 5, 6]
const ordinary = (payment: Payment): boolean => !payment.fraud
const fraudulent = (payment: Payment): boolean => payment.fraud

/** `count` payments at random times, between random accounts. */
function randomPairs(
  unit: () => number,
  options: { count: number; accounts: number; durationMs: number; amount: () => number; prefix?: string },
): Payment[] {
  const { count, accounts, durationMs, amount, prefix = 'a' } = options
  return Array.from({ length: count }, () => {
    const from = Math.floor(unit() * accounts)
    const to = (from + 1 + Math.floor(unit() * (accounts - 1))) % accounts
    return {
      atMs: unit() * durationMs,
      from: account(`${prefix}${from}`),
      to: account(`${prefix}${to}`),
      amount: amount(),
      fraud: false,
    }
  })
}

/** Small payments to three shops, as many as there is a history. */
function history(unit: () => number, victim: string, count: number, usual: number, gapMs: number): Payment[] {
  return Array.from({ length: count }, (_, i) => ({
    atMs: i * gapMs * (0.8 + 0.4 * unit()),
    from: victim,
    to: account(`shop${i % 3}`),
    amount: usual * (0.6 + 0.8 * unit()),
    fraud: false,
  }))
}

function drain(
  unit: () => number,
  victim: string,
  startMs: number,
  balance: number,
  transfers: number,
  durationMs: number,
): Payment[] {
  const taken = balance * (0.8 + 0.19 * unit())
  const parts = Array.from({ length: transfers }, () => 0.6 + 0.8 * unit())
  const whole = parts.reduce((a, b) => a + b, 0)
  return parts.map((part, i) => ({
    atMs: startMs + (durationMs * i) / transfers,
    from: victim,
    to: account(`mule${i}`),
    amount: (taken * part) / whole,
    fraud: true,
  }))
}

function burst(
  unit: () => number,
  victim: string,
  startMs: number,
  each: number,
  shots: number,
  durationMs: number,
): Payment[] {
  return Array.from({ length: shots }, (_, i) => ({
    atMs: startMs + (durationMs * (i + unit())) / shots,
    from: victim,
    to: account(`fresh${i}`),
    amount: each * (0.7 + 0.6 * unit()),
    fraud: true,
  }))
}

describe('ordinary traffic on a cold chain passes', () => {
  const cases = [
    {
      name: '2,000 payments of 0.1–20 CRD among 500 accounts in 10 s',
      count: 2_000,
      accounts: 500,
      durationMs: 10_000,
      least: 0.1,
      most: 20,
      balance: 1_000,
    },
    {
      name: '2,000 payments among 500 accounts in 60 s',
      count: 2_000,
      accounts: 500,
      durationMs: 60_000,
      least: 1,
      most: 12,
      balance: 500,
    },
    {
      name: '4,000 payments among 250 accounts in 20 s: sixteen each',
      count: 4_000,
      accounts: 250,
      durationMs: 20_000,
      least: 0.5,
      most: 3,
      balance: 1_000,
    },
    {
      name: '2,000 payments among accounts of 100 CRD',
      count: 2_000,
      accounts: 500,
      durationMs: 30_000,
      least: 0.5,
      most: 3,
      balance: 100,
    },
    {
      name: 'load: 15,000 payments among 10,000 accounts in 30 s',
      count: 15_000,
      accounts: 10_000,
      durationMs: 30_000,
      least: 0.1,
      most: 10,
      balance: 1_000,
    },
  ]
  for (const { name, count, accounts, durationMs, least, most, balance } of cases) {
    test(name, () => {
      for (const seed of count > 4_000 ? SEEDS.slice(0, 1) : SEEDS.slice(0, 3)) {
        const unit = random(seed)
        const amount = (): number => least + (most - least) * unit()
        const played = play(randomPairs(unit, { count, accounts, durationMs, amount }), {
          balanceOf: () => balance,
        })
        const share = heldShare(played, ordinary)
        assert.ok(share <= 0.002, `seed ${seed}: ${(100 * share).toFixed(2)} % held`)
      }
    })
  }

  test('four rich payers fund and pay 500 new accounts', () => {
    for (const seed of SEEDS) {
      const unit = random(seed)
      const payments = Array.from({ length: 2_000 }, (_, i) => ({
        atMs: i * 20,
        from: account(`rich${i % 4}`),
        to: account(`a${Math.floor(unit() * 500)}`),
        amount: 10 + 60 * unit(),
        fraud: false,
      }))
      const share = heldShare(play(payments, { balanceOf: () => 1_000_000 }), ordinary)
      assert.equal(share, 0, `seed ${seed}`)
    }
  })

  test('accounts funded seconds ago with 20 CRD pay 1 CRD on', () => {
    for (const seed of SEEDS) {
      const unit = random(seed)
      const funding = Array.from({ length: 500 }, (_, i) => ({
        atMs: i * 20,
        from: account('rich'),
        to: account(`a${i}`),
        amount: 20,
        fraud: false,
      }))
      const payments = randomPairs(unit, {
        count: 2_000,
        accounts: 500,
        durationMs: 40_000,
        amount: () => 0.5 + unit(),
      })
      const all = [...funding, ...payments.map((payment) => ({ ...payment, atMs: payment.atMs + 11_000 }))]
      const share = heldShare(
        play(all, { balanceOf: (id) => (id === account('rich') ? 1_000_000 : 0) }),
        ordinary,
      )
      assert.ok(share <= 0.005, `seed ${seed}: ${(100 * share).toFixed(2)} % held`)
    }
  })

  test('the first payment of a chain', () => {
    const first = { atMs: 0, from: account('alice'), to: account('bob'), amount: 12.5, fraud: false }
    const [played] = play([first], { balanceOf: () => 10_000 })
    assert.equal(played?.score, 0)
  })

  test('twenty payments by hand, to one and to several', () => {
    for (const payees of [
      ['bob'],
      ['bob', 'carol', 'dave'],
      ['bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'],
    ]) {
      for (const gapMs of [300, 2_000, 20_000]) {
        const payments = Array.from({ length: 20 }, (_, i) => ({
          atMs: i * gapMs,
          from: account('alice'),
          to: account(payees[i % payees.length]!),
          amount: [1, 12.5, 100, 250][i % 4]!,
          fraud: false,
        }))
        const played = play(payments, { balanceOf: () => 10_000 })
        assert.equal(heldShare(played, ordinary), 0, `${payees.length} payees every ${gapMs} ms`)
      }
    }
  })

  test('rent after groceries, twice within the hour', () => {
    const unit = random(1)
    const tenant = account('tenant')
    const rent = (atMs: number): Payment => ({
      atMs,
      from: tenant,
      to: account('landlord'),
      amount: 900,
      fraud: false,
    })
    const payments = [...history(unit, tenant, 8, 25, 30_000), rent(400_000), rent(2_400_000)]
    assert.equal(heldShare(play(payments, { balanceOf: () => 3_000 }), ordinary), 0)
  })
})

describe('attacks are held', () => {
  for (const transfers of [6, 8, 12]) {
    for (const durationMs of [0, 3_000, 60_000]) {
      test(`account takeover: ${transfers} transfers within ${durationMs} ms`, () => {
        for (const seed of SEEDS) {
          const unit = random(seed)
          const victim = account('victim')
          const balance = 2_500 + 10_000 * unit()
          const before = history(unit, victim, 4 + Math.floor(6 * unit()), 8 + 30 * unit(), 500)
          const attack = drain(unit, victim, 6_000, balance - 400, transfers, durationMs)
          const played = play([...before, ...attack], { balanceOf: () => balance })
          const count = heldShare(played, fraudulent)
          const value = heldValueShare(played, fraudulent)
          assert.ok(count > 0.5 && value > 0.5, `seed ${seed}: ${count} by count, ${value} by value`)
          assert.equal(heldShare(played, ordinary), 0, `seed ${seed}: its history`)
        }
      })
    }
  }

  test('account takeover after a week of habits, amid the traffic of others', () => {
    for (const seed of SEEDS.slice(0, 3)) {
      const unit = random(seed)
      const victim = account('victim')
      const weekMs = 7 * 86_400_000
      const others = randomPairs(unit, {
        count: 3_000,
        accounts: 300,
        durationMs: weekMs,
        amount: () => 5 + 50 * unit(),
      })
      const before = history(unit, victim, 20, 30, weekMs / 21)
      const attack = drain(unit, victim, weekMs, 4_000, 8, 30_000)
      const played = play([...others, ...before, ...attack], { balanceOf: () => 5_000 })
      const count = heldShare(played, fraudulent)
      assert.ok(count > 0.6, `seed ${seed}: ${count} held`)
      const share = heldShare(played, ordinary)
      assert.ok(share <= 0.01, `seed ${seed}: ${share} of ordinary payments held`)
    }
  })

  test('an account without history that empties itself into new ones, on a chain with traffic', () => {
    for (const seed of SEEDS) {
      const unit = random(seed)
      const others = randomPairs(unit, {
        count: 400,
        accounts: 100,
        durationMs: 60_000,
        amount: () => 5 + 20 * unit(),
      })
      const attack = drain(unit, account('victim'), 61_000, 5_000, 8, 10_000)
      const count = heldShare(play([...others, ...attack], { balanceOf: () => 5_000 }), fraudulent)
      assert.ok(count >= 0.5, `seed ${seed}: ${count} held`)
    }
  })

  for (const [shots, durationMs] of [
    [40, 20_000],
    [50, 9_000],
    [60, 10_000],
    [60, 0],
  ] as const) {
    test(`machine gun: ${shots} payments within ${durationMs} ms`, () => {
      for (const seed of SEEDS) {
        const unit = random(seed)
        const victim = account('victim')
        const balance = 3_000
        const taken = balance * (0.2 + 0.4 * unit())
        const before = history(unit, victim, 3, 20, 400)
        const attack = burst(unit, victim, 3_000, taken / shots, shots, durationMs)
        const played = play([...before, ...attack], { balanceOf: () => balance })
        const count = heldShare(played, fraudulent)
        assert.ok(count > 0.6, `seed ${seed}: ${count} held`)
        assert.equal(heldShare(played, ordinary), 0, `seed ${seed}: its history`)
      }
    })
  }

  test('a drain is seen before anything of it, or of the history before it, is executed', () => {
    for (const finalityMs of [1_000, 60_000]) {
      for (const seed of SEEDS) {
        const unit = random(seed)
        const victim = account('victim')
        const attack = drain(unit, victim, 6_000, 5_000, 8, 0)
        const played = play([...history(unit, victim, 5, 20, 500), ...attack], {
          balanceOf: () => 5_500,
          finalityMs,
        })
        const count = heldShare(played, fraudulent)
        assert.ok(count > 0.5, `seed ${seed}, final after ${finalityMs} ms: ${count} held`)
      }
    }
  })
})
