/**
 * Executes final blocks, one after the other: verdicts from the certificates, bodies from the store, then the ledger.
 * A missing body stops execution until it has come; it is never a reason to skip (dissemination.md, Life of a batch 7).
 */
import { heldTransfers } from '../consensus/verdict.ts'
import { batchDigestOfCertificate } from '../consensus/wire.ts'
import type { BatchCertificate, BatchRef, Block, Digest, ValidatorSet } from '../consensus/types.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { BlockExecution, ExecutionBatch } from '../ledger/types.ts'
import type { ChainStore } from './store/chain-store.ts'

export interface ExecutorOptions {
  readonly set: ValidatorSet
  readonly ledger: Ledger
  readonly store: ChainStore
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

export class Executor {
  readonly #options: ExecutorOptions
  readonly #queue: Final[] = []
  #running: Promise<void> | null = null
  #stopped = false
  #wake: (() => void) | null = null

  constructor(options: ExecutorOptions) {
    this.#options = options
  }

  /** Transactions in final blocks that are not executed yet, for back pressure. */
  get backlogTxs(): number {
    return this.#queue.reduce(
      (sum, { block }) => sum + block.payload.reduce((count, certificate) => count + certificate.txCount, 0),
      0,
    )
  }

  /** Takes the next final block. Blocks the ledger already has are passed over: consensus repeats them after a restart. */
  deliver(digest: Digest, block: Block): void {
    this.#queue.push({ digest, block })
    this.#running ??= this.#run()
  }

  /** Some bodies came. */
  bodiesArrived(): void {
    this.#wake?.()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake?.()
    await this.#running
  }

  /** Resolves when everything delivered so far is executed. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        const next = this.#queue[0]
        if (next === undefined) break
        if (next.block.height > this.#options.ledger.height) await this.#execute(next)
        this.#queue.shift()
      }
    } catch (error) {
      this.#stopped = true
      this.#options.onFatal(error)
    } finally {
      this.#running = null
    }
  }

  async #execute({ digest, block }: Final): Promise<void> {
    const { set, ledger, store } = this.#options
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
    const execution = await ledger.execute({ height: block.height, digest, timeMs: block.timeMs, batches })
    await store.markOrdered(refs)
    const skipped = refs.filter((_, i) => skips[i] === true)
    const skippedTxs = (await Promise.all(skipped.map((ref) => store.batch(ref)))).flatMap(
      (batch) => batch?.batch.txs ?? [],
    )
    await this.#options.onExecuted({ execution, refs, skippedTxs })
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
