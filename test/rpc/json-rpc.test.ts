/** JSON-RPC 2.0 over HTTP and WebSocket, against a real server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChainStatus, TxInfo } from '../../client/api.ts'
import { CordonError, ERRORS } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { METHODS } from '../../node/rpc/schemas.ts'
import { startHarness, type Answer } from './harness.ts'

const TX_ID = 'ab'.repeat(32)
const status = (height: number): ChainStatus => ({ height }) as ChainStatus
const call = (method: string, params?: unknown, id: unknown = 1): object => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})

const fails = (answer: Answer, number: number, code: keyof typeof ERRORS, message: RegExp): void => {
  assert.equal(answer.error?.code, number)
  assert.equal(answer.error.data.code, code)
  assert.match(answer.error.message, message)
  assert.equal(answer.result, undefined)
}

test('a call over HTTP and over WebSocket gives the same answer', async (t) => {
  const { post, connect } = await startHarness(t, { chain_status: () => Promise.resolve(status(7)) })
  const expected = { jsonrpc: '2.0', id: 1, result: { height: 7 } }
  assert.deepEqual(await post(call('chain_status', {})), { status: 200, body: expected })
  const client = await connect()
  assert.deepEqual(await client.call('chain_status'), expected)
})

test('ids come back as they were: numbers, texts, null; params may be left out', async (t) => {
  const { post } = await startHarness(t, { chain_status: () => Promise.resolve(status(1)) })
  for (const id of [0, -1, 1.5, 'x', '', null])
    assert.equal((await post({ jsonrpc: '2.0', id, method: 'chain_status' })).body.id, id)
})

test('notifications are carried out and not answered', async (t) => {
  let calls = 0
  const { post, connect } = await startHarness(t, {
    chain_status: () => {
      calls++
      return Promise.resolve(status(1))
    },
  })
  assert.deepEqual(await post({ jsonrpc: '2.0', method: 'chain_status' }), { status: 204, body: null })
  const client = await connect()
  client.send({ jsonrpc: '2.0', method: 'chain_status' })
  client.send({ jsonrpc: '2.0', method: 'nonsense' })
  assert.equal((await client.call('chain_status')).id, 1)
  assert.equal(calls, 3)
})

test('requests are answered as they finish, not in the order they came', async (t) => {
  const first = Promise.withResolvers<ChainStatus>()
  const { connect } = await startHarness(t, {
    chain_status: () => first.promise,
    tx_get: () => Promise.resolve({ txId: TX_ID } as TxInfo),
  })
  const client = await connect()
  client.send(call('chain_status', {}, 'slow'))
  client.send(call('tx_get', { txId: TX_ID }, 'quick'))
  assert.equal((await client.next()).id, 'quick')
  first.resolve(status(1))
  assert.equal((await client.next()).id, 'slow')
})

test('batches: answers for requests, none for notifications', async (t) => {
  const { post } = await startHarness(t, { chain_status: () => Promise.resolve(status(3)) })
  const { body } = await post([
    call('chain_status', {}, 1),
    { jsonrpc: '2.0', method: 'chain_status' },
    call('nope', {}, 2),
    5,
  ])
  const answers = body as unknown as Answer[]
  assert.deepEqual(
    answers.map(({ id, error }) => [id, error?.code]),
    [
      [1, undefined],
      [2, -32_601],
      [null, -32_600],
    ],
  )
  assert.equal((await post([{ jsonrpc: '2.0', method: 'chain_status' }])).status, 204)
  fails((await post([])).body, -32_600, 'rpc-invalid', /at least one request/)
  const many = Array.from({ length: LIMITS.rpcBatchRequests + 1 }, (_, i) => call('chain_status', {}, i))
  fails((await post(many)).body, -32_001, 'rpc-too-large', /at most 100 requests in a batch, got 101/)
})

test('what is no request says why', async (t) => {
  const { post } = await startHarness(t)
  const refused = async (body: unknown, number: number, message: RegExp): Promise<void> => {
    fails((await post(body)).body, number, 'rpc-invalid', message)
  }
  await refused('{', -32_700, /the request is not JSON/)
  await refused('', -32_700, /not JSON/)
  await refused('5', -32_600, /expected an object/)
  await refused({ id: 1, method: 'chain_status' }, -32_600, /"jsonrpc": "2.0"/)
  await refused({ jsonrpc: '2.0', id: 1 }, -32_600, /method name/)
  await refused({ jsonrpc: '2.0', id: {}, method: 'chain_status' }, -32_600, /an id/)
  await refused({ jsonrpc: '2.0', id: 'x'.repeat(129), method: 'chain_status' }, -32_600, /an id/)
  await refused({ jsonrpc: '2.0', id: 1, method: 'chain_status', params: 5 }, -32_600, /params/)
  await refused('{"jsonrpc":"2.0","id":1,"method":"chain_status","params":null}', -32_600, /params/)
})

test('unknown methods, also those of every object', async (t) => {
  const { post } = await startHarness(t)
  for (const method of ['nope', 'constructor', 'toString', '__proto__', '']) {
    fails((await post(call(method))).body, -32_601, 'rpc-method', /there is no method .*rpc\.discover/)
  }
})

test('parameters are checked by name, type, range and number', async (t) => {
  const { post } = await startHarness(t)
  const refused = async (method: string, params: unknown, message: RegExp): Promise<void> => {
    fails((await post(call(method, params))).body, -32_602, 'rpc-invalid', message)
  }
  await refused('chain_block', {}, /^chain_block: params lacks height$/)
  await refused('chain_block', [5], /as an object with names, got a list/)
  await refused('chain_block', { height: '5' }, /params\.height must be integer, got "5"/)
  await refused('chain_block', { height: 1.5 }, /must be integer, got 1.5/)
  await refused('chain_block', { height: -1 }, /must be >= 0, got -1/)
  await refused('chain_block', { height: 2 ** 48 }, /must be <= /)
  await refused('chain_block', { height: 1, depth: 2 }, /has an unknown "depth"/)
  await refused('chain_block', { height: 1, ['__proto__x']: 2 }, /has an unknown/)
  await refused('tx_get', { txId: TX_ID.toUpperCase() }, /must match pattern/)
  await refused('tx_get', { txId: TX_ID.slice(2) }, /must match pattern/)
  await refused('tx_wait', { txId: TX_ID }, /lacks timeoutMs/)
  await refused('tx_wait', { txId: TX_ID, timeoutMs: LIMITS.rpcWaitMs + 1 }, /must be <= 600000, got 600001/)
  await refused('account_history', { address: 'x', limit: 0 }, /limit must be >= 1/)
  await refused('quarantine_list', { status: 'closed' }, /must be one of open, ended, got "closed"/)
  await refused('tx_submit', { tx: 5 }, /params\.tx must be string, got 5/)
  await refused('chain_status', { x: 1 }, /unknown "x"/)
})

test('an expected error keeps code and payload, also one with a bigint', async (t) => {
  const { post } = await startHarness(t, {
    tx_submit: () =>
      Promise.reject(
        new CordonError('tx-insufficient-funds', 'expected 5, got 3', { needed: 5n, available: '3' }),
      ),
    tx_dryRun: () => Promise.reject(new CordonError('busy', 'too much', { retryAfterMs: 1_500 })),
    chain_info: () => Promise.reject(new CordonError('busy', 'too much')),
  })
  const refused = (await post(call('tx_submit', { tx: '00' }))).body
  fails(refused, -32_000, 'tx-insufficient-funds', /^expected 5, got 3$/)
  assert.deepEqual(refused.error?.data, { code: 'tx-insufficient-funds', needed: '5', available: '3' })
  const busy = (await post(call('tx_dryRun', { tx: '00' }))).body
  fails(busy, -32_005, 'busy', /too much/)
  assert.equal(busy.error?.data.retryAfterMs, 1_500)
  assert.ok(Number((await post(call('chain_info'))).body.error?.data.retryAfterMs) > 0)
})

test('an unexpected error is logged and not shown', async (t) => {
  const { post, log } = await startHarness(t, {
    chain_status: () => Promise.reject(new TypeError('secret path /home/x')),
    chain_info: () => {
      throw new RangeError('thrown, not rejected')
    },
    chain_validators: () => Promise.resolve(1n as never),
  })
  for (const method of ['chain_status', 'chain_info', 'chain_validators']) {
    const { body } = await post(call(method))
    fails(body, -32_603, 'unexpected', /its log says more/)
    assert.deepEqual(Object.keys(body.error!.data), ['code'])
  }
  assert.deepEqual(
    log.map(({ level, fields }) => [level, fields.method, (fields.err as Error).name]),
    [
      ['error', 'chain_status', 'TypeError'],
      ['error', 'chain_info', 'RangeError'],
      ['error', 'chain_validators', 'TypeError'],
    ],
  )
})

test('any text gets an answer or none, and the connection lives on', async (t) => {
  const { connect } = await startHarness(t, { chain_status: () => Promise.resolve(status(1)) })
  const client = await connect()
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.json(),
    fc.constantFrom('[[]]', '[null]', '{"jsonrpc":"2.0","id":1,"method":[]}'),
  )
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      client.send(text)
      client.send(call('chain_status', {}, 'mark'))
      for (let answer = await client.next(); ; answer = await client.next()) {
        if (answer.id === 'mark') return
        for (const one of Array.isArray(answer) ? (answer as Answer[]) : [answer])
          assert.ok(one.error !== undefined)
      }
    }),
    { numRuns: 200 },
  )
})

test('rpc.discover lists every method of the table with its parameters', async (t) => {
  const { post } = await startHarness(t)
  const document = (await post(call('rpc.discover'))).body.result as {
    openrpc: string
    methods: { name: string; params: { name: string; required: boolean }[] }[]
    'x-errors': { code: string }[]
  }
  assert.match(document.openrpc, /^1\./)
  assert.deepEqual(
    document.methods.map(({ name }) => name),
    Object.keys(METHODS),
  )
  assert.deepEqual(
    document.methods
      .find(({ name }) => name === 'tx_receipt')
      ?.params.map(({ name, required }) => [name, required]),
    [
      ['txId', true],
      ['timeoutMs', false],
    ],
  )
  assert.deepEqual(
    document['x-errors'].map(({ code }) => code),
    Object.keys(ERRORS),
  )
})
