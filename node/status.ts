/** How the node is: numbers for `chain_status`, and what is wrong for `/healthz` and `/readyz`. */
import type { ChainProgress, ChainStatus, Problem } from '../client/api.ts'
import type { Genesis } from '../config/genesis.ts'
import { VERSION } from '../config/version.ts'
import { toHex } from '../crypto/bytes.ts'
import { weightOf } from '../consensus/validator-set.ts'
import type { ValidatorIndex, ValidatorSet } from '../consensus/types.ts'
import type { Replica } from '../consensus/replica.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Network } from '../p2p/types.ts'
import { CLOCK_ADVICE, describeSkew, type ClockWatch } from './clock-watch.ts'
import type { PendingTransactions } from './pending.ts'
import type { Scorer } from './scoring/scorer.ts'
import { ABSTENTION_ADVICE, chainProgress } from './stall.ts'

/** Finality latencies kept for the percentiles. */
const LATENCY_SAMPLES = 512

export interface StatusOptions {
  readonly genesis: Genesis
  readonly genesisHash: Uint8Array
  readonly set: ValidatorSet
  readonly self: ValidatorIndex | null
  readonly ledger: Ledger
  readonly replica: Replica
  readonly network: Network
  readonly pending: PendingTransactions
  readonly scorer: Scorer
  readonly clock: Pick<ClockWatch, 'skewMs' | 'wrongByMs'>
}

export interface ReadyQuery {
  readonly minPeers?: number | undefined
  readonly maxBlocksBehind?: number | undefined
}

export class StatusSource {
  readonly #options: StatusOptions
  readonly #latenciesMs: number[] = []
  #next = 0
  #lastFinalMs = performance.now()
  #finalTimeMs = 0

  constructor(options: StatusOptions) {
    this.#options = options
  }

  get self(): ValidatorIndex | null {
    return this.#options.self
  }

  /** A block became final now, `timeMs` being the time in its header. */
  noteFinal(timeMs: number): void {
    this.#lastFinalMs = performance.now()
    this.#finalTimeMs = timeMs
    this.#latenciesMs[this.#next++ % LATENCY_SAMPLES] = Math.max(0, Date.now() - timeMs)
  }

  chainStatus(): Promise<ChainStatus> {
    const { genesis, genesisHash, set, self, ledger, replica, network, pending, scorer } = this.#options
    const totals = ledger.totals()
    const delivered = replica.delivered
    return Promise.resolve({
      network: genesis.network,
      genesisHash: toHex(genesisHash),
      version: VERSION,
      validator: self === null ? null : (set.validators[self]?.name ?? null),
      height: delivered.height,
      blockHash: toHex(delivered.digest),
      blockTimeMs: Math.max(this.#finalTimeMs, ledger.timeMs),
      stateRoot: toHex(ledger.stateRoot),
      executedHeight: ledger.height,
      executedTimeMs: ledger.timeMs,
      view: replica.view,
      peers: network.peers().length,
      totalSupply: String(totals.balances + totals.holds + totals.stake + totals.fees),
      openHolds: ledger.openHolds,
      pendingTxs: pending.size,
      finality: { p50Ms: percentile(this.#latenciesMs, 0.5), p95Ms: percentile(this.#latenciesMs, 0.95) },
      settledTotal: ledger.outcomes.settled,
      heldTotal: ledger.outcomes.held,
      failedTotal: ledger.outcomes.failed,
      clockSkewMs: this.#options.clock.skewMs(performance.now()),
      model: scorer.status(),
    })
  }

  /** What the next block waits for. */
  progress(): ChainProgress {
    const { genesis, set, replica } = this.#options
    return chainProgress({
      set,
      report: replica.report(),
      parameters: genesis.parameters,
      sinceFinalMs: performance.now() - this.#lastFinalMs,
      connected: new Set(this.#connected()),
      abstention: replica.abstention,
    })
  }

  /** Whether this node does what it should; empty: yes. */
  problems(): Problem[] {
    const { scorer } = this.#options
    const problems = [...this.#stall(), ...this.#halt()]
    const model = scorer.status()
    if (!model.healthy) {
      problems.push({
        what: 'fraud model',
        detail: model.problem ?? 'not loaded',
        hint: 'the node votes without flags; see its log',
      })
    }
    return problems
  }

  #stall(): Problem[] {
    const { stalled, sinceFinalMs, findings, advice } = this.progress()
    if (!stalled) return []
    return [
      {
        what: 'no finality',
        detail: `no block became final for ${Math.round(sinceFinalMs / 1000)} s: ${findings.join('; ')}`,
        hint: `${advice} (cordon doctor stall)`,
      },
    ]
  }

  #halt(): Problem[] {
    if (this.#options.replica.abstention !== 'key-used-elsewhere') return []
    return [
      {
        what: 'voting',
        detail: 'this node stopped voting: another process votes with its key',
        hint: ABSTENTION_ADVICE['key-used-elsewhere'],
      },
    ]
  }

  /** No illness: it ends by itself, and a restart would only begin it anew. */
  #wait(): Problem[] {
    const { abstention, resumeView } = this.#options.replica
    if (abstention !== 'signer-lost') return []
    const until = resumeView === null ? 'a quorum of the other validators was heard' : `view ${resumeView}`
    return [
      {
        what: 'voting',
        detail: `the signing state was lost; this node does not vote until ${until}${resumeView === null ? '' : ' or a later one is final'}`,
        hint: ABSTENTION_ADVICE['signer-lost'],
      },
    ]
  }

  /** No illness either: a restart does not set a clock. */
  #clock(): Problem[] {
    const skewMs = this.#options.clock.wrongByMs(performance.now())
    return skewMs === null ? [] : [{ what: 'clock', detail: describeSkew(skewMs), hint: CLOCK_ADVICE }]
  }

  /** What keeps the node from being used; empty: nothing. */
  obstacles(query: ReadyQuery): Problem[] {
    const { replica, network, ledger, scorer, self, set } = this.#options
    const obstacles = [...this.#stall(), ...this.#halt(), ...this.#wait(), ...this.#clock()]
    const add = (what: string, detail: string): void => {
      obstacles.push({ what, detail, hint: 'wait, or see the log' })
    }
    if (replica.delivered.height === 0) add('first block', 'no block is final yet')
    if (self !== null && this.#connectedWeight() < set.quorumWeight)
      add('quorum', `connected validators hold ${this.#connectedShareBps() / 100} % of the stake`)
    // A node that only follows hears of final blocks from anybody.
    if (self === null && network.peers().length === 0) add('peers', 'no peer is connected')
    if (!scorer.status().healthy) add('fraud model', scorer.status().problem ?? 'not loaded')
    const behind = replica.lastFinalHeight - ledger.height
    const maxBehind = query.maxBlocksBehind ?? 64
    if (behind > maxBehind) add('behind', `${behind} blocks behind, at most ${maxBehind} asked for`)
    if (query.minPeers !== undefined && network.peers().length < query.minPeers) {
      add('peers', `${network.peers().length} peers, at least ${query.minPeers} asked for`)
    }
    return obstacles
  }

  /** This node, if it is a validator, and those it has a connection to. */
  #connected(): ValidatorIndex[] {
    const { set, self, network } = this.#options
    return set.validators.flatMap((_, index) =>
      index === self || network.peerOfValidator(index) !== null ? [index] : [],
    )
  }

  #connectedWeight(): bigint {
    return weightOf(this.#options.set, this.#connected())
  }

  #connectedShareBps(): number {
    return Number((this.#connectedWeight() * 10_000n) / this.#options.set.totalWeight)
  }
}

function percentile(samples: readonly number[], share: number): number | null {
  if (samples.length === 0) return null
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null
}
