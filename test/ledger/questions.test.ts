/** What a ledger answers after blocks: receipts, transactions, proofs, histories. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { equalBytes, toHex } from '../../crypto/bytes.ts'
import { DecodeError } from '../../crypto/codec.ts'
import { EMPTY_ROOT, rootOfPath } from '../../crypto/merkle.ts'
import { accountKey, decodeAccount } from '../../ledger/entries.ts'
import type { HistoryItem } from '../../ledger/history.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { decodeReceipt, encodeReceipt, receiptDigest } from '../../ledger/receipt.ts'
import { bodyKey } from '../../ledger/records.ts'
import { decodeStateProof, verifyStateProof } from '../../ledger/state/proof.ts'
import { MemoryStore } from '../../ledger/store/memory.ts'
import { decodeTransaction } from '../../ledger/transaction.ts'
import { FEE, idOf, makeChain, TestChain, transferTo, verdict } from './helpers.ts'

const NAMES = ['alice', 'bob', 'carol', 'op0']
const nameOf = (id: Uint8Array | null): string | null =>
  id === null ? null : (NAMES.find((name) => equalBytes(idOf(name), id)) ?? '?')
const line = ({ direction, counterparty, amount, fee, memo, status, height }: HistoryItem): string =>
  `${height} ${direction} ${nameOf(counterparty) ?? '-'} ${amount} fee ${fee} ${status} ${Buffer.from(memo).toString()}`.trim()

describe('receipts', () => {
  it('are found by id with their transaction, across blocks', async () => {
    const chain = await TestChain.start()
    const txs = Array.from({ length: 40 }, () =>
      chain.tx('alice', [transferTo('bob', 1n)], { validUntilMs: chain.nextMs + 500_000 }),
    )
    for (let start = 0; start < 40; start += 8) await chain.run(txs.slice(start, start + 8))
    for (const [index, tx] of txs.entries()) {
      const receipt = await chain.ledger.receipt(tx.id)
      assert.deepEqual([receipt?.height, receipt?.index], [1 + Math.floor(index / 8), index % 8])
      const stored = await chain.ledger.transaction(tx.id)
      assert.deepEqual(
        [toHex(stored?.bytes ?? tx.id), stored?.height, stored?.index],
        [toHex(tx.bytes), receipt?.height, receipt?.index],
      )
    }
    assert.equal(await chain.ledger.receipt(idOf('alice')), null)
    assert.equal(await chain.ledger.transaction(idOf('alice')), null)
    assert.equal(await chain.ledger.receiptProof(idOf('alice')), null)
  })

  it('prove themselves up to the receipts root, and nothing else does', async () => {
    const chain = await TestChain.start()
    const txs = Array.from({ length: 11 }, (_, index) =>
      chain.tx('alice', [transferTo('bob', BigInt(index + 1))]),
    )
    const { receiptsRoot } = await chain.run(txs, [verdict(3)])
    for (const tx of txs) {
      const proof = await chain.ledger.receiptProof(tx.id)
      assert.ok(proof !== null)
      assert.equal(toHex(proof.receiptsRoot), toHex(receiptsRoot))
      assert.equal(toHex(decodeTransaction(proof.transaction).id), toHex(proof.receipt.txId))
      const encoded = encodeReceipt(proof.receipt)
      const rootWith = (receipt: Uint8Array): string =>
        toHex(rootOfPath(receiptDigest(receipt), proof.path) ?? EMPTY_ROOT)
      assert.equal(rootWith(encoded), toHex(receiptsRoot))
      for (let at = 0; at < encoded.length; at++) {
        assert.notEqual(
          rootWith(encoded.map((byte, index) => (index === at ? byte ^ 1 : byte))),
          toHex(receiptsRoot),
        )
      }
    }
  })

  it('have one encoding', async () => {
    const chain = await TestChain.start()
    const { receipts } = await chain.run(
      [
        chain.tx('alice', [transferTo('bob', 1n), transferTo('carol', 2n)]),
        chain.tx('alice', [transferTo('bob', 2n ** 60n)]),
      ],
      [verdict(0, 0), verdict(0, 1)],
    )
    for (const receipt of receipts) {
      const encoded = encodeReceipt(receipt)
      assert.deepEqual(encodeReceipt(decodeReceipt(encoded)), encoded)
      for (let at = 0; at < encoded.length; at++) {
        const changed = encoded.map((byte, index) => (index === at ? byte ^ 0x41 : byte))
        try {
          assert.deepEqual(encodeReceipt(decodeReceipt(changed)), changed)
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
        }
      }
      assert.throws(() => decodeReceipt(Buffer.concat([encoded, Uint8Array.of(0)])), DecodeError)
    }
  })
})

describe('account proofs', () => {
  it('show the account, or that there is none, under the state root', async () => {
    const chain = await TestChain.start({
      accounts: Array.from({ length: 200 }, (_, index) => `user${index}`),
    })
    await chain.run([chain.tx('user1', [transferTo('user2', 77n)])])
    for (const name of ['user1', 'user2', 'nobody', 'nobody else']) {
      const proof = await chain.ledger.accountProof(idOf(name))
      assert.deepEqual(
        [toHex(proof.stateRoot), proof.height, toHex(proof.key)],
        [toHex(chain.ledger.stateRoot), 1, toHex(accountKey(idOf(name)))],
      )
      const proven = verifyStateProof(proof.stateRoot, proof.key, decodeStateProof(proof.key, proof.proof))
      assert.ok(proven !== null)
      assert.equal(proven.present, !name.startsWith('nobody'))
      if (proven.present)
        assert.equal(decodeAccount(idOf(name), proven.value).balance, proof.account?.balance)
      else assert.equal(proof.account, null)
    }
  })
})

describe('results', () => {
  it('are kept for every height, newest at hand', async () => {
    const chain = await TestChain.start()
    await chain.run([])
    const { stateRoot, receiptsRoot } = await chain.run([chain.tx('alice', [transferTo('bob', 1n)])])
    const result = await chain.ledger.result(2)
    assert.deepEqual(
      [result?.height, result?.timeMs, result?.hadWork, result?.receipts],
      [2, chain.ledger.timeMs, true, 1],
    )
    assert.deepEqual(
      [
        toHex(result?.stateRoot ?? stateRoot.subarray(1)),
        toHex(result?.receiptsRoot ?? receiptsRoot.subarray(1)),
      ],
      [toHex(stateRoot), toHex(receiptsRoot)],
    )
    const genesis = await chain.ledger.result(0)
    assert.deepEqual(
      [toHex(genesis?.stateRoot ?? stateRoot), genesis?.hadWork],
      [toHex(chain.ledger.genesisStateRoot), false],
    )
    assert.equal(await chain.ledger.result(3), null)
    assert.equal(await chain.ledger.result(-1), null)
    assert.deepEqual(
      chain.ledger.recentResults(2).map(({ height }) => height),
      [1, 2],
    )
    assert.deepEqual(chain.ledger.recentResults(0), [])
    assert.deepEqual(
      chain.ledger.recentResults(9).map(({ height }) => height),
      [0, 1, 2],
    )
  })
})

describe('histories', () => {
  async function busyChain(): Promise<TestChain> {
    const chain = await TestChain.start()
    await chain.run([chain.tx('alice', [transferTo('bob', 1n, 'one'), transferTo('carol', 2n, 'two')])])
    await chain.run([
      chain.tx('bob', [transferTo('alice', 3n)]),
      chain.tx('alice', [transferTo('bob', 2n ** 60n)]),
    ])
    const first = await chain.hold('alice', 'bob', 4n)
    const second = await chain.hold('alice', 'bob', 5n)
    await chain.run([chain.tx('alice', [{ type: 'hold.recall', hold: first }])])
    await chain.run(
      ['op0', 'op1', 'op2'].map((operator) =>
        chain.tx(operator, [{ type: 'hold.review', hold: second, side: 'release' }]),
      ),
    )
    await chain.hold('alice', 'carol', 6n)
    await chain.run([], [], chain.ledger.nextDueMs ?? 0)
    return chain
  }

  it('tell everything that touched the account, newest first', async () => {
    const { ledger } = await busyChain()
    assert.deepEqual((await ledger.history(idOf('alice'))).items.map(line), [
      '8 out carol 6 fee 0 returned',
      `7 out carol 6 fee ${FEE} held`,
      '6 out bob 5 fee 0 released',
      '5 out bob 4 fee 0 recalled',
      `5 other - 0 fee ${FEE} settled`,
      `4 out bob 5 fee ${FEE} held`,
      `3 out bob 4 fee ${FEE} held`,
      `2 out bob ${2n ** 60n} fee ${FEE} failed`,
      '2 in bob 3 fee 0 settled',
      '1 out carol 2 fee 0 settled two',
      `1 out bob 1 fee ${2n * FEE} settled one`,
    ])
    assert.deepEqual((await ledger.history(idOf('bob'))).items.map(line), [
      '6 in alice 5 fee 0 released',
      '5 in alice 4 fee 0 recalled',
      '4 in alice 5 fee 0 held',
      '3 in alice 4 fee 0 held',
      `2 out alice 3 fee ${FEE} settled`,
      '1 in alice 1 fee 0 settled one',
    ])
    assert.deepEqual((await ledger.history(idOf('op0'))).items.map(line), [`6 other - 0 fee ${FEE} settled`])
    assert.deepEqual(await ledger.history(idOf('nobody')), { items: [], cursor: null })
  })

  it('page to the same lines whatever the page', async () => {
    const { ledger } = await busyChain()
    const whole = (await ledger.history(idOf('alice'))).items.map(line)
    for (let limit = 1; limit <= whole.length + 1; limit++) {
      const lines: string[] = []
      let page = await ledger.history(idOf('alice'), { limit })
      for (;;) {
        assert.ok(page.items.length <= limit)
        lines.push(...page.items.map(line))
        if (page.cursor === null) break
        page = await ledger.history(idOf('alice'), { limit, cursor: page.cursor })
      }
      assert.deepEqual(lines, whole, `limit ${limit}`)
    }
  })
})

describe('the work of a block', () => {
  it('is its transactions and the holds that ended in it, in order', async () => {
    const chain = await TestChain.start()
    const [recalled] = [await chain.hold('alice', 'bob', 500n), await chain.hold('bob', 'alice', 600n)]
    await chain.hold('carol', 'bob', 700n)
    const executions = [
      await chain.run([
        chain.tx('bob', [transferTo('alice', 1n)]),
        chain.tx('alice', [{ type: 'hold.recall', hold: recalled }]),
      ]),
      await chain.run([], [], chain.ledger.timeMs + 60_000),
      await chain.run([]),
    ]
    assert.deepEqual(
      executions.map(({ endedHolds }) => endedHolds.length),
      [1, 2, 0],
    )
    for (const { height, receipts, endedHolds } of executions) {
      const work = await chain.ledger.workOf(height)
      assert.deepEqual(
        work?.transactions.map(({ receipt, bytes }) => [
          encodeReceipt(receipt),
          toHex(decodeTransaction(bytes).id),
        ]),
        receipts.map((receipt) => [encodeReceipt(receipt), toHex(receipt.txId)]),
      )
      assert.deepEqual(
        work.endedHolds.map(({ id, end }) => [toHex(id), end]),
        endedHolds.map(({ id, end }) => [toHex(id), end]),
      )
      assert.deepEqual(work.endedHolds, await chain.ledger.holdsEndedBetween(height, height))
    }
    assert.equal(await chain.ledger.workOf(chain.ledger.height + 1), null)
  })

  it('is nothing if all its batches were executed before', async () => {
    const chain = await TestChain.start()
    const batch = { txs: [chain.tx('alice', [transferTo('bob', 1n)])], seq: 7, createdMs: chain.nextMs }
    await chain.execute(chain.block([batch]))
    const { hadWork, height } = await chain.execute(chain.block([batch]))
    assert.equal(hadWork, true)
    assert.deepEqual(await chain.ledger.workOf(height), { transactions: [], endedHolds: [] })
  })
})

describe('bodies in memory', () => {
  it('are those of the newest blocks, whatever else is read, and the older one that was read last', async (t) => {
    const store = new MemoryStore()
    const spec = makeChain()
    const chain = new TestChain(spec, await Ledger.inMemory({ ...spec, store }))
    const ids: Uint8Array[] = []
    for (let height = 1; height <= 2 * LIMITS.bodiesInMemory; height++) {
      const tx = chain.tx('alice', [transferTo('bob', 1n)])
      await chain.run([tx])
      ids.push(tx.id)
    }
    const get = t.mock.method(store, 'get')
    const bodiesRead = async (ask: () => Promise<unknown>): Promise<number> => {
      get.mock.resetCalls()
      await ask()
      return get.mock.calls.filter(({ arguments: [key] }) => key[0] === bodyKey(0)[0]).length
    }
    const old = ids.slice(0, LIMITS.bodiesInMemory)
    const fresh = ids.slice(LIMITS.bodiesInMemory)
    const ask = async (asked: readonly Uint8Array[]): Promise<void> => {
      for (const id of asked) assert.ok((await chain.ledger.receipt(id)) !== null)
    }
    assert.equal(await bodiesRead(() => ask(old)), old.length)
    assert.equal(await bodiesRead(() => ask(fresh)), 0)
    assert.equal(await bodiesRead(() => ask(old.slice(-1))), 0)
    assert.equal(await bodiesRead(() => ask(old)), old.length, 'no more than one older body is kept')
    const newestFirst = (): Promise<unknown> => chain.ledger.history(idOf('bob'))
    assert.equal(await bodiesRead(newestFirst), old.length - 1)
    assert.equal(await bodiesRead(() => ask(fresh)), 0)
  })
})
