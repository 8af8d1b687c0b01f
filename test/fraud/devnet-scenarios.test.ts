/** The devnet's own scenarios against the model: every attack mostly held, the demo's ordinary town let through. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { victimUnits } from '../../devnet/accounts.ts'
import { Attack, type AttackPattern } from '../../devnet/attacks/attack.ts'
import { ownerHistory, victimAfter } from '../../devnet/attacks/history.ts'
import type { Party } from '../../devnet/attacks/move.ts'
import { Random } from '../../devnet/random.ts'
import { OrdinaryTraffic } from '../../devnet/scenarios/ordinary.ts'
import { openingBalance } from '../../devnet/scenarios/population.ts'
import { account, heldShare, heldValueShare, play, type Payment } from './play.ts'

const SEEDS = ['1', '2', '3']
const ATTACKS = 12
const FEE_UNITS = 1_000n
const crd = (units: bigint): number => Number(units) / 1e6

const PAUSE_MS = 600

function attackPayments(pattern: AttackPattern, seed: string, attack: number, startMs: number): Payment[] {
  const history = ownerHistory(new Random(`${seed}/${attack}/history`))
  const victim = victimAfter(history, victimUnits(seed, attack), FEE_UNITS)
  const moves = new Attack(pattern, seed, attack).plan([victim], FEE_UNITS)
  const thiefMs = startMs + history.at(-1)!.atMs + PAUSE_MS
  const name = (party: Party): string =>
    account(party.kind === 'mule' ? `mule ${attack} ${party.index}` : `victim ${attack}`)
  return [
    ...history.map(({ atMs, citizen, amountUnits }) => ({
      atMs: startMs + atMs,
      from: account(`victim ${attack}`),
      to: account(`citizen ${citizen}`),
      amount: crd(amountUnits),
      fraud: false,
    })),
    ...moves.map(({ atMs, from, to, amountUnits }) => ({
      atMs: thiefMs + atMs,
      from: name(from),
      to: name(to),
      amount: crd(amountUnits),
      fraud: true,
    })),
  ]
}

for (const pattern of ['drain', 'burst'] as const) {
  test(`most of each ${pattern} is held, on a chain without anything else`, () => {
    for (const seed of SEEDS) {
      for (let attack = 0; attack < ATTACKS; attack++) {
        const played = play(attackPayments(pattern, seed, attack, 0), {
          balanceOf: () => crd(victimUnits(seed, attack)),
        })
        const count = heldShare(played, ({ fraud }) => fraud)
        const value = heldValueShare(played, ({ fraud }) => fraud)
        assert.ok(
          count > 0.6 && value > 0.6,
          `seed ${seed}, attack ${attack}: ${count} by count, ${value} by value`,
        )
        assert.equal(
          heldShare(played, ({ fraud }) => !fraud),
          0,
          `seed ${seed}, attack ${attack}: history`,
        )
      }
    }
  })
}

test('an hour of the demo: the town pays, attacks in between are held', () => {
  for (const seed of SEEDS) {
    const balances = new Map<number, bigint>()
    const balanceOf = (citizen: number): bigint => balances.get(citizen) ?? openingBalance(seed, citizen)
    const traffic = new OrdinaryTraffic({ seed, run: '1', perSecond: 3, balanceOf })
    const payments: Payment[] = []
    for (let atMs = 0; atMs < 3_600_000; ) {
      const next = traffic.next()
      if (next === null) continue
      atMs = next.atMs
      balances.set(next.from, balanceOf(next.from) - next.amountUnits)
      balances.set(next.to, balanceOf(next.to) + next.amountUnits)
      payments.push({
        atMs,
        from: account(`citizen ${next.from}`),
        to: account(`citizen ${next.to}`),
        amount: crd(next.amountUnits),
        fraud: false,
      })
    }
    const attacks = Array.from({ length: 20 }, (_, i) =>
      attackPayments(i % 2 === 0 ? 'drain' : 'burst', seed, i, 60_000 + 170_000 * i),
    ).flat()
    const opening = new Map<string, number>()
    for (let citizen = 0; citizen < 308; citizen++)
      opening.set(account(`citizen ${citizen}`), crd(openingBalance(seed, citizen)))
    for (let i = 0; i < 20; i++) opening.set(account(`victim ${i}`), crd(victimUnits(seed, i)))
    const played = play([...payments, ...attacks], { balanceOf: (id) => opening.get(id) ?? 0 })
    const ordinary = heldShare(played, ({ fraud }) => !fraud)
    assert.ok(ordinary <= 0.003, `seed ${seed}: ${(100 * ordinary).toFixed(2)} % of ordinary payments held`)
    const fraud = heldShare(played, (payment) => payment.fraud)
    assert.ok(fraud > 0.6, `seed ${seed}: ${fraud} of the attacks held`)
  }
})
