/**
 * One of four bare libp2p hosts, for `bench/start.ts`: TCP, Noise, Yamux, identify, ping and gossipsub, and nothing of
 * ours. `node bench/bare-libp2p.ts INDEX HOSTS FIRST_PORT`: tells its parent when it is connected to the others.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const RETRY_MS = 20

async function run(index: number, hosts: number, firstPort: number): Promise<void> {
  const addressOf = (host: number): string => `/ip4/127.0.0.1/tcp/${firstPort + host}`
  const node = await createLibp2p({
    addresses: { listen: [addressOf(index)] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping(), pubsub: gossipsub() },
  })
  node.addEventListener('peer:connect', () => {
    if (node.getPeers().length === hosts - 1) process.send?.('connected')
  })
  process.once('message', () => process.exit())
  for (let other = 0; other < index; other++) await dial(() => node.dial(multiaddr(addressOf(other))))
}

/** The other one may not listen yet. */
async function dial(attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await attempt()
      return
    } catch {
      await delay(RETRY_MS)
    }
  }
}

const [index = 0, hosts = 0, firstPort = 0] = process.argv.slice(2).map(Number)
void run(index, hosts, firstPort)
