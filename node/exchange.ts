/**
 * Between the network and the replica: frames become inputs, effects become frames. Gossip gets its verdict here, before
 * it is passed on. What the verdict rejects, the network penalises by itself.
 */
import { CordonError } from '../config/errors.ts'
import { LIMITS } from '../config/limits.ts'
import type { Parameters } from '../config/parameters.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { DecodeError } from '../crypto/codec.ts'
import { checkBatchSignature } from '../consensus/batch-check.ts'
import { checkCertificate } from '../consensus/certificates.ts'
import type { Input, Misbehaviour, Peer, Target, Verifier } from '../consensus/replica-types.ts'
import type {
  Block,
  FinalizedBlock,
  Message,
  SignedBatch,
  ValidatorIndex,
  ValidatorSet,
} from '../consensus/types.ts'
import {
  blockDigest,
  decodeFinalizedBlock,
  decodeMessage,
  decodeSignedBatch,
  encodeFinalizedBlock,
  encodeMessage,
  encodeSignedBatch,
} from '../consensus/wire.ts'
import type { Network, NetworkLog, PeerInfo, Topic, Verdict } from '../p2p/types.ts'
import { StoreAnswers } from './answers.ts'
import type { ChainStore } from './store/chain-store.ts'
import { decodeSubmit, encodeSubmit, partsOf, SUBMIT_TXS_MAX } from './submit-request.ts'

/**
 * What a validator listens to. Batches and blocks come to it over direct streams from those who make them, which costs a
 * fraction of gossip.
 */
export const VALIDATOR_TOPICS: readonly Topic[] = ['tx']

/** Final blocks that far below the newest one are old news: nobody passes them on. */
const OLD_BLOCKS = 256

export interface ExchangeOptions {
  readonly set: ValidatorSet
  readonly genesisHash: Uint8Array
  /** Own index, or null. */
  readonly self: number | null
  readonly parameters: Pick<Parameters, 'batchTtlMs' | 'maxClockDriftMs'>
  readonly verifier: Verifier
  readonly store: Pick<ChainStore, 'block' | 'batch'>
  readonly log: NetworkLog
  readonly input: (input: Input) => void
  /** Inputs that wait for the replica. */
  readonly backlog: () => number
  /** Height of the newest final block known here. */
  readonly finalHeight: () => number
  /** Something just arrived that another validator dated by nothing but its clock. */
  readonly onDated: (author: ValidatorIndex, madeMs: number) => void
  /** A transaction from the `tx` topic. Resolves to whether it may be passed on. */
  readonly onGossipedTx: (bytes: Uint8Array) => Promise<Verdict>
  /**
   * Transactions a full node hands over. Resolves to which of them were taken.
   * @throws CordonError if one of them is none that an honest node hands over.
   */
  readonly onSubmittedTxs: (from: PeerInfo, txs: readonly Uint8Array[]) => Promise<readonly boolean[]>
}

export class Exchange {
  readonly #options: ExchangeOptions
  readonly #answers: StoreAnswers
  #network: Network | null = null
  #turn = 0
  /** By author: the newest batch it sent here itself. Those sent again say nothing of its clock. */
  readonly #newestSeqs = new Map<ValidatorIndex, number>()
  /** Heights of final blocks that came by gossip and were good. */
  readonly #passedOn = new Set<number>()

  constructor(options: ExchangeOptions) {
    this.#options = options
    this.#answers = new StoreAnswers({
      store: options.store,
      log: options.log,
      now: () => performance.now(),
      send: (peerId, message) => {
        this.#net.send(peerId, encodeMessage(message))
      },
    })
  }

  /** The network comes last: it needs this object's handlers to be made. */
  attach(network: Network): void {
    this.#network = network
  }

  // ---- incoming ----

  onMessage(from: PeerInfo, bytes: Uint8Array): void {
    if (this.#overloaded) return
    let message: Message
    try {
      message = decodeMessage(bytes)
    } catch (error) {
      this.#malformed(from, error)
      return
    }
    if (message.type === 'block-request')
      void this.#answers.blocks(from.id, message.digest, message.maxBlocks)
    else if (message.type === 'batch-request') void this.#answers.batches(from.id, message.refs)
    else {
      if (message.type === 'proposal' && message.proposal.block.author === from.validator)
        this.#noteDate(message.proposal.block)
      this.#options.input({ type: 'message', from: peerOf(from), message })
      if (message.type === 'batch' && message.batch.batch.author === from.validator)
        this.#onBatchOfAuthor(message.batch)
    }
  }

  onPeerGone(peer: PeerInfo): void {
    this.#answers.forget(peer.id)
  }

  onGossip(topic: Topic, from: PeerInfo | null, bytes: Uint8Array): Verdict | Promise<Verdict> {
    if (this.#overloaded || !this.#listensTo(topic)) return 'ignore'
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

  /** Gossip hands out what is pushed, asked for or not. */
  #listensTo(topic: Topic): boolean {
    return this.#options.self === null || VALIDATOR_TOPICS.includes(topic)
  }

  /** Everything that is lost by this is sent again: consensus promises no more of its links (consensus.md §8). */
  get #overloaded(): boolean {
    return this.#options.backlog() >= LIMITS.inputBacklog
  }

  #onBatchOfAuthor(signed: SignedBatch): void {
    const { author, epoch, seq, createdMs } = signed.batch
    if (epoch !== this.#options.set.epoch || seq <= (this.#newestSeqs.get(author) ?? -1)) return
    this.#newestSeqs.set(author, seq)
    this.#options.onDated(author, createdMs)
    this.#passOn(signed)
  }

  /** To those that follow this node; what nobody signed must not come from here. */
  #passOn(signed: SignedBatch): void {
    const { set, verifier } = this.#options
    if (!this.#net.hasListeners('batch')) return
    if (checkBatchSignature(set, verifier, signed)) this.#net.publish('batch', encodeSignedBatch(signed))
  }

  #onGossipedBatch(from: PeerInfo | null, bytes: Uint8Array): Verdict {
    const { set, verifier, parameters, input, onDated } = this.#options
    const signed = decodeSignedBatch(bytes)
    const { author, epoch, createdMs } = signed.batch
    if (epoch !== set.epoch || !checkBatchSignature(set, verifier, signed)) return 'reject'
    if (from !== null) onDated(author, createdMs)
    // By the clock, so no reason to punish; but old batches must not be sent round for ever.
    const ageMs = Date.now() - createdMs
    if (ageMs > parameters.batchTtlMs || -ageMs > parameters.maxClockDriftMs) return 'ignore'
    if (from !== null) input({ type: 'gossiped-batch', from: peerOf(from), batch: signed })
    return 'accept'
  }

  #onGossipedBlock(from: PeerInfo | null, bytes: Uint8Array): Verdict {
    const { set, verifier, genesisHash, finalHeight, input } = this.#options
    const finalized = decodeFinalizedBlock(bytes)
    const { block, finalization } = finalized
    if (!equalBytes(block.genesisHash, genesisHash) || block.epoch !== set.epoch) return 'reject'
    if (finalization.kind !== 'finalize' || finalization.proposal === null) return 'reject'
    if (!equalBytes(finalization.proposal.blockDigest, blockDigest(block))) return 'reject'
    // Each validator publishes it with a finalization of its own: one of them is enough.
    if (this.#passedOn.has(block.height)) return 'ignore'
    if (checkCertificate(set, finalization, verifier) !== null) return 'reject'
    if (block.height + OLD_BLOCKS < finalHeight()) return 'ignore'
    this.#notePassedOn(block.height)
    if (from === null) return 'accept'
    this.#noteDate(block)
    input({ type: 'finalized-block', from: peerOf(from), finalized })
    return 'accept'
  }

  #notePassedOn(height: number): void {
    this.#passedOn.add(height)
    const oldest = this.#passedOn.values().next()
    if (this.#passedOn.size > OLD_BLOCKS && oldest.done !== true) this.#passedOn.delete(oldest.value)
  }

  /** A block with certificates may follow so close on its parent that the parent's date moves its own. */
  #noteDate({ author, timeMs, payload }: Block): void {
    if (payload.length === 0) this.#options.onDated(author, timeMs)
  }

  async onRequest(from: PeerInfo, bytes: Uint8Array): Promise<Uint8Array> {
    try {
      const taken = await this.#options.onSubmittedTxs(from, decodeSubmit(bytes))
      return Uint8Array.from(taken, (each) => (each ? 1 : 0))
    } catch (error) {
      if (error instanceof DecodeError || error instanceof CordonError) this.#malformed(from, error)
      throw error
    }
  }

  // ---- outgoing ----

  /**
   * Hands transactions to one connected validator, another one each time.
   * @returns how many it took; 0 without a validator to ask.
   * @throws RequestError if it does not answer.
   */
  async handOver(txs: readonly Uint8Array[]): Promise<number> {
    const validators = this.#net.peers().filter((peer) => peer.validator !== null)
    const peer = validators[this.#turn++ % Math.max(validators.length, 1)]
    if (peer === undefined) return 0
    let taken = 0
    for (const part of partsOf(txs)) {
      const answer = await this.#net.request(peer.id, encodeSubmit(part), {
        timeoutMs: LIMITS.requestTimeoutMs,
        maxBytes: SUBMIT_TXS_MAX,
      })
      taken += answer.filter((each) => each === 1).length
    }
    return taken
  }

  /** A new batch of this node: to every validator beside what else it is told, and to those that follow. */
  publishBatch(signed: SignedBatch): void {
    this.send({ kind: 'validators' }, { type: 'batch', batch: signed })
    if (this.#net.hasListeners('batch')) this.#net.publish('batch', encodeSignedBatch(signed))
  }

  publishBlock(finalized: FinalizedBlock): void {
    if (this.#net.hasListeners('block')) this.#net.publish('block', encodeFinalizedBlock(finalized))
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

  #malformed(from: PeerInfo, error: unknown): void {
    this.#net.penalize(from.id, `malformed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function peerOf(info: PeerInfo): Peer {
  return { id: info.id, validator: info.validator }
}
