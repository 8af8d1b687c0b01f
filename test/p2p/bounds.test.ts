/** Bounds against hostile peers whose times are too long for a test with real hosts. */
import assert from 'node:assert/strict'
import { describe, mock, test } from 'node:test'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { LIMITS } from '../../config/limits.ts'
import { Dialer } from '../../p2p/dialer.ts'
import { DirectSender, frameBucket, receiveDirect } from '../../p2p/direct.ts'
import { hostOf, InboundHosts } from '../../p2p/inbound-hosts.ts'
import { PeerTable } from '../../p2p/peer-table.ts'
import type { Peer } from '../../p2p/peer.ts'

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined }

function connectionFrom(address: string): Connection {
  return Object.assign(new EventTarget(), { remoteAddr: multiaddr(address) }) as unknown as Connection
}

describe('connections of one address', () => {
  test('are bounded, counted until they close, and those of others are none of its business', () => {
    const hosts = new InboundHosts()
    const open = Array.from({ length: LIMITS.inboundConnectionsPerHost }, (_, port) =>
      connectionFrom(`/ip4/203.0.113.7/tcp/${port + 1}`),
    )
    assert.ok(open.every((connection) => hosts.admit(connection)))
    assert.equal(hosts.admit(connectionFrom('/ip4/203.0.113.7/tcp/9')), false)
    assert.equal(hosts.admit(connectionFrom('/ip4/203.0.113.8/tcp/9')), true)
    open[5]!.dispatchEvent(new Event('close'))
    assert.equal(hosts.admit(connectionFrom('/ip4/203.0.113.7/tcp/9')), true)
    assert.equal(hosts.admit(connectionFrom('/ip4/203.0.113.7/tcp/9')), false)
  })

  test('an IPv6 network of 64 bits is one address', () => {
    const network = (text: string): string => hostOf(multiaddr(`/ip6/${text}/tcp/1`))
    assert.equal(network('2001:db8::1'), network('2001:db8:0:0:ffff::2'))
    assert.equal(network('2001:db8:1::1'), network('2001:db8:1:0:9:8:7:6'))
    assert.notEqual(network('2001:db8:0:1::1'), network('2001:db8:0:2::1'))
  })

  test('an IPv4 address is one address, also on a socket for both families', () => {
    assert.equal(hostOf(multiaddr('/ip6/::ffff:203.0.113.7/tcp/1')), '203.0.113.7')
    assert.equal(hostOf(multiaddr('/ip4/203.0.113.7/tcp/1')), '203.0.113.7')
    assert.equal(hostOf(multiaddr('/ip6/::ffff:1:2/tcp/1')), '0.1.0.2')
    assert.equal(hostOf(multiaddr('/ip6/::1:ffff:1:2/tcp/1')), '0:0:0:0')
  })
})

describe('places', () => {
  const stranger = (table: PeerTable, index: number, address: string): void => {
    const peer = { id: `p${index}`, hello: { validator: null }, connections: [connectionFrom(address)] }
    table.put(peer as unknown as Peer)
  }

  test('of strangers end before those of validators, and one address has only some of them', () => {
    const table = new PeerTable()
    for (let index = 0; index < LIMITS.strangersPerHost; index++) {
      assert.ok(table.hasPlaceForOther(4, '203.0.113.7'))
      stranger(table, index, `/ip4/203.0.113.7/tcp/${index + 1}`)
    }
    assert.equal(table.hasPlaceForOther(4, '203.0.113.7'), false)
    assert.ok(table.hasPlaceForOther(4, '203.0.113.8'))
    for (let index = table.size; index < LIMITS.peers - 4; index++)
      stranger(table, index, `/ip4/10.0.${index}.1/tcp/1`)
    assert.equal(table.hasPlaceForOther(4, '203.0.113.8'), false)
  })
})

describe('dialling', () => {
  test('strangers found on the local network do not keep us from the peers we know', async () => {
    const dialled: string[] = []
    const known = Promise.withResolvers<undefined>()
    const dialer = new Dialer({
      ownPeerId: { toString: () => 'a' } as PeerId,
      dial: (addresses, signal) => {
        const address = String(addresses[0])
        dialled.push(address)
        if (address.includes('203.0.113.7')) known.resolve(undefined)
        // None of them ever answers.
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')))
        })
      },
      isReady: () => false,
      isBanned: () => false,
      log,
    })
    for (let index = 0; index < 100; index++)
      dialer.want(`found ${index}`, [multiaddr(`/ip4/10.0.0.${index}/tcp/1`)], `z${index}`, true)
    dialer.want('bootstrap', [multiaddr('/ip4/203.0.113.7/tcp/1')], 'b', false)
    await known.promise
    assert.ok(dialled.length <= LIMITS.parallelFoundDials + 1, dialled.join(' '))
    dialer.stop()
  })
})

describe('a direct stream', () => {
  test('whose frame never ends is ended, however slowly bytes still come', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const faults: string[] = []
    const stream = Object.assign(new EventTarget(), {
      status: 'open',
      readStatus: 'readable',
      aborted: false,
      abort(): void {
        this.status = 'aborted'
        this.aborted = true
      },
    })
    const frames: Uint8Array[] = []
    receiveDirect(stream as unknown as Stream, frameBucket(), {
      onFrame: (frame) => frames.push(frame),
      onFault: (why) => faults.push(why),
    })
    const push = (...bytes: number[]): void => {
      stream.dispatchEvent(Object.assign(new Event('message'), { data: Uint8Array.from(bytes) }))
    }
    push(0, 0, 0, 1, 9)
    t.mock.timers.tick(2 * LIMITS.frameTimeoutMs)
    assert.deepEqual([frames.length, faults.length], [1, 0])
    push(0, 0, 1, 0)
    for (let second = 0; second < LIMITS.frameTimeoutMs; second += 1_000) {
      assert.equal(stream.aborted, false)
      push(7)
      t.mock.timers.tick(1_000)
    }
    assert.equal(stream.aborted, true)
    assert.match(faults.join(), /not complete within/)
  })

  test('to a peer that reads nothing is given up, and to one that has nothing to read it is not', (t) => {
    let nowMs = 0
    t.mock.method(performance, 'now', () => nowMs)
    const abort = mock.fn()
    const connection = {
      remotePeer: { toString: () => 'p' },
      newStream: () => new Promise(() => undefined),
      abort,
    } as unknown as Connection
    const sender = new DirectSender('/test', log)
    nowMs = 10 * LIMITS.unreadTimeoutMs
    sender.use(connection)
    sender.send(Uint8Array.of(1))
    assert.equal(abort.mock.callCount(), 0)
    nowMs += LIMITS.unreadTimeoutMs
    sender.send(Uint8Array.of(2))
    assert.equal(abort.mock.callCount(), 0)
    nowMs += 1
    sender.send(Uint8Array.of(3))
    assert.equal(abort.mock.callCount(), 1)
  })
})
