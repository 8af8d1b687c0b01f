/** The libp2p host: which modules, with which limits. */
import { noise } from '@chainsafe/libp2p-noise'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import { identify, type Identify } from '@libp2p/identify'
import type { Libp2p, PeerId, PrivateKey } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { ping, type Ping } from '@libp2p/ping'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { Registry } from 'prom-client'
import { LIMITS } from '../config/limits.ts'
import { keyPairFromSeed } from '../crypto/ed25519.ts'
import { InboundHosts } from './inbound-hosts.ts'
import type { ProtocolNames } from './protocols.ts'
import { limitedStreams } from './stream-limit.ts'
import type { NetworkOptions } from './types.ts'
import { sparingWindowUpdates } from './window-updates.ts'

/** How often each connection is tried. A peer that was cut off without a word is noticed after this and the timeout. */
const PING_INTERVAL_MS = 10_000
/** Generous: a loaded peer answers late, and losing it makes things worse. */
const PING_TIMEOUT_MS = 10_000

export type Host = Libp2p<{ identify: Identify; ping: Ping; gossip: GossipSub }>

export interface HostOptions {
  readonly network: NetworkOptions
  readonly names: ProtocolNames
  readonly registry: Registry
  gossip(components: GossipSubComponents): GossipSub
  isBanned(peer: PeerId): boolean
}

/** A host that is not started yet. */
export async function createHost(options: HostOptions): Promise<Host> {
  const { network } = options
  const hosts = new InboundHosts()
  const isBanned = (peer: PeerId): boolean => options.isBanned(peer)
  return createLibp2p({
    start: false,
    privateKey: identityOf(network.identitySeed),
    nodeInfo: { name: 'cordon', userAgent: network.userAgent },
    addresses: { listen: [...network.listen], announce: [...network.announce] },
    transports: [tcp()], // sets noDelay on every socket by itself
    connectionEncrypters: [noise()],
    streamMuxers: [
      limitedStreams(
        sparingWindowUpdates(
          yamux({
            maxInboundStreams: LIMITS.streamsPerConnection,
            maxOutboundStreams: 256,
            // Bounds what a peer can have us hold for one stream that nobody reads.
            streamOptions: {
              maxStreamWindowSize: LIMITS.messageBytes,
              maxReadBufferLength: LIMITS.messageBytes,
            },
          }),
        ),
      ),
    ],
    connectionManager: {
      // Room for connections in their hello, and for two to one peer when both dial at once.
      maxConnections: 2 * LIMITS.peers + LIMITS.pendingInboundConnections,
      maxIncomingPendingConnections: LIMITS.pendingInboundConnections,
      inboundConnectionThreshold: LIMITS.inboundConnectionsPerSecondPerHost,
      dialTimeout: LIMITS.dialTimeoutMs,
      addressDialTimeout: LIMITS.dialTimeoutMs,
      inboundUpgradeTimeout: LIMITS.helloTimeoutMs,
      inboundStreamProtocolNegotiationTimeout: LIMITS.helloTimeoutMs,
      outboundStreamProtocolNegotiationTimeout: LIMITS.helloTimeoutMs,
      connectionCloseTimeout: 250,
      reconnectRetries: 0, // own dialling, see dialer.ts
    },
    connectionMonitor: {
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: { minTimeout: PING_TIMEOUT_MS, maxTimeout: 2 * PING_TIMEOUT_MS },
    },
    connectionGater: {
      // Loopback and private addresses are as good as others: devnets and test networks live there.
      denyDialMultiaddr: () => false,
      denyDialPeer: isBanned,
      denyInboundConnection: (connection) => !hosts.admit(connection),
      denyInboundEncryptedConnection: isBanned,
      denyOutboundEncryptedConnection: isBanned,
    },
    peerDiscovery: network.mdns ? [mdns({ serviceTag: `_cordon-${options.names.chain}._udp.local` })] : [],
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: 2, maxOutboundStreams: 2 }),
      gossip: (components: GossipSubComponents) => options.gossip(components),
    },
    metrics: prometheusMetrics({ registry: options.registry, collectDefaultMetrics: false }),
  })
}

/** libp2p would derive the public key by itself, slowly: a tenth of a second at every start. */
function identityOf(seed: Uint8Array): PrivateKey {
  return privateKeyFromRaw(keyPairFromSeed(seed).secretKey)
}
