/**
 * Gossip: transactions, batches and finalized blocks, which everybody may forward.
 *
 * Messages are anonymous (StrictNoSign). What we gossip carries its own signatures, and a second signature by the peer
 * id would cost a check per hop and message and prove nothing that anybody here asks for.
 */
import {
  gossipsub,
  StrictNoSign,
  TopicValidatorResult,
  type GossipSub,
  type GossipSubComponents,
  type Message,
} from '@libp2p/gossipsub'
import type { Connection, PeerId, Topology } from '@libp2p/interface'
import { LIMITS } from '../config/limits.ts'
import { utf8 } from '../crypto/bytes.ts'
import { hash } from '../crypto/hash.ts'
import { TOPICS, type ProtocolNames } from './protocols.ts'
import type { Topic, Verdict } from './types.ts'

type Registrar = GossipSubComponents['registrar']

const MESSAGE_ID_BYTES = 20
/** Room for the author, the numbers and the signature around the transactions of a batch; or for the RPC around a block. */
const ENVELOPE_BYTES = 1_024

/** Longest message of each topic. A block travels with its certificate. */
export const GOSSIP_BYTES: Readonly<Record<Topic, number>> = {
  tx: LIMITS.txBytes,
  batch: LIMITS.batchBytes + ENVELOPE_BYTES,
  block: LIMITS.messageBytes - ENVELOPE_BYTES,
}

const VERDICTS: Readonly<Record<Verdict, TopicValidatorResult>> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
}

export interface GossipOptions {
  readonly names: ProtocolNames
  /** Resolves when the hello on this connection is over: whether it succeeded. */
  admit(connection: Connection): Promise<boolean>
  /** Own score of a peer, 0 or below. */
  scoreOf(id: string): number
  validate(topic: Topic, from: PeerId, data: Uint8Array): Verdict | Promise<Verdict>
}

/**
 * A registrar that shows gossipsub only what passed its hello, and only one connection per peer: gossipsub opens its
 * stream on the first connection it hears of and does not notice when just that one goes away.
 */
class GatedRegistrar implements Registrar {
  readonly #inner: Registrar
  readonly #admit: GossipOptions['admit']
  readonly #topologies = new Map<string, Topology>()

  constructor(inner: Registrar, admit: GossipOptions['admit']) {
    this.#inner = inner
    this.#admit = admit
  }

  /** The topology gossipsub registered; it registers the same one under each version of its protocol. */
  get topology(): Topology | undefined {
    return this.#topologies.values().next().value
  }

  readonly handle: Registrar['handle'] = async (protocol, handler, options) => {
    const gated: typeof handler = async (stream, connection) => {
      if (await this.#admit(connection)) await handler(stream, connection)
      else stream.abort(new Error('gossip before hello'))
    }
    await this.#inner.handle(protocol, gated, options)
  }

  readonly register: Registrar['register'] = (protocol, topology) => {
    const id = `gated ${protocol} ${this.#topologies.size}`
    this.#topologies.set(id, topology)
    return Promise.resolve(id)
  }

  readonly unregister: Registrar['unregister'] = (id) => {
    this.#topologies.delete(id)
  }

  readonly unhandle: Registrar['unhandle'] = async (protocol, options) =>
    this.#inner.unhandle(protocol, options)
  readonly getProtocols: Registrar['getProtocols'] = () => this.#inner.getProtocols()
  readonly getHandler: Registrar['getHandler'] = (protocol) => this.#inner.getHandler(protocol)
  readonly use: Registrar['use'] = (protocol, middleware) => {
    this.#inner.use(protocol, middleware)
  }
  readonly unuse: Registrar['unuse'] = (protocol) => {
    this.#inner.unuse(protocol)
  }
  readonly getMiddleware: Registrar['getMiddleware'] = (protocol) => this.#inner.getMiddleware(protocol)
  readonly getTopologies: Registrar['getTopologies'] = (protocol) => this.#inner.getTopologies(protocol)
}

export class Gossip {
  readonly #options: GossipOptions
  #registrar: GatedRegistrar | null = null
  #service: GossipSub | null = null

  constructor(options: GossipOptions) {
    this.#options = options
  }

  /** The libp2p service. */
  readonly service = (components: GossipSubComponents): GossipSub => {
    const registrar = new GatedRegistrar(components.registrar, (connection) =>
      this.#options.admit(connection),
    )
    // One by one: libp2p's components are a proxy that cannot be spread.
    const { privateKey, peerId, peerStore, connectionManager, logger } = components
    const gated = { privateKey, peerId, peerStore, connectionManager, logger, registrar }
    const service = gossipsub(gossipsubOptions(this.#options))(gated)
    for (const topic of TOPICS) {
      service.topicValidators.set(this.#options.names.topics[topic], (from, message) =>
        this.#validate(topic, from, message),
      )
    }
    this.#registrar = registrar
    this.#service = service
    return service
  }

  /** Listens to topics; after libp2p has started. */
  subscribe(topics: readonly Topic[]): void {
    for (const topic of topics) this.#service?.subscribe(this.#options.names.topics[topic])
  }

  /** Gossips with the peer over this connection from now on. Harmless when it already does. */
  connect(peer: PeerId, connection: Connection): void {
    void this.#registrar?.topology?.onConnect?.(peer, connection)
  }

  disconnect(peer: PeerId): void {
    void this.#registrar?.topology?.onDisconnect?.(peer)
  }

  /** Whether gossipsub has an outgoing stream on this connection. */
  hasStream(connection: Connection): boolean {
    const protocols = this.#service?.protocols ?? []
    return connection.streams.some(
      (stream) => stream.direction === 'outbound' && protocols.includes(stream.protocol),
    )
  }

  hasListeners(topic: Topic): boolean {
    return (this.#service?.getSubscribers(this.#options.names.topics[topic]).length ?? 0) > 0
  }

  /** @throws if gossipsub fails; lack of peers and repeated bytes are no failure. */
  async publish(topic: Topic, data: Uint8Array): Promise<void> {
    await this.#service?.publish(this.#options.names.topics[topic], data)
  }

  async #validate(topic: Topic, from: PeerId, message: Message): Promise<TopicValidatorResult> {
    return VERDICTS[await this.#options.validate(topic, from, message.data)]
  }
}

/** The id is made from topic and content, so the same bytes are one message, whoever publishes them. */
function messageId(message: Message): Uint8Array {
  return hash('gossip-id', Uint8Array.of(message.topic.length), utf8(message.topic), message.data).subarray(
    0,
    MESSAGE_ID_BYTES,
  )
}

function gossipsubOptions(options: GossipOptions): NonNullable<Parameters<typeof gossipsub>[0]> {
  // Only invalid messages count against a peer here. Being slow or having little to say is normal in small meshes, and
  // so is sharing an address: a devnet is one host.
  const topicScore = {
    topicWeight: 1,
    timeInMeshWeight: 0,
    firstMessageDeliveriesWeight: 0,
    meshMessageDeliveriesWeight: 0,
    meshFailurePenaltyWeight: 0,
    invalidMessageDeliveriesWeight: -4,
    invalidMessageDeliveriesDecay: 0.9,
  }
  const topicNames = TOPICS.map((topic) => options.names.topics[topic])
  return {
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: messageId,
    msgIdToStrFn: (id) => Buffer.from(id).toString('latin1'),
    allowedTopics: topicNames,
    fallbackToFloodsub: false,
    floodPublish: true, // a batch is on its way to everybody at once
    batchPublish: true, // and is encoded once
    doPX: false,
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    tagMeshPeers: false, // nothing here closes connections by tags
    maxInboundStreams: 2,
    maxOutboundStreams: 2,
    maxInboundDataLength: LIMITS.messageBytes, // of one RPC; gossipsub sends none above 4 MiB
    maxOutboundBufferSize: LIMITS.peerQueueBytes,
    decodeRpcLimits: {
      maxSubscriptions: 16,
      maxMessages: 1_024,
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: 5_000,
      maxIdontwantMessageIDs: 1_024,
      maxControlMessages: 128,
      maxPeerInfos: 0,
    },
    scoreParams: {
      topics: Object.fromEntries(topicNames.map((name) => [name, topicScore as never])),
      appSpecificScore: (id) => options.scoreOf(id),
      appSpecificWeight: 1,
      IPColocationFactorWeight: 0,
      // A loaded peer breaks promises; only a habit of it counts.
      behaviourPenaltyWeight: -1,
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyDecay: 0.8,
    },
    scoreThresholds: {
      gossipThreshold: 0.5 * LIMITS.banScore,
      publishThreshold: 0.8 * LIMITS.banScore,
      graylistThreshold: LIMITS.banScore,
      acceptPXThreshold: 0,
      opportunisticGraftThreshold: 0,
    },
  }
}
