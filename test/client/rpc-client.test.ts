import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { RpcClient } from '../../client/rpc-client.ts'
import type { BlockEvent } from '../../client/api.ts'
import { CordonError } from '../../config/errors.ts'
import { FakeNode, NO_ANSWER, rpcFailure } from './fake-node.ts'

function code(expected: string): (error: unknown) => boolean {
  return (error) => error instanceof CordonError && error.code === expected
}

/** A port where nobody listens. */
async function deadUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

test('calls are pipelined and answered in any order', async () => {
  const open: (() => void)[] = []
  await using node = await FakeNode.start(
    ({ params }) => new Promise((resolve) => open.unshift(() => resolve({ height: params.height }))),
  )
  await using client = await RpcClient.connect([node.url])
  const calls = [1, 2, 3].map((height) => client.call('chain_block', { height }))
  while (open.length < 3) await new Promise((resolve) => setImmediate(resolve))
  for (const answer of open) answer()
  assert.deepEqual(
    (await Promise.all(calls)).map(({ height }) => height),
    [1, 2, 3],
  )
})

test('an error answer becomes the error that the node threw', async () => {
  await using node = await FakeNode.start(() => {
    throw rpcFailure('busy', 'try later', { retryAfterMs: 40 })
  })
  await using client = await RpcClient.connect([node.url])
  await assert.rejects(client.call('chain_info', {}), (error) => {
    assert.ok(error instanceof CordonError)
    assert.equal(error.code, 'busy')
    assert.equal(error.message, 'try later')
    assert.deepEqual(error.payload, { retryAfterMs: 40 })
    return true
  })
})

test('a code that this build does not know is unexpected, not a crash', async () => {
  await using node = await FakeNode.start(() => {
    throw rpcFailure('from-the-future', 'hm')
  })
  await using client = await RpcClient.connect([node.url])
  await assert.rejects(client.call('chain_info', {}), code('unexpected'))
})

test('nodes are tried in turn; none is an error that names each', async () => {
  const dead = [await deadUrl(), await deadUrl()]
  await using node = await FakeNode.start(() => ({ network: 'devnet' }))
  await using client = await RpcClient.connect([...dead, node.url])
  assert.equal(client.url, node.url)
  await assert.rejects(RpcClient.connect(dead), (error) => {
    assert.ok(code('cannot-connect')(error))
    for (const url of dead) assert.ok((error as Error).message.includes(url))
    return true
  })
  await assert.rejects(RpcClient.connect([]), code('cannot-connect'))
})

test('a node that takes the connection and says nothing does not stop the search', async () => {
  const silent = createServer((socket) => socket.resume())
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  await using node = await FakeNode.start(() => 'here')
  await using client = await RpcClient.connect([
    `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    node.url,
  ])
  assert.equal(client.url, node.url)
  await new Promise((resolve) => silent.close(resolve))
})

test('what is no URL is a usage error', async () => {
  for (const url of ['localhost', 'ftp://x', ''])
    await assert.rejects(RpcClient.connect([url]), code('usage'))
})

test('without WebSocket it speaks HTTP', async () => {
  await using node = await FakeNode.start(({ method }) => ({ method }), { webSocket: false })
  await using client = await RpcClient.connect([node.url])
  assert.deepEqual(await client.call('chain_status', {}), { method: 'chain_status' })
  await assert.rejects(client.blocks().next(), code('rpc-method'))
})

test('a call whose connection breaks goes on at another node', async () => {
  await using first = await FakeNode.start(() => NO_ANSWER)
  await using second = await FakeNode.start(() => ({ status: 'settled' }))
  await using client = await RpcClient.connect([first.url, second.url])
  assert.equal(client.url, first.url)
  const call = client.call('tx_get', { txId: '00' })
  while (first.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await first[Symbol.asyncDispose]()
  assert.equal((await call).status, 'settled')
  assert.equal(client.url, second.url)
})

test('a call that must not be repeated reports the break', async () => {
  await using node = await FakeNode.start(() => NO_ANSWER)
  await using client = await RpcClient.connect([node.url])
  const call = client.call('tx_get', { txId: '00' }, { retry: false })
  while (node.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
  node.dropConnections()
  await assert.rejects(call, code('connection-lost'))
})

test('a node that hangs is given up after the time of the call', async () => {
  await using node = await FakeNode.start(() => NO_ANSWER)
  await using client = await RpcClient.connect([node.url])
  await assert.rejects(
    client.call('chain_info', {}, { timeoutMs: 50, retry: false }),
    code('connection-lost'),
  )
})

test('closing ends what waits', async () => {
  await using node = await FakeNode.start(() => NO_ANSWER)
  const client = await RpcClient.connect([node.url])
  const call = client.call('chain_info', {})
  client.close()
  await assert.rejects(call, code('connection-lost'))
  await assert.rejects(client.call('chain_info', {}), CordonError)
})

function event(height: number): BlockEvent {
  return { height, hash: '', timeMs: height, results: [], expired: [] }
}

test('following blocks goes on from its height after a break, without gaps or repeats', async () => {
  let chain = 3
  await using node = await FakeNode.start(({ method, params }) => {
    if (method !== 'blocks_subscribe') return true
    // Events leave before the answer that names the subscription.
    for (let height = Number(params.fromHeight); height <= chain; height++)
      node.notify('blocks_event', { subscription: 's', event: event(height) })
    node.notify('blocks_event', { subscription: 'other', event: event(99) })
    return { subscription: 's' }
  })
  await using client = await RpcClient.connect([node.url])
  const heights: number[] = []
  for await (const { height } of client.blocks({ fromHeight: 2 })) {
    heights.push(height)
    if (height === 3) {
      chain = 5
      node.dropConnections()
    }
    if (height === 5) break
  }
  assert.deepEqual(heights, [2, 3, 4, 5])
})

test('an aborted follower ends', async () => {
  await using node = await FakeNode.start(() => ({ subscription: 's' }))
  await using client = await RpcClient.connect([node.url])
  const stop = new AbortController()
  const next = client.blocks({ signal: stop.signal }).next()
  while (node.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
  stop.abort()
  assert.equal((await next).done, true)
})
