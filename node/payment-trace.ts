/**
 * When the stages of the newest payments were, as this node saw them: what `tx_trace` answers. Times are noted of batches,
 * views and blocks, of which there are few; a payment is found by the block that executed it. Only when it was submitted
 * is kept for each.
 */
import type { PaymentTrace, TraceStage } from '../client/api.ts'
import { LIMITS } from '../config/limits.ts'
import { equalBytes, toHex } from '../crypto/bytes.ts'
import type { Effect, Input, Note } from '../consensus/replica-types.ts'
import type {
  BatchCertificate,
  Message,
  ProposalMessage,
  SignedBatch,
  ValidatorIndex,
  ValidatorSet,
} from '../consensus/types.ts'
import type { Receipt } from '../ledger/types.ts'
import { txName } from './pending.ts'

/** Unix time in ms, with fractions. */
type Times = Map<TraceStage, number>

interface TracedBatch {
  readonly author: ValidatorIndex
  readonly txs: readonly Uint8Array[]
  readonly bytes: number
  readonly times: Times
}

interface TracedBlock {
  readonly author: ValidatorIndex
  readonly batches: readonly string[]
  readonly times: Times
}

/** The order in which they come. */
const TRACE_STAGES: readonly TraceStage[] = [
  'submitted',
  'batched',
  'assessed',
  'acked',
  'certified',
  'proposed',
  'notarized',
  'finalized',
  'final',
  'executed',
]

export class PaymentTraces {
  readonly #set: ValidatorSet
  readonly #now: () => number
  readonly #submitted = new Map<string, number>()
  readonly #batches = new Map<string, TracedBatch>()
  /** Of the transactions in them. */
  #batchBytes = 0
  /** By view: of its proposal and the votes for it. */
  readonly #views = new Map<number, Times>()
  /** The same by digest of the proposed block, in hex. */
  readonly #proposals = new Map<string, Times>()
  readonly #blocks = new Map<number, TracedBlock>()

  /** @param now Unix time in ms, with fractions. */
  constructor(set: ValidatorSet, now: () => number) {
    this.#set = set
    this.#now = now
  }

  /** Admission took it in here. */
  submitted(id: Uint8Array): void {
    keep(this.#submitted, txName(id), this.#now(), LIMITS.tracedSubmissions)
  }

  /** What goes into the engine. */
  received(input: Input): void {
    if (input.type === 'gossiped-batch') this.#batched(input.batch)
    else if (input.type === 'assessed') this.#ofBatch(input.ref, 'assessed')
    else if (input.type === 'message' && input.from.validator !== null)
      this.#heard(input.from.validator, input.message)
  }

  /** Nothing is checked yet, so only what a validator says of its own counts; strangers may say anything. */
  #heard(from: ValidatorIndex, message: Message): void {
    if (message.type === 'batch' && message.batch.batch.author === from) this.#batched(message.batch)
    else if (message.type === 'batch-certificate' && message.certificate.author === from)
      this.#ofBatch(message.certificate, 'certified')
    else if (message.type === 'proposal' && message.proposal.block.author === from)
      this.#proposed(message.proposal)
  }

  /** What leaves the engine: all but the question for an opinion once it is durable. */
  left(effect: Effect): void {
    if (effect.type === 'assess') this.#batched(effect.batch)
    else if (effect.type === 'deliver') this.#final(effect)
    else if (effect.type === 'send') {
      if (effect.message.type === 'ack') this.#ofBatch(effect.message.ack, 'acked')
      else if (effect.message.type === 'proposal') this.#proposed(effect.message.proposal)
    } else if (effect.type === 'note') this.#noted(effect.note)
  }

  /** A block was executed and is durable. */
  executed(height: number): void {
    first(this.#blocks.get(height)?.times, 'executed', this.#now())
  }

  /**
   * Of a transaction with this receipt; null: it was too long ago, or before this node started.
   * @param bytes of the transaction: to compare with them is cheap enough for the largest block.
   */
  of({ txId, height }: Pick<Receipt, 'txId' | 'height'>, bytes: Uint8Array): PaymentTrace | null {
    const block = this.#blocks.get(height)
    const batch = block?.batches
      .map((name) => this.#batches.get(name))
      .find((each) => each?.txs.some((tx) => equalBytes(tx, bytes)))
    if (block === undefined || batch === undefined) return null
    const submittedMs = this.#submitted.get(txName(txId))
    const times: Times = new Map([
      ...(submittedMs === undefined ? [] : [['submitted', submittedMs] as const]),
      ...batch.times,
      ...block.times,
    ])
    return {
      txId: toHex(txId),
      height,
      author: this.#nameOf(batch.author),
      leader: this.#nameOf(block.author),
      stages: TRACE_STAGES.flatMap((stage) => {
        const atMs = times.get(stage)
        return atMs === undefined ? [] : [{ stage, atMs }]
      }),
    }
  }

  #nameOf(index: ValidatorIndex): string {
    return this.#set.validators[index]?.name ?? String(index)
  }

  #batched({ batch }: SignedBatch): void {
    const name = nameOfBatch(batch)
    if (this.#batches.has(name)) return
    const { author, txs } = batch
    const bytes = txs.reduce((sum, tx) => sum + tx.length, 0)
    this.#batches.set(name, { author, txs, bytes, times: new Map([['batched', this.#now()]]) })
    this.#batchBytes += bytes
    for (const [oldest, { bytes: its }] of this.#batches) {
      if (this.#batches.size <= LIMITS.tracedBatches && this.#batchBytes <= LIMITS.tracedBatchBytes) return
      this.#batches.delete(oldest)
      this.#batchBytes -= its
    }
  }

  #ofBatch(ref: Pick<BatchCertificate, 'author' | 'seq'>, stage: TraceStage): void {
    first(this.#batches.get(nameOfBatch(ref))?.times, stage, this.#now())
  }

  #ofView(view: number, stage: TraceStage): Times {
    const times = this.#views.get(view) ?? new Map<TraceStage, number>()
    keep(this.#views, view, times, LIMITS.tracedProposals)
    first(times, stage, this.#now())
    return times
  }

  #proposed({ proposal: { view, blockDigest } }: ProposalMessage): void {
    keep(this.#proposals, toHex(blockDigest), this.#ofView(view, 'proposed'), LIMITS.tracedProposals)
  }

  #noted(note: Note): void {
    if (note.kind === 'batch-certified') this.#ofBatch(note.ref, 'certified')
    else if (note.kind === 'vote-cast' && note.vote !== 'nullify')
      this.#ofView(note.view, note.vote === 'notarize' ? 'notarized' : 'finalized')
  }

  #final({ digest, block }: Extract<Effect, { type: 'deliver' }>): void {
    const { author, payload, height } = block
    if (payload.length === 0) return // nobody asks for those, and they are many
    const times: Times = new Map(this.#proposals.get(toHex(digest)))
    first(times, 'final', this.#now())
    keep(this.#blocks, height, { author, batches: payload.map(nameOfBatch), times }, LIMITS.tracedBlocks)
  }
}

function nameOfBatch({ author, seq }: Pick<BatchCertificate, 'author' | 'seq'>): string {
  return `${author}/${seq}`
}

/** The first time counts: what is sent again says nothing new. */
function first(times: Times | undefined, stage: TraceStage, atMs: number): void {
  if (times?.has(stage) === false) times.set(stage, atMs)
}

/** The newest `max` stay. */
function keep<Key, Value>(kept: Map<Key, Value>, key: Key, value: Value, max: number): void {
  kept.set(key, value)
  if (kept.size <= max) return
  const oldest = kept.keys().next()
  if (oldest.done !== true) kept.delete(oldest.value)
}
