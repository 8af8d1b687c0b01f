import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import fc from 'fast-check'
import { WebSocketServer, type WebSocket } from 'ws'
import type { BlockEvent } from '../../client/api.ts'
import { LIMITS } from '../../config/limits.ts'
import { LOAD_ACCOUNT_UNITS } from '../../devnet/accounts.ts'
import { LoadPlan } from '../../devnet/load/plan.ts'
import { allAccountedFor, runLoad } from '../../devnet/load/run.ts'
import { LoadSocket, requestOf } from '../../devnet/load/socket.ts'
import { LoadTally, percentiles } from '../../devnet/load/tally.ts'
import { fakeDevnet } from './helpers.ts'

test('the load is spread evenly: every account pays once before any pays again, to three usual payees', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 8, max: 600 }),
      fc.string({ minLength: 1, maxLength: 5 }),
      (accounts, seed) => {
        const plan = new LoadPlan(seed, '1', accounts)
        const payees = new Map<number, Set<number>>()
        for (let round = 0; round < 4; round++) {
          const payers = new Set<number>()
          for (let slot = 0; slot < accounts; slot++) {
            const { from, to, amountUnits } = plan.payment(round * accounts + slot)
            payers.add(from)
            assert.notEqual(from, to)
            assert.ok(to >= 0 && to < accounts)
            assert.ok(amountUnits >= 800_000n && amountUnits <= 19_000_000n)
            payees.set(from, (payees.get(from) ?? new Set()).add(to))
          }
          assert.equal(payers.size, accounts)
        }
        assert.ok([...payees.values()].every((set) => set.size <= 3))
      },
    ),
    { numRuns: 30 },
  )
})

test('a payout goes to as many others as it has transfers, the same ones each time', () => {
  const plan = new LoadPlan('s', '1', 120)
  const payees = (k: number): number[] => plan.payout(k, 100).transfers.map(({ to }) => to)
  for (const k of [0, 119]) {
    const { from, transfers } = plan.payout(k, 100)
    assert.equal(new Set(transfers.map(({ to }) => to)).add(from).size, 101)
    assert.deepEqual(payees(k + 120), payees(k))
    const together = transfers.reduce((sum, { amountUnits }) => sum + amountUnits, 0n)
    assert.ok(together >= 800_000n && together <= 19_000_000n, 'about as much as a payment')
  }
})

test('a thief sends a large amount and then many to accounts that it never paid, until the next one does', () => {
  const plan = new LoadPlan('s', '1', 2_000)
  const thefts = Array.from({ length: 260 }, (_, k) => plan.theft(k))
  const [first, second] = [thefts.slice(0, 130), thefts.slice(130)]
  for (const own of [first, second]) {
    assert.equal(new Set(own.map(({ from }) => from)).size, 1)
    assert.ok(own.every(({ from, to }) => to !== from))
    assert.equal(new Set(own.map(({ to }) => to)).size, 130)
    assert.ok(own.reduce((sum, { amountUnits }) => sum + amountUnits, 0n) < LOAD_ACCOUNT_UNITS)
    assert.equal(own[0]?.amountUnits, 300_000_000n)
  }
  const [one, other] = [thefts[0]?.from, new LoadPlan('s', '2', 2_000).theft(0).from]
  assert.ok(first[0]?.from !== second[0]?.from && one !== other, 'in each run others')
})

test('usual payees stay the same from run to run', () => {
  const payeesOf = (run: string): Set<string> => {
    const plan = new LoadPlan('s', run, 20)
    return new Set(
      Array.from({ length: 4_000 }, (_, k) => plan.payment(k)).map(({ from, to }) => `${from}>${to}`),
    )
  }
  assert.deepEqual([...payeesOf('1')].sort(), [...payeesOf('2')].sort())
})

test('percentiles are nearest-rank', () => {
  const values = Array.from({ length: 100 }, (_, index) => index + 1)
  assert.deepEqual(percentiles(values), { p50: 50, p95: 95, p99: 99 })
  assert.deepEqual(percentiles([7]), { p50: 7, p95: 7, p99: 7 })
  assert.deepEqual(percentiles([]), { p50: null, p95: null, p99: null })
})

function block(results: Record<string, 'settled' | 'held' | 'failed'>, expired: string[] = []): BlockEvent {
  return {
    height: 1,
    hash: '',
    timeMs: 0,
    results: Object.entries(results).map(([txId, status]) => ({ txId, status, holds: [] })),
    expired,
  }
}

test('a result counts when the own node reports it', () => {
  const tally = new LoadTally(['a', 'b', 'c', 'd'])
  for (const [number, node] of [0, 1, 0, 1].entries()) tally.sent(number, node)
  for (const number of [0, 1, 2]) tally.answered(number, null)
  tally.answered(3, 'busy')
  assert.equal(tally.open, 3)
  tally.block(block({ a: 'settled', b: 'held' }), 0, 100)
  assert.equal(tally.open, 2, 'b was sent to node 1, which has not said it yet')
  tally.block(block({ a: 'settled', b: 'held' }), 1, 110)
  tally.block(block({}, ['c']), 0, 120)
  assert.equal(tally.open, 0)
  assert.deepEqual(tally.counts(), { accepted: 3, refused: 1, settled: 1, held: 1, failed: 0, expired: 1 })
  assert.deepEqual(
    tally.latencies(() => 50),
    { p50: 50, p95: 60, p99: 60 },
  )
  assert.deepEqual([...tally.refusals], [['busy', 1]])
  assert.deepEqual(tally.unresolved(), [])
})

test('when its node is lost, what others reported counts, and a result proves acceptance', () => {
  const tally = new LoadTally(['a', 'b'])
  tally.sent(0, 0)
  tally.sent(1, 0)
  tally.block(block({ a: 'settled' }), 1, 100)
  tally.nodeLost(0)
  assert.equal(tally.open, 1)
  tally.sent(1, 1)
  tally.answered(1, null)
  tally.learned(1, 'settled')
  assert.deepEqual(tally.counts(), { accepted: 2, refused: 0, settled: 2, held: 0, failed: 0, expired: 0 })
})

test('a payment that nobody answered for and no block has was not taken', () => {
  const tally = new LoadTally(['a', 'b'])
  for (const number of [0, 1]) tally.sent(number, 0)
  tally.answered(0, null)
  assert.deepEqual([tally.isAccepted(0), tally.isAccepted(1)], [true, false])
  tally.notTaken(1, 'connection-lost')
  assert.equal(tally.open, 1)
  assert.deepEqual(tally.unresolved(), [0])
  assert.deepEqual(tally.counts(), { accepted: 1, refused: 1, settled: 0, held: 0, failed: 0, expired: 0 })
})

interface Request {
  readonly id: number
  readonly method: string
  readonly params: { readonly tx?: string; readonly fromHeight?: number }
}

/** A JSON-RPC server over WebSocket that answers with `answer`. */
async function server(
  t: { after(fn: () => void): void },
  port: number,
  answer: (request: Request, socket: WebSocket) => unknown,
  onMessage: (requests: number) => void = () => undefined,
): Promise<string> {
  const listening = new WebSocketServer({ port, host: '127.0.0.1' })
  t.after(() => {
    for (const client of listening.clients) client.terminate()
    listening.close()
  })
  listening.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const parsed = JSON.parse(data.toString()) as Request | Request[]
      onMessage([parsed].flat().length)
      const answers = [parsed]
        .flat()
        .map((request) => ({ jsonrpc: '2.0', id: request.id, ...(answer(request, socket) as object) }))
      socket.send(JSON.stringify(Array.isArray(parsed) ? answers : answers[0]))
    })
  })
  await once(listening, 'listening')
  return `http://127.0.0.1:${(listening.address() as { port: number }).port}`
}

test('the socket submits a bundle as one batch, and after a break follows on from its height', async (t) => {
  const subscriptions: (number | undefined)[] = []
  const url = await server(t, 0, ({ method, params }, socket) => {
    if (method === 'blocks_subscribe') {
      subscriptions.push(params.fromHeight)
      if (subscriptions.length === 2)
        setImmediate(() =>
          socket.send(JSON.stringify({ method: 'blocks_event', params: { event: block({}) } })),
        )
      return { result: { subscription: 's' } }
    }
    if (params.tx === 'dead') {
      socket.send(JSON.stringify({ method: 'blocks_event', params: { event: { ...block({}), height: 41 } } }))
      setImmediate(() => socket.terminate())
      return {}
    }
    return params.tx === 'bad' ? { error: { data: { code: 'busy' } } } : { result: {} }
  })
  const answers = new Map<number, string | null>()
  const broken = Promise.withResolvers<readonly number[]>()
  const followed = Promise.withResolvers<null>()
  const answered = Promise.withResolvers<null>()
  const socket: LoadSocket = new LoadSocket('v1', url, {
    onAnswer: (number, refusal) => {
      answers.set(number, refusal)
      if (answers.size === 2) answered.resolve(null)
    },
    onBlock: (event) => {
      if (event.height === 1) followed.resolve(null)
    },
    onBreak: (unanswered) => broken.resolve(unanswered),
  })
  t.after(() => socket.close())
  await socket.open()
  assert.equal(socket.ready, true)
  socket.send([
    { number: 0, request: requestOf(0, 'good') },
    { number: 1, request: requestOf(1, 'bad') },
  ])
  await answered.promise
  assert.deepEqual(
    [...answers],
    [
      [0, null],
      [1, 'busy'],
    ],
  )
  socket.send([{ number: 2, request: '{"id":99,"method":"tx_submit","params":{"tx":"dead"}}' }])
  assert.deepEqual(await broken.promise, [2])
  await followed.promise
  assert.deepEqual(subscriptions, [undefined, 42])
})

test('a bundle longer than a node takes is split', async (t) => {
  const sizes: number[] = []
  const url = await server(
    t,
    0,
    () => ({ result: { subscription: 's' } }),
    (size) => sizes.push(size),
  )
  const answered = Promise.withResolvers<null>()
  let answers = 0
  const socket = new LoadSocket('v1', url, {
    onAnswer: () => {
      if (++answers === 250) answered.resolve(null)
    },
    onBlock: () => undefined,
    onBreak: () => undefined,
  })
  t.after(() => socket.close())
  await socket.open()
  socket.send(Array.from({ length: 250 }, (_, number) => ({ number, request: requestOf(number, '00') })))
  await answered.promise
  assert.deepEqual(sizes, [1, LIMITS.rpcBatchRequests, LIMITS.rpcBatchRequests, 50])
})

test('a run accounts for every payment', async (t) => {
  const dir = await fakeDevnet({ v1: {} })
  const { readDevnetFile } = await import('../../devnet/layout.ts')
  const { decodeTransaction } = await import('../../ledger/transaction.ts')
  const port = Number(new URL(readDevnetFile(dir).nodes[0]!.rpc).port)
  let submitted = 0
  const info = {
    network: 'devnet',
    genesisHash: '',
    chainId: '0102030405060708',
    addressPrefix: 'dcdn',
    minFee: '1000',
    walletValidityMs: 1,
    quarantineMs: 1,
    onExpiry: 'return',
    parameters: {},
  }
  await server(t, port, ({ method, params }, socket) => {
    if (method === 'chain_info') return { result: info }
    if (method === 'chain_status') return { result: { height: 5 } }
    if (method === 'blocks_subscribe') return { result: { subscription: 's' } }
    const { id, transaction } = decodeTransaction(Buffer.from(params.tx!, 'hex'))
    assert.equal(transaction.fee, 1_000n)
    submitted++
    if (submitted % 10 === 0) return { error: { message: 'later', data: { code: 'busy' } } }
    const txId = Buffer.from(id).toString('hex')
    const event =
      submitted % 10 === 1 ? block({}, [txId]) : block({ [txId]: submitted % 10 === 2 ? 'held' : 'settled' })
    setImmediate(() =>
      socket.send(JSON.stringify({ method: 'blocks_event', params: { subscription: 's', event } })),
    )
    return { result: { txId, result: 'accepted', status: 'pending' } }
  })
  const result = await runLoad({ dir, ratePerSecond: 500, durationS: 0.2 })
  const { offered, accepted, refused, settled, held, failed, expired, refusals } = result
  assert.deepEqual(
    { offered, accepted, refused, settled, held, failed, expired, refusals },
    {
      offered: 100,
      accepted: 90,
      refused: 10,
      settled: 70,
      held: 10,
      failed: 0,
      expired: 10,
      refusals: { busy: 10 },
    },
  )
  assert.ok(allAccountedFor(result))
  assert.ok(result.settledPerSecond > 0 && result.latencyMs.p50 !== null)
})

test('rates, durations and account numbers out of range are usage errors', async () => {
  const dir = await fakeDevnet({ v1: {} })
  const wrong = [
    { ratePerSecond: 0, durationS: 1 },
    { ratePerSecond: 0.1, durationS: 1 },
    { ratePerSecond: 1e6, durationS: 10 },
    { ratePerSecond: 1, durationS: 700 },
    { ratePerSecond: 1, durationS: 5, accounts: 11 },
  ]
  for (const options of wrong)
    await assert.rejects(runLoad({ dir, ...options }), { code: 'usage' }, JSON.stringify(options))
})
