/** The server around JSON-RPC: health, limits, subscriptions, foreign pages, shutting down. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import type { BlockEvent, ChainStatus, TxInfo } from '../../client/api.ts'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { startRpcServer } from '../../node/rpc/server.ts'
import { blockEvent, Client, startHarness } from './harness.ts'

const PROBLEM = { what: 'no finality', detail: 'for 9 s', hint: 'cordon validators' }
const call = (method: string, params: object = {}, id: unknown = 1): object => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})

/** A request with headers that fetch does not let one set. */
async function raw(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string },
): Promise<{ status: number; body: string }> {
  const request = httpRequest(url, { method: options.method ?? 'GET', headers: options.headers ?? {} })
  request.end(options.body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }
}

test('health is 200 or 503 with only what is out of range', async (t) => {
  const problems = [PROBLEM]
  const { server } = await startHarness(t, {}, { status: { problems: () => problems, obstacles: () => [] } })
  const sick = await fetch(`${server.url}/healthz`)
  assert.equal(sick.status, 503)
  assert.deepEqual(await sick.json(), { ok: false, problems: [PROBLEM] })
  problems.pop()
  const well = await fetch(`${server.url}/healthz`)
  assert.equal(well.status, 200)
  assert.deepEqual(await well.json(), { ok: true, problems: [] })
})

test('readiness takes what it should be measured by', async (t) => {
  const queries: unknown[] = []
  const obstacles = (query: object): [] => {
    queries.push(query)
    return []
  }
  const { server } = await startHarness(t, {}, { status: { problems: () => [], obstacles } })
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
  assert.equal((await fetch(`${server.url}/readyz?minPeers=3&maxBlocksBehind=0`)).status, 200)
  assert.deepEqual(queries, [{}, { minPeers: 3, maxBlocksBehind: 0 }])
  for (const query of ['minPeers=x', 'minPeers=-1', 'minPeers=1&minPeers=2', 'peers=3', '__proto__=1']) {
    const response = await fetch(`${server.url}/readyz?${query}`)
    assert.equal(response.status, 400, query)
    assert.match(await response.text(), /rpc-invalid/)
  }
})

test('a failure outside of JSON-RPC is logged and not shown', async (t) => {
  const { server, log } = await startHarness(t, {}, { metrics: () => Promise.reject(new Error('secret')) })
  const response = await fetch(`${server.url}/metrics`)
  assert.equal(response.status, 500)
  assert.doesNotMatch(await response.text(), /secret/)
  assert.equal((log[0]?.fields.err as Error).message, 'secret')
})

test('metrics are Prometheus text', async (t) => {
  const { server } = await startHarness(t)
  const response = await fetch(`${server.url}/metrics`)
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(await response.text(), /^up 1$/m)
})

test('other paths, methods and content types are refused with what is right', async (t) => {
  const { server } = await startHarness(t)
  const refused = async (path: string, init: RequestInit, status: number, message: RegExp): Promise<void> => {
    const response = await fetch(server.url + path, init)
    assert.equal(response.status, status, path)
    assert.match(await response.text(), message)
  }
  await refused('/nothing', {}, 404, /there is no GET \/nothing; JSON-RPC is at POST/)
  await refused('/', { method: 'DELETE' }, 404, /there is no DELETE/)
  await refused(
    '/',
    { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } },
    415,
    /application\/json/,
  )
  await refused(
    '/',
    { method: 'POST', body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    415,
    /application\/json/,
  )
  await refused('/', {}, 426, /POST \/ or WebSocket \//)
})

test('too long a request is refused, over HTTP and over WebSocket', async (t) => {
  const { server, post, connect } = await startHarness(t, {
    chain_status: () => Promise.resolve({ height: 1 } as ChainStatus),
  })
  const long = JSON.stringify(call('tx_submit', { tx: '0'.repeat(LIMITS.rpcBodyBytes) }))
  const answer = await post(long)
  assert.equal(answer.status, 413)
  assert.equal(answer.body.error?.data.code, 'rpc-too-large')
  const client = await connect()
  client.send(long)
  assert.equal((await client.next()).error?.data.code, 'rpc-too-large')
  assert.equal((await client.call('chain_status')).id, 1)
  client.send('0'.repeat(2 * LIMITS.rpcBodyBytes + 1))
  assert.equal(await client.closed(), 1009)
  assert.equal((await Client.open(server.url)).socket.readyState, WebSocket.OPEN)
})

test('binary messages end the connection', async (t) => {
  const { connect } = await startHarness(t)
  const client = await connect()
  client.socket.send(Buffer.from('{}'))
  assert.equal(await client.closed(), 1003)
})

test('a foreign web page gets nothing from a node on loopback', async (t) => {
  const { server } = await startHarness(t, {
    chain_status: () => Promise.resolve({ height: 1 } as ChainStatus),
  })
  const own = `127.0.0.1:${server.port}`
  const body = JSON.stringify(call('chain_status'))
  const post = async (headers: Record<string, string>): Promise<number> =>
    (
      await raw(server.url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      })
    ).status
  assert.equal(await post({ host: own }), 200)
  assert.equal(await post({ host: `localhost:${server.port}` }), 200)
  assert.equal(await post({ host: `[::1]:${server.port}` }), 200)
  assert.equal(await post({ host: own, origin: `http://${own}` }), 200)
  for (const host of [
    'evil.example',
    `evil.example:${server.port}`,
    '127.0.0.1.evil.example',
    'localhost.evil.example',
  ]) {
    assert.equal(await post({ host }), 403, host)
  }
  for (const origin of [
    'http://evil.example',
    'null',
    'http://127.0.0.1:1',
    `https://localhost:${server.port}`,
    'x',
  ]) {
    assert.equal(await post({ host: own, origin }), 403, origin)
  }
  const metrics = await raw(`${server.url}/metrics`, { headers: { host: 'evil.example' } })
  assert.equal(metrics.status, 403)
  assert.match(metrics.body, /rpc-origin/)
  const socket = new WebSocket(server.url.replace('http', 'ws'), { origin: 'http://evil.example' })
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
  assert.equal(response.statusCode, 403)
  socket.on('error', () => undefined)
  socket.terminate()
})

test('a node on another address answers to any name, but to no foreign page', async (t) => {
  const { server } = await startHarness(t, {}, { host: '0.0.0.0' })
  assert.equal((await raw(`${server.url}/healthz`, { headers: { host: 'node.example' } })).status, 200)
  assert.equal(
    (await raw(`${server.url}/healthz`, { headers: { host: 'node.example', origin: 'http://evil.example' } }))
      .status,
    403,
  )
})

test('a port in use is a clear error with what to do', async (t) => {
  const { server } = await startHarness(t)
  await assert.rejects(startHarness(t, {}, { port: server.port }), (error: CordonError) => {
    assert.equal(error.code, 'port-in-use')
    assert.match(error.message, new RegExp(`port ${server.port} of 127\\.0\\.0\\.1 .*CORDON_RPC_PORT`))
    return true
  })
  await assert.rejects(startHarness(t, {}, { host: '203.0.113.1' }), {
    code: 'config-invalid',
    message: /EADDRNOTAVAIL/,
  })
})

test('the rate of HTTP requests is limited, that of health checks is not', async (t) => {
  const service = { chain_status: () => Promise.resolve({ height: 1 } as ChainStatus) }
  const { server, post } = await startHarness(t, service, { httpRequestsPerSecond: 3 })
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(call('chain_status'))))
  const refused = answers.filter(({ status }) => status === 429)
  assert.ok(refused.length > 0 && refused.length < answers.length)
  assert.equal(refused[0]?.body.error?.data.code, 'busy')
  assert.ok(Number(refused[0].body.error.data.retryAfterMs) > 0)
  for (let i = 0; i < 20; i++) assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
})

test('subscriptions start with the next block, and end', async (t) => {
  const harness = await startHarness(t)
  harness.execute(5)
  const client = await harness.connect()
  const { result } = await client.call('blocks_subscribe')
  const { subscription } = result as { subscription: string }
  harness.execute(6)
  const event = await client.next()
  assert.deepEqual(event, {
    jsonrpc: '2.0',
    method: 'blocks_event',
    params: { subscription, event: blockEvent(6) },
  })
  assert.equal((await client.call('blocks_unsubscribe', { subscription })).result, true)
  harness.execute(7)
  assert.equal((await client.call('blocks_unsubscribe', { subscription })).result, false)
})

test('a subscription catches up from its height and goes on without a gap', async (t) => {
  const harness = await startHarness(t)
  harness.execute(50)
  const client = await harness.connect()
  client.send(call('blocks_subscribe', { fromHeight: 3 }, 'sub'))
  const heights: number[] = []
  for (let executed = 51; heights.at(-1) !== 60; ) {
    const message = await client.next()
    if (message.params !== undefined) heights.push(message.params.event.height)
    if (executed <= 60) harness.execute(executed++)
  }
  assert.deepEqual(
    heights,
    Array.from({ length: 58 }, (_, i) => i + 3),
  )
})

test('a block that is not kept any more refuses the subscription', async (t) => {
  const gone = new CordonError('not-found', 'height 1 is pruned')
  const harness = await startHarness(
    t,
    {},
    {
      events: { executedHeight: () => 9, at: () => Promise.reject(gone), onExecuted: () => () => undefined },
    },
  )
  const client = await harness.connect()
  assert.equal((await client.call('blocks_subscribe', { fromHeight: 1 })).error?.data.code, 'not-found')
  assert.match(String((await client.call('blocks_subscribe')).result && 'ok'), /ok/)
})

test('a subscription that breaks closes the connection, so that the reader comes back', async (t) => {
  let executed = 0
  let wake = (): unknown => undefined
  const harness = await startHarness(
    t,
    {},
    {
      events: {
        executedHeight: () => executed,
        at: () => Promise.reject(new Error('disk')),
        onExecuted: (listener) => {
          wake = listener
          return () => undefined
        },
      },
    },
  )
  const client = await harness.connect()
  await client.call('blocks_subscribe')
  executed = 1
  wake()
  assert.equal(await client.closed(), 1011)
  assert.equal(harness.log[0]?.level, 'warn')
})

test('subscriptions are counted, and need a WebSocket', async (t) => {
  const harness = await startHarness(t)
  const client = await harness.connect()
  for (let i = 0; i < LIMITS.rpcSubscriptionsPerConnection; i++)
    assert.equal((await client.call('blocks_subscribe')).error, undefined)
  assert.equal((await client.call('blocks_subscribe')).error?.data.code, 'busy')
  const { body } = await harness.post(call('blocks_subscribe'))
  assert.equal(body.error?.data.code, 'rpc-method')
  assert.match(body.error.message, /need a WebSocket/)
})

test('a slow reader is not served ahead, and gets every block when it reads on', async (t) => {
  const blocks = 400
  let fetched = 0
  const event = (height: number): BlockEvent => ({
    ...blockEvent(height),
    expired: Array.from({ length: 2_000 }, () => 'cd'.repeat(32)),
  })
  const harness = await startHarness(
    t,
    {},
    {
      events: {
        executedHeight: () => blocks,
        at: (height) => {
          fetched++
          return Promise.resolve(event(height))
        },
        onExecuted: () => () => undefined,
      },
    },
  )
  const client = await harness.connect()
  client.socket.pause()
  client.send(call('blocks_subscribe', { fromHeight: 1 }))
  // The server has nothing more to do once socket buffers and its own are full: wait until the count stands still.
  for (let before = -1; before !== fetched; ) {
    before = fetched
    for (let i = 0; i < 20; i++) await fetch(`${harness.server.url}/healthz`)
  }
  assert.ok(
    fetched > 0 && fetched < blocks,
    `${fetched} of ${blocks} events were fetched for a reader that reads nothing`,
  )
  client.socket.resume()
  let height = 0
  while (height < blocks) {
    const message = await client.next()
    if (message.params === undefined) continue
    assert.equal(message.params.event.height, ++height)
  }
})

test('too many waiting requests of one connection are refused, and the others go on', async (t) => {
  const release = Promise.withResolvers<ChainStatus>()
  const harness = await startHarness(t, {
    chain_status: () => release.promise,
    tx_get: () => Promise.resolve({ txId: 'x' } as TxInfo),
  })
  const client = await harness.connect()
  for (let i = 0; i < LIMITS.rpcInFlightPerConnection + 1; i++) client.send(call('chain_status', {}, i))
  const refused = await client.next()
  assert.equal(refused.error?.data.code, 'busy')
  assert.ok(Number(refused.error.data.retryAfterMs) > 0)
  const other = await harness.connect()
  assert.equal((await other.call('tx_get', { txId: 'ab'.repeat(32) })).error, undefined)
  release.resolve({ height: 1 } as ChainStatus)
  for (let i = 0; i < LIMITS.rpcInFlightPerConnection; i++)
    assert.equal((await client.next()).error, undefined)
})

test('a call is told when nobody waits for it any more', async (t) => {
  const aborted: string[] = []
  const started = [Promise.withResolvers<null>(), Promise.withResolvers<null>()]
  const ended = [Promise.withResolvers<null>(), Promise.withResolvers<null>()]
  const harness = await startHarness(t, {
    tx_wait: async ({ timeoutMs }, { signal }) => {
      started[timeoutMs]?.resolve(null)
      await once(signal, 'abort')
      aborted.push(timeoutMs === 0 ? 'websocket' : 'http')
      ended[timeoutMs]?.resolve(null)
      return {} as TxInfo
    },
  })
  const client = await harness.connect()
  client.send(call('tx_wait', { txId: 'ab'.repeat(32), timeoutMs: 0 }))
  await started[0]?.promise
  client.socket.terminate()
  await ended[0]?.promise
  const controller = new AbortController()
  const response = fetch(harness.server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(call('tx_wait', { txId: 'ab'.repeat(32), timeoutMs: 1 })),
    signal: controller.signal,
  })
  await started[1]?.promise
  controller.abort()
  await assert.rejects(response)
  await ended[1]?.promise
  assert.deepEqual(aborted, ['websocket', 'http'])
})

test('closing lets waiting calls go and ends every connection, also of clients that do not answer', async (t) => {
  const waiting = Promise.withResolvers<null>()
  const harness = await startHarness(t, {
    tx_wait: async (_params, { signal }) => {
      waiting.resolve(null)
      await once(signal, 'abort')
      return {} as TxInfo
    },
  })
  const polite = await harness.connect()
  const deaf = await harness.connect()
  polite.send(call('tx_wait', { txId: 'ab'.repeat(32), timeoutMs: 60_000 }))
  await waiting.promise
  deaf.socket.pause()
  const gone = polite.closed()
  await harness.server.close()
  assert.equal(await gone, 1001)
  await assert.rejects(fetch(`${harness.server.url}/healthz`))
  deaf.socket.resume()
  await deaf.closed()
  // The port is free again.
  const again = await startRpcServer({
    host: '127.0.0.1',
    port: harness.server.port,
    service: {} as never,
    status: { problems: () => [], obstacles: () => [] },
    metrics: () => Promise.resolve(''),
    events: {
      executedHeight: () => 0,
      at: () => Promise.reject(new Error('none')),
      onExecuted: () => () => undefined,
    },
    log: { debug: () => undefined, warn: () => undefined, error: () => undefined },
  })
  await again.close()
})
