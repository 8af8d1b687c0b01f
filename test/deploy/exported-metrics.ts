/** The metrics that a node really exports, by the names that Prometheus stores. */
import { Registry } from 'prom-client'
import { Metrics, type Gauges } from '../../node/metrics.ts'
import { registerMetrics, type Counters } from '../../p2p/metrics.ts'
import type { PeerTable } from '../../p2p/peer-table.ts'

const one = (): number => 1

const GAUGES: Gauges = {
  height: one,
  executedHeight: one,
  view: one,
  peers: one,
  pendingTxs: one,
  openHolds: one,
  openCases: one,
  learnedOutcomes: one,
  driverBacklog: one,
  provenOffences: one,
  notVoting: one,
  stalled: one,
  connectedStakeBps: one,
  missingVotesBps: one,
  keyUsedElsewhere: one,
  modelHealthy: one,
  nextHoldDueMs: one,
  clockSkewMs: one,
  diskFreeBytes: () => Promise.resolve(1),
}

const COUNTERS: Counters = { received: 0, refusedHellos: 0, penalties: 0, bans: 0, droppedByGonePeers: 0 }

export function someMetrics(gauges: Partial<Gauges> = {}): Metrics {
  return new Metrics(
    { ...GAUGES, ...gauges },
    {
      fallbacks: () => ({ slow: 1 }),
      storeBytes: () => Promise.resolve({ chain: 1 }),
      missedVotes: () => ({ busy: 1 }),
      roundTripsMs: () => ({ v2: 1 }),
    },
  )
}

export async function exportedMetrics(): Promise<ReadonlySet<string>> {
  const registry = new Registry()
  registerMetrics(registry, { all: () => [], size: 0 } as unknown as PeerTable, COUNTERS, () =>
    Promise.resolve(0),
  )
  const text = (await someMetrics().text()) + (await registry.metrics())
  const named = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
  return new Set(
    named.flatMap(([, name = '', type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
    ),
  )
}
