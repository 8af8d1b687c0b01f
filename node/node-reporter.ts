/** What a node tells its operator of itself: its process, its disk, its queues and its peers. */
import { getHeapStatistics } from 'node:v8'
import type { NodeReport, PeerReport } from '../client/operator-api.ts'
import type { ValidatorSet } from '../consensus/types.ts'
import type { Network, PeerConnection } from '../p2p/types.ts'
import { freeBytes } from './disk-usage.ts'
import { LoopDelay } from './loop-delay.ts'
import { storeBytes } from './storage.ts'

/** A queue, what waits in it, and how much does. */
export type Queue = readonly [queue: string, about: string, length: () => number]

export interface NodeReporterOptions {
  readonly dataDirectory: string
  readonly set: ValidatorSet
  readonly network: Pick<Network, 'connections'>
  readonly queues: readonly Queue[]
}

export class NodeReporter {
  readonly #options: NodeReporterOptions
  readonly #loopDelay = new LoopDelay()

  constructor(options: NodeReporterOptions) {
    this.#options = options
  }

  async report(): Promise<NodeReport> {
    const { dataDirectory, queues } = this.#options
    const [stores, free] = await Promise.all([storeBytes(dataDirectory), freeBytes(dataDirectory)])
    const { used_heap_size: heapBytes, heap_size_limit: heapLimitBytes } = getHeapStatistics()
    return {
      uptimeMs: 1_000 * process.uptime(),
      memory: { rssBytes: process.memoryUsage.rss(), heapBytes, heapLimitBytes },
      loopDelay: this.#loopDelay.figures(performance.now()),
      disk: {
        stores: Object.entries(stores).map(([store, bytes]) => ({ store, bytes })),
        freeBytes: free,
      },
      queues: queues.map(([queue, about, length]) => ({ queue, about, length: length() })),
    }
  }

  peers(): PeerReport[] {
    const place = ({ validator }: PeerConnection): number => validator ?? Number.MAX_SAFE_INTEGER
    return [...this.#options.network.connections()]
      .sort((a, b) => place(a) - place(b) || (a.id < b.id ? -1 : 1))
      .map(({ validator, ...rest }) => ({ ...rest, validator: this.#nameOf(validator) }))
  }

  /** By name, those validators whose round-trip time is known. */
  roundTripsMs(): Readonly<Record<string, number>> {
    const known = this.peers().flatMap(({ validator, roundTripMs }) =>
      validator === null || roundTripMs === null ? [] : [[validator, roundTripMs] as const],
    )
    return Object.fromEntries(known)
  }

  stop(): void {
    this.#loopDelay.stop()
  }

  #nameOf(validator: number | null): string | null {
    return validator === null ? null : (this.#options.set.validators[validator]?.name ?? null)
  }
}
