import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { toHex } from '../../crypto/bytes.ts'
import { sign } from '../../crypto/ed25519.ts'
import { FrameStream } from '../../p2p/frames.ts'
import { decodeHello, encodeHello, HelloError, helloMessage } from '../../p2p/hello.ts'
import {
  closed,
  emptyProof,
  fullNodeHello,
  GENESIS,
  NAMES,
  proofMessage,
  RawPeer,
  TestNode,
  VALIDATOR_KEYS,
} from './helpers.ts'

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

async function helloStream(peer: RawPeer, to: TestNode): Promise<FrameStream> {
  await peer.dial(to)
  return new FrameStream(await peer.open(NAMES.hello), 4096)
}

const refusals = (of: TestNode): unknown[] =>
  of.logged.filter(({ message }) => message.startsWith('peer refused')).map(({ fields }) => fields['fault'])

after(async () => {
  await Promise.all(stops.map((stop) => stop()))
})

describe('hello message', () => {
  test('is decoded to what was encoded, and nothing else is accepted', () => {
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 0, max: 255 })),
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.string({ unit: fc.constantFrom('a', 'Z', '/', '.', ' ', '0', '~'), maxLength: 128 }),
        fc.uint8Array({ maxLength: 64 }),
        (validator, epoch, userAgent, signature) => {
          const hello = fullNodeHello({ validator, epoch, userAgent, signature })
          const bytes = encodeHello(hello)
          const decoded = decodeHello(bytes, GENESIS)
          assert.deepEqual(encodeHello(decoded), bytes)
          assert.deepEqual(
            [decoded.validator, decoded.epoch, decoded.userAgent],
            [validator, epoch, userAgent],
          )
          assert.throws(() => decodeHello(Buffer.concat([bytes, Uint8Array.of(0)]), GENESIS), HelloError)
          assert.throws(() => decodeHello(bytes.subarray(0, -1), GENESIS), HelloError)
        },
      ),
    )
  })

  test('any bytes give a hello or a HelloError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        const bytes = Buffer.concat([GENESIS, Uint8Array.of(0, 1), noise])
        try {
          decodeHello(bytes, GENESIS)
        } catch (error) {
          assert.ok(error instanceof HelloError)
        }
      }),
    )
  })

  test('a user agent cannot write to the terminal', () => {
    const hello = decodeHello(encodeHello(fullNodeHello({ userAgent: 'a\u001b[2Jé' })), GENESIS)
    assert.match(hello.userAgent, /^[\x20-\x7e]+$/)
  })
})

describe('hello', () => {
  test('binds peer ids to validators, on both sides', async () => {
    const a = await node(0)
    const b = await node(2, { bootstrap: [a.address] })
    await Promise.all([a.untilConnected(b), b.untilConnected(a)])
    assert.equal(a.network.peerOfValidator(2)?.id, b.id)
    assert.equal(b.network.peerOfValidator(0)?.id, a.id)
    assert.equal(a.network.peerOfValidator(1), null)
    assert.deepEqual([a.ready.length, b.ready.length], [1, 1])
    assert.deepEqual([a.peer(b)?.direction, b.peer(a)?.direction], ['inbound', 'outbound'])
  })

  test('a full node is nobody', async () => {
    const a = await node(0)
    const b = await node(null, { bootstrap: [a.address] })
    await a.untilConnected(b)
    assert.equal(a.peer(b)?.validator, null)
  })

  test('a node of another chain is refused, and the dialler is told why', async () => {
    const a = await node(0)
    const b = await node(1, { genesisHash: new Uint8Array(32).fill(7), bootstrap: [a.address] })
    await b.until('the refusal', () => refusals(b).length > 0)
    assert.ok(refusals(b).includes('other-chain'))
    assert.match(b.logged.find(({ level }) => level === 'warn')?.message ?? '', /genesis\.json/)
    assert.equal(b.network.peers().length, 0)
    assert.equal(a.network.peers().length, 0)
  })

  test('a genesis hash that only begins alike is another chain; both sides say so', async () => {
    const genesisHash = Uint8Array.from(GENESIS)
    genesisHash[31] = 0
    const a = await node(0)
    const b = await node(1, { genesisHash, bootstrap: [a.address] })
    await Promise.all([
      a.until('the refusal', () => refusals(a).length > 0),
      b.until('the refusal', () => refusals(b).length > 0),
    ])
    assert.ok(refusals(a).includes('other-chain'))
    assert.ok(refusals(b).includes('other-chain'))
    const told = b.logged.find(({ message }) => message.startsWith('peer refused'))?.message ?? ''
    assert.ok(told.includes(toHex(GENESIS)) && told.includes(toHex(genesisHash)))
  })

  test('another protocol version is refused', async () => {
    const a = await node(0)
    const peer = await raw()
    const frames = await helloStream(peer, a)
    frames.write(encodeHello(fullNodeHello({ version: 2 })))
    assert.equal(decodeHello(await frames.read(), GENESIS).version, 1)
    await closed(peer.connection)
    assert.ok(refusals(a).includes('other-version'))
  })

  test('a forged signature is refused, and its maker banned', async () => {
    const a = await node(0)
    const peer = await raw()
    const frames = await helloStream(peer, a)
    frames.write(encodeHello(fullNodeHello({ validator: 1 })))
    await frames.read()
    frames.write(proofMessage(randomBytes(64)))
    await closed(peer.connection)
    assert.ok(refusals(a).includes('forged'))
    assert.equal(a.network.peerOfValidator(1), null)
    await peer.dial(a).then(closed, () => undefined) // refused while dialling, or closed right after
    assert.equal(a.ready.length, 0)
  })

  test('the listener is checked as well', async () => {
    const liar = await node(1, { validator: { index: 1, signHello: () => randomBytes(64) } })
    const b = await node(2, { bootstrap: [liar.address] })
    await b.until('the refusal', () => refusals(b).length > 0)
    assert.ok(refusals(b).includes('forged'))
    assert.equal(b.ready.length, 0)
  })

  test('a validator that does not exist is refused', async () => {
    const a = await node(0)
    const peer = await raw()
    const frames = await helloStream(peer, a)
    frames.write(encodeHello(fullNodeHello({ validator: 99 })))
    await frames.read()
    frames.write(proofMessage(randomBytes(64)))
    await closed(peer.connection)
    assert.ok(refusals(a).includes('forged'))
  })

  test('the right key for the right peers passes: the tests below fail for their reason alone', async () => {
    const a = await node(0)
    const peer = await raw()
    const nonce = randomBytes(32)
    const frames = await helloStream(peer, a)
    frames.write(encodeHello(fullNodeHello({ validator: 1, nonce })))
    const theirs = decodeHello(await frames.read(), GENESIS)
    const message = helloMessage({
      genesisHash: GENESIS,
      validator: 1,
      signer: peer.host.peerId,
      verifier: peer.connection.remotePeer,
      verifierNonce: theirs.nonce,
      signerNonce: nonce,
    })
    frames.write(proofMessage(sign(message, VALIDATOR_KEYS[1]?.secretKey as Uint8Array)))
    await frames.read()
    assert.equal(a.network.peerOfValidator(1)?.id, peer.id)
  })

  test('a proof that was heard before is worth nothing', async () => {
    const victim = await node(0)
    const peer = await raw()
    const key = VALIDATOR_KEYS[1]?.secretKey as Uint8Array
    const nonce = randomBytes(32)
    const first = await helloStream(peer, victim)
    first.write(encodeHello(fullNodeHello({ validator: 1, nonce })))
    const theirs = decodeHello(await first.read(), GENESIS)
    const heard = sign(
      helloMessage({
        genesisHash: GENESIS,
        validator: 1,
        signer: peer.host.peerId,
        verifier: peer.connection.remotePeer,
        verifierNonce: theirs.nonce,
        signerNonce: nonce,
      }),
      key,
    )
    first.write(proofMessage(heard))
    await first.read()
    await peer.connection.close()
    await victim.until('the first connection to end', () => victim.gone.length === 1)

    const second = await helloStream(peer, victim)
    second.write(encodeHello(fullNodeHello({ validator: 1, nonce })))
    await second.read()
    second.write(proofMessage(heard))
    await closed(peer.connection)
    assert.ok(refusals(victim).includes('forged'))
    assert.equal(victim.network.peerOfValidator(1), null)
  })

  test('a proof made for somebody else cannot be passed on', async () => {
    // The peer in the middle has the victim's nonce signed by the real validator 1, and shows that as its own proof.
    const [victim, validator, middle] = [await node(0), await node(1), await raw()]
    const toVictim = await helloStream(middle, victim)
    const victimConnection = middle.connection
    toVictim.write(encodeHello(fullNodeHello({ validator: 1 })))
    const { nonce } = decodeHello(await toVictim.read(), GENESIS)
    const toValidator = await helloStream(middle, validator)
    toValidator.write(encodeHello(fullNodeHello({ nonce })))
    const { signature } = decodeHello(await toValidator.read(), GENESIS)
    assert.equal(signature.length, 64)
    toVictim.write(proofMessage(signature))
    await closed(victimConnection)
    assert.ok(refusals(victim).includes('forged'))
  })

  test('nothing counts before it: early streams wait, and end with a hello that fails', async () => {
    const a = await node(0)
    const peer = await raw()
    const frames = await helloStream(peer, a)
    const direct = await peer.open(NAMES.direct)
    direct.send(Uint8Array.of(0, 0, 0, 1, 9))
    const request = new FrameStream(await peer.open(NAMES.request), 4096)
    request.write(Uint8Array.of(1, 2, 3))
    frames.write(encodeHello(fullNodeHello({ version: 9 })))
    await closed(peer.connection)
    await assert.rejects(request.read())
    assert.deepEqual([a.messages.length, a.ready.length], [0, 0])
  })

  test('early streams are served when the hello succeeds', async () => {
    const a = await node(0)
    const peer = await raw()
    const frames = await helloStream(peer, a)
    const direct = await peer.open(NAMES.direct)
    direct.send(Uint8Array.of(0, 0, 0, 1, 9))
    frames.write(encodeHello(fullNodeHello()))
    await frames.read()
    frames.write(emptyProof())
    await a.until('the early frame', () => a.messages.length === 1)
    assert.equal(a.messages[0]?.from.id, peer.id)
  })

  test('a second hello on one connection is an offence', async () => {
    const a = await node(0)
    const peer = await raw()
    await peer.join(a)
    const again = new FrameStream(await peer.open(NAMES.hello), 4096)
    await assert.rejects(again.read())
    assert.ok((a.peer(peer)?.score ?? 0) < 0)
  })

  test('two peers that prove to be one validator: the newest counts, and the operator is warned', async () => {
    const a = await node(0)
    const first = await node(1, { bootstrap: [a.address] })
    await a.untilConnected(first)
    const second = await node(1, { bootstrap: [a.address] })
    await a.untilConnected(second)
    assert.equal(a.network.peerOfValidator(1)?.id, second.id)
    assert.ok(a.logged.some(({ message }) => message.includes('one validator key')))
    await second.network.stop()
    await a.until('the second to leave', () => a.network.peers().length === 1)
    assert.equal(a.network.peerOfValidator(1)?.id, first.id)
  })
})
