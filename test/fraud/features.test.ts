import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FeatureStore } from '../../fraud/store/feature-store.ts'
import { FRAUD_LIMITS } from '../../fraud/limits.ts'
import { COLUMN, FEATURE_COUNT, type FeatureName } from '../../fraud/schema.ts'
import type { TransferFacts } from '../../fraud/types.ts'
import { START_MS, account } from './play.ts'

const MINUTE = 60_000
const DAY = 86_400_000
let nextKey = 0

function transfer(from: string, to: string, amount: number, atMs = 0, balance = 1_000): TransferFacts {
  return {
    transaction: `${nextKey}`,
    key: `${nextKey++}`,
    payer: account(from),
    payee: account(to),
    amount: BigInt(Math.round(amount * 1e6)),
    payerBalance: BigInt(Math.round(balance * 1e6)),
    timeMs: START_MS + atMs,
  }
}

const executed = (store: FeatureStore, ...facts: TransferFacts[]): void =>
  store.executed(facts.map((fact) => ({ facts: fact, held: false })))

function reader(rows: Float32Array, i = 0): (name: FeatureName) => number {
  return (name) => rows[i * FEATURE_COUNT + COLUMN[name]]!
}

describe('payer', () => {
  test('counts decay with their windows', () => {
    const store = new FeatureStore()
    executed(store, transfer('a', 'b', 10), transfer('a', 'b', 20))
    const soon = reader(store.dryRow(transfer('a', 'b', 5, 1)))
    assert.ok(Math.abs(soon('out_count_1m') - 3) < 0.001)
    assert.ok(Math.abs(soon('out_sum_1h') - 35) < 0.001)
    const later = reader(store.dryRow(transfer('a', 'b', 5, 10 * MINUTE)))
    assert.ok(Math.abs(later('out_count_1m') - (1 + 2 * Math.exp(-10))) < 1e-4)
    assert.ok(Math.abs(later('out_count_10m') - (1 + 2 * Math.exp(-1))) < 1e-4)
    assert.ok(Math.abs(later('out_count_1h') - (1 + 2 * Math.exp(-1 / 6))) < 1e-4)
    assert.ok(Math.abs(later('out_count_7d') - 3) < 0.01)
    assert.equal(later('out_gap_s'), 600)
  })

  test('what is not known says so', () => {
    const store = new FeatureStore()
    const first = reader(store.dryRow(transfer('a', 'b', 10)))
    const unknown = [
      'out_gap_known',
      'out_usual_known',
      'in_gap_known',
      'passed_on_known',
      'own_known',
      'population_known',
      'payer_known',
      'payee_known',
      'idle_known',
    ] as const
    for (const name of unknown) assert.equal(first(name), 0, name)
    executed(
      store,
      ...[1, 2, 3].map((n) => transfer('a', 'b', 10, n * MINUTE)),
      transfer('c', 'a', 5, 4 * MINUTE),
    )
    const known = reader(store.dryRow(transfer('a', 'b', 10, 20 * MINUTE)))
    for (const name of [
      'out_gap_known',
      'in_gap_known',
      'passed_on_known',
      'own_known',
      'payer_known',
      'payee_known',
      'idle_known',
    ] as const) {
      assert.equal(known(name), 1, name)
    }
  })

  test('the usual count comes from finished stretches', () => {
    const store = new FeatureStore()
    for (const stretch of [0, 1, 2])
      executed(
        store,
        transfer('a', 'b', 1, stretch * 30 * MINUTE),
        transfer('a', 'b', 1, stretch * 30 * MINUTE + 1_000),
      )
    const row = reader(store.dryRow(transfer('a', 'b', 1, 100 * MINUTE)))
    assert.equal(row('out_usual_known'), 1)
    assert.equal(row('out_usual_10m'), 2)
  })

  test('amounts against the own median; one large payment moves it by a step', () => {
    const store = new FeatureStore()
    executed(store, ...[8, 10, 12].map((amount, n) => transfer('a', 'b', amount, n)))
    const before = reader(store.dryRow(transfer('a', 'c', 80, 10)))
    assert.ok(Math.abs(before('own_ratio_log2') - 3) < 1e-5)
    executed(store, ...[800, 800, 800].map((amount, n) => transfer('a', `d${n}`, amount, 20 + n)))
    const after = reader(store.dryRow(transfer('a', 'c', 80, 30)))
    assert.ok(after('own_ratio_log2') > 2, `the median went up to ${80 / 2 ** after('own_ratio_log2')}`)
  })

  test('drain: share of what was there before the window', () => {
    const store = new FeatureStore()
    executed(store, transfer('a', 'new1', 300, 0, 1_000))
    const row = reader(store.dryRow(transfer('a', 'new2', 200, 1, 700)))
    assert.ok(Math.abs(row('drain_new_10m') - 0.5) < 1e-4)
    assert.ok(Math.abs(row('drained_new_10m') - 0.3) < 1e-4)
    assert.ok(Math.abs(row('drain_1h') - 0.5) < 1e-4)
    assert.ok(Math.abs(row('balance_share') - 200 / 700) < 1e-4)
  })

  test('a payee stays new for a day, however it was paid first', () => {
    const store = new FeatureStore()
    executed(store, transfer('a', 'b', 1))
    const next = reader(store.dryRow(transfer('a', 'b', 500, MINUTE)))
    assert.equal(next('pair_new'), 0)
    assert.equal(next('pair_young'), 1)
    assert.ok(next('drain_new_10m') > 0.49)
    const dayAfter = reader(store.dryRow(transfer('a', 'b', 500, DAY + MINUTE)))
    assert.equal(dayAfter('pair_young'), 0)
    assert.ok(dayAfter('drain_new_10m') < 0.01)
  })

  test('inflow: gap, share passed on, same amount', () => {
    const store = new FeatureStore()
    executed(store, transfer('b', 'a', 100), transfer('c', 'a', 60))
    const row = reader(store.dryRow(transfer('a', 'd', 100.5, MINUTE)))
    assert.equal(row('in_gap_s'), 60)
    assert.ok(Math.abs(row('passed_on_1d') - 100.5 / 160) < 0.01)
    assert.equal(row('same_amount'), 1)
    assert.equal(reader(store.dryRow(transfer('a', 'd', 80, MINUTE)))('same_amount'), 0)
  })
})

describe('payee', () => {
  test('distinct payers, each counted once', () => {
    const store = new FeatureStore()
    executed(store, ...['a', 'b', 'a', 'c', 'a'].map((from, n) => transfer(from, 'shop', 5, n)))
    const row = reader(store.dryRow(transfer('d', 'shop', 5, 10)))
    assert.ok(Math.abs(row('payee_payers_1d') - 4) < 1e-3)
    assert.ok(Math.abs(row('payee_in_count_1d') - 6) < 1e-3)
  })

  test('fresh is a payee that nobody was ever seen paying', () => {
    const store = new FeatureStore()
    executed(store, transfer('z', 'seen', 1))
    assert.equal(reader(store.dryRow(transfer('a', 'seen', 1, 1)))('fresh_payees_1m'), 0)
    assert.equal(reader(store.dryRow(transfer('a', 'unseen', 1, 1)))('fresh_payees_1m'), 1)
  })

  test('reciprocal when the payee has paid the payer', () => {
    const store = new FeatureStore()
    executed(store, transfer('b', 'a', 1))
    assert.equal(reader(store.dryRow(transfer('a', 'b', 1, 1)))('reciprocal'), 1)
    assert.equal(reader(store.dryRow(transfer('b', 'a', 1, 1)))('reciprocal'), 0)
  })
})

describe('acked and not executed', () => {
  test('counts at once, over all batches', () => {
    const store = new FeatureStore()
    store.rows([transfer('a', 'm1', 200)], 'validator 1')
    store.rows([transfer('a', 'm2', 200)], 'validator 2')
    const row = reader(store.rows([transfer('a', 'm3', 200)], 'validator 3'))
    assert.equal(row('out_count_1m'), 3)
    assert.equal(row('new_payees_1h'), 3)
    assert.ok(Math.abs(row('drain_new_10m') - 0.6) < 1e-6)
  })

  test('earlier transfers of a batch count for later ones', () => {
    const store = new FeatureStore()
    const rows = store.rows(
      [transfer('a', 'm1', 200), transfer('a', 'm1', 100), transfer('b', 'm1', 1)],
      'batch',
    )
    assert.equal(reader(rows, 0)('pair_new'), 1)
    assert.equal(reader(rows, 1)('pair_new'), 0)
    assert.equal(reader(rows, 1)('new_payees_1m'), 1)
    assert.equal(reader(rows, 2)('payee_payers_1d'), 2)
    assert.equal(reader(rows, 2)('payee_in_count_1h'), 3)
  })

  test('a transfer that lies in two batches counts once, and is judged alike', () => {
    const store = new FeatureStore()
    const twice = transfer('a', 'b', 100)
    const first = store.rows([twice], 'one')
    const second = store.rows([twice], 'two')
    assert.deepEqual(second, first)
    assert.equal(store.provisional, 1)
    store.dropBatch('one')
    assert.equal(reader(store.dryRow(transfer('a', 'c', 1)))('out_count_1m'), 2)
    store.dropBatch('two')
    assert.equal(reader(store.dryRow(transfer('a', 'c', 1)))('out_count_1m'), 1)
  })

  test('a late duplicate of an executed transfer does not count again', () => {
    const store = new FeatureStore()
    const once = transfer('a', 'b', 100)
    store.rows([once], 'one')
    executed(store, once)
    store.rows([once], 'two')
    assert.equal(store.provisional, 0)
    assert.ok(Math.abs(reader(store.dryRow(transfer('a', 'c', 1)))('out_count_1m') - 2) < 1e-6)
  })

  test('the earliest pending amounts stand in for a history', () => {
    const store = new FeatureStore()
    store.rows(
      [8, 10, 12, 11, 400, 500].map((amount) => transfer('a', 'b', amount)),
      'batch',
    )
    const row = reader(store.dryRow(transfer('a', 'c', 84)))
    assert.equal(row('own_known'), 1)
    assert.equal(row('own_settled'), 0)
    assert.ok(Math.abs(row('own_ratio_log2') - 3) < 0.01)
  })

  test('beyond the limit the oldest batch goes', () => {
    const store = new FeatureStore({ maxProvisional: 3 })
    for (let i = 0; i < 10; i++) store.rows([transfer(`a${i}`, 'b', 1)], `batch ${i}`)
    assert.equal(store.provisional, 3)
    assert.equal(reader(store.dryRow(transfer('a9', 'c', 1)))('out_count_1m'), 2)
    assert.equal(reader(store.dryRow(transfer('a0', 'c', 1)))('out_count_1m'), 1)
  })

  const step = fc.record({
    from: fc.integer({ min: 0, max: 4 }),
    to: fc.integer({ min: 5, max: 9 }),
    amount: fc.integer({ min: 1, max: 1_000 }),
    batch: fc.integer({ min: 0, max: 3 }),
  })

  test('assessing and dropping leaves no trace, in any order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.array(step, { maxLength: 30 }), (before, judged) => {
        const store = new FeatureStore()
        executed(
          store,
          ...before.map(({ from, to, amount }, n) => transfer(`p${from}`, `p${to}`, amount, n * 1_000)),
        )
        const snapshot = store.snapshot()
        const probe = transfer('p0', 'p5', 10, 60_000)
        const row = store.dryRow(probe)
        for (const { from, to, amount, batch } of judged)
          store.rows([transfer(`p${from}`, `p${to}`, amount, 60_000)], `batch ${batch}`)
        for (const batch of [2, 0, 3, 1]) store.dropBatch(`batch ${batch}`)
        assert.equal(store.provisional, 0)
        assert.deepEqual(store.dryRow(probe), row)
        assert.deepEqual(store.snapshot(), snapshot)
      }),
    )
  })

  test('the lasting memory depends on what was executed, not on what was assessed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const [judge, follower] = [new FeatureStore(), new FeatureStore()]
        steps.forEach(({ from, to, amount, batch }, n) => {
          const facts = transfer(`p${from}`, `p${to}`, amount, n * 1_000)
          judge.rows([facts], `batch ${batch}`)
          const outcome = [{ facts, held: amount % 3 === 0 }]
          judge.executed(outcome)
          follower.executed(outcome)
        })
        assert.deepEqual(judge.snapshot(), follower.snapshot())
      }),
    )
  })
})

describe('held', () => {
  test('an attempt counts for the payer; nothing reaches the payee, and nothing becomes usual', () => {
    const store = new FeatureStore()
    store.executed([{ facts: transfer('a', 'b', 100), held: true }])
    const row = reader(store.dryRow(transfer('a', 'b', 100, 1)))
    assert.ok(row('out_count_1m') > 1.99)
    assert.equal(row('pair_new'), 1)
    assert.equal(row('payee_known'), 0)
    assert.ok(row('drained_new_10m') > 0.09)
  })

  test('one that goes on is a payment like any other from then on, and counts as an attempt once', () => {
    const [held, settled] = [new FeatureStore(), new FeatureStore()]
    const facts = transfer('a', 'b', 100)
    held.executed([{ facts, held: true }])
    held.released([{ ...facts, timeMs: START_MS + 1_000 }])
    settled.executed([{ facts, held: false }])
    const [own, usual] = [held, settled].map((store) => reader(store.dryRow(transfer('a', 'b', 100, 2_000))))
    for (const feature of ['out_count_1d', 'pair_count', 'payee_in_count_1d', 'pair_new'] as const)
      assert.ok(Math.abs(own!(feature) - usual!(feature)) < 1e-3, feature)
    assert.equal(own!('payee_known'), 1)
    assert.equal(own!('pair_count'), 1)
  })
})

describe('bounds', () => {
  test('the least recently active account is forgotten', () => {
    const store = new FeatureStore({ maxAccounts: 4 })
    executed(
      store,
      transfer('a', 'b', 1, 0),
      transfer('c', 'd', 1, 1),
      transfer('a', 'b', 1, 2),
      transfer('e', 'f', 1, 3),
    )
    assert.equal(store.accounts, 4)
    assert.equal(reader(store.dryRow(transfer('c', 'x', 1, 4)))('payer_known'), 0)
    assert.equal(reader(store.dryRow(transfer('a', 'x', 1, 4)))('payer_known'), 1)
  })

  test('looking at accounts keeps none alive', () => {
    const store = new FeatureStore({ maxAccounts: 4 })
    executed(store, transfer('a', 'b', 1), transfer('c', 'd', 1, 1))
    for (let i = 0; i < 10; i++) store.dryRow(transfer('a', 'b', 1, 2))
    executed(store, transfer('e', 'f', 1, 3))
    assert.equal(reader(store.dryRow(transfer('a', 'x', 1, 4)))('payer_known'), 0)
  })

  test('of many payees the one paid longest ago is forgotten', () => {
    const store = new FeatureStore()
    const count = FRAUD_LIMITS.payeesPerAccount + 1
    for (let i = 0; i < count; i++) executed(store, transfer('a', `b${i}`, 1, i * 1_000))
    assert.equal(reader(store.dryRow(transfer('a', 'b0', 1, count * 1_000)))('pair_new'), 1)
    assert.equal(reader(store.dryRow(transfer('a', 'b1', 1, count * 1_000)))('pair_new'), 0)
  })

  test('times that go back change nothing but the counts', () => {
    const store = new FeatureStore()
    executed(store, transfer('a', 'b', 1, 10_000), transfer('a', 'b', 1, 5_000))
    const row = reader(store.dryRow(transfer('a', 'b', 1, 0)))
    assert.equal(row('out_gap_s'), 0)
    assert.equal(row('out_count_1m'), 3)
    assert.ok([...store.dryRow(transfer('a', 'b', 1, 0))].every(Number.isFinite))
  })

  test('zero balance, smallest and largest amounts give finite rows', () => {
    const store = new FeatureStore()
    for (const [amount, balance] of [
      [0.000001, 0],
      [1e12, 1],
      [1, 0],
    ] as const) {
      const facts = transfer('a', 'b', amount, 0, balance)
      assert.ok([...store.rows([facts], 'x')].every(Number.isFinite))
      executed(store, facts)
      assert.ok([...store.dryRow(facts)].every(Number.isFinite))
    }
  })
})

describe('snapshot', () => {
  function filled(): FeatureStore {
    const store = new FeatureStore()
    for (let i = 0; i < 200; i++)
      executed(store, transfer(`a${i % 17}`, `b${i % 11}`, 1 + (i % 13), i * MINUTE))
    return store
  }

  test('restored, it goes on the same', () => {
    const store = filled()
    const copy = new FeatureStore()
    copy.restore(store.snapshot())
    const next = transfer('a3', 'b4', 7, 300 * MINUTE)
    assert.deepEqual(copy.dryRow(next), store.dryRow(next))
    executed(store, next)
    executed(copy, next)
    assert.deepEqual(copy.snapshot(), store.snapshot())
  })

  test('a smaller table keeps the newest', () => {
    const small = new FeatureStore({ maxAccounts: 2 })
    small.restore(filled().snapshot())
    assert.equal(small.accounts, 2)
    assert.equal(reader(small.dryRow(transfer(`a${199 % 17}`, 'x', 1, 300 * MINUTE)))('payer_known'), 1)
  })

  test('every damaged byte is found', () => {
    const store = new FeatureStore()
    executed(store, transfer('a', 'b', 1))
    const bytes = store.snapshot()
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          const damaged = bytes.slice()
          damaged[at]! ^= flip
          assert.throws(() => new FeatureStore().restore(damaged), {
            name: 'CordonError',
            code: 'data-inconsistent',
          })
        },
      ),
    )
    assert.throws(() => new FeatureStore().restore(bytes.subarray(0, bytes.length - 1)), {
      code: 'data-inconsistent',
    })
    assert.throws(() => new FeatureStore().restore(new Uint8Array(0)), { code: 'data-inconsistent' })
  })

  test('a failed restore leaves the store as it was', () => {
    const store = filled()
    const before = store.snapshot()
    assert.throws(() => store.restore(before.subarray(1)))
    assert.deepEqual(store.snapshot(), before)
  })

  test('a snapshot read from a file as a Buffer, at any offset, restores alike', () => {
    const store = filled()
    const bytes = store.snapshot()
    for (const offset of [0, 1, 3]) {
      const file = Buffer.alloc(bytes.length + offset)
      file.set(bytes, offset)
      const copy = new FeatureStore()
      copy.restore(file.subarray(offset))
      assert.deepEqual(copy.snapshot(), bytes)
    }
  })
})
