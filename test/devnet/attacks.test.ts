/** Plans of attacks: labelled, affordable, in order, the same for the same seed; and each pattern does what its name says. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ATTACK_PATTERNS, Attack, type AttackPattern } from '../../devnet/attacks/attack.ts'
import { ownerHistory, victimAfter } from '../../devnet/attacks/history.ts'
import type { Move, Party, Victim } from '../../devnet/attacks/move.ts'
import { Random } from '../../devnet/random.ts'

const FEE = 1_000n
const CRD = 1_000_000n
const HOUR_MS = 3_600_000
const RUNS = 60

const name = (party: Party): string =>
  party.kind === 'exchange' ? 'exchange' : `${party.kind} ${party.index}`
const sum = (moves: readonly Move[]): bigint =>
  moves.reduce((total, { amountUnits }) => total + amountUnits, 0n)
const thefts = (moves: readonly Move[]): Move[] => moves.filter(({ from }) => from.kind === 'victim')
const durationMs = (moves: readonly Move[]): number => (moves.at(-1)?.atMs ?? 0) - (moves[0]?.atMs ?? 0)

/** Plans of many seeds, each with victims of its own. */
function plans(
  pattern: AttackPattern,
  check: (moves: readonly Move[], victims: readonly Victim[]) => void,
): void {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 10 }),
      fc.integer({ min: 600, max: 50_000 }),
      (seed, crd) => {
        const attack = new Attack(pattern, seed, 0)
        const victims = Array.from({ length: attack.victims }, () => ({
          balanceUnits: BigInt(crd) * CRD,
          largestUnits: 700n * CRD,
        }))
        check(attack.plan(victims, FEE), victims)
      },
    ),
    { numRuns: RUNS },
  )
}

for (const pattern of ATTACK_PATTERNS) {
  test(`${pattern}: in order, whole cents, nobody pays more than there is`, () => {
    plans(pattern, (moves, victims) => {
      assert.ok(thefts(moves).length > 0)
      assert.deepEqual(
        moves.map(({ atMs }) => atMs),
        moves.map(({ atMs }) => atMs).sort((a, b) => a - b),
      )
      assert.ok(moves.every(({ amountUnits }) => amountUnits > 0n && amountUnits % 10_000n === 0n))
      victims.forEach(({ balanceUnits }, index) => {
        const own = moves.filter(({ from }) => name(from) === `victim ${index}`)
        assert.ok(sum(own) + BigInt(own.length) * FEE <= balanceUnits)
      })
      // What a mule sends has come before.
      const has = new Map<string, bigint>()
      for (const { from, to, amountUnits } of moves) {
        if (from.kind === 'mule') assert.ok(amountUnits <= (has.get(name(from)) ?? 0n), name(from))
        has.set(name(from), (has.get(name(from)) ?? 0n) - amountUnits)
        has.set(name(to), (has.get(name(to)) ?? 0n) + amountUnits)
      }
    })
  })

  test(`${pattern}: follows from the seed`, () => {
    const plan = (seed: string): Move[] => {
      const attack = new Attack(pattern, seed, 3)
      const victim = { balanceUnits: 5_000n * CRD, largestUnits: 700n * CRD }
      return attack.plan(
        Array.from({ length: attack.victims }, () => victim),
        FEE,
      )
    }
    assert.deepEqual(plan('a'), plan('a'))
    assert.notDeepEqual(plan('a'), plan('b'))
  })
}

test('a plan needs the victims that it asked for', () => {
  assert.throws(() => new Attack('drain', 'a', 0).plan([], FEE), /expected 1 victims, got 0/)
})

describe('each pattern', () => {
  test('drain: over nine tenths to eight new payees within seconds', () => {
    plans('drain', (moves, [victim]) => {
      assert.equal(new Set(moves.map(({ to }) => name(to))).size, 8)
      assert.ok(sum(moves) * 100n >= victim!.balanceUnits * 90n)
      assert.ok(durationMs(moves) < 6_000)
    })
  })

  test('burst: fifty payments to fifty payees within ten seconds', () => {
    plans('burst', (moves) => {
      assert.equal(new Set(moves.map(({ to }) => name(to))).size, 50)
      assert.ok(durationMs(moves) <= 10_000)
    })
  })

  test('takeover: a small probe first, then nothing larger than the owner ever paid', () => {
    plans('takeover', (moves, [victim]) => {
      const [probe, ...others] = thefts(moves)
      assert.ok(probe!.amountUnits <= 15n * CRD)
      assert.ok(others.every(({ amountUnits }) => amountUnits <= victim!.largestUnits))
      assert.ok(others.every(({ atMs }) => atMs >= 60_000))
    })
  })

  test('scam: one to three payments to one payee', () => {
    plans('scam', (moves) => {
      assert.ok(thefts(moves).length <= 3)
      assert.equal(new Set(thefts(moves).map(({ to }) => name(to))).size, 1)
    })
  })

  test('mule: the money goes through at least two more hands before it leaves', () => {
    plans('mule', (moves) => {
      const hops = moves.filter(({ from, to }) => from.kind === 'mule' && to.kind === 'mule')
      assert.ok(hops.length >= 2)
      assert.ok(moves.some(({ to }) => to.kind === 'exchange'))
    })
  })

  test('fan-in: many victims, each pays once, one collector', () => {
    plans('fan-in', (moves, victims) => {
      assert.ok(victims.length >= 8)
      assert.equal(thefts(moves).length, victims.length)
      assert.equal(new Set(thefts(moves).map(({ from }) => name(from))).size, victims.length)
      assert.equal(new Set(thefts(moves).map(({ to }) => name(to))).size, 1)
    })
  })

  test('structuring: pieces below one limit, several to each payee', () => {
    plans('structuring', (moves) => {
      const pieces = thefts(moves)
      const limit = [100n, 200n, 500n, 1_000n].find((crd) =>
        pieces.every(({ amountUnits }) => amountUnits < crd * CRD),
      )
      assert.ok(
        limit !== undefined && pieces.every(({ amountUnits }) => amountUnits > (limit * CRD * 8n) / 10n),
      )
      assert.ok(pieces.length >= 5 && new Set(pieces.map(({ to }) => name(to))).size <= 3)
    })
  })

  test('dormant: at least three quarters leave in at most four payments', () => {
    plans('dormant', (moves, [victim]) => {
      assert.ok(thefts(moves).length <= 4)
      assert.ok(sum(thefts(moves)) * 4n >= victim!.balanceUnits * 3n)
    })
  })

  test('refund: many small ones over hours to a few accounts', () => {
    plans('refund', (moves, [victim]) => {
      const refunds = thefts(moves)
      assert.ok(refunds.length >= 10 && durationMs(refunds) > HOUR_MS)
      assert.ok(new Set(refunds.map(({ to }) => name(to))).size <= 6)
      assert.ok(refunds.every(({ amountUnits }) => amountUnits <= victim!.largestUnits / 2n))
    })
  })
})

test("an owner's history says what the largest payment was, and lowers the balance", () => {
  const history = ownerHistory(new Random('a'))
  const spent = history.reduce((total, { amountUnits }) => total + amountUnits + FEE, 0n)
  const { balanceUnits, largestUnits } = victimAfter(history, 3_000n * CRD, FEE)
  assert.equal(balanceUnits, 3_000n * CRD - spent)
  assert.ok(history.some(({ amountUnits }) => amountUnits === largestUnits))
  assert.ok(history.every(({ amountUnits }) => amountUnits <= largestUnits))
})
