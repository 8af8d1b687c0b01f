/**
 * What every node said about every payment and every block: the outside view that a chaos run is judged by. It uses
 * nothing of the nodes but what they answer.
 */
import type { BlockEvent } from '../../client/api.ts'

export type Outcome = 'settled' | 'held' | 'failed' | 'expired'

export interface BookedPayment {
  readonly txId: string
  readonly validUntilMs: number
  /** A node said `accepted`. */
  accepted: boolean
  /** By node number. */
  readonly outcomes: (Outcome | null)[]
}

export class LedgerBook {
  readonly #nodes: number
  readonly #payments: BookedPayment[] = []
  readonly #byTxId = new Map<string, BookedPayment>()
  /** Block hash by height, and who said so first. */
  readonly #hashes = new Map<number, { readonly hash: string; readonly node: number }>()
  readonly #heights: number[]
  readonly #findings: string[] = []
  #forks = 0

  constructor(nodes: number) {
    this.#nodes = nodes
    this.#heights = Array.from({ length: nodes }, () => 0)
  }

  /** What must not be: forks, nodes that say different things, results that change. */
  get findings(): readonly string[] {
    return this.#findings
  }

  get forks(): number {
    return this.#forks
  }

  /** Newest height that each node has reported as executed. */
  get heights(): readonly number[] {
    return this.#heights
  }

  get payments(): readonly BookedPayment[] {
    return this.#payments
  }

  /** @returns the number of the payment. */
  add(txId: string, validUntilMs: number): number {
    const payment = {
      txId,
      validUntilMs,
      accepted: false,
      outcomes: Array.from({ length: this.#nodes }, () => null),
    }
    this.#byTxId.set(txId, payment)
    return this.#payments.push(payment) - 1
  }

  accepted(number: number): void {
    const payment = this.#payments[number]
    if (payment !== undefined) payment.accepted = true
  }

  block(node: number, { height, hash, results, expired }: BlockEvent): void {
    const known = this.#hashes.get(height)
    if (known === undefined) this.#hashes.set(height, { hash, node })
    else if (known.hash !== hash) {
      this.#forks++
      this.#findings.push(
        `fork at height ${height}: node ${known.node} has ${known.hash}, node ${node} ${hash}`,
      )
    }
    this.#heights[node] = Math.max(this.#heights[node] ?? 0, height)
    for (const { txId, status } of results) this.outcome(node, txId, status)
    for (const txId of expired) this.outcome(node, txId, 'expired')
  }

  outcome(node: number, txId: string, outcome: Outcome): void {
    const payment = this.#byTxId.get(txId)
    if (payment === undefined) return
    const before = payment.outcomes[node] ?? null
    if (before !== null && before !== outcome)
      this.#findings.push(`node ${node} said ${before} and then ${outcome} of ${txId}`)
    payment.outcomes[node] = outcome
  }

  /** Counts of accepted payments by their end; `lost`: without an end on some node, or with different ones. */
  count(): Readonly<Record<Outcome | 'accepted' | 'lost', number>> {
    const counts = { accepted: 0, settled: 0, held: 0, failed: 0, expired: 0, lost: 0 }
    for (const { accepted, outcomes } of this.#payments) {
      if (!accepted) continue
      counts.accepted++
      const [first = null] = outcomes
      if (first === null || outcomes.some((outcome) => outcome !== first)) counts.lost++
      else counts[first]++
    }
    return counts
  }
}
