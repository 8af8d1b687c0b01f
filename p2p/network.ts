/**
 * The network: libp2p underneath, bytes in and out on top.
 *
 * A connection begins with a hello (hello.ts); until that succeeds nothing else on it counts. From then on the peer is
 * ready: direct frames (direct.ts), requests (requests.ts) and gossip (gossip.ts) flow. A peer is gone when its last
 * connection is. Everything from outside ends in a verdict, a penalty or a log line, never in an exception.
 */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Registry } from 'prom-client'
import { LIMITS } from '../config/limits.ts'
import { listenError, parseAddress, peerIdOf } from './addresses.ts'
import { DirectSender, receiveDirect } from './direct.ts'
import { Dialer } from './dialer.ts'
import { Gossip, GOSSIP_BYTES } from './gossip.ts'
import { abortConnection, Greeter } from './greeter.ts'
import { HelloError, printable, type HelloResult } from './hello.ts'
import { createHost, type Host } from './host.ts'
import { hostOf } from './inbound-hosts.ts'
import { registerMetrics, type Counters } from './metrics.ts'
import { PeerTable } from './peer-table.ts'
import { Peer } from './peer.ts'
import { protocolNames, type ProtocolNames } from './protocols.ts'
import { request, RequestError, serveRequest } from './requests.ts'
import { PeerScores } from './scores.ts'
import { TokenBucket } from './token-bucket.ts'
import type { Network, NetworkOptions, PeerConnection, PeerInfo, Topic, Verdict } from './types.ts'

/** How long a second connection to one peer is kept, so that what is under way on it arrives. */
const SPARE_CONNECTION_MS = 1_000
/** How often lost gossip streams are looked for. */
const CARE_INTERVAL_MS = 1_000
const STOP_TIMEOUT_MS = 800

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
  readonly #peers = new PeerTable()
  readonly #registry = new Registry()
  readonly #counters: Counters = {
    received: 0,
    refusedHellos: 0,
    penalties: 0,
    bans: 0,
    droppedByGonePeers: 0,
  }
  readonly #refusalWarnings = new TokenBucket(
    LIMITS.refusalWarningsPerSecond,
    10 * LIMITS.refusalWarningsPerSecond,
    () => performance.now(),
  )
  readonly #gossip: Gossip
  #host!: Host
  #dialer!: Dialer
  #greeter!: Greeter
  #care: NodeJS.Timeout | null = null
  #running = false

  constructor(options: NetworkOptions) {
    this.#options = options
    this.#names = protocolNames(options.genesisHash)
    this.#gossip = new Gossip({
      names: this.#names,
      admit: (connection) => this.#greeter.admit(connection),
      scoreOf: (id) => this.#scores.of(id),
      validate: (topic, from, data) => this.#onGossip(topic, from, data),
    })
  }

  async prepare(): Promise<void> {
    const options = this.#options
    const userAgent = printable(options.userAgent).slice(0, LIMITS.userAgentBytes)
    this.#host = await createHost({
      network: { ...options, userAgent },
      names: this.#names,
      registry: this.#registry,
      gossip: this.#gossip.service,
      isBanned: (peer) => this.#scores.isBanned(peer.toString()),
    })
    this.#greeter = new Greeter({
      protocol: this.#names.hello,
      self: { ...options, userAgent, peerId: this.#host.peerId },
      protocolsOf: (peer) => this.#protocolsOf(peer),
      isReady: (connection) => this.#peerOf(connection) !== null,
      onReady: (connection, hello) => {
        this.#onReady(connection, hello)
      },
      onRefused: (connection, error) => {
        this.#onRefused(connection, error)
      },
      onOffence: (peer, why) => {
        this.penalize(peer.toString(), why)
      },
    })
    this.#dialer = new Dialer({
      ownPeerId: this.#host.peerId,
      dial: async (addresses, signal) => {
        const connection = await this.#host.dial(addresses, { signal })
        await this.#greeter.over(connection)
        return connection
      },
      isReady: (id) => this.#peers.get(id) !== undefined,
      isBanned: (id) => this.#scores.isBanned(id),
      log: options.log,
    })
    registerMetrics(
      this.#registry,
      this.#peers,
      this.#counters,
      async () => (await this.#host.peerStore.all()).length,
    )
    this.#host.addEventListener('connection:open', ({ detail }) => {
      this.#guard(() => {
        this.#onConnection(detail)
      })
    })
    this.#host.addEventListener('connection:close', ({ detail }) => {
      this.#guard(() => {
        this.#onConnectionClosed(detail)
      })
    })
    if (options.mdns) {
      this.#host.addEventListener('peer:discovery', ({ detail }) => {
        this.#onFound(detail)
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
    return this.#peers.all().map((peer) => peer.describe(this.#scores.of(peer.id)))
  }

  connections(): readonly PeerConnection[] {
    const nowMs = performance.now()
    return this.#peers.all().map((peer) => peer.connection(this.#scores.of(peer.id), nowMs))
  }

  peerOfValidator(index: number): PeerInfo | null {
    return this.#peers.ofValidator(index)?.info ?? null
  }

  send(peerId: string, bytes: Uint8Array): boolean {
    const peer = this.#peers.get(peerId)
    if (peer === undefined) return false
    if (bytes.length === 0 || bytes.length > LIMITS.messageBytes) {
      this.#options.log.warn(
        { bytes: bytes.length },
        `not sent: a frame has 1 to ${LIMITS.messageBytes} bytes`,
      )
      return false
    }
    peer.sender.send(bytes)
    return true
  }

  hasListeners(topic: Topic): boolean {
    return this.#running && this.#gossip.hasListeners(topic)
  }

  publish(topic: Topic, bytes: Uint8Array): void {
    if (!this.#running) return
    if (bytes.length === 0 || bytes.length > GOSSIP_BYTES[topic]) {
      this.#options.log.warn(
        { topic, bytes: bytes.length },
        `not gossiped: at most ${GOSSIP_BYTES[topic]} bytes`,
      )
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
    if (peer === undefined || connection === null || connection === undefined) {
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
    this.#options.log.debug(
      { peer: peerId, validator, why, score: this.#scores.of(peerId) },
      'peer penalised',
    )
    if (banned) this.#ban(peerId, validator, why)
  }

  async metrics(): Promise<string> {
    return this.#registry.metrics()
  }

  async start(): Promise<void> {
    const host = this.#host
    await host.handle(this.#names.hello, (stream, connection) => this.#greeter.onStream(stream, connection), {
      maxInboundStreams: 2, // the second one is an offence; libp2p would end it without a word
    })
    await host.handle(this.#names.direct, (stream, connection) => this.#onDirectStream(stream, connection), {
      maxInboundStreams: 2, // a new one may come before the old one is gone
    })
    await host.handle(
      this.#names.request,
      (stream, connection) => this.#onRequestStream(stream, connection),
      {
        maxInboundStreams: LIMITS.requestsInFlightPerPeer,
        maxOutboundStreams: LIMITS.requestsInFlightPerPeer,
      },
    )
    this.#running = true
    try {
      await host.start()
    } catch (error) {
      this.#running = false
      throw listenError(error, this.#options.listen)
    }
    this.#gossip.subscribe(this.#options.topics)
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
    this.#greeter.stop()
    const stopped = Promise.resolve(this.#host.stop()).catch((error: unknown) => {
      this.#options.log.debug({ error }, 'libp2p did not stop cleanly')
    })
    const late = setTimeout(() => {
      for (const connection of this.#host.getConnections()) abortConnection(connection, 'the network stops')
    }, STOP_TIMEOUT_MS)
    await stopped
    clearTimeout(late)
    for (const peer of this.#peers.all()) this.#onGone(peer)
  }

  // Connections

  #onConnection(connection: Connection): void {
    if (this.#running && connection.status === 'open') this.#greeter.onConnection(connection)
  }

  #onConnectionClosed(connection: Connection): void {
    if (this.#greeter.onClosed(connection)) return
    const peer = this.#peers.get(connection.remotePeer.toString())
    if (peer === undefined || !peer.remove(connection)) return
    if (peer.active === null) {
      this.#onGone(peer)
      return
    }
    this.#options.log.debug({ peer: peer.id }, 'spare connection closed')
    this.#speakOn(peer)
  }

  #onRefused(connection: Connection, error: unknown): void {
    if (!this.#running) return
    const id = connection.remotePeer.toString()
    const fields = { peer: id, address: connection.remoteAddr.toString() }
    this.#counters.refusedHellos += 1
    this.#forget(connection.remotePeer)
    this.#dialer.onRefused(id)
    if (!(error instanceof HelloError)) {
      // No penalty: the peer may just be stopping.
      this.#options.log.debug({ ...fields, error: String(error) }, 'hello broken off')
      return
    }
    const level = this.#refusalWarnings.take() ? 'warn' : 'debug'
    this.#options.log[level]({ ...fields, fault: error.fault }, `peer refused: ${error.message}`)
    if (error.fault === 'forged') this.#scores.ban(id)
    if (error.fault === 'malformed') this.#scores.penalize(id, false)
  }

  async #protocolsOf(peer: PeerId): Promise<readonly string[]> {
    try {
      return (await this.#host.peerStore.get(peer)).protocols
    } catch {
      return [] // it has not told yet
    }
  }

  #peerOf(connection: Connection): Peer | null {
    const peer = this.#peers.get(connection.remotePeer.toString())
    return peer?.connections.includes(connection) === true ? peer : null
  }

  // Peers

  /** Takes a connection whose hello succeeded. @throws HelloError `full` */
  #onReady(connection: Connection, hello: HelloResult): void {
    const id = connection.remotePeer.toString()
    const known = this.#peers.get(id)
    const mayBeRefused = known === undefined && hello.validator === null && connection.direction === 'inbound'
    const host = hostOf(connection.remoteAddr)
    if (mayBeRefused && !this.#peers.hasPlaceForOther(this.#options.validatorKeys.length, host)) {
      throw new HelloError(
        'full',
        'all places for peers that are no validators are taken, or all of one address',
      )
    }
    const peer = known ?? new Peer(connection.remotePeer, this.peerId, hello, this.#newSender())
    peer.hello = hello
    const replaced = peer.add(connection)
    const rival = this.#peers.put(peer)
    if (replaced !== null) abortConnection(replaced, 'replaced by a newer connection')
    this.#warnOfTwins(peer, rival)
    this.#speakOn(peer)
    this.#dialer.onReady(id)
    if (hello.validator !== null) this.#dialer.forget(validatorTarget(hello.validator), id)
    if (known !== undefined) return
    this.#options.log.info({ peer: id, validator: hello.validator, agent: hello.userAgent }, 'peer connected')
    this.#guard(() => {
      this.#options.handlers.onPeerReady(peer.info)
    })
  }

  #newSender(): DirectSender {
    return new DirectSender(this.#names.direct, this.#options.log)
  }

  #warnOfTwins(peer: Peer, rival: Peer | null): void {
    const { validator } = peer.hello
    if (validator !== null && validator === this.#options.validator?.index) {
      this.#options.log.warn(
        { peer: peer.id, validator },
        'another node runs with the key of this validator: stop one of them, or both will be taken for Byzantine',
      )
    } else if (rival !== null) {
      this.#options.log.warn(
        { validator, peers: [rival.id, peer.id] },
        'two peers run with one validator key',
      )
    }
  }

  /** Points direct stream and gossip to the connection that is to be used now. */
  #speakOn(peer: Peer): void {
    peer.describe(this.#scores.of(peer.id))
    const active = peer.active
    if (active === null) return
    if (peer.speaksOn !== active) {
      peer.speaksOn = active
      peer.sender.use(active)
      this.#gossip.disconnect(peer.peerId)
      this.#gossip.connect(peer.peerId, active)
    }
    const spare = peer.spare
    if (spare === null || !peer.closesSpare) return
    setTimeout(() => {
      if (peer.spare === spare) spare.close().catch(() => undefined)
    }, SPARE_CONNECTION_MS).unref()
  }

  #onGone(peer: Peer): void {
    const index = peer.hello.validator
    this.#peers.delete(peer)
    this.#counters.droppedByGonePeers += peer.sender.droppedFrames
    peer.sender.use(null)
    this.#gossip.disconnect(peer.peerId)
    this.#options.log.info({ peer: peer.id, validator: index }, 'peer disconnected')
    this.#guard(() => {
      this.#options.handlers.onPeerGone(peer.info)
    })
    if (!this.#running) return
    if (this.#dialer.wants(peer.id)) this.#dialer.onGone(peer.id)
    else if (index !== null) void this.#wantValidator(index, peer.peerId)
    else this.#forget(peer.peerId)
  }

  /** What identify said about a peer that nobody here wants: libp2p keeps it for hours, and identities cost nothing. */
  #forget(peerId: PeerId): void {
    const id = peerId.toString()
    if (!this.#running || this.#dialer.wants(id) || this.#peers.get(id) !== undefined) return
    this.#host.peerStore.delete(peerId).catch((error: unknown) => {
      this.#options.log.debug({ peer: id, error }, 'could not forget a peer')
    })
  }

  /** mDNS found somebody. */
  #onFound(found: { readonly id: PeerId; readonly multiaddrs: Multiaddr[] }): void {
    const id = found.id.toString()
    const known = this.#peers.get(id) !== undefined || this.#dialer.wants(id)
    if (known || found.multiaddrs.length === 0 || this.#peers.size >= LIMITS.peers) return
    this.#dialer.want(`found ${id}`, found.multiaddrs, id, true)
  }

  /** A validator that dialled us and is lost: dial it where identify says that it listens. */
  async #wantValidator(index: number, peerId: PeerId): Promise<void> {
    try {
      const { addresses } = await this.#host.peerStore.get(peerId)
      const listening = addresses.map((address) => address.multiaddr)
      if (listening.length > 0) this.#dialer.want(validatorTarget(index), listening, peerId.toString(), false)
    } catch {
      // It never told an address: it will have to dial us.
    }
  }

  #ban(id: string, validator: number | null, why: string): void {
    this.#counters.bans += 1
    this.#options.log.warn({ peer: id, validator, why }, `peer banned for ${LIMITS.banMs} ms`)
    for (const connection of this.#host.getConnections()) {
      if (connection.remotePeer.toString() === id) abortConnection(connection, 'banned')
    }
  }

  // Streams

  /** The peer behind an incoming stream, once its hello is through; a stream of anybody else is ended. */
  async #admit(stream: Stream, connection: Connection): Promise<Peer | null> {
    const peer = (await this.#greeter.admit(connection)) ? this.#peerOf(connection) : null
    if (peer === null) stream.abort(new Error('no hello before this stream'))
    return peer
  }

  async #onDirectStream(stream: Stream, connection: Connection): Promise<void> {
    const peer = await this.#admit(stream, connection)
    if (peer === null) return
    receiveDirect(stream, peer.direct, {
      onFrame: (frame) => {
        this.#counters.received += 1
        peer.heardMs = performance.now()
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
    const peer = await this.#admit(stream, connection)
    if (peer === null) return
    const answer = async (bytes: Uint8Array): Promise<Uint8Array> => {
      peer.heardMs = performance.now()
      return this.#options.handlers.onRequest(peer.info, bytes)
    }
    await serveRequest(stream, peer.asked, answer, (why) => {
      this.penalize(peer.id, why)
    })
  }

  // Gossip

  async #onGossip(topic: Topic, from: PeerId, data: Uint8Array): Promise<Verdict> {
    const peer = this.#peers.get(from.toString())
    if (!this.#running || peer === undefined) return 'ignore'
    peer.heardMs = performance.now()
    if (data.length === 0 || data.length > GOSSIP_BYTES[topic]) {
      this.penalize(
        peer.id,
        `gossip: expected 1 to ${GOSSIP_BYTES[topic]} bytes on ${topic}, got ${data.length}`,
      )
      return 'reject'
    }
    if (peer.gossipBytes + data.length > LIMITS.peerQueueBytes || !peer.gossip.take()) return 'ignore'
    let verdict: Verdict = 'ignore'
    peer.gossipBytes += data.length
    try {
      verdict = await this.#options.handlers.onGossip(topic, peer.info, data)
    } catch (error) {
      this.#options.log.warn({ topic, error }, 'a gossip handler failed')
    }
    peer.gossipBytes -= data.length
    if (verdict === 'reject') this.penalize(peer.id, `gossip: invalid message on ${topic}`)
    return verdict
  }

  /** Gossipsub does not open its stream again when only the stream was lost, by an overflow for example. */
  #careForGossip(): void {
    for (const peer of this.#peers.all()) {
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

/** The dialler's key for a validator that is not in the bootstrap list; a validator may come back as another peer. */
function validatorTarget(index: number): string {
  return `validator ${index}`
}
