/** Collects the parts of a portable receipt (ledger.md, State and proofs) once they exist. */
import { encodePortableReceipt, type PortableReceiptParts } from '../client/receipt.ts'
import { merklePath } from '../crypto/merkle.ts'
import { resultLeaf } from '../consensus/wire.ts'
import type { Block, Certificate } from '../consensus/types.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Outcomes } from './outcomes.ts'
import type { ChainStore } from './store/chain-store.ts'

/** Blocks after execution within which a header commits to the result, with room for a slow leader. */
const SEARCH_BLOCKS = 1_024

export class ReceiptAssembler {
  readonly #ledger: Ledger
  readonly #store: ChainStore
  readonly #outcomes: Outcomes

  constructor(ledger: Ledger, store: ChainStore, outcomes: Outcomes) {
    this.#ledger = ledger
    this.#store = store
    this.#outcomes = outcomes
  }

  /** The canonical text of the portable receipt, or null if it does not exist within `timeoutMs`. */
  async portable(txId: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<{ file: string } | null> {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const next = this.#nextBlock(deadlineMs - performance.now(), signal)
      try {
        const parts = await this.#parts(txId)
        if (parts !== null) return { file: encodePortableReceipt(parts) }
        if (signal.aborted || performance.now() >= deadlineMs) return null
        await next.promise
      } finally {
        next.cancel()
      }
    }
  }

  /** Resolves at the next executed block, when the time is up, or when `signal` aborts. */
  #nextBlock(timeoutMs: number, signal: AbortSignal): { promise: Promise<void>; cancel: () => void } {
    let done: () => void = () => undefined
    const promise = new Promise<void>((resolve) => (done = resolve))
    const unsubscribe = this.#outcomes.onExecuted(done)
    const timer = setTimeout(done, Math.max(0, timeoutMs))
    signal.addEventListener('abort', done)
    const cancel = (): void => {
      unsubscribe()
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
    }
    return { promise, cancel }
  }

  async #parts(txId: Uint8Array): Promise<PortableReceiptParts | null> {
    const proof = await this.#ledger.receiptProof(txId)
    if (proof === null) return null
    const committing = await this.#committingHeader(proof.height)
    if (committing === null) return null
    const results = await this.#resultsPath(
      proof.height,
      committing.fromHeight,
      committing.block.executed.height,
    )
    if (results === null) return null
    const chain = await this.#linkToFinalization(committing.block.height)
    if (chain === null) return null
    return {
      transaction: proof.transaction,
      receipt: proof.receipt,
      receiptPath: proof.path,
      resultsPath: results,
      blocks: [committing.block, ...chain.blocks],
      finalization: chain.finalization,
    }
  }

  /** The first final header whose `executed` covers `height`, with the first height its results root covers. */
  async #committingHeader(height: number): Promise<{ block: Block; fromHeight: number } | null> {
    let parentExecuted = (await this.#finalBlock(height))?.executed.height ?? null
    if (parentExecuted === null) return null
    for (let at = height + 1; at <= height + SEARCH_BLOCKS; at++) {
      const block = await this.#finalBlock(at)
      if (block === null) return null
      if (block.executed.height >= height) return { block, fromHeight: parentExecuted + 1 }
      parentExecuted = block.executed.height
    }
    return null
  }

  async #resultsPath(
    height: number,
    from: number,
    to: number,
  ): Promise<ReturnType<typeof merklePath> | null> {
    const leaves: Uint8Array[] = []
    for (let at = from; at <= to; at++) {
      const result = await this.#ledger.result(at)
      if (result === null) return null
      leaves.push(resultLeaf(at, result.receiptsRoot))
    }
    return merklePath(leaves, height - from)
  }

  /** Blocks after `height` up to one that a finalization names itself. */
  async #linkToFinalization(height: number): Promise<{ blocks: Block[]; finalization: Certificate } | null> {
    const blocks: Block[] = []
    for (let at = height; at <= height + SEARCH_BLOCKS; at++) {
      const final = await this.#store.final(at)
      if (final === null) return null
      if (at > height) {
        const block = await this.#store.block(final.digest)
        if (block === null) return null
        blocks.push(block)
      }
      const named = final.finalization.proposal?.blockDigest
      if (named !== undefined && Buffer.compare(named, final.digest) === 0)
        return { blocks, finalization: final.finalization }
    }
    return null
  }

  async #finalBlock(height: number): Promise<Block | null> {
    const final = await this.#store.final(height)
    return final === null ? null : this.#store.block(final.digest)
  }
}
