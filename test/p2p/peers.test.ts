import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { CordonError } from '../../config/errors.ts'
import { FrameStream } from '../../p2p/frames.ts'
import { encodeHello } from '../../p2p/hello.ts'
import type { PeerConnection } from '../../p2p/types.ts'
import { emptyProof, fullNodeHello, NAMES, RawPeer, TestNode } from './helpers.ts'

const stops: (() => Promise<void>)[] = []

async function node(...args: Parameters<typeof TestNode.start>): Promise<TestNode> {
  const started = await TestNode.start(...args)
  stops.push(() => started.network.stop())
  return started
}

/** A TCP port nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const at = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`

after(async () => {
  await Promise.all(stops.map((stop) => stop()))
})

describe('keeping peers', () => {
  test('how the line to a peer is: since when, heard when, and the round trip once there is one', async () => {
    const a = await node(0)
    const b = await node(1, { bootstrap: [a.address] })
    await a.untilConnected(b)
    const line = (): PeerConnection | undefined => a.network.connections().find(({ id }) => id === b.id)
    assert.deepEqual(
      [line()?.validator, line()?.userAgent, line()?.sinceHeardMs, line()?.roundTripMs],
      [1, 'test/1', null, null],
    )
    await b.untilConnected(a)
    b.network.send(a.id, Uint8Array.of(1))
    await a.until('a frame', () => a.messages.length === 1)
    const { sinceHeardMs, connectedMs } = line() ?? {}
    assert.ok(
      sinceHeardMs !== null && Number(sinceHeardMs) < Number(connectedMs),
      `${String(sinceHeardMs)} ms`,
    )
  })

  test('a peer that does not listen yet is found when it does', async () => {
    const port = await freePort()
    const early = await node(0, { bootstrap: [at(port)] })
    await early.until('a failed dial', () => early.logged.some(({ message }) => message === 'dial failed'))
    const late = await node(1, { listen: [at(port)] })
    await early.untilConnected(late)
    assert.equal(early.peer(late)?.direction, 'outbound')
  })

  test('everybody may have everybody in the list, itself included', async () => {
    const ports = await Promise.all([freePort(), freePort(), freePort()])
    const nodes = await Promise.all(
      ports.map((port, index) => node(index, { listen: [at(port)], bootstrap: ports.map(at) })),
    )
    for (const one of nodes) await one.untilConnected(...nodes.filter((other) => other !== one))
    // Both sides dialled at once. One connection is closed in the end, and nobody heard of it.
    for (const one of nodes) {
      await one.until('one connection to each', () =>
        one.network.peers().every(({ addresses }) => addresses.length === 1),
      )
      assert.deepEqual([one.ready.length, one.gone.length], [2, 0])
      for (const other of nodes) if (other !== one) assert.ok(one.network.send(other.id, Uint8Array.of(1)))
    }
    for (const one of nodes) await one.until('a frame of each', () => one.messages.length === 2)
  })

  test('a peer that restarts is connected again, and heard', async () => {
    const port = await freePort()
    const identitySeed = new Uint8Array(32).fill(9)
    const before = await node(1, { listen: [at(port)], identitySeed })
    const a = await node(0, { bootstrap: [before.address] })
    await a.untilConnected(before)
    await before.network.stop()
    await a.until('the loss', () => a.gone.length === 1)
    assert.equal(a.network.peerOfValidator(1), null)
    assert.equal(a.network.send(before.id, Uint8Array.of(1)), false)
    const again = await node(1, { listen: [at(port)], identitySeed })
    await a.untilConnected(again)
    a.network.send(again.id, Uint8Array.of(2))
    await again.until('a frame', () => again.messages.length === 1)
    await a.untilGossipReaches(again)
  })

  test('a validator that once dialled us is dialled when it is lost', async () => {
    const port = await freePort()
    const identitySeed = new Uint8Array(32).fill(10)
    const a = await node(0)
    const before = await node(1, { listen: [at(port)], identitySeed, bootstrap: [a.address] })
    await a.untilConnected(before)
    // Identify tells the address a moment after the hello.
    await before.untilGossipReaches(a)
    await before.network.stop()
    await a.until('the loss', () => a.gone.length === 1)
    const again = await node(1, { listen: [at(port)], identitySeed })
    await a.untilConnected(again)
    assert.equal(a.peer(again)?.direction, 'outbound')
  })

  test('whoever dials again replaces the connection it had before', async () => {
    const a = await node(0)
    const peer = await RawPeer.start()
    stops.push(() => peer.stop())
    await peer.join(a)
    const first = peer.connection
    const second = await peer.host.dial(first.remoteAddr, { force: true })
    peer.connection = second
    assert.notEqual(first, second)
    const frames = new FrameStream(await peer.open(NAMES.hello), 4096)
    frames.write(encodeHello(fullNodeHello()))
    await frames.read()
    frames.write(emptyProof())
    await frames.read()
    assert.deepEqual([a.ready.length, a.gone.length, a.peer(peer)?.addresses.length], [1, 0, 1])
  })
})

describe('start and stop', () => {
  test('an address in use is said clearly', async () => {
    const a = await node(0)
    const taken = a.address.replace(/\/p2p\/.*/, '')
    const b = await TestNode.make(1, { listen: [taken] })
    await assert.rejects(
      b.network.start(),
      (error) =>
        error instanceof CordonError && error.code === 'port-in-use' && error.message.includes(taken),
    )
  })

  test('an address that cannot be listened on is said clearly', async () => {
    const b = await TestNode.make(1, { listen: ['/ip4/203.0.113.7/tcp/1'] })
    await assert.rejects(
      b.network.start(),
      (error) =>
        error instanceof CordonError &&
        error.code === 'config-invalid' &&
        error.message.includes('203.0.113.7'),
    )
  })

  for (const bad of ['127.0.0.1:9000', '/ip4/999.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/1/p2p/nobody', '']) {
    test(`${JSON.stringify(bad)} is no address`, async () => {
      await assert.rejects(
        TestNode.make(0, { bootstrap: [bad] }),
        (error) => error instanceof CordonError && error.code === 'config-invalid',
      )
    })
  }

  test('metrics are Prometheus text, own and those of libp2p', async () => {
    const text = await (await node(0)).network.metrics()
    assert.match(text, /^cordon_p2p_peers 0$/m)
    assert.match(text, /^libp2p_/m)
  })

  test('stopping leaves nothing behind: the process ends by itself', async () => {
    const child = fork(new URL('stops.ts', import.meta.url))
    const [code] = (await once(child, 'exit')) as [number]
    assert.equal(code, 0)
  })
})
