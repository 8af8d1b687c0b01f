/** A peer that sends garbage on every protocol changes nothing for the others. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { NAMES, RawPeer, TestNode } from './helpers.ts'

const SEED = process.env['SEED'] ?? String(Date.now())
process.stdout.write(`SEED=${SEED}\n`)

const MESHSUB = '/meshsub/1.2.0'
const PROTOCOLS = [NAMES.hello, NAMES.direct, NAMES.request, MESHSUB, '/ipfs/id/1.0.0', '/ipfs/ping/1.0.0']
const LENGTHS = [1, 3, 4, 5, 63, 1_000, 70_000]

/** Reproducible noise. */
function noise(label: string, length: number): Buffer {
  const blocks: Buffer[] = []
  for (let index = 0; 32 * index < length; index++) {
    blocks.push(createHash('sha256').update(`${SEED} ${label} ${index}`).digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}

const SHAPES: Record<string, (label: string) => Buffer[]> = {
  'random bytes': (label) => LENGTHS.map((length) => noise(label, length)),
  'a huge length': () => [Buffer.from('ffffffffffffffff7f', 'hex')],
  'half a frame': (label) => [Buffer.concat([Buffer.from([0, 0, 1, 0]), noise(label, 9)])],
  'an empty frame': () => [Buffer.alloc(4)],
  'frames of noise': (label) =>
    [1, 32, 100, 400].map((length) =>
      Buffer.concat([Buffer.from([0, 0, length >> 8, length & 255]), noise(label, length)]),
    ),
  'lengths of protobuf with noise': (label) =>
    [1, 20, 100].map((length) => Buffer.concat([Buffer.from([length]), noise(label, length)])),
}

let a: TestNode
let b: TestNode
let exchanged = 0

/** Two honest nodes still hear each other in every way. */
async function stillWell(): Promise<void> {
  exchanged += 1
  const text = Buffer.from(`well ${exchanged}`)
  const has = (list: readonly { bytes: Uint8Array }[]): boolean =>
    list.some(({ bytes }) => Buffer.compare(bytes, text) === 0)
  assert.ok(a.network.send(b.id, text))
  a.network.publish('batch', text)
  await b.until('frame and gossip', () => has(b.messages) && has(b.gossip))
  assert.deepEqual(
    Buffer.from(await b.network.request(a.id, text, { timeoutMs: 5_000, maxBytes: 100 })),
    text,
  )
}

function sendQuietly(stream: Stream, bytes: Uint8Array): void {
  try {
    stream.send(bytes)
  } catch {
    // The victim may have ended the stream already.
  }
}

async function attack(joined: boolean, protocol: string, shape: string): Promise<void> {
  const peer = await RawPeer.start()
  try {
    await (joined ? peer.join(a) : peer.dial(a))
    for (const bytes of SHAPES[shape]?.(`${joined} ${protocol} ${shape}`) ?? []) {
      const stream = await peer.open(protocol)
      sendQuietly(stream, bytes)
    }
    await stillWell()
  } catch (error) {
    // Being thrown out in the middle is what the attacker deserves; the assertions of stillWell are not.
    if (error instanceof assert.AssertionError || /in vain/.test(String(error))) throw error
    await stillWell()
  } finally {
    await peer.stop()
  }
}

before(async () => {
  a = await TestNode.start(0)
  b = await TestNode.start(1, { bootstrap: [a.address] })
  await Promise.all([a.untilConnected(b), b.untilConnected(a)])
  await a.untilGossipReaches(b, 'batch')
})

after(async () => {
  await Promise.all([a.network.stop(), b.network.stop()])
})

describe('garbage', () => {
  for (const joined of [false, true]) {
    for (const protocol of PROTOCOLS) {
      for (const shape of Object.keys(SHAPES)) {
        test(`${shape} on ${protocol} ${joined ? 'after' : 'instead of'} a hello`, () =>
          attack(joined, protocol, shape))
      }
    }
  }

  test('on the bare socket', async () => {
    const [, host, port] = /ip4\/([\d.]+)\/tcp\/(\d+)/.exec(a.address) ?? []
    for (const length of LENGTHS) {
      const socket = connect(Number(port), host)
      socket.on('error', () => undefined)
      socket.write(noise('socket', length))
      await stillWell()
      socket.destroy()
    }
  })

  test('has left nobody behind, and the honest peers unblamed', () => {
    assert.deepEqual(
      a.network.peers().map(({ id, score }) => [id, score]),
      [[b.id, 0]],
    )
    assert.deepEqual(
      b.network.peers().map(({ id, score }) => [id, score]),
      [[a.id, 0]],
    )
    assert.deepEqual([a.gone.filter(({ id }) => id === b.id).length, b.gone.length], [0, 0])
    assert.equal(
      a.messages.every(({ from }) => from.id !== b.id),
      true,
    )
  })
})
