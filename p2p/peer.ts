/** One peer that passed its hello, with the connections to it. */
import type { Connection, PeerId } from '@libp2p/interface'
import { frameBucket, type DirectSender } from './direct.ts'
import type { HelloResult } from './hello.ts'
import { RequestGate } from './requests.ts'
import type { TokenBucket } from './token-bucket.ts'
import type { PeerConnection, PeerInfo } from './types.ts'

export class Peer {
  readonly id: string
  readonly peerId: PeerId
  readonly sender: DirectSender
  readonly direct: TokenBucket = frameBucket()
  readonly gossip: TokenBucket = frameBucket()
  readonly asking = new RequestGate()
  readonly asked = new RequestGate()
  /** Gossip of this peer whose validation is in progress. */
  gossipBytes = 0
  /** The connection that direct stream and gossip use. */
  speaksOn: Connection | null = null
  /** What its latest hello said. */
  hello: HelloResult
  /** When something of it came last, monotonic; null: nothing yet. */
  heardMs: number | null = null
  /** Snapshot for the handlers, made anew when something in it changes. */
  info: PeerInfo
  readonly #readyMs: number = performance.now()
  readonly #ownId: string
  /** At most one per direction; both only when both sides dialled at the same time. */
  #connections: Connection[] = []

  constructor(peerId: PeerId, ownId: string, hello: HelloResult, sender: DirectSender) {
    this.id = peerId.toString()
    this.peerId = peerId
    this.#ownId = ownId
    this.hello = hello
    this.sender = sender
    this.info = this.describe(0)
  }

  get connections(): readonly Connection[] {
    return this.#connections
  }

  /**
   * The connection to speak on. Of two, both sides choose the one that the lower peer id dialled.
   */
  get active(): Connection | null {
    return (
      this.#connections.find((connection) => this.#isPreferred(connection)) ?? this.#connections[0] ?? null
    )
  }

  /** Of two connections that both sides keep, the one that nobody speaks on. */
  get spare(): Connection | null {
    return this.#connections.find((connection) => connection !== this.active) ?? null
  }

  /** Whether closing a spare connection is this side's business. */
  get closesSpare(): boolean {
    return this.#ownId < this.id
  }

  /**
   * Adds a connection whose hello succeeded.
   * @returns the connection it replaces: whoever dials again has lost the one before.
   */
  add(connection: Connection): Connection | null {
    const replaced = this.#connections.find(({ direction }) => direction === connection.direction) ?? null
    this.#connections = [...this.#connections.filter((other) => other !== replaced), connection]
    return replaced
  }

  /** @returns whether the connection was one of this peer's. */
  remove(connection: Connection): boolean {
    const count = this.#connections.length
    this.#connections = this.#connections.filter((other) => other !== connection)
    return this.#connections.length < count
  }

  describe(score: number): PeerInfo {
    const active = this.active
    this.info = {
      id: this.id,
      addresses: this.#connections.map(({ remoteAddr }) => remoteAddr.toString()),
      validator: this.hello.validator,
      direction: active?.direction ?? 'inbound',
      score,
    }
    return this.info
  }

  /** @param nowMs monotonic. */
  connection(score: number, nowMs: number): PeerConnection {
    return {
      ...this.describe(score),
      connectedMs: nowMs - this.#readyMs,
      sinceHeardMs: this.heardMs === null ? null : nowMs - this.heardMs,
      roundTripMs: this.active?.rtt ?? null,
      userAgent: this.hello.userAgent,
    }
  }

  #isPreferred(connection: Connection): boolean {
    return (connection.direction === 'outbound') === this.#ownId < this.id
  }
}
