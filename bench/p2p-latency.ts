/**
 * Latency of the network on one machine: a full mesh of four hosts, one process each.
 *
 *   node_modules/.bin/node bench/p2p-latency.ts            round trips of direct frames, delivery of gossip
 *   node_modules/.bin/node bench/p2p-latency.ts --idle     CPU of four connected hosts in one process over 30 s
 *
 * Gossip is timed one way, with the monotonic clock that all processes of a Linux machine share.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { keyPairFromSeed, sign } from '../crypto/ed25519.ts'
import { createNetwork } from '../p2p/network.ts'
import { TOPICS } from '../p2p/protocols.ts'
import type { Network, NetworkHandlers } from '../p2p/types.ts'

const HOSTS = 4
const FRAME_BYTES = [200, 100_000]
const ROUNDS = 400
const WARM_UP_ROUNDS = 100
const GAP_MS = 5
const IDLE_MS = 30_000

const genesisHash = new Uint8Array(32).fill(1)
const keys = Array.from({ length: HOSTS }, (_, index) => keyPairFromSeed(new Uint8Array(32).fill(index + 1)))

/** Nanoseconds of the machine's monotonic clock, in the first 8 bytes of a payload. */
function stamp(bytes: number, round: number): Uint8Array {
  const payload = Buffer.alloc(bytes, round)
  payload.writeUInt32BE(round, 8)
  payload.writeBigUInt64BE(process.hrtime.bigint())
  return payload
}

function ageMs(payload: Uint8Array): number {
  return Number(process.hrtime.bigint() - Buffer.from(payload).readBigUInt64BE()) / 1e6
}

async function startHost(
  index: number,
  bootstrap: string[],
  handlers: Partial<NetworkHandlers>,
): Promise<Network> {
  const key = keys[index] as (typeof keys)[number]
  const network = await createNetwork({
    genesisHash,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    bootstrap,
    mdns: false,
    identitySeed: new Uint8Array(32).fill(100 + index),
    validatorKeys: keys.map(({ publicKey }) => publicKey),
    validator: { index, signHello: (message) => sign(message, key.secretKey) },
    userAgent: 'bench',
    topics: TOPICS,
    handlers: {
      onMessage: () => undefined,
      onGossip: () => 'accept',
      onRequest: (_from, bytes) => Promise.resolve(bytes),
      onPeerReady: () => undefined,
      onPeerGone: () => undefined,
      ...handlers,
    },
    log: { debug: () => undefined, info: () => undefined, warn: console.error },
  })
  await network.start()
  return network
}

async function untilConnected(network: Network, peers: number): Promise<void> {
  while (network.peers().length < peers) await pause(10)
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

function quantiles(samples: number[]): { p50: string; p99: string; max: string } {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (q: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN).toFixed(2)
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

/** A child: sends direct frames back, and reports the age of gossip. */
async function serve(index: number, bootstrap: string[]): Promise<void> {
  const network = await startHost(index, bootstrap, {
    onMessage: (from, bytes) => network.send(from.id, bytes),
    onGossip: (_topic, _from, bytes) => {
      if (process.connected) process.send?.({ bytes: bytes.length, ageMs: ageMs(bytes) })
      return 'accept'
    },
  })
  process.on('disconnect', () => {
    process.exit()
  })
  process.send?.({ address: network.addresses()[0] })
  await untilConnected(network, HOSTS - 1)
  process.send?.({ ready: true })
}

async function measure(): Promise<void> {
  let echoed: (bytes: Uint8Array) => void = () => undefined
  const network = await startHost(0, [], {
    onMessage: (_from, bytes) => {
      echoed(bytes)
    },
  })
  const addresses = [...network.addresses()]
  const children: ChildProcess[] = []
  for (let index = 1; index < HOSTS; index++) {
    const child = fork(import.meta.filename, [String(index), ...addresses])
    children.push(child)
    const [message] = (await once(child, 'message')) as [{ address: string }]
    addresses.push(message.address)
  }
  await Promise.all([untilConnected(network, HOSTS - 1), ...children.map((child) => once(child, 'message'))])
  await pause(1_500) // gossipsub builds its mesh

  const target = network.peerOfValidator(1)
  if (target === null) throw new Error('validator 1 is not connected')
  const rows: Record<string, unknown>[] = []
  for (const bytes of FRAME_BYTES) {
    const trips: number[] = []
    for (let round = 0; round < ROUNDS + WARM_UP_ROUNDS; round++) {
      const echo = new Promise<Uint8Array>((resolve) => (echoed = resolve))
      network.send(target.id, stamp(bytes, round))
      const age = ageMs(await echo)
      if (round >= WARM_UP_ROUNDS) trips.push(age)
      await pause(GAP_MS)
    }
    rows.push({ what: 'direct round trip', bytes, ...quantiles(trips) })
  }
  for (const bytes of FRAME_BYTES) {
    const ages: number[] = []
    let reported: () => void = () => undefined
    const collect = (message: { bytes: number; ageMs: number }): void => {
      ages.push(message.ageMs)
      reported()
    }
    for (const child of children) child.on('message', collect)
    for (let round = 0; round < ROUNDS + WARM_UP_ROUNDS; round++) {
      if (round === WARM_UP_ROUNDS) ages.length = 0
      const expected = ages.length + HOSTS - 1
      const everybody = new Promise<void>((resolve) => {
        reported = () => {
          if (ages.length === expected) resolve()
        }
      })
      network.publish('batch', stamp(bytes, round))
      await everybody
      await pause(GAP_MS)
    }
    for (const child of children) child.off('message', collect)
    rows.push({ what: 'gossip one way', bytes, ...quantiles(ages) })
  }
  console.table(rows)
  for (const child of children) child.disconnect()
  await network.stop()
}

async function idle(): Promise<void> {
  const addresses: string[] = []
  const networks: Network[] = []
  for (let index = 0; index < HOSTS; index++) {
    const network = await startHost(index, addresses, {})
    networks.push(network)
    addresses.push(...network.addresses())
  }
  await Promise.all(networks.map((network) => untilConnected(network, HOSTS - 1)))
  await pause(2_000)
  const before = process.cpuUsage()
  await pause(IDLE_MS)
  const { user, system } = process.cpuUsage(before)
  console.log(`${HOSTS} idle hosts: ${((user + system) / IDLE_MS / 10).toFixed(2)} % of one core`)
  await Promise.all(networks.map((network) => network.stop()))
}

const [argument, ...rest] = process.argv.slice(2)
if (argument === '--idle') await idle()
else if (argument === undefined) await measure()
else await serve(Number(argument), rest)
