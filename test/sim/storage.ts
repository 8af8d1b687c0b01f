/**
 * Disks of simulated nodes. What was written and not synced is lost in a crash: the journal keeps some prefix of the
 * bytes, which may end in the middle of a record, the store some prefix of its write batches.
 */
import type { JournalStorage } from '../../consensus/journal.ts'
import type { ExecutionResult, Restored, StoreRecord } from '../../consensus/replica-types.ts'
import type {
  Ack,
  BatchRef,
  Block,
  Certificate,
  Digest,
  ProposalMessage,
  SignedBatch,
} from '../../consensus/types.ts'
import type { Prng } from './prng.ts'

/** A moment at which a process can be killed so that more or less of its last step survives. */
export type Boundary =
  | 'store-full'
  | 'journal-full'
  | 'store-appended'
  | 'store-synced'
  | 'journal-appended'
  | 'journal-synced'
  | 'journal-replaced'
  | 'sent-some'

/** Thrown out of a write when the crash plan kills the node there. */
export class Killed extends Error {}

export class VirtualJournal implements JournalStorage {
  #durable: Buffer = Buffer.alloc(0)
  #volatile: Buffer = Buffer.alloc(0)
  /** Told of every boundary; throws `Killed` to die there. */
  onBoundary: (boundary: Boundary) => void = () => undefined

  readAll(): Promise<Uint8Array> {
    return Promise.resolve(Buffer.concat([this.#durable, this.#volatile]))
  }

  async append(bytes: Uint8Array): Promise<void> {
    // Of a record that did not fit any part may be there.
    this.#volatile = Buffer.concat([this.#volatile, bytes])
    this.onBoundary('journal-full')
    await Promise.resolve()
    this.onBoundary('journal-appended')
  }

  async sync(): Promise<void> {
    this.#durable = Buffer.concat([this.#durable, this.#volatile])
    this.#volatile = Buffer.alloc(0)
    await Promise.resolve()
    this.onBoundary('journal-synced')
  }

  async replace(bytes: Uint8Array): Promise<void> {
    this.#durable = Buffer.from(bytes)
    this.#volatile = Buffer.alloc(0)
    await Promise.resolve()
    this.onBoundary('journal-replaced')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  crash(prng: Prng): void {
    this.#durable = Buffer.concat([
      this.#durable,
      this.#volatile.subarray(0, prng.int(0, this.#volatile.length)),
    ])
    this.#volatile = Buffer.alloc(0)
  }
}

/** The tables that a node's chain store has; see `StoreRecord`. */
class Tables {
  readonly certificates = new Map<string, Certificate>()
  readonly proposals = new Map<number, ProposalMessage>()
  readonly blocks = new Map<string, Block>()
  readonly finals = new Map<number, { readonly digest: Digest; readonly finalization: Certificate }>()
  readonly batches = new Map<string, { readonly batch: SignedBatch; ack: Ack | null; ordered: boolean }>()
  newestFinal = 0
}

export class VirtualStore {
  readonly #durable = new Tables()
  /** Write batches that are not synced, oldest first. */
  #unsynced: (readonly StoreRecord[])[] = []
  #unsyncedMarks: BatchRef[] = []
  /** Bodies and blocks among them, for reading. */
  readonly #overlay = new Map<string, SignedBatch | Block>()

  write(records: readonly StoreRecord[]): void {
    this.#unsynced.push(records)
    for (const record of records) {
      if (record.kind === 'block') this.#overlay.set(nameOf(record.digest), record.block)
      else if (record.kind === 'batch') this.#overlay.set(batchName(refOf(record.batch)), record.batch)
    }
  }

  sync(): void {
    for (const records of this.#unsynced) for (const record of records) this.#apply(record)
    this.#unsynced = []
    this.#overlay.clear()
    this.#applyMarks()
  }

  crash(prng: Prng): void {
    if (prng.chance(0.5)) this.#unsyncedMarks = []
    this.#unsynced = this.#unsynced.slice(0, prng.int(0, this.#unsynced.length))
    this.sync()
  }

  block(digest: Digest): Block | null {
    const name = nameOf(digest)
    return (this.#overlay.get(name) as Block | undefined) ?? this.#durable.blocks.get(name) ?? null
  }

  batch(ref: BatchRef): SignedBatch | null {
    const name = batchName(ref)
    return (
      (this.#overlay.get(name) as SignedBatch | undefined) ?? this.#durable.batches.get(name)?.batch ?? null
    )
  }

  final(
    height: number,
  ): { readonly digest: Digest; readonly block: Block; readonly finalization: Certificate } | null {
    const entry = this.#durable.finals.get(height)
    const block = entry === undefined ? null : this.block(entry.digest)
    return entry === undefined || block === null ? null : { ...entry, block }
  }

  get newestFinal(): number {
    return this.#durable.newestFinal
  }

  #apply(record: StoreRecord): void {
    const tables = this.#durable
    switch (record.kind) {
      case 'certificate':
        tables.certificates.set(`${record.certificate.kind} ${record.certificate.view}`, record.certificate)
        return
      case 'proposal':
        tables.proposals.set(record.proposal.proposal.view, record.proposal)
        return
      case 'block':
        tables.blocks.set(nameOf(record.digest), record.block)
        return
      case 'finalized':
        tables.finals.set(record.height, record)
        tables.newestFinal = Math.max(tables.newestFinal, record.height)
        return
      case 'batch': {
        const name = batchName(refOf(record.batch))
        const known = tables.batches.get(name)
        tables.batches.set(name, {
          batch: record.batch,
          ack: record.ack ?? known?.ack ?? null,
          ordered: known?.ordered ?? false,
        })
        return
      }
      case 'delete-batch':
        tables.batches.delete(batchName(record.ref))
        return
      case 'delete-block':
        tables.blocks.delete(nameOf(record.digest))
        return
      case 'delete-certificates-below':
        for (const [name, { view }] of tables.certificates)
          if (view < record.view) tables.certificates.delete(name)
        for (const view of tables.proposals.keys()) if (view < record.view) tables.proposals.delete(view)
    }
  }

  /** The batches were executed. Not durable at once: a crash may undo it. */
  markOrdered(refs: readonly BatchRef[]): void {
    this.#unsyncedMarks.push(...refs)
  }

  #applyMarks(): void {
    for (const ref of this.#unsyncedMarks) {
      const entry = this.#durable.batches.get(batchName(ref))
      if (entry !== undefined) entry.ordered = true
    }
    this.#unsyncedMarks = []
  }

  restore(executed: readonly ExecutionResult[], openMs: number): Restored {
    const { certificates, proposals, finals, batches, newestFinal } = this.#durable
    const newest = finals.get(newestFinal)
    const delivered = newest === undefined ? null : { height: newestFinal, digest: newest.digest }
    return {
      certificates: [...certificates.values()],
      proposals: [...proposals.values()],
      blocks: this.#unfinalBlocks(delivered),
      delivered,
      finalBlocks: this.#finalBlocks(executed.at(-1), openMs),
      batches: [...batches.values()]
        .filter(({ ordered }) => !ordered)
        .map(({ batch, ack }) => ({ batch, ack })),
      executed,
    }
  }

  #finalBlocks(executed: ExecutionResult | undefined, openMs: number): Block[] {
    const blocks: Block[] = []
    for (let height = this.newestFinal; height > 0; height--) {
      const block = this.final(height)?.block
      if (block === undefined) throw new Error(`the final block of height ${height} is missing in the store`)
      if (executed !== undefined && height <= executed.height && block.timeMs < executed.timeMs - openMs)
        break
      blocks.push(block)
    }
    return blocks.reverse()
  }

  #unfinalBlocks(delivered: Restored['delivered']): { digest: Digest; block: Block }[] {
    const { certificates, proposals } = this.#durable
    const wanted: Digest[] = delivered === null ? [] : [delivered.digest]
    for (const { proposal } of certificates.values()) if (proposal !== null) wanted.push(proposal.blockDigest)
    for (const { proposal } of proposals.values()) wanted.push(proposal.blockDigest)
    const found = new Map<string, { digest: Digest; block: Block }>()
    for (let digest = wanted.pop(); digest !== undefined; digest = wanted.pop()) {
      const block = this.#durable.blocks.get(nameOf(digest))
      if (block === undefined || found.has(nameOf(digest)) || block.height < (delivered?.height ?? 0))
        continue
      found.set(nameOf(digest), { digest, block })
      wanted.push(block.parentDigest)
    }
    return [...found.values()]
  }
}

function refOf({ batch, digest }: SignedBatch): BatchRef {
  return { epoch: batch.epoch, author: batch.author, seq: batch.seq, digest }
}

function batchName(ref: BatchRef): string {
  return `${ref.epoch} ${ref.author} ${ref.seq} ${nameOf(ref.digest)}`
}

function nameOf(digest: Digest): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString('latin1')
}
