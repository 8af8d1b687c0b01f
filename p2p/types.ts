/** What the network offers to the node. Bytes in, bytes out: the node gives them meaning. */

/** The gossip topics; on the wire `/cordon/<genesis8>/<topic>/1`. */
export type Topic = 'tx' | 'batch' | 'block'

/** Verdict on a gossiped message before it is passed on. */
export type Verdict = 'accept' | 'ignore' | 'reject'

export interface PeerInfo {
  /** Peer id as text. */
  readonly id: string
  readonly addresses: readonly string[]
  /** Index in the validator set if the peer proved to be that validator in its hello. */
  readonly validator: number | null
  readonly direction: 'inbound' | 'outbound'
  readonly score: number
}

/** How the connection to a peer is, now. */
export interface PeerConnection extends PeerInfo {
  /** Since its first hello. */
  readonly connectedMs: number
  /** Since a frame, gossip or request of it came; null: none did. */
  readonly sinceHeardMs: number | null
  /** Of the newest ping of `host.ts` that was answered, whole milliseconds; null: none was yet. */
  readonly roundTripMs: number | null
  /** As it calls itself. */
  readonly userAgent: string
}

/** What the node gives the network to work with. Handlers must not throw; a thrown error counts as `ignore`. */
export interface NetworkHandlers {
  /** One frame of a direct stream. */
  onMessage(from: PeerInfo, bytes: Uint8Array): void
  onGossip(topic: Topic, from: PeerInfo | null, bytes: Uint8Array): Verdict | Promise<Verdict>
  /** Answer to a request, at most `LIMITS.messageBytes`. A thrown error closes the stream with no answer. */
  onRequest(from: PeerInfo, bytes: Uint8Array): Promise<Uint8Array>
  /** After a successful hello. */
  onPeerReady(peer: PeerInfo): void
  onPeerGone(peer: PeerInfo): void
}

export interface NetworkOptions {
  /** Genesis hash, 32 bytes; names protocols and topics. */
  readonly genesisHash: Uint8Array
  /** Multiaddrs to listen on, such as /ip4/127.0.0.1/tcp/0. */
  readonly listen: readonly string[]
  /** Multiaddrs to announce instead of those listened on, if any. */
  readonly announce: readonly string[]
  /** Peers to dial and keep dialling, as multiaddrs. With or without /p2p/…. */
  readonly bootstrap: readonly string[]
  readonly mdns: boolean
  /** 32-byte seed of the peer's Ed25519 identity (not the validator key). */
  readonly identitySeed: Uint8Array
  /** Public keys of the validators, in index order. */
  readonly validatorKeys: readonly Uint8Array[]
  /** Own index and the signature maker for the hello, or null: a full node. */
  readonly validator: { readonly index: number; signHello(message: Uint8Array): Uint8Array } | null
  readonly userAgent: string
  /** Gossip to listen to. */
  readonly topics: readonly Topic[]
  readonly handlers: NetworkHandlers
  readonly log: NetworkLog
}

export interface NetworkLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface Network {
  readonly peerId: string
  /** Multiaddrs with /p2p/…, once started. */
  addresses(): readonly string[]
  peers(): readonly PeerInfo[]
  /** The same peers, with how they are to be reached. */
  connections(): readonly PeerConnection[]
  /** The peer that proved to be this validator, if connected. */
  peerOfValidator(index: number): PeerInfo | null
  /** Queues one frame for a peer. Best effort and in order; drops the oldest beyond LIMITS.peerQueueBytes. False: not connected, or not of 1 to LIMITS.messageBytes. */
  send(peerId: string, bytes: Uint8Array): boolean
  /** Whether a connected peer listens to the topic: else gossiping to it reaches nobody. */
  hasListeners(topic: Topic): boolean
  /** Gossips to the topic, which need not be listened to here. Never throws for lack of peers; publishing the same bytes twice is harmless. */
  publish(topic: Topic, bytes: Uint8Array): void
  /** Asks with at most `LIMITS.requestBytes`. @throws RequestError on timeout, refusal, an answer above `maxBytes`, or too many at once. */
  request(
    peerId: string,
    bytes: Uint8Array,
    options: { timeoutMs: number; maxBytes: number },
  ): Promise<Uint8Array>
  /** Lowers the score; a low one disconnects and bans for LIMITS.banMs. Validators are never banned for being behind, only for what they send. */
  penalize(peerId: string, why: string): void
  /** Prometheus text of libp2p's own metrics, or an empty string. */
  metrics(): Promise<string>
  start(): Promise<void>
  stop(): Promise<void>
}
