/** What the parts of dissemination share, and the few things all of them do. */
import type { Parameters } from '../config/parameters.ts'
import type { AuthorLimits } from './author-limits.ts'
import type { BatchCheck } from './batch-check.ts'
import type { BatchPool, PoolEntry } from './batch-pool.ts'
import type { Hearing } from './hearing.ts'
import type { OrderedRate } from './ordered-rate.ts'
import type { OwnBatches } from './own-batches.ts'
import type { Clock, Effect, Misbehaviour, Note, Peer, Signer } from './replica-types.ts'
import type { Ack, BatchCertificate, BatchRef, SignedBatch, ValidatorIndex, ValidatorSet } from './types.ts'
import { batchDigestOfCertificate } from './wire.ts'

export interface DisseminationCore {
  readonly set: ValidatorSet
  readonly parameters: Parameters
  /** Null: a follower. */
  readonly self: ValidatorIndex | null
  readonly signer: Signer | null
  readonly check: BatchCheck
  readonly pool: BatchPool
  readonly own: OwnBatches
  readonly limits: AuthorLimits
  readonly hearing: Hearing
  readonly rate: OrderedRate
  readonly emit: (effect: Effect) => void
  /** Current view, for the leaders to be told. */
  readonly view: () => number
  /** Read at the input under way. */
  clock: Clock
}

export function refOfBatch(signed: SignedBatch): BatchRef {
  const { epoch, author, seq } = signed.batch
  return { epoch, author, seq, digest: signed.digest }
}

export function refOfCertificate(core: DisseminationCore, certificate: BatchCertificate): BatchRef {
  const { epoch, author, seq } = certificate
  return { epoch, author, seq, digest: batchDigestOfCertificate(core.set.context, certificate) }
}

/** Whether the body is held here, being assessed, or was refused. */
export function isHere(entry: PoolEntry): boolean {
  return entry.assessing !== null || entry.body !== 'none'
}

/** One record: a crash leaves the batch with its ack, or neither. */
export function storeBatch(
  core: DisseminationCore,
  entry: PoolEntry,
  batch: SignedBatch,
  ack: Ack | null,
): void {
  core.emit({ type: 'store', record: { kind: 'batch', batch, ack } })
  entry.body = 'stored'
  core.limits.review(entry)
}

export function note(core: DisseminationCore, content: Note): void {
  core.emit({ type: 'note', note: content })
}

export function penalize(core: DisseminationCore, peer: Peer, why: Misbehaviour, detail: string): void {
  core.emit({ type: 'penalize', peer, why, detail })
}
