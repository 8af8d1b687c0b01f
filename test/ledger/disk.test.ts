/** A ledger on disk: going on after a restart, copies taken between blocks, and directories that must be refused. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { toHex, utf8 } from '../../crypto/bytes.ts'
import { Ledger } from '../../ledger/ledger.ts'
import { bodyKey, headKey, openHoldKey, pageKey, resultKey, txKey, windowKey } from '../../ledger/records.ts'
import { LevelStore } from '../../ledger/store/level.ts'
import { MemoryStore } from '../../ledger/store/memory.ts'
import type { LedgerStore, StoreChange } from '../../ledger/store/store.ts'
import type { DecodedTransaction } from '../../ledger/transaction.ts'
import type { Receipt } from '../../ledger/types.ts'
import { idOf, makeChain, START_BALANCE, TestChain, transferTo } from './helpers.ts'
import { RANDOM_CHAIN, RandomBlocks } from './random-blocks.ts'

const root = await mkdtemp(join(tmpdir(), 'cordon-ledger-'))
after(() => rm(root, { recursive: true }))
let count = 0
const newDirectory = (): string => join(root, String(++count), 'ledger')

describe('a ledger on disk', () => {
  it('equals the one in memory, goes on after restarts, and any copy taken between blocks goes on too', async () => {
    const chain = makeChain(RANDOM_CHAIN)
    const directory = newDirectory()
    const random = new RandomBlocks(chain, 'disk')
    const memory = await Ledger.inMemory(chain)
    let disk = await Ledger.open({ directory, ...chain })
    const copies: { readonly directory: string; readonly height: number }[] = []
    const blocks = []
    for (let height = 1; height <= 40; height++) {
      const block = random.next()
      blocks.push(block)
      const expected = await memory.execute(block)
      const execution = await disk.execute(block)
      random.seen(execution)
      assert.equal(toHex(execution.stateRoot), toHex(expected.stateRoot), `height ${height}`)
      if (height % 15 === 0) {
        // As after a kill: nothing was closed. LevelDB has no other files open for writing at this moment.
        const copy = newDirectory()
        await cp(directory, copy, { recursive: true })
        copies.push({ directory: copy, height })
      }
      if (height % 10 === 0) {
        await disk.close()
        disk = await Ledger.open({ directory, ...chain })
        assert.deepEqual(
          [disk.height, disk.timeMs, toHex(disk.stateRoot)],
          [height, memory.timeMs, toHex(memory.stateRoot)],
        )
        assert.deepEqual(
          [disk.totals(), disk.openHolds, disk.nextDueMs, disk.outcomes],
          [memory.totals(), memory.openHolds, memory.nextDueMs, memory.outcomes],
        )
        assert.deepEqual(await disk.audit(), memory.totals())
      }
    }
    await disk.close()
    for (const { directory: copy, height } of copies) {
      const ledger = await Ledger.open({ directory: copy, ...chain })
      assert.equal(ledger.height, height)
      for (const block of blocks.slice(height)) await ledger.execute(block)
      assert.equal(toHex(ledger.stateRoot), toHex(memory.stateRoot))
      await ledger.close()
    }
  })

  it('goes on at the right height after kill -9 in the middle of its work', async () => {
    const chain = makeChain(RANDOM_CHAIN)
    const directory = newDirectory()
    const script = fileURLToPath(new URL('./execute-forever.ts', import.meta.url))
    for (const blocksToSee of [3, 40]) {
      const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
      const exited = once(child, 'exit')
      let reported = 0
      let left = blocksToSee
      for await (const line of createInterface({ input: child.stdout })) {
        reported = Number(line)
        if (--left === 0) break
      }
      child.kill('SIGKILL')
      await exited
      const ledger = await Ledger.open({ directory, ...chain })
      assert.ok(ledger.height >= reported, `height ${ledger.height} after ${reported} was reported`)
      const memory = await Ledger.inMemory(chain)
      const random = new RandomBlocks(chain, 'kill')
      while (memory.height < ledger.height) random.seen(await memory.execute(random.next()))
      assert.equal(toHex(ledger.stateRoot), toHex(memory.stateRoot))
      assert.deepEqual(await ledger.audit(), memory.totals())
      await ledger.close()
    }
  })

  it('is refused while another one has it, and opens when that one is closed', async () => {
    const chain = makeChain()
    const directory = newDirectory()
    const first = await Ledger.open({ directory, ...chain })
    await assert.rejects(Ledger.open({ directory, ...chain }), { code: 'directory-locked' })
    await first.close()
    await (await Ledger.open({ directory, ...chain })).close()
  })

  it('is refused when it holds another chain, and is not locked afterwards', async () => {
    const chain = makeChain()
    const directory = newDirectory()
    await (await Ledger.open({ directory, ...chain })).close()
    await assert.rejects(Ledger.open({ directory, ...makeChain({ accounts: ['zoe'] }) }), {
      code: 'other-chain',
    })
    await (await Ledger.open({ directory, ...chain })).close()
  })
})

describe('what is found under a key that is not its own', () => {
  /** As a flipped bit in a key does it: what is of height 1 is at height 2. */
  it('is refused, never answered', async () => {
    const store = new MemoryStore()
    const chain = makeChain()
    const blocks = new TestChain(chain, await Ledger.inMemory({ ...chain, store }))
    const [first, second] = [1n, 2n].map((amount) => blocks.tx('alice', [transferTo('bob', amount)]))
    assert.ok(first !== undefined && second !== undefined)
    await blocks.run([first])
    await blocks.run([second])
    const refusal = { code: 'data-inconsistent', message: /another/ }
    const reopened = async (from: Uint8Array, to: Uint8Array): Promise<Ledger> => {
      const value = await store.get(from)
      assert.ok(value !== undefined)
      await store.write([{ key: to, value }])
      return Ledger.inMemory({ ...chain, store })
    }
    await assert.rejects((await reopened(txKey(first.id), txKey(second.id))).receipt(second.id), refusal)
    await assert.rejects((await reopened(bodyKey(1), bodyKey(2))).history(idOf('alice')), refusal)
  })

  it('is not looked for, where the state knows that a transaction is new', async () => {
    const store = new MemoryStore()
    const chain = makeChain()
    const blocks = new TestChain(chain, await Ledger.inMemory({ ...chain, store }))
    const [ordered, unordered, next] = [
      blocks.tx('alice', [transferTo('bob', 1n)], { sequence: 1n }),
      blocks.tx('alice', [transferTo('bob', 2n)]),
      blocks.tx('alice', [transferTo('bob', 3n)], { sequence: 2n }),
    ]
    const receiptOf = ({ id, transaction }: DecodedTransaction): Promise<Receipt | null> =>
      blocks.ledger.receipt(id, transaction)
    const asked: string[] = []
    const get = store.get.bind(store)
    store.get = (key) => (asked.push(toHex(key)), get(key))
    for (const tx of [ordered, unordered, next]) assert.equal(await receiptOf(tx), null)
    assert.equal(asked.length, 0)
    await blocks.run([ordered, unordered])
    assert.equal((await receiptOf(ordered))?.outcome, 'settled')
    assert.equal((await receiptOf(unordered))?.outcome, 'settled')
    assert.equal(await receiptOf(next), null)
    assert.ok(!asked.includes(toHex(txKey(next.id))))
    // Past its validity its id is not live any more.
    await blocks.run([], [], blocks.nextMs + 3_600_000)
    assert.equal((await receiptOf(unordered))?.outcome, 'settled')
  })
})

describe('a ledger that contradicts itself', () => {
  /** A store with a few blocks and an open hold, changed by `damage`. */
  async function damaged(damage: (store: LedgerStore) => Promise<StoreChange[]>): Promise<Promise<Ledger>> {
    const store = new MemoryStore()
    const chain = makeChain()
    const blocks = new TestChain(chain, await Ledger.inMemory({ ...chain, store }))
    await blocks.hold('alice', 'bob', 5n)
    await store.write(await damage(store))
    return Ledger.inMemory({ ...chain, store })
  }
  const flip = async (store: LedgerStore, key: Uint8Array, at: number): Promise<StoreChange[]> => {
    const bytes = await store.get(key)
    assert.ok(bytes !== undefined)
    return [{ key, value: bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)) }]
  }
  const cases: readonly [string, string, (store: LedgerStore) => Promise<StoreChange[]>][] = [
    ['format-version', 'a head of another version', (store) => flip(store, headKey, 1)],
    ['other-chain', 'a head of another chain', (store) => flip(store, headKey, 5)],
    [
      'data-inconsistent',
      'a head cut short',
      () => Promise.resolve([{ key: headKey, value: Uint8Array.of(0, 1, 2) }]),
    ],
    ['data-inconsistent', 'records without a head', () => Promise.resolve([{ key: headKey, value: null }])],
    [
      'data-inconsistent',
      'a state root that is not the one of its pages',
      (store) => flip(store, headKey, 80),
    ],
    ['data-inconsistent', 'a missing root page', () => Promise.resolve([{ key: pageKey(''), value: null }])],
    ['data-inconsistent', 'a changed root page', (store) => flip(store, pageKey(''), 60)],
    ['data-inconsistent', 'a missing result', () => Promise.resolve([{ key: resultKey(1), value: null }])],
    [
      'data-inconsistent',
      'a result beyond its head',
      (store) => store.get(resultKey(1)).then((value) => [{ key: resultKey(2), value: value ?? utf8('') }]),
    ],
    [
      'data-inconsistent',
      'a missing window record',
      () => Promise.resolve([{ key: windowKey(1), value: new Uint8Array(8) }]),
    ],
    [
      'data-inconsistent',
      'an open hold that is not counted',
      async (store) => {
        const [row] = await store.range({ from: openHoldKey(0, new Uint8Array(32)), to: utf8('p'), limit: 1 })
        return [{ key: openHoldKey(1, new Uint8Array(32)), value: row?.[1] ?? null }]
      },
    ],
  ]
  for (const [code, what, damage] of cases) {
    it(`is refused: ${what}`, async () => {
      await assert.rejects(damaged(damage), { code })
    })
  }

  it('opens when nothing was damaged', async () => {
    const ledger = await damaged(() => Promise.resolve([]))
    assert.equal(ledger.height, 1)
  })

  it('refuses a genesis whose value does not fit', async () => {
    const chain = makeChain()
    const accounts = chain.genesis.accounts.map((account) => ({ ...account, balance: 2n ** 63n }))
    await assert.rejects(Ledger.inMemory({ ...chain, genesis: { ...chain.genesis, accounts } }), {
      code: 'genesis-invalid',
    })
  })
})

describe('a store that fails', () => {
  /** A store whose write waits to be let through, or fails. */
  class GatedStore extends MemoryStore {
    gate: Promise<void> = Promise.resolve()
    override async write(records: Iterable<StoreChange>): Promise<void> {
      const changes = [...records]
      await this.gate
      await super.write(changes)
    }
  }

  it('leaves the ledger unusable until it is opened again, at the height before', async () => {
    const store = new GatedStore()
    const chain = makeChain()
    const blocks = new TestChain(chain, await Ledger.inMemory({ ...chain, store }))
    await blocks.run([blocks.tx('alice', [transferTo('bob', 1n)])])
    const next = blocks.block([{ txs: [blocks.tx('alice', [transferTo('bob', 2n)])] }])
    store.gate = Promise.reject(new Error('disk full'))
    await assert.rejects(blocks.ledger.execute(next), /disk full/)
    store.gate = Promise.resolve()
    await assert.rejects(blocks.ledger.execute(next), { code: 'data-inconsistent' })
    const again = await Ledger.inMemory({ ...chain, store })
    assert.equal(again.height, 1)
    assert.equal((await again.execute(next)).receipts[0]?.outcome, 'settled')
  })

  it('shows readers the block before while the next one is being written', async () => {
    const store = new GatedStore()
    const chain = makeChain()
    const blocks = new TestChain(chain, await Ledger.inMemory({ ...chain, store }))
    const hold = await blocks.hold('alice', 'bob', 5n)
    const tx = blocks.tx('alice', [
      { type: 'hold.recall', hold },
      transferTo('carol', 7n),
      transferTo('new', 8n),
    ])
    let open: () => void = () => undefined
    let reached: () => void = () => undefined
    const writing = new Promise<void>((resolve) => (reached = resolve))
    const gate = new Promise<void>((resolve) => (open = resolve))
    Object.defineProperty(store, 'gate', { get: () => (reached(), gate) })
    const execution = blocks.ledger.execute(blocks.block([{ txs: [tx] }]))
    await writing
    assert.equal(blocks.ledger.height, 1)
    assert.equal(await blocks.balance('carol'), START_BALANCE)
    assert.equal(await blocks.ledger.account(idOf('new')), null)
    assert.equal((await blocks.ledger.hold(hold))?.end, null)
    assert.equal(await blocks.ledger.receipt(tx.id), null)
    assert.ok(!blocks.ledger.isLive(tx.id))
    open()
    await execution
    assert.equal(await blocks.balance('carol'), START_BALANCE + 7n)
    assert.equal(await blocks.balance('new'), 8n)
    assert.equal((await blocks.ledger.hold(hold))?.end?.how, 'recalled')
    assert.ok(blocks.ledger.isLive(tx.id))
  })

  it('is opened before a stock LevelDB of another use is overwritten', async () => {
    const directory = newDirectory()
    const store = await LevelStore.open(directory)
    await store.write([{ key: utf8('x'), value: utf8('y') }])
    await store.close()
    await assert.rejects(Ledger.open({ directory, ...makeChain() }), { code: 'data-inconsistent' })
  })
})
