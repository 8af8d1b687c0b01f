/**
 * A stranger that wants to harm: each attack leaves an honest peer served while it runs, and ends with the attacker cut
 * off or held at its limit.
 */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { noise } from '@chainsafe/libp2p-noise'
import type { Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { LIMITS } from '../../config/limits.ts'
import { FrameStream } from '../../p2p/frames.ts'
import { encodeHello } from '../../p2p/hello.ts'
import { closed, emptyProof, fullNodeHello, NAMES, proofMessage, RawPeer, TestNode } from '../p2p/helpers.ts'

/**
 * An honest request is answered within this, whatever goes on. Far above what it takes: attackers and attacked share one
 * process, and the machine may be busy besides.
 */
const HONEST_MS = 15_000
const ANSWER_BYTES = LIMITS.messageBytes

let a: TestNode
let b: TestNode
let exchanged = 0
const stops: (() => Promise<void>)[] = []

before(async () => {
  a = await TestNode.start(0, {
    handlers: {
      // 1: a long answer, anything else: an echo
      onRequest: (_from, bytes) => Promise.resolve(bytes[0] === 1 ? new Uint8Array(ANSWER_BYTES) : bytes),
    },
  })
  b = await TestNode.start(1, { bootstrap: [a.address] })
  await Promise.all([a.untilConnected(b), b.untilConnected(a)])
})

after(async () => {
  await Promise.all(stops.map((stop) => stop()))
  await Promise.all([a.network.stop(), b.network.stop()])
})

/** The honest peer is served, by request and by frame. */
async function honestIsServed(): Promise<void> {
  exchanged += 1
  const bytes = Buffer.from(`honest ${exchanged}`)
  const answer = await b.network.request(a.id, bytes, { timeoutMs: HONEST_MS, maxBytes: 100 })
  assert.deepEqual(Buffer.from(answer), bytes)
  assert.ok(b.network.send(a.id, bytes))
  await a.until('the honest frame', () =>
    a.messages.some(({ from, bytes: got }) => from.id === b.id && Buffer.compare(got, bytes) === 0),
  )
}

/** Serves the honest peer again and again as long as the attack runs. */
async function whileServed<T>(attack: Promise<T>): Promise<T> {
  let running = true
  const over = attack.finally(() => (running = false))
  over.catch(() => undefined)
  while (running) await Promise.all([honestIsServed(), Promise.race([over.catch(() => undefined), pause()])])
  return over
}

/** Between two honest exchanges: they are a probe and no load of their own. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50))
}

async function raw(): Promise<RawPeer> {
  const peer = await RawPeer.start()
  stops.push(() => peer.stop())
  return peer
}

/** A stranger that joins, as soon as earlier attacks from this address leave it room. */
async function joined(): Promise<RawPeer> {
  const peer = await raw()
  for (const deadlineMs = performance.now() + 30_000; ; ) {
    try {
      await peer.join(a)
      return peer
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await pause()
    }
  }
}

/** The least libp2p that can dial: identities by the dozen. */
async function identity(): Promise<Libp2p> {
  const host = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
  })
  stops.push(async () => host.stop())
  return host
}

/** Says hello as a full node. @returns whether it was taken. */
async function joins(host: Libp2p, to: TestNode): Promise<boolean> {
  try {
    const connection = await host.dial(multiaddr(to.address))
    const frames = new FrameStream(await connection.newStream(NAMES.hello), 4096)
    frames.write(encodeHello(fullNodeHello()))
    await frames.read()
    frames.write(emptyProof())
    await frames.read()
    return true
  } catch {
    return false
  }
}

async function metric(name: string): Promise<number> {
  return Number(new RegExp(`^cordon_p2p_${name} (\\d+)`, 'm').exec(await a.network.metrics())?.[1])
}

function sendQuietly(stream: Stream, bytes: Uint8Array): void {
  try {
    stream.send(bytes)
  } catch {
    // Ended already.
  }
}

function frameOf(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(bytes.length)
  return Buffer.concat([head, bytes])
}

describe('hello', () => {
  const refused: Record<string, () => Uint8Array[]> = {
    'of another chain': () => [encodeHello(fullNodeHello({ genesisHash: new Uint8Array(32).fill(1) }))],
    'of another version': () => [encodeHello(fullNodeHello({ version: 99 }))],
    'as a validator, signed with another key': () => [
      encodeHello(fullNodeHello({ validator: 2 })),
      proofMessage(new Uint8Array(64).fill(3)),
    ],
    'as a validator that does not exist': () => [encodeHello(fullNodeHello({ validator: 77 })), emptyProof()],
    'with a proof of nothing that is too long': () => [encodeHello(fullNodeHello()), new Uint8Array(900)],
  }
  for (const [name, messages] of Object.entries(refused)) {
    test(`${name} ends the connection`, async () => {
      const peer = await raw()
      const attack = async (): Promise<void> => {
        await peer.dial(a)
        const stream = await peer.open(NAMES.hello)
        for (const message of messages()) sendQuietly(stream, frameOf(message))
        await closed(peer.connection)
      }
      await whileServed(attack())
      assert.equal(a.peer(peer), undefined)
    })
  }

  test('again and again ends in a ban', async () => {
    const peer = await joined()
    const attack = async (): Promise<void> => {
      while (peer.connection.status === 'open') {
        const stream = await peer.open(NAMES.hello).catch(() => null)
        if (stream === null) continue
        sendQuietly(stream, frameOf(encodeHello(fullNodeHello())))
        await closed(stream)
      }
    }
    await whileServed(attack())
    await a.until('the ban', () =>
      a.logged.some(({ message, fields }) => message.startsWith('peer banned') && fields['peer'] === peer.id),
    )
    assert.equal(a.peer(peer), undefined)
  })
})

describe('before hello', () => {
  test('messages and requests do not count, and the connection ends in time', async () => {
    const peer = await raw()
    await peer.dial(a)
    const attack = async (): Promise<void> => {
      for (const protocol of [NAMES.direct, NAMES.request, '/meshsub/1.2.0']) {
        sendQuietly(await peer.open(protocol), frameOf(Buffer.from('early')))
      }
      await closed(peer.connection)
    }
    await whileServed(attack())
    assert.ok(a.messages.every(({ from }) => from.id !== peer.id))
    assert.ok(a.ready.every(({ id }) => id !== peer.id))
  })

  test('connections that say nothing make room for those that do', async () => {
    const peer = await raw()
    const silent = LIMITS.connectionsBeforeHello + 16
    let open = 0
    const attack = async (): Promise<void> => {
      // More than the allowed connections a second: one after the other, again where one is refused.
      const deadlineMs = performance.now() + 5_000
      for (let made = 0; made < silent && performance.now() < deadlineMs; ) {
        const connection = await peer.host.dial(multiaddr(a.address), { force: true }).catch(() => null)
        if (connection === null) continue
        made += 1
        open += 1
        connection.addEventListener('close', () => (open -= 1))
      }
    }
    const validator = await TestNode.make(2, { bootstrap: [a.address] })
    stops.push(() => validator.network.stop())
    const flood = whileServed(attack())
    await validator.network.start()
    await a.untilConnected(validator)
    await flood
    // The attacker hears of a closed connection a little later than it was closed.
    await a.until('silent connections to make room', () => open <= LIMITS.connectionsBeforeHello)
    assert.equal(a.network.peerOfValidator(2)?.id, validator.id)
  })
})

describe('floods', () => {
  test('of bare connections from one address: most are turned away, and a validator still gets in', async () => {
    const [, host, port] = /ip4\/([\d.]+)\/tcp\/(\d+)/.exec(a.address) ?? []
    const ends: Promise<unknown>[] = []
    const attack = async (): Promise<void> => {
      for (let count = 0; count < 500; count++) {
        const socket = connect(Number(port), host)
        socket.on('error', () => undefined)
        ends.push(new Promise((resolve) => socket.on('close', resolve)))
        if (count % 50 === 0) await honestIsServed()
      }
      await Promise.all(ends)
    }
    const validator = await TestNode.make(3, { bootstrap: [a.address] })
    stops.push(() => validator.network.stop())
    const flood = whileServed(attack())
    await validator.network.start()
    await a.untilConnected(validator)
    await flood
    assert.equal(a.network.peerOfValidator(3)?.id, validator.id)
  })

  test('of streams end the connection', async () => {
    const peer = await joined()
    const attack = async (): Promise<void> => {
      const protocols = ['/no/such/1', NAMES.request, NAMES.direct, NAMES.hello, '/ipfs/ping/1.0.0']
      let opened = 0
      const worker = async (): Promise<void> => {
        while (peer.connection.status === 'open' && opened < 50_000) {
          opened += 1
          const stream = await peer.open(protocols[opened % protocols.length]!).catch(() => null)
          stream?.abort(new Error('next'))
        }
      }
      await Promise.all(Array.from({ length: 64 }, worker))
      assert.ok(opened < 50_000, 'the streams never ended')
    }
    await whileServed(attack())
    await a.until('the end of the flooder', () => a.peer(peer) === undefined)
  })

  test('of identities from one address leave places for others', async () => {
    const hosts = await Promise.all(Array.from({ length: LIMITS.strangersPerHost + 8 }, identity))
    let taken = 0
    const attack = async (): Promise<void> => {
      for (const host of hosts) if (await joins(host, a)) taken += 1
    }
    await whileServed(attack())
    const strangers = a.network.peers().filter(({ validator }) => validator === null)
    assert.ok(taken > 0 && strangers.length <= LIMITS.strangersPerHost, `${strangers.length} strangers`)
    assert.ok(a.network.peers().some(({ id }) => id === b.id))
    const before = await metric('remembered_peers')
    await Promise.all(hosts.map(async (host) => host.stop()))
    await a.until('all of them gone', () => a.network.peers().every(({ validator }) => validator !== null))
    assert.ok(
      (await metric('remembered_peers')) < Math.max(before, 10),
      'their identities are still remembered',
    )
  })
})

describe('slowness', () => {
  test('answers that nobody reads are taken back, and no more of them are made at once than the limit', async () => {
    const peer = await joined()
    const attack = async (): Promise<void> => {
      const streams: Stream[] = []
      for (let count = 0; count < LIMITS.requestsInFlightPerPeer; count++) {
        const stream = await peer.open(NAMES.request)
        stream.pause()
        sendQuietly(stream, frameOf(Uint8Array.of(1)))
        streams.push(stream)
      }
      const tooMany = await peer.open(NAMES.request).catch(() => null)
      if (tooMany !== null) await closed(tooMany)
      await Promise.all(streams.map(closed))
    }
    await whileServed(attack())
  })

  test('a request that is announced and never sent ends, and so does a hello', async () => {
    const [asker, greeter] = [await joined(), await raw()]
    const attack = async (): Promise<void> => {
      const request = await asker.open(NAMES.request)
      sendQuietly(request, Uint8Array.of(0, 0, 16, 0, 7))
      await greeter.dial(a)
      sendQuietly(await greeter.open(NAMES.hello), Uint8Array.of(0, 0, 1, 0, 7))
      await Promise.all([closed(request), closed(greeter.connection)])
    }
    await whileServed(attack())
  })
})
