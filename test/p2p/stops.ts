/** Connects two networks and stops them. Run as a process of its own: it has to end by itself. */
import { TestNode } from './helpers.ts'

const a = await TestNode.start(0)
const b = await TestNode.start(1, { bootstrap: [a.address, '/ip4/127.0.0.1/tcp/9'] })
await a.untilConnected(b)
a.network.send(b.id, Uint8Array.of(1))
a.network.publish('tx', Uint8Array.of(1))
const asked = a.network
  .request(b.id, Uint8Array.of(1), { timeoutMs: 60_000, maxBytes: 10 })
  .catch(() => undefined)
await Promise.all([a.network.stop(), b.network.stop()])
await asked
process.disconnect()
