/**
 * The way in: from an encoded transaction to `accepted`, and on into a batch.
 *
 * A validator puts what it admitted into its own batches. A full node gossips it on the `tx` topic, and hands it over to
 * a validator directly again and again until it is final, since gossip promises nothing.
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import type { DecodedTransaction } from '../ledger/transaction.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { ValidatorIndex, ValidatorSet } from '../consensus/types.ts'
import type { Verdict } from '../p2p/types.ts'
import type { Admission } from './admission.ts'
import { assignmentRank } from './assignment.ts'
import { TAKEOVER_MS, txName, type PendingTransactions } from './pending.ts'
import type { PendingStore } from './store/pending-store.ts'

/** How often admission looks at the load; not on every transaction. */
const LOAD_CHECK_MS = 50
const BUSY_RETRY_MS = 250
/** Transactions in final blocks not executed yet, above which nothing more is taken in. */
const MAX_EXECUTION_BACKLOG_TXS = 20_000
/** Transactions that wait for a batch, above which nothing more is taken in. */
const MAX_QUEUED_TXS = 2_000
/** Transactions handed to the batch builder in one input. */
const OFFER_TXS = 1_000
/** How often a full node hands its unfinished transactions to another validator. */
const HANDOVER_INTERVAL_MS = 1_000
const HANDOVER_TXS = 256

export interface Load {
  readonly ownOpenBatches: number
  /** Transactions that wait for a batch. */
  readonly queuedTxs: number
  readonly executionBacklogTxs: number
}

export interface IntakeOptions {
  readonly set: ValidatorSet
  readonly self: ValidatorIndex | null
  readonly ledger: Ledger
  readonly admission: Admission
  readonly pending: PendingTransactions
  readonly store: PendingStore
  readonly maxOpenBatches: number
  readonly load: () => Load
  /** Hands transactions to the replica's batch builder. */
  readonly offer: (txs: readonly Uint8Array[]) => void
  /** The strict verifier accepted these bytes. */
  readonly checked: (bytes: Uint8Array) => void
  readonly gossip: (bytes: Uint8Array) => void
  /** Hands transactions to some validator; resolves when it answered. Full nodes only. */
  readonly handOver: (txs: readonly Uint8Array[]) => Promise<void>
}

export class Intake {
  readonly #options: IntakeOptions
  #busy: string | null = null
  #loadTimer: NodeJS.Timeout | undefined
  #offerTimer: NodeJS.Timeout | undefined
  #handoverTimer: NodeJS.Timeout | undefined
  #offerQueued = false

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** Reads the pending log back and starts the timers. `inBatches`: transactions known to be in own open batches. */
  async start(inBatches: ReadonlySet<string>): Promise<void> {
    const { store, admission, pending, ledger } = this.#options
    for await (const bytes of store.all()) {
      const entry = admission.toPending(admission.decode(bytes), true)
      if ((await ledger.receipt(entry.id)) === null)
        pending.track(entry, 0, inBatches.has(entry.name) ? Date.now() : null)
      else await store.remove([entry.id])
    }
    this.#loadTimer = setInterval(() => {
      this.#checkLoad()
    }, LOAD_CHECK_MS)
    if (this.#options.self === null) this.#armHandover()
    else this.offerDue()
  }

  stop(): void {
    clearInterval(this.#loadTimer)
    clearTimeout(this.#offerTimer)
    clearTimeout(this.#handoverTimer)
  }

  /**
   * Takes one transaction in.
   * @returns its id, and whether it was here or final before.
   * @throws CordonError with the reason for a refusal; `busy` if it should be tried again later.
   */
  async submit(bytes: Uint8Array): Promise<{ readonly id: Uint8Array; readonly known: boolean }> {
    const { admission, pending } = this.#options
    const tx = admission.decode(bytes)
    const { id } = tx
    if (pending.get(txName(id)) !== null || (await this.#isExecuted(tx))) return { id, known: true }
    this.#refuseIfBusy()
    await admission.check(tx.transaction, Date.now())
    await this.#accept(tx)
    return { id, known: false }
  }

  /** Whether the ledger has it. The disk is asked only where memory cannot tell: an unordered id lives as long as it is valid. */
  async #isExecuted({ id, transaction }: DecodedTransaction): Promise<boolean> {
    const { ledger } = this.#options
    if (ledger.isLive(id)) return true
    if (transaction.sequence === 0n && transaction.validUntilMs >= ledger.timeMs) return false
    return (await ledger.receipt(id)) !== null
  }

  async #accept(tx: DecodedTransaction): Promise<void> {
    const { admission, pending, checked, gossip, self } = this.#options
    checked(tx.bytes)
    await pending.accept(admission.toPending(tx, true), performance.now())
    if (self === null) gossip(tx.bytes)
    else this.offerDue()
  }

  /** A transaction from the `tx` topic: kept by validators until it is final, batched by the one whose turn it is. */
  async onGossip(bytes: Uint8Array): Promise<Verdict> {
    const { admission, pending, set, self, checked } = this.#options
    let tx: DecodedTransaction
    try {
      tx = admission.decode(bytes)
    } catch {
      return 'reject'
    }
    const { id } = tx
    if (pending.get(txName(id)) !== null || (await this.#isExecuted(tx))) return 'ignore'
    try {
      await admission.check(tx.transaction, Date.now())
    } catch {
      return 'ignore' // depends on the state, which may differ for a moment between honest nodes
    }
    if (self !== null && !pending.full) {
      checked(bytes)
      const rank = assignmentRank(set, self, id)
      pending.track(admission.toPending(tx, false), performance.now() + rank * TAKEOVER_MS, null)
      this.offerDue()
    }
    return 'accept'
  }

  /** Transactions that a full node hands over. Taken only if they were admitted and are durable here. */
  onSubmitted(txs: readonly Uint8Array[]): Promise<readonly boolean[]> {
    return Promise.all(
      txs.map(async (bytes) => {
        try {
          await this.submit(bytes)
          return true
        } catch {
          return false
        }
      }),
    )
  }

  /** Hands to the batch builder what is due; several calls of one turn become one input. */
  offerDue(): void {
    if (this.#offerQueued || this.#options.self === null) return
    this.#offerQueued = true
    queueMicrotask(() => {
      this.#offerQueued = false
      this.#offerNow()
    })
  }

  #offerNow(): void {
    const { pending, offer } = this.#options
    const due = pending.takeDue(performance.now(), Date.now(), OFFER_TXS)
    if (due.length > 0) offer(due)
    clearTimeout(this.#offerTimer)
    const nextMs = pending.nextDueMs()
    if (nextMs === Infinity) return
    this.#offerTimer = setTimeout(
      () => {
        this.#offerNow()
      },
      Math.max(1, nextMs - performance.now()),
    )
  }

  #armHandover(): void {
    this.#handoverTimer = setTimeout(() => {
      const txs = this.#options.pending.unfinished(HANDOVER_TXS)
      const done = txs.length === 0 ? Promise.resolve() : this.#options.handOver(txs).catch(() => undefined) // the next round tries another validator
      void done.then(() => {
        this.#armHandover()
      })
    }, HANDOVER_INTERVAL_MS)
  }

  #checkLoad(): void {
    const { load, maxOpenBatches, pending } = this.#options
    const { ownOpenBatches, queuedTxs, executionBacklogTxs } = load()
    if (pending.full)
      this.#busy = `${LIMITS.pendingTxs} transactions are on their way, the most this node takes`
    else if (ownOpenBatches >= maxOpenBatches)
      this.#busy = `${ownOpenBatches} batches of this validator wait to be ordered`
    else if (queuedTxs > MAX_QUEUED_TXS) this.#busy = `${queuedTxs} transactions wait for a batch`
    else if (executionBacklogTxs > MAX_EXECUTION_BACKLOG_TXS)
      this.#busy = `${executionBacklogTxs} ordered transactions wait to be executed`
    else this.#busy = null
  }

  #refuseIfBusy(): void {
    if (this.#busy !== null)
      throw new CordonError('busy', `${this.#busy}; try again in ${BUSY_RETRY_MS} ms`, {
        retryAfterMs: BUSY_RETRY_MS,
      })
  }
}
