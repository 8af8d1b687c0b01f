/** Real hosts on loopback, and a raw libp2p peer that knows no manners. */
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { keyPairFromSeed, sign, type KeyPair } from '../../crypto/ed25519.ts'
import { FrameStream } from '../../p2p/frames.ts'
import { encodeHello, type Hello } from '../../p2p/hello.ts'
import { createNetwork } from '../../p2p/network.ts'
import { PROTOCOL_VERSION, protocolNames, TOPICS } from '../../p2p/protocols.ts'
import type { Network, NetworkHandlers, NetworkOptions, PeerInfo, Topic } from '../../p2p/types.ts'

export const GENESIS: Uint8Array = new Uint8Array(32).fill(0x42)
export const NAMES = protocolNames(GENESIS)
export const VALIDATOR_KEYS: readonly KeyPair[] = Array.from({ length: 4 }, (_, index) =>
  keyPairFromSeed(new Uint8Array(32).fill(index + 1)),
)
const PATIENCE_MS = 20_000

export interface Logged {
  readonly level: 'debug' | 'info' | 'warn'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A network with everything that happened to it. */
export class TestNode {
  readonly network: Network
  readonly messages: { readonly from: PeerInfo; readonly bytes: Uint8Array }[] = []
  readonly gossip: { readonly topic: Topic; readonly from: PeerInfo | null; readonly bytes: Uint8Array }[] =
    []
  readonly ready: PeerInfo[] = []
  readonly gone: PeerInfo[] = []
  readonly logged: Logged[] = []
  readonly #events: EventEmitter

  private constructor(network: Network, events: EventEmitter) {
    this.network = network
    this.#events = events
  }

  static async make(
    validator: number | null,
    options: Partial<Omit<NetworkOptions, 'handlers'>> & { handlers?: Partial<NetworkHandlers> } = {},
  ): Promise<TestNode> {
    const events = new EventEmitter()
    events.setMaxListeners(0)
    const key = validator === null ? undefined : VALIDATOR_KEYS[validator]
    const { handlers, ...rest } = options
    const happened = <T>(list: T[], item: T): void => {
      list.push(item)
      events.emit('change')
    }
    const log = (level: Logged['level']) => (fields: object, message: string) => {
      happened(node.logged, { level, message, fields: fields as Record<string, unknown> })
    }
    const network = await createNetwork({
      genesisHash: GENESIS,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      bootstrap: [],
      mdns: false,
      identitySeed: randomBytes(32),
      validatorKeys: VALIDATOR_KEYS.map(({ publicKey }) => publicKey),
      validator:
        validator === null || key === undefined
          ? null
          : { index: validator, signHello: (message) => sign(message, key.secretKey) },
      userAgent: 'test/1',
      topics: TOPICS,
      log: { debug: log('debug'), info: log('info'), warn: log('warn') },
      ...rest,
      handlers: {
        onMessage: (from, bytes) => {
          handlers?.onMessage?.(from, bytes)
          happened(node.messages, { from, bytes })
        },
        onGossip: (topic, from, bytes) => {
          happened(node.gossip, { topic, from, bytes })
          return handlers?.onGossip?.(topic, from, bytes) ?? 'accept'
        },
        onRequest: (from, bytes) => handlers?.onRequest?.(from, bytes) ?? Promise.resolve(bytes),
        onPeerReady: (peer) => {
          happened(node.ready, peer)
        },
        onPeerGone: (peer) => {
          happened(node.gone, peer)
        },
      },
    })
    const node = new TestNode(network, events)
    return node
  }

  static async start(...args: Parameters<typeof TestNode.make>): Promise<TestNode> {
    const node = await TestNode.make(...args)
    await node.network.start()
    return node
  }

  /** Where to dial this node. */
  get address(): string {
    const [address] = this.network.addresses()
    if (address === undefined) throw new Error('the node does not listen')
    return address
  }

  /** Resolves once `condition` holds; it is looked at whenever something happens to this node. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    while (!condition()) {
      try {
        await once(this.#events, 'change', { signal })
      } catch {
        throw new Error(`waited in vain for: ${what}; log: ${JSON.stringify(this.logged.slice(-10))}`)
      }
    }
  }

  async untilConnected(...others: readonly (TestNode | RawPeer)[]): Promise<void> {
    await this.until(`${others.length} peers`, () =>
      others.every((other) => this.network.peers().some(({ id }) => id === other.id)),
    )
  }

  get id(): string {
    return this.network.peerId
  }

  peer(other: { readonly id: string }): PeerInfo | undefined {
    return this.network.peers().find(({ id }) => id === other.id)
  }

  /** Gossips probes until `receiver` has had one: gossipsub needs a moment to learn who listens. */
  async untilGossipReaches(receiver: TestNode, topic: Topic = 'tx'): Promise<void> {
    const has = (): boolean =>
      receiver.gossip.some(({ bytes }) => Buffer.from(bytes).toString().startsWith('probe'))
    const timer = setInterval(() => {
      this.network.publish(topic, Buffer.concat([Buffer.from('probe'), randomBytes(8)]))
    }, 20)
    try {
      await receiver.until('a gossip probe', has)
    } finally {
      clearInterval(timer)
    }
  }
}

/** libp2p without Cordon: says what it is told to say. */
export class RawPeer {
  readonly host: Libp2p
  connection!: Connection

  private constructor(host: Libp2p) {
    this.host = host
  }

  get id(): string {
    return this.host.peerId.toString()
  }

  static async start(): Promise<RawPeer> {
    const host = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { identify: identify() },
    })
    return new RawPeer(host)
  }

  /** Connects, and says nothing. */
  async dial(node: TestNode): Promise<Connection> {
    this.connection = await this.host.dial(multiaddr(node.address))
    return this.connection
  }

  async open(protocol: string): Promise<Stream> {
    return this.connection.newStream(protocol)
  }

  /** Connects with a proper hello of a full node. */
  async join(node: TestNode): Promise<void> {
    await this.dial(node)
    const frames = new FrameStream(await this.open(NAMES.hello), 4096)
    frames.write(encodeHello(fullNodeHello()))
    await frames.read()
    frames.write(emptyProof())
    await frames.read()
    await node.untilConnected(this)
  }

  async stop(): Promise<void> {
    await this.host.stop()
  }
}

/** The hello of a full node, to be bent by tests. */
export function fullNodeHello(changes: Partial<Hello> = {}): Hello {
  return {
    genesisHash: GENESIS,
    version: PROTOCOL_VERSION,
    epoch: 0,
    validator: null,
    nonce: randomBytes(32),
    userAgent: 'raw',
    signature: new Uint8Array(0),
    ...changes,
  }
}

/** The proof message of somebody who has nothing to prove. */
export function emptyProof(): Uint8Array {
  return new Uint8Array(4)
}

export function proofMessage(signature: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(0, 0, 0, signature.length), signature])
}

/** Resolves when the other end has closed the connection or stream. */
export async function closed(
  target: Pick<Connection, 'status'> & Pick<EventTarget, 'addEventListener'>,
): Promise<void> {
  if (target.status !== 'open') return
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => {
    reject(new Error('waited in vain for the end of a connection or stream'))
  }, PATIENCE_MS)
  target.addEventListener('close', () => {
    clearTimeout(timer)
    resolve(undefined)
  })
  await promise
}
