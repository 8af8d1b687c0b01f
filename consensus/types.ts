/**
 * The nouns of the protocol: what validators sign, send and store. Encodings live in `wire.ts`.
 * Epochs, views, heights, batch sequence numbers and times are numbers below 2^48; weights are bigint.
 */

/** 32-byte hash. */
export type Digest = Uint8Array
/** Position of a validator in its epoch's set. */
export type ValidatorIndex = number

export interface Validator {
  readonly name: string
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array
  /** At least 1. */
  readonly weight: bigint
}

/** The validators of one epoch with everything derived from their weights (consensus.md §1). */
export interface ValidatorSet {
  readonly epoch: number
  readonly validators: readonly Validator[]
  /** W. */
  readonly totalWeight: bigint
  /** F = floor((W − 1) / 3): the greatest faulty weight tolerated. */
  readonly maxFaultyWeight: bigint
  /** q = W − F. */
  readonly quorumWeight: bigint
  /** Commits to keys, weights and order. */
  readonly hash: Digest
  /** ctx = H("ledger/simplex/v1", chainId, epoch, hash): part of everything signed. */
  readonly context: Digest
}

// ---- dissemination (dissemination.md) ----

/** What identifies a batch; everything is keyed by all four, never by the digest alone. */
export interface BatchRef {
  readonly epoch: number
  readonly author: ValidatorIndex
  readonly seq: number
  readonly digest: Digest
}

export interface Batch {
  readonly epoch: number
  readonly author: ValidatorIndex
  readonly seq: number
  readonly createdMs: number
  readonly txs: readonly Uint8Array[]
}

export interface SignedBatch {
  readonly batch: Batch
  readonly digest: Digest
  /** Author's signature over the digest. */
  readonly signature: Uint8Array
}

/** One acker's suspicion of one transfer action. Only flagged transfers have one. */
export interface Flag {
  /** Index of the transaction in its batch. */
  readonly tx: number
  /** Index of the action in its transaction. */
  readonly action: number
  /** 0–255. */
  readonly score: number
  /** Bit set, `fraud/reasons/reasons.ts`. u16. */
  readonly reasons: number
}

/** "I hold this batch, all of it is valid, and this is what I think of its transfers." */
export interface Ack {
  readonly epoch: number
  readonly author: ValidatorIndex
  readonly seq: number
  readonly digest: Digest
  readonly signer: ValidatorIndex
  /** Strictly ascending by (tx, action). */
  readonly flags: readonly Flag[]
  /** Which model judged, 32 bytes; zeros: none. */
  readonly modelId: Digest
  readonly signature: Uint8Array
}

/** An ack inside a certificate, which says the rest. */
export interface CertifiedAck {
  readonly signer: ValidatorIndex
  readonly flags: readonly Flag[]
  readonly modelId: Digest
  readonly signature: Uint8Array
}

/** Availability and assessment of one batch: acks of weight ≥ q. Its digest is recomputed from its own fields. */
export interface BatchCertificate {
  readonly epoch: number
  readonly author: ValidatorIndex
  readonly seq: number
  readonly createdMs: number
  readonly txCount: number
  /** Sum of the lengths of its transactions. */
  readonly bytes: number
  readonly txsHash: Digest
  /** Strictly ascending by signer. */
  readonly acks: readonly CertifiedAck[]
}

/** A transfer that the rule of the verdict holds, with those who flagged it. */
export interface HeldTransfer {
  readonly tx: number
  readonly action: number
  /** At least F + 1. */
  readonly flaggedWeight: bigint
  readonly flaggers: readonly {
    readonly signer: ValidatorIndex
    readonly weight: bigint
    readonly score: number
    readonly reasons: number
  }[]
}

// ---- ordering (consensus.md §2) ----

/** Results of execution that a header commits to (§12). */
export interface ExecutedResults {
  /** Height up to which results are committed. */
  readonly height: number
  /** State root after executing that height. */
  readonly stateRoot: Digest
  /** Merkle root over H("res", height, receiptsRoot) of the heights since the parent's; EMPTY_ROOT if none. */
  readonly resultsRoot: Digest
}

export interface Block {
  /** Genesis hash, 32 bytes. */
  readonly genesisHash: Digest
  readonly height: number
  readonly parentDigest: Digest
  readonly epoch: number
  readonly author: ValidatorIndex
  readonly timeMs: number
  readonly payload: readonly BatchCertificate[]
  readonly executed: ExecutedResults
  readonly validatorSetHash: Digest
  readonly nextValidatorSetHash: Digest
}

export interface Proposal {
  readonly epoch: number
  readonly view: number
  /** 0: the genesis of the epoch. */
  readonly parentView: number
  readonly blockDigest: Digest
  /** H("just", parent certificate ‖ skips, with the views between first and last ones): what the leader claims to have seen. */
  readonly justHash: Digest
}

export type VoteKind = 'notarize' | 'nullify' | 'finalize'

export interface Vote {
  readonly kind: VoteKind
  readonly epoch: number
  readonly view: number
  /** Proposal id; null exactly for nullify. */
  readonly pid: Digest | null
  readonly signer: ValidatorIndex
  readonly signature: Uint8Array
}

/** Votes of one kind of weight ≥ q: a notarization, nullification or finalization. */
export interface Certificate {
  readonly kind: VoteKind
  readonly epoch: number
  readonly view: number
  /** What was voted on; null exactly for nullify. */
  readonly proposal: Proposal | null
  /** Strictly ascending. */
  readonly signers: readonly ValidatorIndex[]
  /** One per signer, in order. */
  readonly signatures: readonly Uint8Array[]
}

export interface ProposalMessage {
  readonly proposal: Proposal
  readonly block: Block
  /** Notarization or finalization of the parent view; null exactly when parentView is 0. */
  readonly parentCertificate: Certificate | null
  /** One nullification for every view strictly between, ascending; of more than 64 the first and the last 32 (§8.8). */
  readonly skips: readonly Certificate[]
  /** The leader's notarize signature: its vote. */
  readonly signature: Uint8Array
}

// ---- messages between nodes, on direct streams ----

export type Message =
  | { readonly type: 'proposal'; readonly proposal: ProposalMessage }
  | { readonly type: 'vote'; readonly vote: Vote }
  | { readonly type: 'certificate'; readonly certificate: Certificate }
  | { readonly type: 'batch'; readonly batch: SignedBatch }
  | { readonly type: 'ack'; readonly ack: Ack }
  | { readonly type: 'batch-certificate'; readonly certificate: BatchCertificate }
  /** Answered with notarizations and nullifications of the views, and lastFinal, up to one page. */
  | { readonly type: 'certificates-request'; readonly fromView: number; readonly toView: number }
  | { readonly type: 'certificates'; readonly certificates: readonly Certificate[] }
  /** Answered with the block and its ancestors, newest first, up to `maxBlocks` and one page. */
  | { readonly type: 'block-request'; readonly digest: Digest; readonly maxBlocks: number }
  | { readonly type: 'blocks'; readonly blocks: readonly Block[] }
  | { readonly type: 'batch-request'; readonly refs: readonly BatchRef[] }
  | { readonly type: 'batches'; readonly batches: readonly SignedBatch[] }

/** What the `block` topic carries: a final block with the certificate that proves it, for nodes that only follow. */
export interface FinalizedBlock {
  readonly block: Block
  readonly finalization: Certificate
}
