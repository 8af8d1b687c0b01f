import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { toHex } from '../../crypto/bytes.ts'
import { FEE, idOf, keysOf, START_BALANCE, TestChain, transferTo, verdict } from './helpers.ts'
import { chainIdOf } from '../../config/genesis.ts'
import { signTransaction } from '../../ledger/transaction.ts'
import type { BlockExecution, FailureCode } from '../../ledger/types.ts'

const outcomes = (execution: BlockExecution): (string | null)[] =>
  execution.receipts.map(({ outcome, failure }) => failure ?? outcome)

describe('settling', () => {
  it('moves the amount and pools the fee', async () => {
    const chain = await TestChain.start()
    const tx = chain.tx('alice', [transferTo('bob', 700n, 'rent')], { fee: 5_000n })
    const execution = await chain.run([tx])
    assert.deepEqual(outcomes(execution), ['settled'])
    assert.equal(await chain.balance('alice'), START_BALANCE - 5_700n)
    assert.equal(await chain.balance('bob'), START_BALANCE + 700n)
    assert.equal(chain.ledger.totals().fees, 5_000n)
    const [receipt] = execution.receipts
    assert.deepEqual(
      { ...receipt, txId: toHex(receipt?.txId ?? new Uint8Array(0)) },
      {
        txId: toHex(tx.id),
        height: 1,
        index: 0,
        timeMs: chain.ledger.timeMs,
        outcome: 'settled',
        fee: 5_000n,
        failure: null,
        holds: [],
      },
    )
    assert.equal(execution.transfers[0]?.payerBalanceBefore, START_BALANCE - 5_000n)
  })

  it('creates the payee, at the time of the block', async () => {
    const chain = await TestChain.start()
    assert.equal(await chain.ledger.account(idOf('new')), null)
    await chain.run([chain.tx('alice', [transferTo('new', 1n)])])
    const account = await chain.ledger.account(idOf('new'))
    assert.deepEqual(account && { ...account, id: toHex(account.id) }, {
      id: toHex(idOf('new')),
      balance: 1n,
      sequence: 0n,
      createdMs: chain.ledger.timeMs,
      guardian: null,
    })
  })

  it('lets one block spend what an earlier transaction of it brought', async () => {
    const chain = await TestChain.start()
    const execution = await chain.run([
      chain.tx('alice', [transferTo('new', 10_000n)]),
      chain.tx('new', [transferTo('bob', 9_000n)]),
    ])
    assert.deepEqual(outcomes(execution), ['settled', 'settled'])
    assert.equal(await chain.balance('new'), 0n)
  })

  it('applies a hundred actions or none', async () => {
    const chain = await TestChain.start()
    const payout = Array.from({ length: 100 }, (_, index) => transferTo(`p${index}`, 1n))
    assert.deepEqual(outcomes(await chain.run([chain.tx('alice', payout)])), ['settled'])
    assert.equal(await chain.balance('p99'), 1n)
    const failing = [
      ...Array.from({ length: 99 }, (_, index) => transferTo(`q${index}`, 1n)),
      transferTo('bob', START_BALANCE),
    ]
    const before = await chain.balance('alice')
    const execution = await chain.run([chain.tx('alice', failing)], [verdict(0, 3)])
    assert.deepEqual(outcomes(execution), ['insufficient-funds'])
    assert.equal(await chain.balance('alice'), before - 100n * FEE)
    assert.equal(await chain.ledger.account(idOf('q0')), null)
    assert.deepEqual(
      [execution.transfers.length, chain.ledger.openHolds, execution.receipts[0]?.holds.length],
      [0, 0, 0],
    )
  })

  it('reports no work for an empty block, and moves on', async () => {
    const chain = await TestChain.start()
    const root = toHex(chain.ledger.stateRoot)
    const execution = await chain.run([])
    assert.deepEqual([execution.hadWork, chain.ledger.height, toHex(execution.stateRoot)], [false, 1, root])
  })
})

describe('failing', () => {
  it('takes the whole balance if it does not cover the fee', async () => {
    const chain = await TestChain.start()
    await chain.run([chain.tx('alice', [transferTo('poor', 600n)])])
    const execution = await chain.run([chain.tx('poor', [transferTo('bob', 1n)])])
    assert.deepEqual([outcomes(execution), execution.receipts[0]?.fee], [['fee-not-covered'], 600n])
    assert.equal(await chain.balance('poor'), 0n)
  })

  it('makes no account of a sender that does not exist', async () => {
    const chain = await TestChain.start()
    const execution = await chain.run([chain.tx('nobody', [transferTo('bob', 1n)])])
    assert.deepEqual([outcomes(execution), execution.receipts[0]?.fee], [['fee-not-covered'], 0n])
    assert.equal(await chain.ledger.account(idOf('nobody')), null)
    const ordered = await chain.run([chain.tx('nobody', [transferTo('bob', 1n)], { sequence: 1n })])
    assert.deepEqual([ordered.voids[0]?.reason, ordered.receipts.length], ['sequence', 0])
  })

  it('uses up the sequence of an ordered transaction', async () => {
    const chain = await TestChain.start()
    await chain.run([chain.tx('alice', [transferTo('bob', START_BALANCE)], { sequence: 1n })])
    assert.equal((await chain.ledger.account(idOf('alice')))?.sequence, 1n)
  })

  const onHold: readonly [
    FailureCode,
    string,
    (chain: TestChain, hold: Uint8Array) => Promise<BlockExecution>,
  ][] = [
    [
      'hold-unknown',
      'recalls what is no hold',
      (chain) => chain.run([chain.tx('alice', [{ type: 'hold.recall', hold: new Uint8Array(32) }])]),
    ],
    [
      'hold-not-yours',
      'recalls the hold of somebody else',
      (chain, hold) => chain.run([chain.tx('bob', [{ type: 'hold.recall', hold }])]),
    ],
    [
      'not-the-guardian',
      'confirms a hold whose payer has no guardian',
      (chain, hold) => chain.run([chain.tx('bob', [{ type: 'hold.confirm', hold }])]),
    ],
    [
      'hold-unknown',
      'confirms what is no hold',
      (chain) => chain.run([chain.tx('bob', [{ type: 'hold.confirm', hold: new Uint8Array(32) }])]),
    ],
    [
      'not-an-operator',
      'reviews as nobody',
      (chain, hold) => chain.run([chain.tx('alice', [{ type: 'hold.review', hold, side: 'release' }])]),
    ],
    [
      'hold-unknown',
      'reviews what is no hold',
      (chain) =>
        chain.run([chain.tx('op0', [{ type: 'hold.review', hold: new Uint8Array(32), side: 'release' }])]),
    ],
    [
      'already-voted',
      'reviews twice',
      async (chain, hold) => {
        await chain.run([chain.tx('op0', [{ type: 'hold.review', hold, side: 'release' }])])
        return chain.run([chain.tx('op0', [{ type: 'hold.review', hold, side: 'return' }])])
      },
    ],
    [
      'hold-ended',
      'recalls twice',
      async (chain, hold) => {
        await chain.run([chain.tx('alice', [{ type: 'hold.recall', hold }])])
        return chain.run([chain.tx('alice', [{ type: 'hold.recall', hold }])])
      },
    ],
  ]
  for (const [code, what, act] of onHold) {
    it(`${code}: ${what}`, async () => {
      const chain = await TestChain.start()
      const hold = await chain.hold('alice', 'bob', 500n)
      assert.deepEqual(outcomes(await act(chain, hold)), [code])
    })
  }

  it('hold-due: a hold that waits for its expiry takes no action', async () => {
    const chain = await TestChain.start({ parameters: { maxExpiriesPerBlock: 1 } })
    const [first, second] = [await chain.hold('alice', 'bob', 1n), await chain.hold('alice', 'bob', 2n)]
    const lateMs = chain.ledger.timeMs + 100_000
    const late = { validUntilMs: lateMs + 1 }
    const execution = await chain.run(
      [
        chain.tx('alice', [{ type: 'hold.recall', hold: second }], late),
        chain.tx('op0', [{ type: 'hold.review', hold: second, side: 'return' }], late),
        chain.tx('carol', [{ type: 'hold.confirm', hold: second }], late),
      ],
      [],
      lateMs,
    )
    assert.deepEqual(
      execution.endedHolds.map(({ id }) => toHex(id)),
      [toHex(first)],
    )
    assert.deepEqual(outcomes(execution), ['hold-due', 'hold-due', 'hold-due'])
    assert.ok((execution.nextDueMs ?? Infinity) <= execution.timeMs, 'the second is still due')
  })
})

describe('void transactions', () => {
  it('leave no trace', async () => {
    const chain = await TestChain.start()
    const done = chain.tx('alice', [transferTo('bob', 1n)])
    await chain.run([done])
    const receipt = await chain.ledger.receipt(done.id)
    const root = toHex(chain.ledger.stateRoot)
    const { timeMs } = chain.ledger
    const foreign = signTransaction({ ...done.transaction, chain: new Uint8Array(8) }, [keysOf('alice')])
    const cases = [
      ['duplicate', done],
      ['expired', chain.tx('alice', [transferTo('bob', 1n)], { validUntilMs: timeMs + 999 })],
      [
        'not-yet-valid',
        chain.tx('alice', [transferTo('bob', 1n)], {
          validUntilMs: timeMs + 1_001 + LIMITS.unorderedValidityMs,
        }),
      ],
      ['sequence', chain.tx('alice', [transferTo('bob', 1n)], { sequence: 2n })],
      ['expired', chain.tx('alice', [transferTo('bob', 1n)], { sequence: 1n, validUntilMs: timeMs + 999 })],
      ['invalid', chain.tx('alice', [transferTo('bob', 1n)], { fee: 1n })],
      ['invalid', foreign],
      ['invalid', Uint8Array.of(1, 2, 3)],
    ] as const
    const fees = chain.ledger.totals().fees
    const execution = await chain.run(cases.map(([, tx]) => tx))
    assert.deepEqual(
      execution.voids.map(({ reason }) => reason),
      cases.map(([reason]) => reason),
    )
    assert.deepEqual([execution.receipts.length, chain.ledger.totals().fees], [0, fees])
    assert.deepEqual(await chain.ledger.receipt(done.id), receipt)
    assert.notEqual(toHex(chain.ledger.stateRoot), root, 'only the executed batch is remembered')
  })

  it('are accepted at the very edges of their validity', async () => {
    const chain = await TestChain.start()
    const { nextMs } = chain
    const edge = [nextMs, nextMs + LIMITS.unorderedValidityMs].map((validUntilMs) =>
      chain.tx('alice', [transferTo('bob', 1n)], { validUntilMs }),
    )
    assert.deepEqual(outcomes(await chain.run(edge)), ['settled', 'settled'])
  })

  it('run an ordered sequence in order, and only once', async () => {
    const chain = await TestChain.start()
    const at = (sequence: bigint) =>
      chain.tx('alice', [transferTo('bob', 1n)], { sequence, validUntilMs: 2 ** 47 })
    const [one, two, three] = [at(1n), at(2n), at(3n)]
    const execution = await chain.run([two, one, two, three, one])
    assert.deepEqual(
      execution.voids.map(({ txId }) => toHex(txId)),
      [two, one].map(({ id }) => toHex(id)),
    )
    assert.deepEqual(
      execution.receipts.map(({ txId }) => toHex(txId)),
      [one, two, three].map(({ id }) => toHex(id)),
    )
    assert.equal((await chain.ledger.account(idOf('alice')))?.sequence, 3n)
  })
})

describe('batches', () => {
  it('are executed once, whatever the block', async () => {
    const chain = await TestChain.start()
    const txs = [chain.tx('alice', [transferTo('bob', 1n)])]
    const other = [chain.tx('alice', [transferTo('bob', 2n)])]
    const createdMs = chain.nextMs
    const execution = await chain.execute(
      chain.block([
        { txs, seq: 5, createdMs },
        { txs: other, seq: 5, createdMs },
      ]),
    )
    assert.equal(execution.receipts.length, 1)
    assert.deepEqual(
      chain.ledger.skipsOf(
        [
          { epoch: 0, author: 0, seq: 5, createdMs },
          { epoch: 0, author: 1, seq: 5, createdMs },
          { epoch: 0, author: 1, seq: 5, createdMs },
        ],
        chain.nextMs,
      ),
      [true, false, true],
    )
    assert.ok(chain.ledger.skips({ epoch: 0, author: 0, seq: 5 }, createdMs, chain.nextMs))
    const again = await chain.execute(chain.block([{ txs: other, seq: 5, createdMs }]))
    assert.deepEqual([again.receipts.length, again.voids.length, again.hadWork], [0, 0, true])
  })

  it('are skipped when they are too old, and then need no body', async () => {
    const chain = await TestChain.start({ parameters: { batchTtlMs: 2_000 } })
    const createdMs = chain.ledger.timeMs
    const block = chain.block(
      [{ txs: [chain.tx('alice', [transferTo('bob', 1n)])], createdMs }],
      createdMs + 2_001,
    )
    assert.ok(chain.ledger.skips({ epoch: 0, author: 0, seq: 1 }, createdMs, createdMs + 2_001))
    assert.ok(!chain.ledger.skips({ epoch: 0, author: 0, seq: 1 }, createdMs, createdMs + 2_000))
    const bare = { ...block, batches: block.batches.map((batch) => ({ ...batch, txs: null })) }
    assert.equal((await chain.ledger.execute(bare)).receipts.length, 0)
  })

  it('stop execution when a body is missing, and change nothing', async () => {
    const chain = await TestChain.start()
    const block = chain.block([{ txs: [chain.tx('alice', [transferTo('bob', 1n)])] }])
    const bare = { ...block, batches: block.batches.map((batch) => ({ ...batch, txs: null })) }
    await assert.rejects(chain.ledger.execute(bare), { code: 'data-inconsistent' })
    assert.equal(chain.ledger.height, 0)
    assert.equal((await chain.ledger.execute(block)).receipts.length, 1)
  })

  it('refuse blocks out of order or not later than the one before', async () => {
    const chain = await TestChain.start()
    await chain.run([])
    const block = chain.block([])
    await assert.rejects(chain.ledger.execute({ ...block, height: 3 }), { code: 'data-inconsistent' })
    await assert.rejects(chain.ledger.execute({ ...block, timeMs: chain.ledger.timeMs }), {
      code: 'data-inconsistent',
    })
  })

  it('may be passed decoded', async () => {
    const chain = await TestChain.start()
    const tx = chain.tx('alice', [transferTo('bob', 1n)])
    const block = chain.block([{ txs: [tx] }, { txs: [] }])
    const twin = await TestChain.start()
    const one = await chain.ledger.execute(block, [[tx], null])
    assert.equal(toHex(one.stateRoot), toHex((await twin.ledger.execute(block)).stateRoot))
  })

  it('forget ids and batches once nothing can repeat them', async () => {
    const chain = await TestChain.start({ parameters: { batchTtlMs: 1_000 } })
    const tx = chain.tx('alice', [transferTo('bob', 1n)])
    await chain.run([tx])
    assert.ok(chain.ledger.isLive(tx.id))
    await chain.run([], [], tx.transaction.validUntilMs + LIMITS.liveIdBucketMs)
    assert.ok(!chain.ledger.isLive(tx.id))
    const repeated = await chain.run([tx])
    assert.deepEqual(
      repeated.voids.map(({ reason }) => reason),
      ['expired'],
    )
  })
})

it('the chain id in transactions is the start of the genesis hash', async () => {
  const { chain } = await TestChain.start()
  assert.equal(toHex(chainIdOf(chain.genesisHash)), toHex(chain.genesisHash).slice(0, 16))
})
