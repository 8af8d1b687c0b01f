/**
 * Between the network and the replica: frames become inputs, effects become frames. Blocks and batches that peers ask
 * for are answered from the store, without troubling the replica.
 */
import { LIMITS } from '../config/limits.ts'
import { DecodeError, Reader, Writer } from '../crypto/codec.ts'
import { checkCertificate } from '../consensus/certificates.ts'
import type { Input, Misbehaviour, Peer, Target, Verifier } from '../consensus/replica-types.ts'
import type { BatchRef, Block, Digest, Message, SignedBatch, ValidatorSet } from '../consensus/types.ts'
import {
  blockDigest,
  decodeFinalizedBlock,
  decodeMessage,
  decodeSignedBatch,
  encodeBlock,
  encodeMessage,
  encodeSignedBatch,
} from '../consensus/wire.ts'
import { checkBatchSignature } from '../consensus/batch-check.ts'
import { equalBytes } from '../crypto/bytes.ts'
import type { Network, PeerInfo, Topic, Verdict } from '../p2p/types.ts'
import type { ChainStore } from './store/chain-store.ts'

/** First byte of a request on the request protocol. */
const REQUEST = { submit: 1 } as const
const SUBMIT_TXS_MAX = 256

export interface ExchangeOptions {
  readonly set: ValidatorSet
  readonly genesisHash: Uint8Array
  /** Own index, or null. */
  readonly self: number | null
  readonly verifier: Verifier
  readonly store: ChainStore
  readonly input: (input: Input) => void
  /** A transaction from the `tx` topic. Resolves to whether it may be passed on. */
  readonly onGossipedTx: (bytes: Uint8Array) => Promise<Verdict>
  /** Transactions a full node hands over. Resolves to which of them were taken. */
  readonly onSubmittedTxs: (txs: readonly Uint8Array[]) => Promise<readonly boolean[]>
}

export class Exchange {
  readonly #options: ExchangeOptions
  #network: Network | null = null
  #turn = 0

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** The network comes last: it needs this object's handlers to be made. */
  attach(network: Network): void {
    this.#network = network
  }

  // ---- incoming ----

  onMessage(from: PeerInfo, bytes: Uint8Array): void {
    let message: Message
    try {
      message = decodeMessage(bytes)
    } catch (error) {
      this.#malformed(from, error)
      return
    }
    if (message.type === 'block-request') void this.#answerBlocks(from, message.digest, message.maxBlocks)
    else if (message.type === 'batch-request') void this.#answerBatches(from, message.refs)
    else this.#options.input({ type: 'message', from: peerOf(from), message })
  }

  onGossip(topic: Topic, from: PeerInfo | null, bytes: Uint8Array): Verdict | Promise<Verdict> {
    try {
      switch (topic) {
        case 'tx':
          return this.#options.onGossipedTx(bytes)
        case 'batch':
          return this.#onGossipedBatch(from, bytes)
        case 'block':
          return this.#onGossipedBlock(from, bytes)
      }
    } catch (error) {
      if (error instanceof DecodeError) return 'reject'
      throw error
    }
  }

  #onGossipedBatch(from: PeerInfo | null, bytes: Uint8Array): Verdict {
    const batch = decodeSignedBatch(bytes)
    if (!checkBatchSignature(this.#options.set, this.#options.verifier, batch)) return 'reject'
    if (from !== null && batch.batch.author !== this.#options.self) {
      this.#options.input({ type: 'gossiped-batch', from: peerOf(from), batch })
    }
    return 'accept'
  }

  #onGossipedBlock(from: PeerInfo | null, bytes: Uint8Array): Verdict {
    const finalized = decodeFinalizedBlock(bytes)
    const { block, finalization } = finalized
    const { set, verifier, genesisHash } = this.#options
    if (
      !equalBytes(block.genesisHash, genesisHash) ||
      block.epoch !== set.epoch ||
      finalization.kind !== 'finalize'
    )
      return 'reject'
    if (finalization.proposal === null || !equalBytes(finalization.proposal.blockDigest, blockDigest(block)))
      return 'reject'
    if (checkCertificate(set, finalization, verifier) !== null) return 'reject'
    if (from !== null) this.#options.input({ type: 'finalized-block', from: peerOf(from), finalized })
    return 'accept'
  }

  async onRequest(from: PeerInfo, bytes: Uint8Array): Promise<Uint8Array> {
    try {
      const reader = new Reader(bytes)
      const kind = reader.u8()
      if (kind !== REQUEST.submit) throw new DecodeError(`unknown request ${kind}`)
      const count = reader.count(SUBMIT_TXS_MAX, 'transactions')
      const txs = Array.from({ length: count }, () => reader.bytes(LIMITS.txBytes))
      reader.end()
      return Uint8Array.from(await this.#options.onSubmittedTxs(txs), (taken) => (taken ? 1 : 0))
    } catch (error) {
      this.#malformed(from, error)
      throw error
    }
  }

  // ---- outgoing ----

  /** Hands transactions to some connected validator, another one each time. */
  async handOver(txs: readonly Uint8Array[]): Promise<void> {
    const validators = this.#net.peers().filter((peer) => peer.validator !== null)
    const peer = validators[this.#turn++ % Math.max(validators.length, 1)]
    if (peer === undefined) return
    const writer = new Writer().u8(REQUEST.submit).u32(txs.length)
    for (const tx of txs) writer.bytes(tx)
    await this.#net.request(peer.id, writer.finish(), {
      timeoutMs: LIMITS.requestTimeoutMs,
      maxBytes: SUBMIT_TXS_MAX,
    })
  }

  send(to: Target, message: Message): void {
    const bytes = encodeMessage(message)
    for (const peer of this.#peersOf(to)) this.#net.send(peer, bytes)
  }

  penalize(peer: Peer, why: Misbehaviour, detail: string): void {
    this.#net.penalize(peer.id, `${why}: ${detail}`)
  }

  get #net(): Network {
    if (this.#network === null) throw new Error('the network is not attached yet')
    return this.#network
  }

  #peersOf(to: Target): string[] {
    switch (to.kind) {
      case 'validators':
        return this.#net
          .peers()
          .flatMap((peer) =>
            peer.validator === null || peer.validator === this.#options.self ? [] : [peer.id],
          )
      case 'validator': {
        const peer = this.#net.peerOfValidator(to.index)
        return peer === null ? [] : [peer.id]
      }
      case 'peer':
        return [to.id]
      case 'anyone': {
        const peers = this.#net.peers()
        const peer = peers[this.#turn++ % Math.max(peers.length, 1)]
        return peer === undefined ? [] : [peer.id]
      }
    }
  }

  async #answerBlocks(to: PeerInfo, digest: Digest, maxBlocks: number): Promise<void> {
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
    if (blocks.length > 0) this.#net.send(to.id, encodeMessage({ type: 'blocks', blocks }))
  }

  async #answerBatches(to: PeerInfo, refs: readonly BatchRef[]): Promise<void> {
    const batches: SignedBatch[] = []
    let bytes = 0
    for (const ref of refs.slice(0, LIMITS.batchesPerPage)) {
      const batch = await this.#options.store.batch(ref)
      if (batch === null) continue
      bytes += encodeSignedBatch(batch).length
      if (batches.length > 0 && bytes > LIMITS.pageBytes) break
      batches.push(batch)
    }
    if (batches.length > 0) this.#net.send(to.id, encodeMessage({ type: 'batches', batches }))
  }

  #malformed(from: PeerInfo, error: unknown): void {
    this.#net.penalize(from.id, `malformed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function peerOf(info: PeerInfo): Peer {
  return { id: info.id, validator: info.validator }
}
