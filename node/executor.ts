/**
 * Executes final blocks, one after the other: verdicts from the certificates, bodies from the store, then the ledger.
 * A missing body stops execution until it has come; it is never a reason to skip (dissemination.md, Life of a batch 7).
 */
import { CordonError } from '../config/errors.ts'
import { heldTransfers } from '../consensus/verdict.ts'
import { batchDigestOfCertificate } from '../consensus/wire.ts'
import type { BatchCertificate, BatchRef, Block, Digest, ValidatorSet } from '../consensus/types.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { BlockExecution, ExecutionBatch } from '../ledger/types.ts'
import type { DecodedBatches } from './decoded-batches.ts'
import type { ChainStore } from './store/chain-store.ts'

export interface ExecutorOptions {
  readonly set: ValidatorSet
  readonly ledger: Ledger
  readonly store: ChainStore
  readonly decoded: DecodedBatches
  /** Asks peers for bodies; `bodiesArrived` is to be called when they came. */
  readonly needBatches: (certificates: readonly BatchCertificate[]) => void
  /** After the block is executed and durable. Awaited before the next block. */
  readonly onExecuted: (block: ExecutedBlock) => Promise<void>
  readonly onFatal: (error: unknown) => void
}

export interface ExecutedBlock {
  readonly execution: BlockExecution
  /** Batches executed or skipped in it. */
  readonly refs: readonly BatchRef[]
  /** Bodies of skipped batches as far as they are held: their transactions may go into new ones. */
  readonly skippedTxs: readonly Uint8Array[]
}

interface Final {
  readonly digest: Digest
  readonly block: Block
}

/** Final blocks kept in memory until their turn. Beyond it they are read back from the store one by one. */
const QUEUE_BLOCKS = 1_024

export class Executor {
  readonly #options: ExecutorOptions
  /** The next blocks, without a gap from the one under way on. */
  readonly #queue: Final[] = []
  /** Of the blocks in the queue. */
  #queuedTxs = 0
  /** Newest height to be executed. What is neither in the ledger nor in the queue is in the store. */
  #newest: number
  #running = false
  #done: Promise<void> = Promise.resolve()
  /** Resolves when the batches of executed blocks are marked as ordered. */
  #marked: Promise<void> = Promise.resolve()
  #stopped = false
  #wake: (() => void) | null = null

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#newest = options.ledger.height
  }

  /** Transactions in final blocks in memory that are not executed yet, for back pressure. */
  get backlogTxs(): number {
    return this.#queuedTxs
  }

  /** Final blocks that are not executed yet, for back pressure. */
  get backlogBlocks(): number {
    return this.#newest - this.#options.ledger.height
  }

  /** Takes the next final block. Those taken or executed before are passed over. */
  deliver(digest: Digest, block: Block): void {
    if (block.height <= this.#newest || this.#stopped) return
    const next = (this.#queue.at(-1)?.block.height ?? this.#options.ledger.height) + 1
    this.#newest = block.height
    if (block.height === next && this.#queue.length < QUEUE_BLOCKS) {
      this.#queue.push({ digest, block })
      this.#queuedTxs += txsOf(block)
    }
    this.#start()
  }

  /** Executes everything in the store up to this final height: a crash may fall between finality and execution. */
  catchUp(height: number): void {
    if (height <= this.#newest) return
    this.#newest = height
    this.#start()
  }

  /** Some bodies came. */
  bodiesArrived(): void {
    this.#wake?.()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake?.()
    await this.#done
    await this.#marked
  }

  /** Resolves when everything delivered so far is executed. */
  async idle(): Promise<void> {
    while (this.#running) await this.#done
    await this.#marked
  }

  #start(): void {
    if (this.#running) return
    this.#running = true
    this.#done = this.#run()
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && this.#options.ledger.height < this.#newest) {
        const next = this.#queue[0] ?? (await this.#load(this.#options.ledger.height + 1))
        await this.#execute(next)
        if (this.#queue[0] === next) {
          this.#queue.shift()
          this.#queuedTxs -= txsOf(next.block)
        }
      }
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#running = false
    }
  }

  readonly #fail = (error: unknown): void => {
    this.#stopped = true
    this.#options.onFatal(error)
  }

  async #load(height: number): Promise<Final> {
    const { store } = this.#options
    const final = await store.final(height)
    const block = final === null ? null : await store.block(final.digest)
    if (final === null || block === null) {
      throw new CordonError(
        'data-inconsistent',
        `the final block of height ${height} is missing on disk; move the data/ folder away, leave signer/ where it is, and start again: the node syncs from its peers`,
        { height },
      )
    }
    return { digest: final.digest, block }
  }

  async #execute({ digest, block }: Final): Promise<void> {
    const { set, ledger, store, decoded } = this.#options
    const refs = block.payload.map((certificate) => refOfCertificate(set, certificate))
    const skips = ledger.skipsOf(
      block.payload.map((certificate, i) => ({ ...(refs[i] as BatchRef), createdMs: certificate.createdMs })),
      block.timeMs,
    )
    const needed = refs.map((ref, i) => (skips[i] === true ? null : ref))
    const bodies = await this.#bodies(block.payload, needed)
    if (bodies === null) return
    const batches = block.payload.map(
      (certificate, i): ExecutionBatch => ({
        ...(refs[i] as BatchRef),
        createdMs: certificate.createdMs,
        txs: bodies[i] ?? null,
        held: skips[i] === true ? [] : heldTransfers(set, certificate),
      }),
    )
    const execution = await ledger.execute(
      { height: block.height, digest, timeMs: block.timeMs, batches },
      bodies.map((txs) => (txs === null ? null : decoded.take(txs))),
    )
    const skipped = refs.filter((_, i) => skips[i] === true)
    const skippedTxs = (await Promise.all(skipped.map((ref) => store.batch(ref)))).flatMap(
      (batch) => batch?.batch.txs ?? [],
    )
    await this.#options.onExecuted({ execution, refs, skippedTxs })
    // Nobody waits for it, the next block neither: consensus looks at the final blocks as well (Restored.finalBlocks).
    this.#marked = this.#marked.then(() => store.markOrdered(refs)).catch(this.#fail)
  }

  /** Bodies in order, null where none is needed; null as a whole if the executor stopped while waiting. */
  async #bodies(
    certificates: readonly BatchCertificate[],
    refs: readonly (BatchRef | null)[],
  ): Promise<(readonly Uint8Array[] | null)[] | null> {
    for (;;) {
      const arrival = new Promise<void>((resolve) => (this.#wake = resolve))
      const bodies = await Promise.all(
        refs.map(async (ref) => (ref === null ? null : await this.#options.store.batch(ref))),
      )
      const missing = certificates.filter((_, i) => refs[i] !== null && bodies[i] === null)
      if (missing.length === 0) return bodies.map((body) => body?.batch.txs ?? null)
      if (this.#stopped) return null
      this.#options.needBatches(missing)
      await arrival
      if (this.#stopped) return null
    }
  }
}

/** The reference of the batch that a certificate is about. */
export function refOfCertificate(set: ValidatorSet, certificate: BatchCertificate): BatchRef {
  return {
    epoch: certificate.epoch,
    author: certificate.author,
    seq: certificate.seq,
    digest: batchDigestOfCertificate(set.context, certificate),
  }
}

function txsOf(block: Block): number {
  return block.payload.reduce((count, certificate) => count + certificate.txCount, 0)
}
