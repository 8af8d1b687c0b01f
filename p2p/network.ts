/**
 * The network: libp2p underneath, bytes in and out on top.
 *
 * A connection begins with a hello (hello.ts); until that succeeds nothing else on it counts. From then on the peer is
 * ready: direct frames (direct.ts), requests (requests.ts) and gossip (gossip.ts) flow. A peer is gone when its last
 * connection is. Everything from outside ends in a verdict, a penalty or a log line, never in an exception.
 */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { Registry } from 'prom-client'
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import { DirectSender, receiveDirect } from './direct.ts'
import { Dialer, peerIdOf } from './dialer.ts'
import { FrameStream } from './frames.ts'
import { Gossip, GOSSIP_BYTES } from './gossip.ts'
import { answerHello, finishHello, HelloError, sayHello, type HelloResult, type HelloSelf } from './hello.ts'
import { createHost, type Host } from './host.ts'
import { registerMetrics, type Counters } from './metrics.ts'
import { Peer, placesForOthers } from './peer.ts'
import { protocolNames, type ProtocolNames } from './protocols.ts'
import { request, RequestError, serveRequest } from './requests.ts'
import { PeerScores } from './scores.ts'
import type { Network, NetworkOptions, PeerInfo, Topic, Verdict } from './types.ts'

/** How long a second connection to one peer is kept, so that what is under way on it arrives. */
const SPARE_CONNECTION_MS = 1_000
/** How often lost gossip streams are looked for. */
const CARE_INTERVAL_MS = 1_000
const STOP_TIMEOUT_MS = 800

/** A connection on its way through the hello. */
interface Greeting {
  /** Resolves to whether the hello succeeded. */
  readonly done: PromiseWithResolvers<boolean>
  readonly timer: NodeJS.Timeout
  started: boolean
  /** Streams that wait for the hello. */
  waiting: number
}

/**
 * Makes a network that is not started.
 * @throws CordonError `config-invalid` when an address of the options is none.
 */
export async function createNetwork(options: NetworkOptions): Promise<Network> {
  for (const text of [...options.listen, ...options.announce, ...options.bootstrap]) parseAddress(text)
  const network = new Libp2pNetwork(options)
  await network.prepare()
  return network
}

class Libp2pNetwork implements Network {
  readonly #options: NetworkOptions
  readonly #names: ProtocolNames
  readonly #scores = new PeerScores(() => performance.now())
  readonly #peers = new Map<string, Peer>()
  readonly #validators = new Map<number, Peer>()
  readonly #greetings = new Map<Connection, Greeting>()
  readonly #registry = new Registry()
  readonly #counters: Counters = { received: 0, refusedHellos: 0, penalties: 0, bans: 0, droppedByGonePeers: 0 }
  readonly #gossip: Gossip
  #host!: Host
  #dialer!: Dialer
  #self!: HelloSelf
  #care: NodeJS.Timeout | null = null
  #running = false

  constructor(options: NetworkOptions) {
    this.#options = options
    this.#names = protocolNames(options.genesisHash)
    this.#gossip = new Gossip({
      names: this.#names,
      admit: (connection) => this.#admit(connection),
      scoreOf: (id) => this.#scores.of(id),
      validate: (topic, from, data) => this.#onGossip(topic, from, data),
    })
  }

  async prepare(): Promise<void> {
    const options = this.#options
    const userAgent = Buffer.from(options.userAgent, 'latin1').toString('latin1').slice(0, LIMITS.userAgentBytes)
    this.#host = await createHost({
      network: { ...options, userAgent },
      names: this.#names,
      registry: this.#registry,
      gossip: this.#gossip.service,
      isBanned: (peer) => this.#scores.isBanned(peer.toString()),
    })
    this.#self = { ...options, userAgent, peerId: this.#host.peerId }
    this.#dialer = new Dialer({
      ownPeerId: this.#host.peerId,
      dial: (addresses, signal) => this.#host.dial(addresses, { signal }),
      isReady: (id) => this.#peers.has(id),
      isBanned: (id) => this.#scores.isBanned(id),
      log: options.log,
    })
    registerMetrics(this.#registry, this.#peers, this.#counters)
    this.#host.addEventListener('connection:open', ({ detail }) => {
      this.#onConnection(detail)
    })
    this.#host.addEventListener('connection:close', ({ detail }) => {
      this.#onConnectionClosed(detail)
    })
    if (options.mdns) {
      this.#host.addEventListener('peer:discovery', ({ detail }) => {
        const id = detail.id.toString()
        if (detail.multiaddrs.length > 0 && !this.#peers.has(id) && !this.#dialer.wants(id)) {
          this.#dialer.want(`found ${id}`, detail.multiaddrs, id, true)
        }
      })
    }
  }

  get peerId(): string {
    return this.#host.peerId.toString()
  }

  addresses(): readonly string[] {
    return this.#host.getMultiaddrs().map(String)
  }

  peers(): readonly PeerInfo[] {
    return [...this.#peers.values()].map((peer) => peer.describe(this.#scores.of(peer.id)))
  }

  peerOfValidator(index: number): PeerInfo | null {
    return this.#validators.get(index)?.info ?? null
  }

  send(peerId: string, bytes: Uint8Array): boolean {
    const peer = this.#peers.get(peerId)
    if (peer === undefined) return false
    if (bytes.length === 0 || bytes.length > LIMITS.messageBytes) {
      this.#options.log.warn({ bytes: bytes.length }, `not sent: a frame has 1 to ${LIMITS.messageBytes} bytes`)
      return false
    }
    peer.sender.send(bytes)
    return true
  }

  publish(topic: Topic, bytes: Uint8Array): void {
    if (!this.#running) return
    if (bytes.length === 0 || bytes.length > GOSSIP_BYTES[topic]) {
      this.#options.log.warn({ topic, bytes: bytes.length }, `not gossiped: at most ${GOSSIP_BYTES[topic]} bytes`)
      return
    }
    this.#gossip.publish(topic, bytes).catch((error: unknown) => {
      this.#options.log.debug({ topic, error }, 'gossip failed')
    })
  }

  async request(
    peerId: string,
    bytes: Uint8Array,
    options: { timeoutMs: number; maxBytes: number },
  ): Promise<Uint8Array> {
    const peer = this.#peers.get(peerId)
    const connection = peer?.active
    if (peer === undefined || connection == null) {
      throw new RequestError('not-connected', `peer ${peerId} is not connected`)
    }
    return request(connection, this.#names.request, peer.asking, bytes, options)
  }

  penalize(peerId: string, why: string): void {
    const peer = this.#peers.get(peerId)
    const validator = peer?.hello.validator ?? null
    this.#counters.penalties += 1
    const banned = this.#scores.penalize(peerId, validator !== null)
    peer?.describe(this.#scores.of(peerId))
    this.#options.log.debug({ peer: peerId, validator, why, score: this.#scores.of(peerId) }, 'peer penalised')
    if (banned) this.#ban(peerId, validator, why)
  }

  async metrics(): Promise<string> {
    return this.#registry.metrics()
  }

  async start(): Promise<void> {
    const host = this.#host
    await host.handle(this.#names.hello, (stream, connection) => this.#onHelloStream(stream, connection), {
      maxInboundStreams: 1,
    })
    await host.handle(this.#names.direct, (stream, connection) => this.#onDirectStream(stream, connection), {
      maxInboundStreams: 2, // a new one may come before the old one is gone
    })
    await host.handle(this.#names.request, (stream, connection) => this.#onRequestStream(stream, connection), {
      maxInboundStreams: LIMITS.requestsInFlightPerPeer,
      maxOutboundStreams: LIMITS.requestsInFlightPerPeer,
    })
    this.#running = true
    try {
      await host.start()
    } catch (error) {
      this.#running = false
      throw startError(error, this.#options.listen)
    }
    this.#gossip.subscribe()
    for (const text of this.#options.bootstrap) {
      const address = parseAddress(text)
      this.#dialer.want(text, [address], peerIdOf(address), false)
    }
    this.#care = setInterval(() => {
      this.#careForGossip()
    }, CARE_INTERVAL_MS)
  }

  async stop(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    if (this.#care !== null) clearInterval(this.#care)
    this.#dialer.stop()
    for (const greeting of this.#greetings.values()) clearTimeout(greeting.timer)
    const stopped = Promise.resolve(this.#host.stop()).catch((error: unknown) => {
      this.#options.log.debug({ error }, 'libp2p did not stop cleanly')
    })
    const late = setTimeout(() => {
      for (const connection of this.#host.getConnections()) connection.abort(new Error('the network stops'))
    }, STOP_TIMEOUT_MS)
    await stopped
    clearTimeout(late)
    for (const peer of this.#peers.values()) this.#onGone(peer)
  }

  // Connections and hello

  #onConnection(connection: Connection): void {
    if (!this.#running || connection.status !== 'open') return
    const timer = setTimeout(() => {
      this.#refuse(connection, new HelloError('unanswered', `no hello within ${LIMITS.helloTimeoutMs} ms`))
    }, LIMITS.helloTimeoutMs)
    this.#greetings.set(connection, { done: Promise.withResolvers(), timer, started: false, waiting: 0 })
    if (connection.direction === 'outbound') void this.#greet(connection)
  }

  async #greet(connection: Connection): Promise<void> {
    try {
      const signal = AbortSignal.timeout(LIMITS.helloTimeoutMs)
      const stream = await connection.newStream(this.#names.hello, { signal })
      const frames = new FrameStream(stream, LIMITS.helloBytes)
      const result = await sayHello(frames, connection.remotePeer, this.#self)
      this.#onReady(connection, result)
      void stream.close().catch(() => {
        stream.abort(new Error('the hello is over'))
      })
    } catch (error) {
      this.#refuse(connection, await this.#explain(connection, error))
    }
  }

  async #onHelloStream(stream: Stream, connection: Connection): Promise<void> {
    const greeting = this.#greetings.get(connection)
    if (greeting === undefined || greeting.started || connection.direction !== 'inbound') {
      stream.abort(new Error('unexpected hello'))
      this.penalize(connection.remotePeer.toString(), 'a second hello, or one from the listener')
      return
    }
    greeting.started = true
    try {
      const frames = new FrameStream(stream, LIMITS.helloBytes)
      const result = await answerHello(frames, connection.remotePeer, this.#self)
      if (this.#onReady(connection, result)) finishHello(frames)
      await stream.close()
    } catch (error) {
      // Gives the refusal a moment to reach the dialler, whose operator may need it more than ours.
      await stream.close().catch(() => undefined)
      this.#refuse(connection, error)
    }
  }

  /** Turns the failure of a dialled connection into something an operator can act on. */
  async #explain(connection: Connection, error: unknown): Promise<unknown> {
    if ((error as Error).name !== 'UnsupportedProtocolError') return error
    let spoken: string[] = []
    try {
      spoken = (await this.#host.peerStore.get(connection.remotePeer)).protocols
    } catch {
      // The peer has not told which protocols it speaks; the message does without.
    }
    const other = spoken.find((protocol) => /^\/cordon\/[0-9a-f]{16}\/hello\//.test(protocol))
    if (other === undefined) {
      return new HelloError(
        'other-chain',
        `the peer does not speak ${this.#names.hello}: it belongs to another chain or is no Cordon node; ` +
          'compare genesis.json and the bootstrap list of the two nodes',
      )
    }
    return new HelloError(
      'other-chain',
      `expected a peer that speaks ${this.#names.hello}, got one that speaks ${other}: one of the two nodes has ` +
        'the wrong genesis.json or an old version, or the peer does not belong into the bootstrap list',
    )
  }

  /** Ends a connection whose hello failed. */
  #refuse(connection: Connection, error: unknown): void {
    const greeting = this.#greetings.get(connection)
    if (greeting === undefined) return // closed meanwhile
    this.#endGreeting(connection, greeting, false)
    connection.abort(error instanceof Error ? error : new Error(String(error)))
    if (!this.#running) return
    const id = connection.remotePeer.toString()
    const fields = { peer: id, address: connection.remoteAddr.toString() }
    this.#counters.refusedHellos += 1
    this.#dialer.onRefused(id)
    if (!(error instanceof HelloError)) {
      // No penalty: the peer may just be stopping.
      this.#options.log.debug({ ...fields, error: (error as Error).message }, 'hello broken off')
      return
    }
    this.#options.log.warn({ ...fields, fault: error.fault }, `peer refused: ${error.message}`)
    if (error.fault === 'forged') this.#scores.ban(id)
    if (error.fault === 'malformed') this.#scores.penalize(id, false)
  }

  #endGreeting(connection: Connection, greeting: Greeting, success: boolean): void {
    clearTimeout(greeting.timer)
    this.#greetings.delete(connection)
    greeting.done.resolve(success)
  }

  /** Whether the peer is ready; streams that come during the hello wait for its end. */
  async #admit(connection: Connection): Promise<boolean> {
    const greeting = this.#greetings.get(connection)
    if (greeting === undefined) return this.#peerOf(connection) !== null
    if (greeting.waiting >= LIMITS.streamsBeforeHello) return false
    greeting.waiting += 1
    return greeting.done.promise
  }

  #peerOf(connection: Connection): Peer | null {
    const peer = this.#peers.get(connection.remotePeer.toString())
    return peer?.connections.includes(connection) === true ? peer : null
  }

  // Peers

  /** Takes a connection whose hello succeeded. @returns false if there is no place for it. */
  #onReady(connection: Connection, hello: HelloResult): boolean {
    const greeting = this.#greetings.get(connection)
    if (greeting === undefined || connection.status !== 'open') return false
    const id = connection.remotePeer.toString()
    const known = this.#peers.get(id)
    if (known === undefined && !this.#hasPlace(connection, hello)) {
      this.#refuse(connection, new HelloError('full', 'all places for peers that are no validators are taken'))
      return false
    }
    const sender = known?.sender ?? new DirectSender(this.#names.direct, this.#options.log)
    const peer = known ?? new Peer(connection.remotePeer, this.peerId, hello, sender)
    peer.hello = hello
    const replaced = peer.add(connection)
    this.#peers.set(id, peer)
    this.#endGreeting(connection, greeting, true)
    replaced?.abort(new Error('replaced by a newer connection'))
    this.#knowValidator(peer)
    peer.describe(this.#scores.of(id))
    this.#speakOn(peer)
    this.#dialer.onReady(id)
    if (known === undefined) {
      this.#options.log.info({ peer: id, validator: hello.validator, agent: hello.userAgent }, 'peer connected')
      this.#guard(() => {
        this.#options.handlers.onPeerReady(peer.info)
      })
    }
    return true
  }

  #hasPlace(connection: Connection, hello: HelloResult): boolean {
    if (hello.validator !== null || connection.direction === 'outbound') return true
    const others = [...this.#peers.values()].filter((peer) => peer.hello.validator === null).length
    return others < placesForOthers(this.#options.validatorKeys.length)
  }

  #knowValidator(peer: Peer): void {
    const index = peer.hello.validator
    if (index === null) return
    if (index === this.#options.validator?.index) {
      this.#options.log.warn(
        { peer: peer.id },
        'another node runs with the key of this validator: stop one of them, or both will be taken for Byzantine',
      )
    }
    const known = this.#validators.get(index)
    if (known !== undefined && known !== peer) {
      this.#options.log.warn({ validator: index, peers: [known.id, peer.id] }, 'two peers run with one validator key')
    }
    this.#validators.set(index, peer)
  }

  /** Points direct stream and gossip to the connection that is to be used now. */
  #speakOn(peer: Peer): void {
    const active = peer.active
    if (active === null) return
    peer.sender.use(active)
    if (!this.#gossip.hasStream(active)) {
      this.#gossip.disconnect(peer.peerId)
      this.#gossip.connect(peer.peerId, active)
    }
    const spare = peer.spare
    if (spare === null || !peer.closesSpare) return
    setTimeout(() => {
      if (peer.spare === spare) void spare.close().catch(() => undefined)
    }, SPARE_CONNECTION_MS).unref()
  }

  #onConnectionClosed(connection: Connection): void {
    const greeting = this.#greetings.get(connection)
    if (greeting !== undefined) {
      this.#endGreeting(connection, greeting, false)
      return
    }
    const peer = this.#peers.get(connection.remotePeer.toString())
    if (peer === undefined || !peer.remove(connection)) return
    if (peer.active === null) this.#onGone(peer)
    else this.#speakOn(peer)
  }

  #onGone(peer: Peer): void {
    this.#peers.delete(peer.id)
    this.#counters.droppedByGonePeers += peer.sender.droppedFrames
    peer.sender.use(null)
    this.#gossip.disconnect(peer.peerId)
    const index = peer.hello.validator
    if (index !== null && this.#validators.get(index) === peer) {
      this.#validators.delete(index)
      const other = [...this.#peers.values()].find(({ hello }) => hello.validator === index)
      if (other !== undefined) this.#validators.set(index, other)
    }
    this.#options.log.info({ peer: peer.id, validator: index }, 'peer disconnected')
    this.#guard(() => {
      this.#options.handlers.onPeerGone(peer.info)
    })
    if (!this.#running) return
    if (this.#dialer.wants(peer.id)) this.#dialer.onGone(peer.id)
    else if (index !== null) void this.#wantValidator(index, peer.peerId)
  }

  /** A validator that dialled us and is lost: dial it where identify says that it listens. */
  async #wantValidator(index: number, peerId: PeerId): Promise<void> {
    try {
      const { addresses } = await this.#host.peerStore.get(peerId)
      const listening = addresses.map((address) => address.multiaddr)
      if (listening.length > 0) this.#dialer.want(`validator ${index}`, listening, peerId.toString(), false)
    } catch {
      // It never told an address: it will have to dial us.
    }
  }

  #ban(id: string, validator: number | null, why: string): void {
    this.#counters.bans += 1
    this.#options.log.warn({ peer: id, validator, why }, `peer banned for ${LIMITS.banMs} ms`)
    for (const connection of this.#host.getConnections()) {
      if (connection.remotePeer.toString() === id) connection.abort(new Error('banned'))
    }
  }

  // Streams

  async #onDirectStream(stream: Stream, connection: Connection): Promise<void> {
    if (!(await this.#admit(connection))) {
      stream.abort(new Error('direct stream before hello'))
      return
    }
    const peer = this.#peerOf(connection)
    if (peer === null) return
    receiveDirect(stream, peer.direct, {
      onFrame: (frame) => {
        this.#counters.received += 1
        this.#guard(() => {
          this.#options.handlers.onMessage(peer.info, frame)
        })
      },
      onFault: (why) => {
        this.penalize(peer.id, `direct stream: ${why}`)
      },
    })
  }

  async #onRequestStream(stream: Stream, connection: Connection): Promise<void> {
    if (!(await this.#admit(connection))) {
      stream.abort(new Error('request before hello'))
      return
    }
    const peer = this.#peerOf(connection)
    if (peer === null) return
    const answer = async (bytes: Uint8Array): Promise<Uint8Array> => this.#options.handlers.onRequest(peer.info, bytes)
    await serveRequest(stream, peer.asked, answer, (why) => {
      this.penalize(peer.id, why)
    })
  }

  // Gossip

  async #onGossip(topic: Topic, from: PeerId, data: Uint8Array): Promise<Verdict> {
    const peer = this.#peers.get(from.toString())
    if (!this.#running || peer === undefined) return 'ignore'
    if (data.length === 0 || data.length > GOSSIP_BYTES[topic]) {
      this.penalize(peer.id, `gossip: expected 1 to ${GOSSIP_BYTES[topic]} bytes on ${topic}, got ${data.length}`)
      return 'reject'
    }
    if (!peer.gossip.take()) return 'ignore'
    let verdict: Verdict = 'ignore'
    try {
      verdict = await this.#options.handlers.onGossip(topic, peer.info, data)
    } catch (error) {
      this.#options.log.warn({ topic, error }, 'a gossip handler failed')
    }
    if (verdict === 'reject') this.penalize(peer.id, `gossip: invalid message on ${topic}`)
    return verdict
  }

  /** Gossipsub does not open its stream again when only the stream was lost, by an overflow for example. */
  #careForGossip(): void {
    for (const peer of this.#peers.values()) {
      const active = peer.active
      if (active !== null && !this.#gossip.hasStream(active)) this.#gossip.connect(peer.peerId, active)
    }
  }

  #guard(handler: () => void): void {
    try {
      handler()
    } catch (error) {
      this.#options.log.warn({ error }, 'a network handler failed')
    }
  }
}

function parseAddress(text: string): Multiaddr {
  try {
    return multiaddr(text)
  } catch (error) {
    throw new CordonError(
      'config-invalid',
      `expected a multiaddr such as /ip4/203.0.113.7/tcp/9000, got ${JSON.stringify(text)}`,
      { address: text },
      { cause: error },
    )
  }
}

function startError(error: unknown, listen: readonly string[]): CordonError {
  const message = error instanceof Error ? error.message : String(error)
  const addresses = listen.join(', ')
  if (message.includes('EADDRINUSE')) {
    return new CordonError(
      'port-in-use',
      `another process listens on ${addresses}: stop it, or give this node another p2p address`,
      { listen },
      { cause: error },
    )
  }
  return new CordonError(
    'config-invalid',
    `cannot listen on ${addresses}: ${message.split('\n').find((line) => /E[A-Z]{4,}/.test(line))?.trim() ?? message}`,
    { listen },
    { cause: error },
  )
}
