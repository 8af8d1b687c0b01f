/** The state of a node as numbers, read when somebody asks for its metrics. */
import type { Replica } from '../consensus/replica.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Network } from '../p2p/types.ts'
import type { ClockWatch } from './clock-watch.ts'
import { freeBytes } from './disk-usage.ts'
import type { Driver } from './driver.ts'
import type { FraudEngine } from './fraud-engine.ts'
import type { Gauges } from './metrics.ts'
import type { PendingTransactions } from './pending.ts'
import type { ReviewDesk } from './review/desk.ts'
import type { StatusSource } from './status.ts'

export interface GaugedParts {
  readonly replica: Replica
  readonly ledger: Ledger
  readonly network: Network
  readonly pending: PendingTransactions
  readonly review: ReviewDesk
  readonly fraud: FraudEngine
  readonly driver: Driver
  readonly status: StatusSource
  readonly clock: ClockWatch
  readonly dataDirectory: string
}

export function gaugesOf({
  replica,
  ledger,
  network,
  pending,
  review,
  fraud,
  driver,
  status,
  clock,
  dataDirectory,
}: GaugedParts): Gauges {
  return {
    height: () => replica.delivered.height,
    executedHeight: () => ledger.height,
    view: () => replica.view,
    peers: () => network.peers().length,
    pendingTxs: () => pending.size,
    openHolds: () => ledger.openHolds,
    openCases: () => review.state.openCases,
    learnedOutcomes: () => fraud.outcomesLearned,
    driverBacklog: () => driver.backlog,
    provenOffences: () => ledger.validators().filter(({ offence }) => offence !== null).length,
    notVoting: () => (replica.abstention === null ? 0 : 1),
    stalled: () => (status.progress().stalled ? 1 : 0),
    connectedStakeBps: () => status.progress().connectedBps,
    missingVotesBps: () => status.progress().missing.reduce((sum, { shareBps }) => sum + shareBps, 0),
    keyUsedElsewhere: () => (replica.abstention === 'key-used-elsewhere' ? 1 : 0),
    modelHealthy: () => (fraud.scorer.status().healthy ? 1 : 0),
    nextHoldDueMs: () => (ledger.nextDueMs === null ? null : Math.max(0, ledger.nextDueMs - Date.now())),
    clockSkewMs: () => clock.skewMs(performance.now()),
    diskFreeBytes: () => freeBytes(dataDirectory),
  }
}
