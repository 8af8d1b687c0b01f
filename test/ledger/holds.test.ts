import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { toHex } from '../../crypto/bytes.ts'
import { holdId } from '../../ledger/entries.ts'
import type { Hold } from '../../ledger/types.ts'
import { FEE, idOf, START_BALANCE, TestChain, transferTo, verdict } from './helpers.ts'

async function review(
  chain: TestChain,
  hold: Uint8Array,
  side: 'release' | 'return',
  ...operators: string[]
) {
  return chain.run(operators.map((operator) => chain.tx(operator, [{ type: 'hold.review', hold, side }])))
}

describe('quarantine', () => {
  it('takes from the payer and gives to nobody yet', async () => {
    const chain = await TestChain.start()
    const tx = chain.tx('alice', [transferTo('bob', 1n), transferTo('carol', 500n)])
    const execution = await chain.run([tx], [verdict(0, 1)])
    const [receipt] = execution.receipts
    assert.deepEqual([receipt?.outcome, receipt?.holds.map(({ action }) => action)], ['held', [1]])
    assert.equal(await chain.balance('alice'), START_BALANCE - 501n - 2n * FEE)
    assert.equal(await chain.balance('carol'), START_BALANCE)
    const id = holdId(tx.id, 1)
    const hold = await chain.ledger.hold(id)
    assert.equal(toHex(receipt?.holds[0]?.holdId ?? id.subarray(1)), toHex(id))
    assert.deepEqual(
      hold && {
        ...hold,
        id: toHex(hold.id),
        txId: toHex(hold.txId),
        payer: toHex(hold.payer),
        payee: toHex(hold.payee),
      },
      {
        id: toHex(id),
        kind: 'quarantine',
        txId: toHex(tx.id),
        action: 1,
        payer: toHex(idOf('alice')),
        payee: toHex(idOf('carol')),
        amount: 500n,
        createdMs: execution.timeMs,
        expiresMs: execution.timeMs + 60_000,
        onExpiry: 'return',
        flaggers: verdict(0, 1).flaggers,
        guardian: null,
        reviews: [],
        end: null,
      } satisfies Record<keyof Hold, unknown>,
    )
    assert.deepEqual(
      [chain.ledger.openHolds, chain.ledger.nextDueMs, execution.nextDueMs],
      [1, execution.timeMs + 60_000, execution.timeMs + 60_000],
    )
    assert.equal(chain.ledger.heldOut(idOf('alice')), 500n)
    assert.deepEqual(
      execution.transfers.map(({ held }) => held),
      [false, true],
    )
  })

  it('ignores a verdict on an action that is no transfer', async () => {
    const chain = await TestChain.start()
    const hold = await chain.hold('alice', 'bob', 5n)
    const execution = await chain.run(
      [chain.tx('alice', [{ type: 'hold.recall', hold }])],
      [verdict(0), verdict(0, 5), verdict(9)],
    )
    assert.equal(execution.receipts[0]?.outcome, 'settled')
  })

  it('is ended by the payer', async () => {
    const chain = await TestChain.start()
    const id = await chain.hold('alice', 'bob', 500n)
    const execution = await chain.run([chain.tx('alice', [{ type: 'hold.recall', hold: id }])])
    assert.deepEqual(
      execution.endedHolds.map(({ end }) => end),
      [{ how: 'recalled', atMs: execution.timeMs, height: 2 }],
    )
    assert.equal(await chain.balance('alice'), START_BALANCE - 2n * FEE)
    assert.deepEqual(
      [chain.ledger.openHolds, chain.ledger.nextDueMs, chain.ledger.heldOut(idOf('alice'))],
      [0, null, 0n],
    )
    assert.deepEqual((await chain.ledger.hold(id))?.end, execution.endedHolds[0]?.end)
  })

  it('can be made and recalled in one block', async () => {
    const chain = await TestChain.start()
    const tx = chain.tx('alice', [transferTo('bob', 500n)])
    const recall = chain.tx('alice', [{ type: 'hold.recall', hold: holdId(tx.id, 0) }])
    const execution = await chain.run([tx, recall], [verdict(0)])
    assert.deepEqual(
      execution.receipts.map(({ outcome }) => outcome),
      ['held', 'settled'],
    )
    assert.equal(chain.ledger.openHolds, 0)
    assert.equal(await chain.balance('alice'), START_BALANCE - 2n * FEE)
    assert.equal((await chain.ledger.audit()).holds, 0n)
  })

  for (const [side, how, payer, payee] of [
    ['release', 'released', START_BALANCE - FEE - 500n, START_BALANCE + 500n],
    ['return', 'returned', START_BALANCE - FEE, START_BALANCE],
  ] as const) {
    it(`is ${how} by more than half of the stake`, async () => {
      const chain = await TestChain.start()
      const id = await chain.hold('alice', 'bob', 500n)
      assert.equal(
        (await review(chain, id, side, 'op3', 'op0')).endedHolds.length,
        0,
        'exactly half is not enough',
      )
      assert.deepEqual((await chain.ledger.hold(id))?.reviews, [
        { validator: 0, side },
        { validator: 3, side },
      ])
      const execution = await review(chain, id, side, 'op1')
      assert.deepEqual(
        execution.endedHolds.map(({ end }) => end?.how),
        [how],
      )
      assert.deepEqual([await chain.balance('alice'), await chain.balance('bob')], [payer, payee])
    })
  }

  it('is found by the heights between which it ended', async () => {
    const chain = await TestChain.start()
    const ids = [await chain.hold('alice', 'bob', 500n), await chain.hold('alice', 'bob', 600n)]
    const heights: number[] = []
    for (const id of ids) heights.push((await review(chain, id, 'release', 'op0', 'op1', 'op2')).height)
    const ended = async (from: number, to: number): Promise<bigint[]> =>
      (await chain.ledger.holdsEndedBetween(from, to)).map(({ amount }) => amount)
    const [first, second] = heights as [number, number]
    assert.deepEqual(await ended(1, second), [500n, 600n])
    assert.deepEqual(await ended(first, first), [500n])
    assert.deepEqual(await ended(first + 1, second), [600n])
    assert.deepEqual(await ended(1, first - 1), [])
  })

  it('counts each side by stake, not by heads', async () => {
    const chain = await TestChain.start({ stakes: [1n, 1n, 1n, 4n] })
    const id = await chain.hold('alice', 'bob', 500n)
    assert.equal((await review(chain, id, 'return', 'op0', 'op1', 'op2')).endedHolds.length, 0)
    assert.equal((await review(chain, id, 'release', 'op3')).endedHolds[0]?.end?.how, 'released')
  })

  it('lets one operator vote once for all of its validators', async () => {
    const chain = await TestChain.start({ operators: ['op0', 'op0', 'op0', 'op1'] })
    const id = await chain.hold('alice', 'bob', 500n)
    assert.equal((await review(chain, id, 'return', 'op0')).endedHolds[0]?.end?.how, 'returned')
  })

  for (const [onExpiry, how, payee] of [
    ['return', 'expired-returned', 0n],
    ['release', 'expired-released', 500n],
  ] as const) {
    it(`is ${how} when nobody decided`, async () => {
      const chain = await TestChain.start({ parameters: { onExpiry } })
      const id = await chain.hold('alice', 'new', 500n)
      const dueMs = chain.ledger.nextDueMs ?? 0
      assert.equal((await chain.run([], [], dueMs - 1)).endedHolds.length, 0)
      const execution = await chain.run([], [], dueMs)
      assert.deepEqual(
        execution.endedHolds.map(({ end }) => end),
        [{ how, atMs: dueMs, height: 3 }],
      )
      assert.ok(execution.hadWork)
      assert.equal(await chain.balance('new'), payee)
      assert.equal((await chain.ledger.hold(id))?.end?.how, how)
    })
  }

  it('expires in (expiresMs, id) order, so many per block', async () => {
    const chain = await TestChain.start({ parameters: { maxExpiriesPerBlock: 3 } })
    const txs = Array.from({ length: 7 }, (_, index) =>
      chain.tx('alice', [transferTo('bob', BigInt(index + 1))]),
    )
    await chain.run(
      txs,
      txs.map((_, index) => verdict(index)),
    )
    await chain.hold('carol', 'bob', 9n)
    const lateMs = chain.ledger.timeMs + 200_000
    const ended: Hold[] = []
    for (const expected of [3, 3, 2, 0]) {
      const execution = await chain.run([], [], Math.max(lateMs, chain.nextMs))
      assert.equal(execution.endedHolds.length, expected)
      ended.push(...execution.endedHolds)
    }
    const keys = ended.map(({ expiresMs, id }) => `${expiresMs}/${toHex(id)}`)
    assert.deepEqual(keys, keys.toSorted())
  })

  it('is ended before any transaction of the block that finds it due', async () => {
    const chain = await TestChain.start()
    const id = await chain.hold('alice', 'bob', START_BALANCE - FEE)
    const dueMs = chain.ledger.nextDueMs ?? 0
    const spend = chain.tx('alice', [transferTo('bob', 5n)], { validUntilMs: dueMs })
    const recall = chain.tx('alice', [{ type: 'hold.recall', hold: id }], { validUntilMs: dueMs })
    const execution = await chain.run([spend, recall], [], dueMs)
    assert.deepEqual(
      execution.receipts.map(({ outcome, failure }) => failure ?? outcome),
      ['settled', 'hold-ended'],
    )
  })
})

describe('labels', () => {
  const record = (chain: TestChain) =>
    chain.ledger.validators().map(({ flagsConfirmed, flagsRefuted }) => `${flagsConfirmed}/${flagsRefuted}`)

  it('come from reviews and count for those who flagged', async () => {
    const chain = await TestChain.start()
    await review(chain, await chain.hold('alice', 'bob', 1n, [0, 2]), 'return', 'op0', 'op1', 'op2')
    await review(chain, await chain.hold('alice', 'bob', 1n, [2, 3]), 'release', 'op0', 'op1', 'op2')
    assert.deepEqual(record(chain), ['1/0', '0/0', '1/1', '0/1'])
  })

  it('do not come from recall or expiry', async () => {
    const chain = await TestChain.start()
    const id = await chain.hold('alice', 'bob', 1n)
    await chain.run([chain.tx('alice', [{ type: 'hold.recall', hold: id }])])
    await chain.hold('alice', 'bob', 1n)
    await chain.run([], [], chain.ledger.nextDueMs ?? 0)
    assert.deepEqual([record(chain), chain.ledger.openHolds], [['0/0', '0/0', '0/0', '0/0'], 0])
  })

  it('are undone with the transaction that gave them', async () => {
    const chain = await TestChain.start({ stakes: [100n, 1n, 1n, 1n] })
    const hold = await chain.hold('alice', 'bob', 1n)
    const before = await chain.balance('bob')
    const execution = await chain.run([
      chain.tx('op0', [{ type: 'hold.review', hold, side: 'release' }, transferTo('bob', START_BALANCE)]),
    ])
    assert.deepEqual([execution.receipts[0]?.failure, execution.endedHolds.length], ['insufficient-funds', 0])
    assert.deepEqual(
      [await chain.balance('bob'), record(chain)[0], (await chain.ledger.hold(hold))?.reviews.length],
      [before, '0/0', 0],
    )
  })

  it('are capped per payer', async () => {
    const chain = await TestChain.start({ stakes: [100n, 1n, 1n, 1n] })
    for (let count = 0; count <= LIMITS.labelsPerPayer; count++)
      await review(chain, await chain.hold('alice', 'bob', 1n, [1]), 'return', 'op0')
    assert.equal(record(chain)[1], `${LIMITS.labelsPerPayer}/0`)
    await review(chain, await chain.hold('carol', 'bob', 1n, [1]), 'return', 'op0')
    assert.equal(record(chain)[1], `${LIMITS.labelsPerPayer + 1}/0`)
  })
})

describe('lists of holds', () => {
  it('page through open holds by deadline and ended ones newest first', async () => {
    const chain = await TestChain.start()
    const ids: string[] = []
    for (let count = 1; count <= 5; count++) ids.push(toHex(await chain.hold('alice', 'bob', BigInt(count))))
    const collect = async (
      list: (page: {
        cursor?: string
        limit: number
      }) => Promise<{ items: readonly Hold[]; cursor: string | null }>,
    ) => {
      const found: string[] = []
      let page = await list({ limit: 2 })
      for (;;) {
        found.push(...page.items.map(({ id }) => toHex(id)))
        if (page.cursor === null) return found
        page = await list({ limit: 2, cursor: page.cursor })
      }
    }
    assert.deepEqual(await collect((page) => chain.ledger.holdsOpen(page)), ids)
    const recalls = ids
      .slice(0, 4)
      .map((id) => chain.tx('alice', [{ type: 'hold.recall', hold: Buffer.from(id, 'hex') }]))
    await chain.run(recalls.slice(0, 2))
    await chain.run(recalls.slice(2))
    assert.deepEqual(await collect((page) => chain.ledger.holdsEnded(page)), ids.slice(0, 4).reverse())
    assert.deepEqual(await collect((page) => chain.ledger.holdsOpen(page)), ids.slice(4))
  })

  it('refuse cursors and limits they did not hand out', async () => {
    const { ledger } = await TestChain.start()
    for (const list of [
      ledger.holdsOpen.bind(ledger),
      ledger.holdsEnded.bind(ledger),
      ledger.history.bind(ledger, idOf('alice')),
    ]) {
      await assert.rejects(list({ cursor: 'x' }), { code: 'rpc-invalid' })
      await assert.rejects(list({ limit: 0 }), { code: 'rpc-invalid' })
      await assert.rejects(list({ limit: LIMITS.rpcPageItems + 1 }), { code: 'rpc-invalid' })
    }
  })
})
