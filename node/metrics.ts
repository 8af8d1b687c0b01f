/** Prometheus metrics of a node. Gauges are read when asked for; only counts and times are kept. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { BlockExecution } from '../ledger/types.ts'
import type { Note } from '../consensus/replica-types.ts'
import { MISS_REASONS } from './missed-votes.ts'

/**
 * Each sample of the event loop's lag wakes the process. At the usual 10 ms that is more often than an idle validator
 * has anything else to do; at 50 a turn long enough to trouble a payment is still seen.
 */
const EVENT_LOOP_SAMPLE_MS = 50

/** What each is, says `GAUGE_HELP`. Null: there is nothing to tell now. */
export interface Gauges {
  readonly height: () => number
  readonly executedHeight: () => number
  readonly view: () => number
  readonly peers: () => number
  readonly pendingTxs: () => number
  readonly openHolds: () => number
  readonly openCases: () => number
  readonly learnedOutcomes: () => number
  readonly driverBacklog: () => number
  readonly provenOffences: () => number
  readonly notVoting: () => number
  readonly stalled: () => number
  readonly connectedStakeBps: () => number
  readonly missingVotesBps: () => number
  readonly keyUsedElsewhere: () => number
  readonly modelHealthy: () => number
  readonly nextHoldDueMs: () => number | null
  readonly clockSkewMs: () => number | null
  readonly diskFreeBytes: () => Promise<number>
}

/** What is counted by label where it happens; read when somebody asks. */
export interface LabelledSources {
  /** Transfers that the fraud model did not judge, by why. */
  readonly fallbacks: () => Readonly<Record<string, number>>
  /** Size of each store. */
  readonly storeBytes: () => Promise<Readonly<Record<string, number>>>
  /** Final blocks without a vote of this validator, by why (`MISS_REASONS`); a full node has none. */
  readonly missedVotes: () => Counts
  /** Round-trip time to each validator that has answered a ping. */
  readonly roundTripsMs: () => Readonly<Record<string, number>>
}

export class Metrics {
  readonly #registry: Registry = new Registry()
  readonly #transactions: Counter<'outcome'>
  readonly #votes: Counter<'vote'>
  readonly #standstills: Counter
  readonly #finality: Histogram

  constructor(gauges: Gauges, { fallbacks, storeBytes, missedVotes, roundTripsMs }: LabelledSources) {
    const registers = [this.#registry]
    collectDefaultMetrics({
      register: this.#registry,
      prefix: 'cordon_',
      eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS,
    })
    for (const [name, read] of Object.entries(gauges) as [keyof Gauges, Gauges[keyof Gauges]][]) {
      new Gauge({
        name: `cordon_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
        help: GAUGE_HELP[name],
        registers,
        async collect() {
          const value = await read()
          if (value === null) this.remove()
          else this.set(value)
        },
      })
    }
    addLabelled(registers, {
      kind: 'gauge',
      name: 'cordon_store_bytes',
      help: 'Size of the files of each store.',
      label: 'store',
      read: storeBytes,
    })
    addLabelled(registers, {
      kind: 'gauge',
      name: 'cordon_round_trip_ms',
      help: 'Round-trip time of the newest answered ping, by validator; absent while it is not connected.',
      label: 'validator',
      read: roundTripsMs,
    })
    addLabelled(registers, {
      kind: 'counter',
      name: 'cordon_fraud_fallbacks_total',
      help: 'Transfers that the fraud model did not judge, by why: loading, slow and no-number, judged by the cheap sum; down, not judged.',
      label: 'why',
      read: fallbacks,
    })
    addLabelled(registers, {
      kind: 'counter',
      name: 'cordon_missed_votes_total',
      help: `Final blocks without a vote of this validator, by why. ${MISSES}.`,
      label: 'why',
      read: missedVotes,
    })
    this.#transactions = new Counter({
      name: 'cordon_transactions_total',
      help: 'Transactions executed, by outcome.',
      labelNames: ['outcome'],
      registers,
    })
    this.#votes = new Counter({
      name: 'cordon_votes_total',
      help: 'Votes cast by this validator, by kind.',
      labelNames: ['vote'],
      registers,
    })
    this.#standstills = new Counter({
      name: 'cordon_standstills_total',
      help: 'Times nothing became final for standstillMs.',
      registers,
    })
    this.#finality = new Histogram({
      name: 'cordon_block_finality_ms',
      help: 'From the time in a block header to its finality here, in ms.',
      buckets: [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000],
      registers,
    })
  }

  noteExecuted(execution: BlockExecution): void {
    for (const receipt of execution.receipts) this.#transactions.inc({ outcome: receipt.outcome })
    if (execution.voids.length > 0) this.#transactions.inc({ outcome: 'void' }, execution.voids.length)
  }

  noteFinal(latencyMs: number): void {
    this.#finality.observe(latencyMs)
  }

  note(note: Note): void {
    if (note.kind === 'vote-cast') this.#votes.inc({ vote: note.vote })
    else if (note.kind === 'standstill') this.#standstills.inc()
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }
}

const MISSES = Object.entries(MISS_REASONS)
  .map(([reason, meaning]) => `${reason}: ${meaning}`)
  .join('; ')

interface Labelled {
  readonly kind: 'gauge' | 'counter'
  readonly name: string
  readonly help: string
  readonly label: string
  /** Value of each label, as it is when somebody asks. */
  readonly read: () => Counts | Promise<Counts>
}

type Counts = Readonly<Partial<Record<string, number>>>

function addLabelled(registers: Registry[], { kind, name, help, label, read }: Labelled): void {
  const shared = { name, help, labelNames: [label], registers }
  if (kind === 'gauge')
    new Gauge({
      ...shared,
      async collect() {
        const counts = await read()
        this.reset()
        for (const [each, value] of Object.entries(counts)) this.set({ [label]: each }, value ?? 0)
      },
    })
  else
    new Counter({
      ...shared,
      async collect() {
        const counts = await read()
        this.reset() // in one turn with what follows: two may ask at once
        for (const [each, value] of Object.entries(counts)) this.inc({ [label]: each }, value)
      },
    })
}

const GAUGE_HELP: Readonly<Record<keyof Gauges, string>> = {
  height: 'Newest final height.',
  executedHeight: 'Newest executed height.',
  view: 'Current view.',
  peers: 'Connected peers.',
  pendingTxs: 'Transactions on their way.',
  openHolds: 'Payments held for review.',
  openCases: 'Cases at the review desk of this node that nobody has closed.',
  learnedOutcomes: 'Outcomes of holds and of closed cases that the fraud model learns from.',
  driverBacklog: 'Inputs waiting for the consensus engine.',
  provenOffences: 'Validators with a proven contradiction on the ledger; above 0 somebody must act.',
  notVoting:
    '1 while this validator signs no votes: another process uses its key, or its signing state was lost.',
  stalled: '1 while nothing has become final for too long; cordon doctor stall says why.',
  connectedStakeBps: 'Stake of this node and the validators it is connected to, in hundredths of a per cent.',
  missingVotesBps: 'Stake without a vote in the current view, in hundredths of a per cent.',
  keyUsedElsewhere: '1 once another process has used the key of this validator; it signs nothing more.',
  modelHealthy: '1 while the fraud model judges; 0: this validator votes without flags.',
  nextHoldDueMs: 'Time until the next payment held for review ends by itself; absent without one.',
  clockSkewMs:
    'Local clock against those of the other validators, above 0 ahead of them; absent while too little was heard.',
  diskFreeBytes: 'Bytes left on the disk of the data directory.',
}
