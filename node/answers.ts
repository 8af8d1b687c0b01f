/**
 * Answers peers who ask for final blocks and for bodies of batches, from the store and without troubling the replica. A
 * peer that asks faster than its rate gets no answer: it asks again, later or elsewhere.
 */
import { LIMITS } from '../config/limits.ts'
import type { BatchRef, Block, Digest, Message, SignedBatch } from '../consensus/types.ts'
import { encodeBlock, encodeSignedBatch } from '../consensus/wire.ts'
import { TokenBucket } from '../p2p/token-bucket.ts'
import type { NetworkLog } from '../p2p/types.ts'
import type { ChainStore } from './store/chain-store.ts'

export interface StoreAnswersOptions {
  readonly store: Pick<ChainStore, 'block' | 'batch'>
  readonly send: (peerId: string, message: Message) => void
  readonly log: NetworkLog
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

export class StoreAnswers {
  readonly #options: StoreAnswersOptions
  readonly #rates: Map<string, TokenBucket> = new Map()

  constructor(options: StoreAnswersOptions) {
    this.#options = options
  }

  /** The block and its ancestors, newest first, as far as they are here and fit in a page. Never rejects. */
  blocks(peerId: string, digest: Digest, maxBlocks: number): Promise<void> {
    return this.#answer(peerId, async () => {
      const blocks: Block[] = []
      let bytes = 0
      let wanted = digest
      while (blocks.length < Math.min(maxBlocks, LIMITS.blocksPerPage)) {
        const block = await this.#options.store.block(wanted)
        if (block === null) break
        bytes += encodeBlock(block).length
        if (blocks.length > 0 && bytes > LIMITS.pageBytes) break
        blocks.push(block)
        wanted = block.parentDigest
      }
      return blocks.length > 0 ? { type: 'blocks', blocks } : null
    })
  }

  /** Those of the batches that are here and fit in a page. Never rejects. */
  batches(peerId: string, refs: readonly BatchRef[]): Promise<void> {
    return this.#answer(peerId, async () => {
      const batches: SignedBatch[] = []
      let bytes = 0
      for (const ref of refs.slice(0, LIMITS.batchesPerPage)) {
        const batch = await this.#options.store.batch(ref)
        if (batch === null) continue
        bytes += encodeSignedBatch(batch).length
        if (batches.length > 0 && bytes > LIMITS.pageBytes) break
        batches.push(batch)
      }
      return batches.length > 0 ? { type: 'batches', batches } : null
    })
  }

  /** The peer is gone. */
  forget(peerId: string): void {
    this.#rates.delete(peerId)
  }

  async #answer(peerId: string, read: () => Promise<Message | null>): Promise<void> {
    if (!this.#rateOf(peerId).take()) return
    try {
      const message = await read()
      if (message !== null) this.#options.send(peerId, message)
    } catch (error) {
      // The store is closing, or a record is damaged: execution would meet that one too, and stop the node.
      this.#options.log.warn({ err: error, peer: peerId }, 'a request for blocks or batches was not answered')
    }
  }

  #rateOf(peerId: string): TokenBucket {
    const known = this.#rates.get(peerId)
    if (known !== undefined) return known
    const perSecond = LIMITS.pagesPerSecondPerPeer
    const rate = new TokenBucket(perSecond, perSecond, this.#options.now)
    this.#rates.set(peerId, rate)
    return rate
  }
}
