/**
 * The way in: from an encoded transaction to `accepted`, and on into a batch.
 *
 * A validator puts what it admitted into its own batches. A full node gossips it on the `tx` topic, and hands it over to
 * a validator directly again and again until it is final, since gossip promises nothing. A validator that signs nothing
 * for now (consensus.md P10, P11) does as a full node.
 */
import { CordonError } from '../config/errors.ts'
import { toHex } from '../crypto/bytes.ts'
import type { DecodedTransaction, Transaction } from '../ledger/transaction.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Account } from '../ledger/types.ts'
import type { ValidatorIndex, ValidatorSet } from '../consensus/types.ts'
import type { Verdict } from '../p2p/types.ts'
import type { Admission } from './admission.ts'
import { assignmentRank } from './assignment.ts'
import type { Congestion, Shortage } from './congestion.ts'
import { TAKEOVER_MS, txName, type PendingTransactions } from './pending.ts'
import type { Source } from './source.ts'
import type { PendingStore } from './store/pending-store.ts'

/** Transactions handed to the batch builder in one input. */
const OFFER_TXS = 1_000
/** A full node looks that often for transactions to hand to another validator. */
const HANDOVER_CHECK_MS = 250
/** Handed over in one round. */
const HANDOVER_TXS = 4_096
export interface IntakeLog {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface IntakeOptions {
  readonly set: ValidatorSet
  readonly self: ValidatorIndex | null
  readonly ledger: Ledger
  readonly admission: Admission
  readonly pending: PendingTransactions
  readonly store: PendingStore
  readonly congestion: Pick<Congestion, 'shortage'>
  /** Whether this node writes batches now: never a full node, and not a validator that signs nothing. */
  readonly writesBatches: () => boolean
  /** Hands transactions to the replica's batch builder. */
  readonly offer: (txs: readonly Uint8Array[]) => void
  /** The strict verifier accepted its signatures. */
  readonly checked: (tx: DecodedTransaction) => void
  /** One was submitted here that was not known. */
  readonly submitted: (tx: DecodedTransaction) => void
  readonly gossip: (bytes: Uint8Array) => void
  /** Hands transactions to some validator; resolves when it answered. Only while this node writes no batches. */
  readonly handOver: (txs: readonly Uint8Array[]) => Promise<unknown>
  readonly log: IntakeLog
}

export class Intake {
  readonly #options: IntakeOptions
  #offerTimer: NodeJS.Timeout | undefined
  #handoverTimer: NodeJS.Timeout | undefined
  #offerQueued = false
  #stopped = false

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** Reads the pending log back. `inBatches`: transactions in own open batches, with the wall time of the batch. */
  async restore(inBatches: ReadonlyMap<string, number>): Promise<void> {
    const { store, admission, pending, ledger, log } = this.#options
    for await (const { txId, bytes } of store.all()) {
      const tx = this.#readBack(bytes)
      if (tx === null) continue
      if ((await ledger.receipt(txId, tx.transaction)) !== null) await store.remove([txId])
      else pending.restore(admission.toPending(tx), inBatches.get(txName(txId)) ?? null)
    }
    if (pending.size > 0) log.info({ transactions: pending.size }, 'accepted transactions are on their way')
  }

  /** Its signatures were checked before it was written. */
  #readBack(bytes: Uint8Array): DecodedTransaction | null {
    try {
      return this.#options.admission.decodeUnsigned(bytes)
    } catch (error) {
      this.#options.log.error(
        { err: error },
        'an accepted transaction is not valid in this build, and left where it is',
      )
      return null
    }
  }

  /** Starts the timers, and offers what was read back. */
  start(): void {
    this.#armHandover()
    this.offerDue()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#offerTimer)
    clearTimeout(this.#handoverTimer)
  }

  /**
   * Takes one transaction in. Resolves when it is durable here, or final.
   * @param source who brings it: when room is short, each has an equal share of it.
   * @returns its id, and whether it was here or final before.
   * @throws CordonError with the reason for a refusal; `busy` if it should be tried again later.
   */
  async submit(
    bytes: Uint8Array,
    source: Source,
  ): Promise<{ readonly id: Uint8Array; readonly known: boolean }> {
    const shortage = await this.#shortageFor(bytes, source)
    try {
      return await this.#take(this.#options.admission.decode(bytes), source)
    } catch (error) {
      shortage?.failed(source)
      throw error
    }
  }

  /**
   * Before signatures are checked, so that what a node does not take costs it little. What it knows is known, however
   * busy it is.
   * @returns the shortage from which it is spared, or null.
   * @throws CordonError `busy`
   */
  async #shortageFor(bytes: Uint8Array, source: Source): Promise<Shortage | null> {
    const { admission, pending, ledger, congestion } = this.#options
    const shortage = congestion.shortage(performance.now())
    if (shortage === null) return null
    const { id, transaction } = admission.decodeUnsigned(bytes)
    if (this.#isSpared(shortage, transaction, source) || pending.get(txName(id)) !== null) return shortage
    if ((await ledger.receipt(id, transaction)) === null) throw shortage.refusal
    return shortage
  }

  #isSpared(shortage: Shortage, { sender }: Transaction, source: Source): boolean {
    return shortage.spares(source, this.#options.pending.sharesOf(source, toHex(sender)))
  }

  async #take(
    tx: DecodedTransaction,
    source: Source,
  ): Promise<{ readonly id: Uint8Array; readonly known: boolean }> {
    const { admission, pending, congestion, checked, submitted, gossip, writesBatches } = this.#options
    const { id } = tx
    const taken = await this.#withAccount(tx, (account) => {
      const known = pending.get(txName(id)) !== null
      if (!known) {
        const shortage = congestion.shortage(performance.now())
        if (shortage !== null && !this.#isSpared(shortage, tx.transaction, source)) throw shortage.refusal
        admission.judge(tx.transaction, account, Date.now())
        checked(tx)
        submitted(tx)
      }
      return { known, durable: pending.accept(admission.toPending(tx), performance.now(), source) }
    })
    if (taken === null) return { id, known: true }
    const { known, durable } = taken
    this.offerDue()
    await durable
    if (!known && !writesBatches()) gossip(tx.bytes)
    return { id, known }
  }

  /**
   * Decides about a transaction with its sender's account. `decide` runs in the turn in which it is certain that no block
   * was executed since the account was read, so that what is pending then is all that comes on top of it: submissions
   * that come at once are judged one after the other.
   * @returns what `decide` says, or null if the transaction is final.
   */
  async #withAccount<Result>(
    { id, transaction }: DecodedTransaction,
    decide: (account: Account | null) => Result,
  ): Promise<Result | null> {
    const { ledger } = this.#options
    for (;;) {
      const { height } = ledger
      const [receipt, account] = await Promise.all([
        ledger.receipt(id, transaction),
        ledger.account(transaction.sender),
      ])
      if (receipt !== null) return null
      if (ledger.height === height) return decide(account)
    }
  }

  /** A transaction from the `tx` topic: kept by validators until it is final, batched by the one whose turn it is. */
  async onGossip(bytes: Uint8Array): Promise<Verdict> {
    const { admission, pending } = this.#options
    let tx: DecodedTransaction
    try {
      tx = admission.decode(bytes)
    } catch (error) {
      if (error instanceof CordonError) return 'reject'
      throw error
    }
    if (pending.get(txName(tx.id)) !== null) return 'ignore'
    try {
      const isNew = await this.#withAccount(tx, (account) => this.#track(tx, account))
      return isNew === true ? 'accept' : 'ignore'
    } catch (error) {
      // Depends on the state, which may differ for a moment between honest nodes.
      if (error instanceof CordonError) return 'ignore'
      throw error
    }
  }

  /** @returns whether it is worth being passed on. @throws CordonError */
  #track(tx: DecodedTransaction, account: Account | null): boolean {
    const { admission, pending, set, self, checked } = this.#options
    if (pending.get(txName(tx.id)) !== null) return false
    admission.judge(tx.transaction, account, Date.now())
    if (self !== null && !pending.full) {
      checked(tx)
      const rank = assignmentRank(set, self, tx.id)
      pending.track(admission.toPending(tx), performance.now() + rank * TAKEOVER_MS)
      this.offerDue()
    }
    return true
  }

  /**
   * Transactions that a full node hands over. Resolves to which of them are durable here, or final.
   * @param source the node.
   * @throws CordonError if one of them can never be valid: an honest node hands over none of that kind.
   */
  async onSubmitted(txs: readonly Uint8Array[], source: Source): Promise<readonly boolean[]> {
    const decoded = txs.map((bytes) => this.#options.admission.decode(bytes))
    return Promise.all(
      decoded.map(async (tx) => {
        try {
          await this.#take(tx, source)
          return true
        } catch (error) {
          if (!(error instanceof CordonError))
            this.#options.log.error({ err: error }, 'a transaction that was handed over could not be kept')
          return false
        }
      }),
    )
  }

  /** Hands to the batch builder what is due; several calls of one turn become one input. */
  offerDue(): void {
    if (this.#offerQueued || !this.#options.writesBatches() || this.#stopped) return
    this.#offerQueued = true
    queueMicrotask(() => {
      this.#offerQueued = false
      this.#offerNow()
    })
  }

  #offerNow(): void {
    const { pending, offer, writesBatches } = this.#options
    if (this.#stopped || !writesBatches()) return
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
    if (this.#stopped) return
    this.#handoverTimer = setTimeout(() => {
      void this.#handOver().then(() => {
        this.#armHandover()
      })
    }, HANDOVER_CHECK_MS)
  }

  async #handOver(): Promise<void> {
    const { pending, handOver, writesBatches } = this.#options
    if (writesBatches()) return
    const txs = pending.takeForHandover(performance.now(), HANDOVER_TXS)
    if (txs.length > 0) await handOver(txs).catch(() => undefined) // the next round tries another validator
  }
}
