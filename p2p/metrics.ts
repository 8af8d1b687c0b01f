/** Own metrics, beside those of libp2p in the same registry. They are read when somebody asks, and cost nothing before. */
import { Gauge, type Registry } from 'prom-client'
import type { PeerTable } from './peer-table.ts'
import type { Peer } from './peer.ts'

export interface Counters {
  /** Direct frames. */
  received: number
  refusedHellos: number
  penalties: number
  bans: number
  /** Frames that peers, meanwhile gone, were too slow for. */
  droppedByGonePeers: number
}

/** @param remembered how many peers libp2p's store knows. */
export function registerMetrics(
  registry: Registry,
  peers: PeerTable,
  counters: Counters,
  remembered: () => Promise<number>,
): void {
  const gauge = (name: string, help: string, value: () => number | Promise<number>): void => {
    new Gauge({
      name: `cordon_p2p_${name}`,
      help,
      registers: [registry],
      async collect() {
        this.set(await value())
      },
    })
  }
  const sum = (of: (peer: Peer) => number): number => peers.all().reduce((total, peer) => total + of(peer), 0)

  gauge('peers', 'Peers that passed their hello', () => peers.size)
  gauge('validators', 'Peers that proved to be a validator', () =>
    sum(({ hello }) => (hello.validator === null ? 0 : 1)),
  )
  gauge('direct_queue_bytes', 'Bytes waiting for slow peers', () => sum(({ sender }) => sender.queuedBytes))
  gauge(
    'direct_dropped_frames',
    'Frames dropped for slow peers',
    () => counters.droppedByGonePeers + sum(({ sender }) => sender.droppedFrames),
  )
  gauge('direct_received_frames', 'Direct frames received', () => counters.received)
  gauge('refused_hellos', 'Connections refused in the hello', () => counters.refusedHellos)
  gauge('penalties', 'Offences of peers', () => counters.penalties)
  gauge('bans', 'Bans of peers', () => counters.bans)
  gauge(
    'remembered_peers',
    'Peers whose addresses and protocols are remembered, connected or not',
    remembered,
  )
}
