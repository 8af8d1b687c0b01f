import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { LIMITS } from '../../config/limits.ts'
import { FrameStream, encodeFrames } from '../../p2p/frames.ts'
import { RequestError } from '../../p2p/requests.ts'
import { closed, NAMES, RawPeer, TestNode } from './helpers.ts'

const stops: (() => Promise<void>)[] = []

async function node(...args: Parameters<typeof TestNode.start>): Promise<TestNode> {
  const started = await TestNode.start(...args)
  stops.push(() => started.network.stop())
  return started
}

async function raw(): Promise<RawPeer> {
  const started = await RawPeer.start()
  stops.push(() => started.stop())
  return started
}

async function pair(options: Parameters<typeof TestNode.start>[1] = {}): Promise<[TestNode, TestNode]> {
  const a = await node(0, options)
  const b = await node(1, { bootstrap: [a.address] })
  await Promise.all([a.untilConnected(b), b.untilConnected(a)])
  return [a, b]
}

after(async () => {
  await Promise.all(stops.map((stop) => stop()))
})

describe('direct streams', () => {
  test('frames arrive in order, small and large, in both directions', async () => {
    const [a, b] = await pair()
    const sizes = [1, 200, 70_000, 3, 1024 * 1024, 5, 5, 5, LIMITS.messageBytes, 9]
    const frames = sizes.map((size, index) => Buffer.alloc(size, index))
    for (const frame of frames) {
      assert.ok(a.network.send(b.id, frame))
      assert.ok(b.network.send(a.id, frame))
    }
    for (const receiver of [a, b]) {
      await receiver.until('all frames', () => receiver.messages.length === frames.length)
      assert.ok(
        receiver.messages.every(({ bytes }, index) => Buffer.compare(bytes, frames[index] as Buffer) === 0),
      )
    }
    assert.equal(a.messages[0]?.from.validator, 1)
  })

  test('more frames than the rate allows at once all arrive, later', async () => {
    const [a, b] = await pair()
    const count = LIMITS.messagesPerSecondPerPeer / 5
    for (let index = 0; index < count; index++) a.network.send(b.id, Buffer.from([index >> 8, index & 255]))
    await b.until('all frames', () => b.messages.length === count)
    assert.ok(b.messages.every(({ bytes }, index) => Buffer.from(bytes).readUInt16BE() === index))
    assert.equal(b.peer(a)?.score, 0)
  })

  test('a peer that is not connected is told so', async () => {
    const [a, b] = await pair()
    assert.equal(a.network.send('12D3KooWNobody', Uint8Array.of(1)), false)
    assert.equal(a.network.send(b.id, new Uint8Array(LIMITS.messageBytes + 1)), false)
    assert.equal(a.network.send(b.id, new Uint8Array(0)), false)
  })

  test('a handler that throws harms nobody', async () => {
    const [a, b] = await pair({
      handlers: {
        onMessage: (_from, bytes) => {
          if (bytes[0] === 1) throw new Error('handler')
        },
      },
    })
    b.network.send(a.id, Uint8Array.of(1))
    b.network.send(a.id, Uint8Array.of(2))
    await a.until('the second frame', () => a.messages.some(({ bytes }) => bytes[0] === 2))
    assert.ok(a.logged.some(({ message }) => message === 'a network handler failed'))
  })

  test('a slow peer costs its own oldest frames, and no more memory than its queue', async () => {
    const a = await node(0)
    const slow = await raw()
    const got: number[] = []
    const last = Promise.withResolvers<undefined>()
    const frameBytes = 1024 * 1024
    const count = (LIMITS.peerQueueBytes / frameBytes) * 2
    let resume: () => void = () => undefined
    const opened = Promise.withResolvers<undefined>()
    await slow.host.handle(NAMES.direct, (stream) => {
      stream.pause()
      resume = () => {
        stream.resume()
      }
      const frames = new FrameStream(stream, LIMITS.messageBytes)
      void (async () => {
        while (got.at(-1) !== count - 1) got.push((await frames.read())[0] as number)
        last.resolve(undefined)
      })()
      opened.resolve(undefined)
    })
    await slow.join(a)
    await opened.promise
    for (let index = 0; index < count; index++) a.network.send(slow.id, Buffer.alloc(frameBytes, index))
    const queued = Number(/^cordon_p2p_direct_queue_bytes (\d+)/m.exec(await a.network.metrics())?.[1])
    assert.ok(queued > LIMITS.peerQueueBytes / 2 && queued <= LIMITS.peerQueueBytes)
    resume()
    await last.promise
    assert.ok(got.length < count && got.length >= LIMITS.peerQueueBytes / frameBytes)
    assert.deepEqual(
      got,
      got.toSorted((x, y) => x - y),
    )
    const dropped = Number(/^cordon_p2p_direct_dropped_frames (\d+)/m.exec(await a.network.metrics())?.[1])
    assert.equal(dropped, count - got.length)
  })

  test('a stream that the peer ends is opened again', async () => {
    const a = await node(0)
    const rude = await raw()
    let streams = 0
    const received = Promise.withResolvers<Uint8Array>()
    await rude.host.handle(NAMES.direct, (stream) => {
      streams += 1
      if (streams === 1) stream.abort(new Error('rude'))
      else received.resolve(new FrameStream(stream, 100).read())
    })
    await rude.join(a)
    const timer = setInterval(() => {
      a.network.send(rude.id, Uint8Array.of(7))
    }, 20)
    assert.deepEqual(await received.promise, Uint8Array.of(7))
    clearInterval(timer)
  })

  test('a frame above the limit ends the stream and is an offence; five of them are a ban', async () => {
    const a = await node(0)
    const peer = await raw()
    await peer.join(a)
    const huge = Buffer.alloc(5)
    huge.writeUInt32BE(LIMITS.messageBytes + 1)
    for (let offence = 1; offence <= 4; offence++) {
      const stream = await peer.open(NAMES.direct)
      stream.send(huge)
      await closed(stream)
      assert.equal(Math.round(a.peer(peer)?.score ?? 0), -offence * LIMITS.penaltyPoints)
    }
    const stream = await peer.open(NAMES.direct)
    stream.send(huge)
    await a.until('the ban', () => a.logged.some(({ message }) => message.startsWith('peer banned')))
    await closed(peer.connection)
    assert.equal(a.peer(peer), undefined)
    await peer.dial(a).then(closed, () => undefined)
    assert.equal(a.ready.length, 1)
    assert.equal(a.messages.length, 0)
  })
})

describe('penalties', () => {
  test('a validator is banned later than a stranger', async () => {
    const [a, b] = await pair()
    for (let offence = 0; offence < 9; offence++) a.network.penalize(b.id, 'test')
    assert.ok((a.peer(b)?.score ?? 0) <= LIMITS.banScore)
    a.network.penalize(b.id, 'test')
    await a.until('the ban', () => a.gone.length === 1)
    assert.equal(a.network.peerOfValidator(1), null)
  })
})

describe('requests', () => {
  const limits = { timeoutMs: 5_000, maxBytes: LIMITS.messageBytes }
  const fails = (fault: string) => (error: unknown) => error instanceof RequestError && error.fault === fault

  test('are answered, up to the longest message', async () => {
    const [a, b] = await pair({
      handlers: {
        onRequest: (from, bytes) =>
          Promise.resolve(Buffer.alloc(Buffer.from(bytes).readUInt32BE(), from.validator ?? 0)),
      },
    })
    for (const bytes of [1, 300_000, LIMITS.messageBytes]) {
      const question = Buffer.alloc(4)
      question.writeUInt32BE(bytes)
      const answer = await b.network.request(a.id, question, limits)
      assert.equal(answer.length, bytes)
      assert.ok(answer.every((byte) => byte === 1))
    }
  })

  test('time out', async () => {
    const [a, b] = await pair({ handlers: { onRequest: () => new Promise(() => undefined) } })
    await assert.rejects(
      b.network.request(a.id, Uint8Array.of(1), { ...limits, timeoutMs: 50 }),
      fails('timeout'),
    )
  })

  test('an answer above what the asker allows is refused', async () => {
    const [a, b] = await pair({ handlers: { onRequest: () => Promise.resolve(new Uint8Array(101)) } })
    await assert.rejects(
      b.network.request(a.id, Uint8Array.of(1), { ...limits, maxBytes: 100 }),
      fails('too-large'),
    )
    assert.equal((await b.network.request(a.id, Uint8Array.of(1), { ...limits, maxBytes: 101 })).length, 101)
  })

  test('a handler that fails, and an answer longer than any message, are no answer', async () => {
    const [a, b] = await pair({
      handlers: {
        onRequest: (_from, bytes) =>
          bytes[0] === 1
            ? Promise.reject(new Error('no'))
            : Promise.resolve(new Uint8Array(LIMITS.messageBytes + 1)),
      },
    })
    await assert.rejects(b.network.request(a.id, Uint8Array.of(1), limits), fails('refused'))
    await assert.rejects(b.network.request(a.id, Uint8Array.of(2), limits), fails('refused'))
    assert.equal(b.peer(a)?.score, 0)
  })

  test('nobody connected, nobody asked', async () => {
    const [a] = await pair()
    await assert.rejects(
      a.network.request('12D3KooWNobody', Uint8Array.of(1), limits),
      fails('not-connected'),
    )
  })

  test('so many at once and no more, on the side that asks', async () => {
    const release = Promise.withResolvers<undefined>()
    const [a, b] = await pair({
      handlers: {
        onRequest: async (_from, bytes) => {
          await release.promise
          return bytes
        },
      },
    })
    const asked = Array.from({ length: LIMITS.requestsInFlightPerPeer }, () =>
      b.network.request(a.id, Uint8Array.of(1), limits),
    )
    await assert.rejects(b.network.request(a.id, Uint8Array.of(2), limits), fails('busy'))
    release.resolve(undefined)
    assert.equal((await Promise.all(asked)).length, LIMITS.requestsInFlightPerPeer)
    assert.deepEqual(await b.network.request(a.id, Uint8Array.of(3), limits), Uint8Array.of(3))
  })

  test('and on the side that is asked', async () => {
    const release = Promise.withResolvers<undefined>()
    let asked = 0
    const a = await node(0, {
      handlers: {
        onRequest: async (_from, bytes) => {
          asked += 1
          await release.promise
          return bytes
        },
      },
    })
    const peer = await raw()
    await peer.join(a)
    const ask = async (): Promise<boolean> => {
      try {
        const frames = new FrameStream(await peer.open(NAMES.request), 10)
        frames.write(Uint8Array.of(1))
        await frames.stream.close()
        await frames.read()
        return true
      } catch {
        return false
      }
    }
    const extra = 8
    const asking = Array.from({ length: LIMITS.requestsInFlightPerPeer + extra }, ask)
    let refused = 0
    for (const answered of asking)
      void answered
        .then((ok) => (refused += ok ? 0 : 1))
        .then(() => {
          if (refused === extra) release.resolve(undefined)
        })
    await Promise.all(asking)
    assert.deepEqual([asked, refused], [LIMITS.requestsInFlightPerPeer, extra])
    assert.equal(a.peer(peer)?.score, 0) // slowed down, not blamed
  })

  test('one that is too long is an offence', async () => {
    const a = await node(0)
    const peer = await raw()
    await peer.join(a)
    const stream = await peer.open(NAMES.request)
    stream.send(encodeFrames([randomBytes(LIMITS.requestBytes + 1)]))
    await closed(stream)
    assert.equal(Math.round(a.peer(peer)?.score ?? 0), -LIMITS.penaltyPoints)
  })
})
