import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LIMITS } from '../../config/limits.ts'
import { leader, leaderSchedule, makeValidatorSet, weightOf } from '../../consensus/validator-set.ts'
import { GENESIS_HASH, keyPair, validatorSet } from './fixtures.ts'

const weights = fc.array(fc.oneof(fc.bigInt(1n, 9n), fc.bigInt(1n, 2n ** 56n)), {
  minLength: 1,
  maxLength: 12,
})

test('q = W − F = floor(2W/3) + 1, and F is the greatest weight below a third', () => {
  fc.assert(
    fc.property(weights, (list) => {
      const { totalWeight: W, maxFaultyWeight: F, quorumWeight: q } = validatorSet(list)
      assert.equal(q, W - F)
      assert.equal(q, (2n * W) / 3n + 1n)
      assert.ok(3n * F < W && 3n * (F + 1n) >= W)
    }),
  )
})

test('two quorums share more than F (Lemma 0)', () => {
  fc.assert(
    fc.property(weights, fc.nat(4095), fc.nat(4095), (list, a, b) => {
      const set = validatorSet(list)
      const members = (mask: number): number[] =>
        list.map((_, index) => index).filter((index) => (mask >> index) & 1)
      const [left, right] = [members(a), members(b)]
      if (weightOf(set, left) < set.quorumWeight || weightOf(set, right) < set.quorumWeight) return
      assert.ok(
        weightOf(
          set,
          left.filter((index) => right.includes(index)),
        ) > set.maxFaultyWeight,
      )
    }),
  )
})

test('a signer counts once, an index outside the set not at all', () => {
  const set = validatorSet([1n, 2n, 4n])
  assert.equal(weightOf(set, [1, 1, 1, 2]), 6n)
  assert.equal(weightOf(set, [3, -1]), 0n)
})

test('with equal weights leaders take turns in order', () => {
  const set = validatorSet()
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((view) => leader(set, view)),
    [0, 1, 2, 3, 0],
  )
})

test('turns are spread, not bunched', () => {
  assert.deepEqual(leaderSchedule(validatorSet([5n, 1n, 1n])), [0, 0, 1, 0, 2, 0, 0])
})

test('every share of turns is within one turn of the share of weight, and everybody leads', () => {
  fc.assert(
    fc.property(weights, (list) => {
      const set = validatorSet(list)
      const schedule = leaderSchedule(set)
      assert.ok(schedule.length <= LIMITS.leaderScheduleSlots + list.length)
      for (const [index, weight] of list.entries()) {
        const turns = schedule.filter((who) => who === index).length
        const exact =
          (LIMITS.leaderScheduleSlots * Number((weight * 1_000_000n) / set.totalWeight)) / 1_000_000
        if (schedule.length > LIMITS.leaderScheduleSlots - list.length)
          assert.ok(Math.abs(turns - exact) <= 1.01, `${turns} turns for ${exact}`)
        else assert.equal(BigInt(turns) * set.totalWeight, weight * BigInt(schedule.length))
        assert.ok(turns >= 1)
      }
    }),
    { numRuns: 50 },
  )
})

test('the context differs by chain, epoch, key, weight and order', () => {
  const base = validatorSet([1n, 2n])
  const swapped = makeValidatorSet({ genesisHash: GENESIS_HASH }, 1, base.validators.toReversed())
  const otherChain = makeValidatorSet({ genesisHash: new Uint8Array(32) }, 1, base.validators)
  const contexts = [
    base,
    swapped,
    otherChain,
    validatorSet([1n, 2n], 2),
    validatorSet([1n, 3n]),
    validatorSet([1n, 2n, 1n]),
  ]
  assert.equal(new Set(contexts.map((set) => Buffer.from(set.context).toString('hex'))).size, contexts.length)
})

test('refused: weight 0, too much weight, no validators, a key twice, a short key', () => {
  const make = (validators: Parameters<typeof makeValidatorSet>[2]) => () =>
    makeValidatorSet({ genesisHash: GENESIS_HASH }, 1, validators)
  const one = { name: 'a', publicKey: keyPair(0).publicKey, weight: 1n }
  const refused = { code: 'genesis-invalid' }
  assert.throws(make([]), refused)
  assert.throws(make([{ ...one, weight: 0n }]), refused)
  assert.throws(
    make([
      { ...one, weight: LIMITS.totalWeight },
      { ...one, publicKey: keyPair(1).publicKey },
    ]),
    refused,
  )
  assert.throws(make([one, { ...one, name: 'b' }]), refused)
  assert.throws(make([{ ...one, publicKey: new Uint8Array(31) }]), refused)
  make([{ ...one, weight: LIMITS.totalWeight }])()
})
