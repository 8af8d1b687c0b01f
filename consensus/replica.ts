/**
 * A replica: ordering (consensus.md) over dissemination (dissemination.md), as one pure state machine. It is told the
 * time, takes one input at a time and hands out effects; `replica-types.ts` says what its driver promises.
 *
 *   input ─▶ step ─┬▶ Dissemination: submit, batches, acks, batch certificates, bodies
 *                  └▶ Ordering: proposals, votes, certificates, blocks, results
 *
 * Ordering asks dissemination what to order (`PayloadSource`) and tells it what became final; dissemination wakes
 * ordering when there is something to order. Requests for stored blocks and batches are the driver's to answer.
 */
import type { Parameters } from '../config/parameters.ts'
import { DueHold } from './due-hold.ts'
import { Dissemination } from './dissemination.ts'
import { Ordering } from './ordering.ts'
import type { PayloadSource } from './payload-source.ts'
import type { ProgressReport } from './progress-report.ts'
import type {
  Abstention,
  ChainStart,
  Clock,
  Effect,
  Input,
  Peer,
  Restored,
  Signer,
  Verifier,
} from './replica-types.ts'
import type { Message, ValidatorIndex, ValidatorSet } from './types.ts'

export interface ReplicaOptions {
  readonly set: ValidatorSet
  readonly chain: ChainStart
  readonly parameters: Parameters
  /** Own index; null: a follower, which neither votes nor acks. */
  readonly self: ValidatorIndex | null
  /** Null exactly for a follower. */
  readonly signer: Signer | null
  readonly verifier: Verifier
  readonly restored: Restored
}

export class Replica {
  readonly #ordering: Ordering
  readonly #dissemination: Dissemination
  readonly #self: ValidatorIndex | null
  #effects: Effect[] = []
  #clock: Clock = { monotonicMs: 0, wallMs: 0 }
  readonly #dueHold: DueHold = new DueHold()

  constructor(options: ReplicaOptions) {
    if ((options.self === null) !== (options.signer === null)) {
      throw new RangeError('a validator needs its signer, and a follower has none')
    }
    const emit = (effect: Effect): void => {
      this.#effects.push(effect)
    }
    this.#self = options.self
    this.#dissemination = new Dissemination({ ...options, emit, view: () => this.#ordering.view })
    this.#ordering = new Ordering({ ...options, emit, payload: this.#payload(this.#dissemination) })
  }

  /** What ordering may order: certificates, and holds that fall due. */
  #payload(dissemination: Dissemination): PayloadSource {
    return {
      select: (request) => dissemination.select(request),
      check: (certificate) => dissemination.check(certificate),
      hasOrderable: (excluded) =>
        this.#dueHold.isWork(this.#clock.wallMs) || dissemination.hasOrderable(excluded),
      onDelivered: (block) => {
        this.#dueHold.onFinal(block.height, block.timeMs)
        dissemination.onDelivered(block)
      },
    }
  }

  /** Takes one input. The effects are in the order in which they are to be taken. */
  step(input: Input, clock: Clock): Effect[] {
    this.#clock = clock
    this.#dissemination.setClock(clock)
    this.#take(input, clock)
    this.#dissemination.progress()
    const holdIsNews = this.#dueHold.takeNews(clock.wallMs)
    if (this.#dissemination.takeWork() || holdIsNews) this.#ordering.onWork(clock)
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  #take(input: Input, clock: Clock): void {
    switch (input.type) {
      case 'start':
        this.#ordering.start(clock)
        this.#dissemination.start()
        return
      case 'tick':
        this.#ordering.tick(clock)
        return
      case 'message':
        this.#dissemination.heard(input.from)
        this.#receive(input.from, input.message, clock)
        return
      case 'finalized-block':
        this.#ordering.onFinalizedBlock(input.from, input.finalized, clock)
        return
      case 'gossiped-batch':
        this.#dissemination.onBatch(input.from, input.batch, false)
        return
      case 'submit':
        this.#dissemination.submit(input.txs)
        return
      case 'assessed':
        this.#dissemination.onAssessed(input)
        return
      case 'executed':
        this.#dueHold.onExecuted(input.result.height)
        this.#ordering.onExecuted(input.result, clock)
        this.#dissemination.onExecuted(input.result.timeMs)
        return
      case 'need-batches':
        this.#dissemination.needBatches(input.certificates)
        return
      case 'next-due':
        this.#dueHold.set(input.timeMs)
    }
  }

  #receive(from: Peer, message: Message, clock: Clock): void {
    switch (message.type) {
      case 'proposal':
        this.#ordering.onProposal(from, message.proposal, clock)
        return
      case 'vote':
        this.#ordering.onVote(from, message.vote, clock)
        return
      case 'certificate':
        this.#ordering.onCertificate(from, message.certificate, clock)
        return
      case 'certificates':
        this.#ordering.onCertificates(from, message.certificates, clock)
        return
      case 'certificates-request':
        this.#ordering.onCertificatesRequest(from, message.fromView, message.toView, clock)
        return
      case 'blocks':
        this.#ordering.onBlocks(from, message.blocks, clock)
        return
      case 'batch':
        this.#dissemination.onBatch(from, message.batch, true)
        return
      case 'ack':
        this.#dissemination.onAck(from, message.ack)
        return
      case 'batch-certificate':
        this.#dissemination.onBatchCertificate(from, message.certificate)
        return
      case 'batches':
        this.#dissemination.onBatches(from, message.batches)
        return
      case 'block-request':
      case 'batch-request':
        // Answered by the driver, from its store.
        return
    }
  }

  /** Monotonic time at which a `tick` is wanted; Infinity: none. */
  nextDeadlineMs(): number {
    const next = Math.min(this.#ordering.nextDeadlineMs(), this.#dissemination.nextDeadlineMs())
    const { newsMs } = this.#dueHold
    if (newsMs === null) return next
    return Math.min(next, this.#clock.monotonicMs + Math.max(0, newsMs - this.#clock.wallMs))
  }

  // ---- status, for people and for back pressure ----

  get self(): ValidatorIndex | null {
    return this.#self
  }

  /** What the next block waits for. */
  report(): ProgressReport {
    return this.#ordering.report()
  }

  /** Why this validator does not vote (P10, P11), or null. */
  get abstention(): Abstention | null {
    return this.#ordering.abstention
  }

  /** While the signing state is lost: the view whose finalization, or a later one, ends that; null: not known yet. */
  get resumeView(): number | null {
    return this.#ordering.resumeView
  }

  /** Current view. */
  get view(): number {
    return this.#ordering.view
  }

  /** View of the newest finalization. */
  get lastFinalView(): number {
    return this.#ordering.lastFinalView
  }

  /** Height of the newest block known to be final, delivered or not. */
  get lastFinalHeight(): number {
    return this.#ordering.lastFinalHeight
  }

  /** Newest final block handed out. */
  get delivered(): { readonly height: number; readonly digest: Uint8Array } {
    return this.#ordering.delivered
  }

  /** Own batches that are not ordered. */
  get ownOpenBatches(): number {
    return this.#dissemination.ownOpenBatches
  }

  /** Bytes of own transactions that are not ordered, those that wait for a batch included. */
  get ownUnorderedBytes(): number {
    return this.#dissemination.ownUnorderedBytes
  }

  /** Transactions that wait for a batch. */
  get queuedTxs(): number {
    return this.#dissemination.queuedTxs
  }

  /** Batches in memory: open ones, and ordered ones within batchTtlMs. */
  get knownBatches(): number {
    return this.#dissemination.knownBatches
  }

  /** Bodies being fetched. */
  get missingBatches(): number {
    return this.#dissemination.missingBatches
  }
}
