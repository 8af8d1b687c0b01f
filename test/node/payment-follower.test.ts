/** `payments_follow`: every event once and in order, by cursors that mean the same everywhere; waiting, and its limit. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import type { PaymentEvent, PaymentEvents, RpcParams } from '../../client/api.ts'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { encodeAddress } from '../../crypto/address.ts'
import { PaymentFollower } from '../../node/payment-follower.ts'
import { idOf, TestChain, transferTo, verdict } from '../ledger/helpers.ts'

const NEVER = new AbortController().signal
const LONG_MS = 60_000
const NAMES = ['alice', 'bob', 'carol']
const addressOf = (name: string): string => encodeAddress('dcdn', idOf(name))
const nameOf = (address: string): string => NAMES.find((name) => addressOf(name) === address) ?? '?'
const lineOf = ({ event, payer, payee, amount, height }: PaymentEvent): string =>
  `${height} ${event} ${nameOf(payer)} ${nameOf(payee)} ${amount}`

let chain: TestChain
let listeners: Set<() => void>
let follower: PaymentFollower

/** One of another node of the same chain behaves the same. */
function makeFollower(): PaymentFollower {
  const onExecuted = (listener: () => void): (() => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  return new PaymentFollower(chain.ledger, onExecuted, 'dcdn')
}

/** What a node does after a block. */
function announce(): void {
  for (const listener of [...listeners]) listener()
}

beforeEach(async () => {
  chain = await TestChain.start()
  listeners = new Set()
  follower = makeFollower()
})

const follow = (params: RpcParams<'payments_follow'> = {}, signal = NEVER): Promise<PaymentEvents> =>
  follower.follow(params, signal)

/** Everything from genesis on, in pages, each asked for at a follower of its own. */
async function all(params: RpcParams<'payments_follow'> = {}): Promise<PaymentEvent[]> {
  const events: PaymentEvent[] = []
  for (let cursor = '1.0'; ; ) {
    const page = await makeFollower().follow({ ...params, cursor }, NEVER)
    events.push(...page.items)
    cursor = page.cursor
    if (page.items.length === 0 && Number(cursor.split('.')[0]) > page.executedHeight) return events
  }
}

/** Blocks with every kind of event. */
async function history(): Promise<void> {
  await chain.run(
    [
      chain.tx('alice', [transferTo('bob', 1n, 'lunch'), transferTo('carol', 2n)]),
      chain.tx('bob', [transferTo('carol', 3n)]),
      chain.tx('carol', [transferTo('bob', 10n ** 12n)]),
    ],
    [verdict(0, 1)],
  )
  await chain.run([])
  const hold = (await chain.ledger.holdsOpen()).items[0]?.id ?? assert.fail('nothing is held')
  await chain.run([
    chain.tx('alice', [{ type: 'hold.recall', hold }]),
    chain.tx('bob', [transferTo('alice', 4n)]),
  ])
  await chain.hold('bob', 'carol', 5n)
  await chain.run([], [], chain.ledger.timeMs + 60_000)
}

const EVENTS = [
  '1 settled alice bob 1',
  '1 held alice carol 2',
  '1 settled bob carol 3',
  '1 failed carol bob 1000000000000',
  '3 settled bob alice 4',
  '3 recalled alice carol 2',
  '4 held bob carol 5',
  '5 returned bob carol 5',
]

function assertBusy(page: PromiseSettledResult<PaymentEvents>): void {
  assert.ok(page.status === 'rejected' && page.reason instanceof CordonError)
  const { code, payload } = page.reason
  assert.equal(code, 'busy')
  assert.ok((payload.retryAfterMs as number) > 0)
}

suite('payments_follow', () => {
  test('has every event of the chain once and in order, whatever the size of a page', async () => {
    await history()
    for (const limit of [1, 2, 3, 5, 100]) assert.deepEqual((await all({ limit })).map(lineOf), EVENTS)
    const [lunch, held, , failed] = await all()
    assert.deepEqual([lunch?.memo, lunch?.holdId, lunch?.failure], ['lunch', null, null])
    assert.match(held?.holdId ?? '', /^[0-9a-f]{64}$/)
    assert.equal(failed?.failure, 'insufficient-funds')
  })

  test('every event has the cursor that goes on after it, the same for one account and for all', async () => {
    await history()
    const everything = await all()
    for (const [index, { cursor }] of everything.entries())
      assert.deepEqual((await follow({ cursor })).items, everything.slice(index + 1))
    for (const name of NAMES) {
      const address = addressOf(name)
      const own = everything.filter(
        ({ event, payer, payee }) => payer === address || (payee === address && event !== 'failed'),
      )
      assert.ok(own.length > 2)
      assert.deepEqual(await all({ address, limit: 1 }), own)
      assert.deepEqual(await all({ address }), own)
    }
  })

  test('blocks that are shared and older ones, found by the index, have the same events', async () => {
    const whom = [undefined, ...NAMES.map(addressOf)]
    const everything = (): Promise<PaymentEvent[][]> =>
      Promise.all(whom.map((address) => all(address === undefined ? {} : { address })))
    await history()
    const fresh = await everything()
    for (let block = 0; block < LIMITS.followedBlocksInMemory; block++) await chain.run([])
    assert.deepEqual(await everything(), fresh)
  })

  test('without a cursor it begins with the next block, and nothing of it is missed', async () => {
    await history()
    const start = await follow()
    assert.deepEqual([start.items, start.cursor, start.executedHeight], [[], '6.0', 5])
    await chain.run([chain.tx('alice', [transferTo('bob', 6n)])])
    assert.deepEqual((await follow({ cursor: start.cursor })).items.map(lineOf), ['6 settled alice bob 6'])
  })

  test('a node that is behind the cursor waits until it is not', async () => {
    await chain.run([chain.tx('alice', [transferTo('bob', 1n)])])
    for (const address of [undefined, addressOf('bob')]) {
      const params = address === undefined ? {} : { address }
      assert.deepEqual((await follow({ ...params, cursor: '7.3' })).cursor, '7.3')
    }
  })

  test('many empty blocks are passed in steps', async () => {
    for (let block = 0; block <= LIMITS.rpcFollowedBlocks; block++) await chain.run([])
    await chain.run([chain.tx('alice', [transferTo('bob', 1n)])])
    const first = await follow({ cursor: '1.0', timeoutMs: LONG_MS })
    assert.deepEqual([first.items, first.cursor], [[], `${LIMITS.rpcFollowedBlocks + 1}.0`])
    assert.equal((await follow({ cursor: first.cursor })).items.length, 1)
    assert.equal((await follow({ cursor: '1.0', address: addressOf('bob') })).items.length, 1, 'by the index')
  })

  test('a call looks at so many transactions, and the next one goes on', async () => {
    const perBlock = 500
    for (let left = LIMITS.rpcFollowedTxs + perBlock; left > 0; left -= perBlock) {
      const last = left === perBlock ? [chain.tx('carol', [transferTo('bob', 2n)])] : []
      const many = Array.from({ length: perBlock - 1 }, () => chain.tx('alice', [transferTo('bob', 1n)]))
      await chain.run([chain.tx('alice', [transferTo('carol', 1n)]), ...many, ...last])
    }
    const address = addressOf('carol')
    const blocks = LIMITS.rpcFollowedTxs / perBlock
    const first = await follow({ cursor: '1.0', address, timeoutMs: LONG_MS })
    assert.deepEqual([first.items.length, first.cursor], [blocks, `${blocks + 1}.0`])
    const second = await follow({ cursor: first.cursor, address })
    assert.deepEqual(
      second.items.map(({ amount }) => amount),
      ['1', '2'],
    )
  })

  test('a waiting call is answered by the first block with an event of its account', async () => {
    const waiting = follow({ address: addressOf('carol'), timeoutMs: LONG_MS })
    await chain.run([chain.tx('alice', [transferTo('bob', 1n)])])
    announce()
    await chain.run([chain.tx('alice', [transferTo('carol', 2n)])])
    announce()
    const { items, cursor } = await waiting
    assert.deepEqual([items.map(lineOf), cursor], [['2 settled alice carol 2'], '3.0'])
    assert.equal(listeners.size, 0)
  })

  test('however many follow, a block is read once, and for no account is the index asked', async (t) => {
    const read = t.mock.method(chain.ledger, 'workOf')
    const indexed = t.mock.method(chain.ledger, 'heightsOf')
    let cursor = '1.0'
    for (let height = 1; height <= 3; height++) {
      const leaving = new AbortController()
      const others = Array.from({ length: 50 }, () =>
        follow({ cursor, address: addressOf('carol'), timeoutMs: LONG_MS }, leaving.signal),
      )
      const followers = Array.from({ length: 100 }, (_, index) =>
        follow({ cursor, timeoutMs: LONG_MS, ...(index % 2 === 0 ? {} : { address: addressOf('bob') }) }),
      )
      await chain.run([
        chain.tx('alice', [transferTo('bob', 1n)]),
        chain.tx('alice', [transferTo('bob', 2n)]),
      ])
      announce()
      const pages = await Promise.all(followers)
      for (const page of pages) assert.deepEqual(page, pages[0])
      assert.equal(pages[0]?.items.length, 2)
      assert.equal(read.mock.callCount(), height)
      cursor = pages[0].cursor
      leaving.abort()
      await Promise.all(others)
    }
    assert.equal(indexed.mock.callCount(), 0)
  })

  test('a block that could not be read is read again', async (t) => {
    await history()
    const read = t.mock.method(chain.ledger, 'workOf', () => Promise.reject(new Error('no disk')))
    await assert.rejects(follow({ cursor: '1.0' }), /no disk/)
    read.mock.restore()
    assert.deepEqual((await follow({ cursor: '1.0' })).items.map(lineOf), EVENTS)
  })

  test('a call that nobody waits for any more ends, and one whose time is up has a cursor', async () => {
    const leaving = new AbortController()
    const left = follow({ timeoutMs: LONG_MS }, leaving.signal)
    leaving.abort()
    assert.deepEqual((await left).items, [])
    assert.equal((await follow({ timeoutMs: 1 })).cursor, '1.0')
    assert.equal(listeners.size, 0)
  })

  test('more calls than may wait are told to come back', async () => {
    const leaving = new AbortController()
    const waiting = Array.from({ length: LIMITS.rpcFollowers }, () =>
      follow({ timeoutMs: LONG_MS }, leaving.signal),
    )
    await new Promise(setImmediate)
    await assert.rejects(follow({ timeoutMs: LONG_MS }), { code: 'busy' })
    leaving.abort()
    await Promise.all(waiting)
    assert.equal(listeners.size, 0)
  })

  test('of the calls that read old blocks so many go on at once, and those that follow are not held up', async (t) => {
    await history()
    for (let block = 0; block < LIMITS.followedBlocksInMemory; block++) await chain.run([])
    const old = (count: number): Promise<PromiseSettledResult<PaymentEvents>[]> =>
      Promise.allSettled(
        Array.from({ length: count }, (_, index) =>
          follow({ cursor: '1.0', ...(index % 2 === 0 ? {} : { address: addressOf('bob') }) }),
        ),
      )
    const most = LIMITS.rpcFollowersBehind
    const fresh = `${chain.ledger.height}.0`
    const [reading, following] = await Promise.all([old(most + 2), follow({ cursor: fresh })])
    assert.equal(following.executedHeight, chain.ledger.height)
    for (const [index, page] of reading.entries()) {
      if (index < most) assert.equal(page.status, 'fulfilled')
      else assertBusy(page)
    }
    const read = t.mock.method(chain.ledger, 'workOf', () => Promise.reject(new Error('no disk')))
    for (const page of await old(most)) assert.equal(page.status, 'rejected')
    read.mock.restore()
    for (const page of await old(most)) assert.equal(page.status, 'fulfilled', 'a call that failed is over')
  })

  test('a wrong cursor and an address of another network are refused', async () => {
    await assert.rejects(follow({ cursor: 'x' }), { code: 'rpc-invalid' })
    await assert.rejects(follow({ address: encodeAddress('cdn', idOf('bob')) }), { code: 'address-invalid' })
  })
})
