/** Counts how each payment of a load run ends, and when. */
import type { BlockEvent } from '../../client/api.ts'

type LoadOutcome = 'settled' | 'held' | 'failed' | 'expired'

export interface Percentiles {
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

interface Entry {
  /** Node that it was sent to last, or −1. */
  node: number
  state: 'unsent' | 'sent' | 'accepted' | 'refused'
  outcome: LoadOutcome | null
  /** When its own node said so; when any node did. Monotonic ms. */
  ownMs: number | null
  seenMs: number | null
}

export class LoadTally {
  readonly refusals = new Map<string, number>()
  readonly #entries: Entry[]
  readonly #numbers: ReadonlyMap<string, number>
  #open = 0
  #lastResultMs = 0

  /** @param txIds hex, in the order of the payments. */
  constructor(txIds: readonly string[]) {
    this.#entries = txIds.map(() => ({ node: -1, state: 'unsent', outcome: null, ownMs: null, seenMs: null }))
    this.#numbers = new Map(txIds.map((txId, number) => [txId, number]))
  }

  /** Payments that were sent and have neither a refusal nor a result from their own node. */
  get open(): number {
    return this.#open
  }

  get lastResultMs(): number {
    return this.#lastResultMs
  }

  sent(number: number, node: number): void {
    const entry = this.#entry(number)
    if (entry.state === 'unsent') this.#open++
    entry.node = node
    entry.state = 'sent'
  }

  /** `refusal`: the error code of the node's answer, or null if it accepted. */
  answered(number: number, refusal: string | null): void {
    const entry = this.#entry(number)
    if (entry.state !== 'sent') return
    entry.state = refusal === null ? 'accepted' : 'refused'
    if (refusal === null) return
    this.refusals.set(refusal, (this.refusals.get(refusal) ?? 0) + 1)
    this.#open--
  }

  /** No node took it: `code` says why. */
  notTaken(number: number, code: 'cannot-connect' | 'connection-lost'): void {
    const entry = this.#entry(number)
    if (entry.state === 'sent') this.#open--
    entry.state = 'refused'
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
  }

  /** Whether its node said `accepted`. */
  isAccepted(number: number): boolean {
    return this.#entry(number).state === 'accepted'
  }

  /** Results of a block as node number `node` reported them. */
  block(event: BlockEvent, node: number, nowMs: number): void {
    for (const { txId, status } of event.results) this.#result(txId, status, node, nowMs)
    for (const txId of event.expired) this.#result(txId, 'expired', node, nowMs)
  }

  /** A node is gone for now: what others reported of its payments has to do. */
  nodeLost(node: number): void {
    for (const entry of this.#entries) {
      if (entry.node === node && entry.ownMs === null && entry.seenMs !== null)
        this.#finish(entry, entry.seenMs)
    }
  }

  /** Numbers of payments without a result. */
  unresolved(): number[] {
    return this.#entries.flatMap((entry, number) =>
      entry.state !== 'refused' && entry.state !== 'unsent' && entry.outcome === null ? [number] : [],
    )
  }

  /** An outcome learned by asking. Its time is not known, so it has no latency. */
  learned(number: number, outcome: LoadOutcome): void {
    this.#entry(number).outcome = outcome
  }

  counts(): Readonly<Record<LoadOutcome | 'accepted' | 'refused', number>> {
    const counts = { accepted: 0, refused: 0, settled: 0, held: 0, failed: 0, expired: 0 }
    for (const { state, outcome } of this.#entries) {
      if (state === 'refused') counts.refused++
      // A result proves that it was accepted, even if the answer was lost.
      if (state === 'accepted' || (state === 'sent' && outcome !== null)) counts.accepted++
      if (outcome !== null && state !== 'refused') counts[outcome]++
    }
    return counts
  }

  /** From the intended time of sending to the result; expired payments have none. */
  latencies(intendedMs: (number: number) => number): Percentiles {
    const values = this.#entries.flatMap(({ outcome, ownMs }, number) =>
      ownMs === null || outcome === 'expired' ? [] : [ownMs - intendedMs(number)],
    )
    return percentiles(values)
  }

  #result(txId: string, outcome: LoadOutcome, node: number, nowMs: number): void {
    const number = this.#numbers.get(txId)
    if (number === undefined) return
    const entry = this.#entry(number)
    entry.outcome ??= outcome
    entry.seenMs ??= nowMs
    if (entry.node === node && entry.ownMs === null) this.#finish(entry, nowMs)
  }

  #finish(entry: Entry, atMs: number): void {
    entry.ownMs = atMs
    this.#lastResultMs = Math.max(this.#lastResultMs, atMs)
    if (entry.state !== 'refused') this.#open--
  }

  #entry(number: number): Entry {
    const entry = this.#entries[number]
    if (entry === undefined) throw new RangeError(`there is no payment ${number}`)
    return entry
  }
}

/** Nearest-rank percentiles, rounded to 0.1; null without values. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).sort()
  const at = (part: number): number | null => {
    const value = sorted[Math.max(Math.ceil(part * sorted.length) - 1, 0)]
    return value === undefined ? null : Math.round(value * 10) / 10
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
