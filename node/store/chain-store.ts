/**
 * What consensus keeps on disk (consensus.md §9): certificates, proposals, blocks, the index of final heights, and
 * batches with the acks given for them. One LevelDB; its own log gives records with checksums, so no second write-ahead
 * log is needed (docs/adr/0002). The signer's journal is elsewhere, where no reset reaches it.
 */
import { CordonError } from '../../config/errors.ts'
import { concatBytes, equalBytes, mapKey, toHex } from '../../crypto/bytes.ts'
import { Reader, Writer } from '../../crypto/codec.ts'
import type {
  Ack,
  BatchRef,
  Block,
  Certificate,
  Digest,
  ProposalMessage,
  SignedBatch,
  VoteKind,
} from '../../consensus/types.ts'
import type { ExecutionResult, Restored, StoreRecord } from '../../consensus/replica-types.ts'
import {
  blockDigest,
  decodeAck,
  decodeBlock,
  decodeCertificate,
  decodeProposalMessage,
  decodeSignedBatch,
  encodeAck,
  encodeBlock,
  encodeCertificate,
  encodeProposalMessage,
  encodeSignedBatch,
} from '../../consensus/wire.ts'
import { readError, reading } from '../../ledger/store/level-errors.ts'
import type { RangeQuery, StoreChange, StoreRow } from '../../ledger/store/store.ts'
import { NOTHING_FAILS, type FailPoint, type Reached } from '../fail-points.ts'
import { ByteCache } from './byte-cache.ts'
import { CompleteReads, NO_FILES } from './complete-reads.ts'
import { openDatabase } from './database.ts'

/** 2: values have a checksum. */
const FORMAT = 'cordon-chain/2'

/** First byte of a key: which table. */
const TABLE = { certificate: 1, proposal: 2, block: 3, final: 4, batch: 5, ack: 6, unordered: 7 } as const

const KIND_BYTE: Readonly<Record<VoteKind, number>> = { notarize: 1, nullify: 2, finalize: 3 }

/** Before and after a write with such a record. */
const POINTS = {
  batch: { storing: 'batch-storing', stored: 'batch-stored' },
  block: { storing: 'block-storing', stored: 'block-stored' },
  certificate: { storing: 'certificate-storing', stored: 'certificate-stored' },
  finalized: { storing: 'final-storing', stored: 'final-stored' },
} as const satisfies Readonly<Record<string, { readonly storing: FailPoint; readonly stored: FailPoint }>>

type Points = (typeof POINTS)[keyof typeof POINTS]

/** Kept in memory for execution and for answering requests. */
const BATCH_CACHE_BYTES = 16 * 1024 * 1024
const BLOCK_CACHE_BYTES = 8 * 1024 * 1024
/** Epochs have 32 bits in keys. Peers may ask for others: those are not here. */
const MAX_EPOCH = 0xffff_ffff

/** A final block as stored. */
export interface FinalEntry {
  readonly height: number
  readonly digest: Digest
  /** Covers this block or a descendant of it. */
  readonly finalization: Certificate
}

interface KeyRange {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
}

/** What is needed of a database: `Database` has it, and so has the disk of a simulated node. */
export interface ChainDatabase {
  /** What `level` throws for a damaged value comes out of every read. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** All of it or nothing. With `sync` it survives a crash of the machine once this resolves. */
  write(changes: readonly StoreChange[], options?: { readonly sync: boolean }): Promise<void>
  /** Rows ascending, unless `reverse` says otherwise. */
  iterator(range: KeyRange & { readonly reverse: boolean; readonly limit: number }): {
    all(): Promise<[Uint8Array, Uint8Array][]>
  }
  /** Deletes a range. */
  clear(range: KeyRange): Promise<void>
  close(): Promise<void>
}

export class ChainStore {
  readonly #directory: string
  readonly #database: ChainDatabase
  readonly #reads: CompleteReads
  readonly #epoch: number
  readonly #reached: Reached
  readonly #batches: ByteCache<SignedBatch> = new ByteCache(BATCH_CACHE_BYTES)
  readonly #blocks: ByteCache<Block> = new ByteCache(BLOCK_CACHE_BYTES)

  /** Views below the first need their certificates no longer; those below the second are deleted. */
  #prune = 0
  #pruned = 0

  private constructor(
    directory: string,
    database: ChainDatabase,
    reads: CompleteReads,
    epoch: number,
    reached: Reached,
  ) {
    this.#directory = directory
    this.#database = database
    this.#reads = reads
    this.#epoch = epoch
    this.#reached = reached
  }

  static async open(
    directory: string,
    genesisHash: Uint8Array,
    epoch: number,
    reached: Reached = NOTHING_FAILS,
  ): Promise<ChainStore> {
    const database = await openDatabase(directory, FORMAT, genesisHash)
    return new ChainStore(directory, database, new CompleteReads(directory), epoch, reached)
  }

  /** @param name stands in errors for the directory. */
  static over(database: ChainDatabase, name: string, epoch: number): ChainStore {
    return new ChainStore(name, database, new CompleteReads(name, NO_FILES), epoch, NOTHING_FAILS)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  /**
   * Writes `records` together. With `sync` they are on disk when this resolves. Memory follows the disk: a body that was
   * executed out of memory before its write was on disk would be lost in a crash, while the ledger has it for executed
   * (simulation, swarm 259073).
   */
  async write(records: readonly StoreRecord[], sync: boolean): Promise<void> {
    const changes: StoreChange[] = []
    const remember: (() => void)[] = []
    for (const record of records) this.#append(changes, remember, record)
    if (changes.length === 0) return
    const points = pointsOf(records)
    const written = this.#database.write(changes, { sync })
    for (const { storing } of points) this.#reached(storing)
    await written
    for (const each of remember) each()
    for (const { stored } of points) this.#reached(stored)
  }

  #append(changes: StoreChange[], remember: (() => void)[], record: StoreRecord): void {
    switch (record.kind) {
      case 'certificate':
        changes.push({
          key: this.#certificateKey(record.certificate),
          value: encodeCertificate(record.certificate),
        })
        return
      case 'proposal':
        changes.push({
          key: viewKey(TABLE.proposal, this.#epoch, record.proposal.proposal.view),
          value: encodeProposalMessage(record.proposal),
        })
        return
      case 'block': {
        const value = encodeBlock(record.block)
        remember.push(() => {
          this.#blocks.set(record.digest, record.block, value.length)
        })
        changes.push({ key: digestKey(TABLE.block, record.digest), value })
        return
      }
      case 'finalized':
        changes.push({
          key: heightKey(record.height),
          value: concatBytes(record.digest, encodeCertificate(record.finalization)),
        })
        return
      case 'batch':
        this.#appendBatch(changes, remember, record.batch, record.ack)
        return
      case 'delete-batch':
        remember.push(() => {
          this.#batches.delete(refBytes(record.ref))
        })
        changes.push(
          { key: refKey(TABLE.batch, record.ref), value: null },
          { key: refKey(TABLE.ack, record.ref), value: null },
          { key: refKey(TABLE.unordered, record.ref), value: null },
        )
        return
      case 'delete-block':
        remember.push(() => {
          this.#blocks.delete(record.digest)
        })
        changes.push({ key: digestKey(TABLE.block, record.digest), value: null })
        return
      case 'delete-certificates-below':
        this.#prune = Math.max(this.#prune, record.view)
        return
    }
  }

  #appendBatch(changes: StoreChange[], remember: (() => void)[], batch: SignedBatch, ack: Ack | null): void {
    const ref = refOf(batch)
    const value = encodeSignedBatch(batch)
    remember.push(() => {
      this.#batches.set(refBytes(ref), batch, value.length)
    })
    changes.push(
      { key: refKey(TABLE.batch, ref), value },
      { key: refKey(TABLE.unordered, ref), value: new Uint8Array(0) },
    )
    if (ack !== null) changes.push({ key: refKey(TABLE.ack, ref), value: encodeAck(ack) })
  }

  /** Deletes certificates and proposals below the floor that consensus named; cheap, and done now and then. */
  async prune(): Promise<void> {
    if (this.#prune <= this.#pruned) return
    for (const table of [TABLE.certificate, TABLE.proposal]) {
      const range = { gte: viewKey(table, this.#epoch, 0), lt: viewKey(table, this.#epoch, this.#prune) }
      await reading(this.#directory, this.#database.clear(range))
    }
    this.#pruned = this.#prune
  }

  /** The batches are part of an executed block: no restart hands them to consensus again. */
  async markOrdered(refs: readonly BatchRef[]): Promise<void> {
    await this.#database.write(refs.map((ref) => ({ key: refKey(TABLE.unordered, ref), value: null })))
    this.#reached('batches-marked')
  }

  /** A body that is damaged is not here: who needs it fetches it by its digest, as any other that is missing. */
  async batch(ref: BatchRef): Promise<SignedBatch | null> {
    if (ref.epoch > MAX_EPOCH) return null
    const cached = this.#batches.get(refBytes(ref))
    if (cached !== undefined) return cached
    let bytes: Uint8Array | undefined
    try {
      bytes = await this.#database.get(refKey(TABLE.batch, ref))
    } catch (error) {
      if (readError(this.#directory, error) === error) throw error
      return null
    }
    if (bytes === undefined) return null
    const batch = decodeSignedBatch(bytes)
    return equalBytes(refBytes(refOf(batch)), refBytes(ref)) ? batch : null
  }

  /** @throws CordonError `data-inconsistent` if it is damaged. */
  async block(digest: Digest): Promise<Block | null> {
    const cached = this.#blocks.get(digest)
    if (cached !== undefined) return cached
    const key = digestKey(TABLE.block, digest)
    const bytes = await this.#reads.get(key, this.#get(key))
    if (bytes === undefined) return null
    const block = decodeBlock(bytes)
    if (!equalBytes(blockDigest(block), digest))
      throw damaged(this.#directory, `the block ${toHex(digest)} has another digest`)
    return block
  }

  /** @throws CordonError `data-inconsistent` if it is damaged, or the entry of another height may have been read for it. */
  async final(height: number): Promise<FinalEntry | null> {
    const entry = await this.#final(height)
    await this.#reads.checkKey(heightKey(height))
    return entry
  }

  async #final(height: number): Promise<FinalEntry | null> {
    const bytes = await this.#get(heightKey(height))
    return bytes === undefined ? null : finalEntry(height, bytes)
  }

  #get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return reading(this.#directory, this.#database.get(key))
  }

  #rows(query: RangeQuery): Promise<readonly StoreRow[]> {
    const { from, to, newestFirst = false, limit } = query
    const rows = this.#database.iterator({ gte: from, lt: to, reverse: newestFirst, limit }).all()
    return this.#reads.range(query, reading(this.#directory, rows))
  }

  /**
   * The newest final height that has been delivered, or null.
   * @throws CordonError `data-inconsistent` if it is damaged.
   */
  async newestFinal(): Promise<FinalEntry | null> {
    const range = { from: heightKey(0), to: tableEnd(TABLE.final) }
    const [row] = await this.#rows({ ...range, newestFirst: true, limit: 1 })
    return row === undefined ? null : finalEntry(new Reader(row[0].subarray(1)).u48(), row[1])
  }

  /**
   * Everything that consensus is rebuilt from.
   * @param executed results of the newest executed heights, from the ledger, ascending.
   * @param openMs how long before the newest executed time a block may lie that orders a batch still taken for open:
   *   batchTtlMs + maxClockDriftMs.
   * @throws CordonError `data-inconsistent` if a record cannot be read.
   */
  async restore(executed: readonly ExecutionResult[], openMs: number): Promise<Restored> {
    try {
      return await this.#restore(executed, openMs)
    } catch (error) {
      throw error instanceof CordonError ? error : damaged(this.#directory, (error as Error).message, error)
    }
  }

  async #restore(executed: readonly ExecutionResult[], openMs: number): Promise<Restored> {
    const delivered = await this.newestFinal()
    const certificates = await this.#values(TABLE.certificate, decodeCertificate)
    const proposals: ProposalMessage[] = await this.#values(TABLE.proposal, decodeProposalMessage)
    const blocks: { digest: Digest; block: Block }[] = []
    const wanted = delivered === null ? [] : [delivered.digest]
    for (const certificate of certificates)
      if (certificate.proposal !== null) wanted.push(certificate.proposal.blockDigest)
    for (const message of proposals) wanted.push(message.proposal.blockDigest)
    const seen = new Set<string>()
    while (wanted.length > 0) {
      const digest = wanted.pop() as Digest
      const name = mapKey(digest)
      if (seen.has(name)) continue
      seen.add(name)
      const block = await this.block(digest)
      if (block === null || (delivered !== null && block.height < delivered.height)) continue
      blocks.push({ digest, block })
      wanted.push(block.parentDigest)
    }
    return {
      certificates,
      proposals,
      blocks,
      delivered: delivered === null ? null : { height: delivered.height, digest: delivered.digest },
      finalBlocks: await this.#finalBlocks(delivered?.height ?? 0, executed.at(-1), openMs),
      batches: await this.#unorderedBatches(),
      executed,
    }
  }

  async #finalBlocks(
    newest: number,
    executed: ExecutionResult | undefined,
    openMs: number,
  ): Promise<Block[]> {
    const blocks: Block[] = []
    let height = newest
    for (; height > 0; height--) {
      const final = await this.#final(height)
      const block = final === null ? null : await this.block(final.digest)
      if (
        block === null ||
        (executed !== undefined && height <= executed.height && block.timeMs < executed.timeMs - openMs)
      )
        break
      blocks.push(block)
    }
    await this.#reads.checkRange(heightKey(height), tableEnd(TABLE.final))
    return blocks.reverse()
  }

  async #unorderedBatches(): Promise<{ batch: SignedBatch; ack: Ack | null }[]> {
    const batches: { batch: SignedBatch; ack: Ack | null }[] = []
    const range = { from: Uint8Array.of(TABLE.unordered), to: tableEnd(TABLE.unordered) }
    for (const [key] of await this.#rows({ ...range, limit: Infinity })) {
      const keyIn = (table: number): Uint8Array => concatBytes(Uint8Array.of(table), key.subarray(1))
      const [batch, ack] = await Promise.all(
        [keyIn(TABLE.batch), keyIn(TABLE.ack)].map((wanted) => this.#reads.get(wanted, this.#get(wanted))),
      )
      if (batch !== undefined)
        batches.push({ batch: decodeSignedBatch(batch), ack: ack === undefined ? null : decodeAck(ack) })
    }
    return batches
  }

  async #values<Value>(table: number, decode: (bytes: Uint8Array) => Value): Promise<Value[]> {
    const range = { from: viewKey(table, this.#epoch, 0), to: viewKey(table, this.#epoch + 1, 0) }
    const rows = await this.#rows({ ...range, limit: Infinity })
    return rows.map(([, value]) => decode(value))
  }

  #certificateKey(certificate: Certificate): Uint8Array {
    return concatBytes(
      viewKey(TABLE.certificate, certificate.epoch, certificate.view),
      Uint8Array.of(KIND_BYTE[certificate.kind]),
    )
  }
}

/** The fail points around a write of these records: each once, however many records of its kind there are. */
function pointsOf(records: readonly StoreRecord[]): Set<Points> {
  const points = new Set<Points>()
  for (const record of records) {
    const { kind } = record
    if (kind === 'batch' || kind === 'block' || kind === 'certificate' || kind === 'finalized')
      points.add(POINTS[kind])
  }
  return points
}

/** The four things that identify a batch. */
export function refOf(signed: SignedBatch): BatchRef {
  return {
    epoch: signed.batch.epoch,
    author: signed.batch.author,
    seq: signed.batch.seq,
    digest: signed.digest,
  }
}

function damaged(directory: string, what: string, cause?: unknown): CordonError {
  return new CordonError(
    'data-inconsistent',
    `${directory} has a record that cannot be read (${what}); move the data/ folder away, leave signer/ where it is, and start again: the node syncs from its peers`,
    { directory },
    { cause },
  )
}

function finalEntry(height: number, bytes: Uint8Array): FinalEntry {
  return { height, digest: bytes.subarray(0, 32), finalization: decodeCertificate(bytes.subarray(32)) }
}

function viewKey(table: number, epoch: number, view: number): Uint8Array {
  return new Writer(13).u8(table).u32(epoch).u48(view).finish()
}

function heightKey(height: number): Uint8Array {
  return new Writer(9).u8(TABLE.final).u48(height).finish()
}

function digestKey(table: number, digest: Digest): Uint8Array {
  return new Writer(33).u8(table).fixed(digest, 32).finish()
}

function refBytes(ref: BatchRef): Uint8Array {
  return new Writer(48).u32(ref.epoch).u32(ref.author).u48(ref.seq).fixed(ref.digest, 32).finish()
}

function refKey(table: number, ref: BatchRef): Uint8Array {
  return concatBytes(Uint8Array.of(table), refBytes(ref))
}

function tableEnd(table: number): Uint8Array {
  return Uint8Array.of(table + 1)
}
