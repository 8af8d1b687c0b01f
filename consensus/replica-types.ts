/**
 * What goes into a replica and what comes out. A replica is pure: it is told the time, hands out effects and never
 * waits. Whoever drives it (`node/driver.ts`, `test/sim`) keeps three promises:
 *
 * 1. One input at a time, in any order of arrival; after each (or a few) the effects are taken in order.
 * 2. All `store` effects so far are durable, and then the signer is flushed, before any later `send`, `publish-…` or
 *    `deliver` leaves (consensus.md §9). Records of one turn may share one fsync.
 * 3. It wakes the replica with a `tick` no later than soon after `nextDeadlineMs()`.
 */
import type { Evidence, Offence } from './evidence.ts'
import type {
  Ack,
  BatchCertificate,
  BatchRef,
  Block,
  Certificate,
  Digest,
  FinalizedBlock,
  Flag,
  Message,
  ProposalMessage,
  SignedBatch,
  ValidatorIndex,
  VoteKind,
} from './types.ts'

/** Both clocks, read once per input. */
export interface Clock {
  /** For timers. Never goes back within one run. */
  readonly monotonicMs: number
  /** Wall clock, ms since 1970: only for block and batch times. */
  readonly wallMs: number
}

/** Somebody messages come from and go to. */
export interface Peer {
  /** Transport address: a peer id. */
  readonly id: string
  /** Set if the peer proved to be this validator of the current set. */
  readonly validator: ValidatorIndex | null
}

export type Target =
  /** All validators but this one. */
  | { readonly kind: 'validators' }
  | { readonly kind: 'validator'; readonly index: ValidatorIndex }
  | { readonly kind: 'peer'; readonly id: string }
  /** Any connected node; the driver picks, another one each time: for followers. */
  | { readonly kind: 'anyone' }

/** Why a peer loses score. */
export type Misbehaviour =
  | 'bad-signature'
  | 'bad-certificate'
  | 'bad-proposal'
  | 'bad-batch'
  | 'bad-ack'
  | 'bad-block'
  | 'over-limit'
  | 'malformed'

export type Input =
  | { readonly type: 'start' }
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly from: Peer; readonly message: Message }
  /** From the `block` topic. */
  | { readonly type: 'finalized-block'; readonly from: Peer; readonly finalized: FinalizedBlock }
  /** From the `batch` topic, its author signature already checked or not: the replica checks it again from its cache. */
  | { readonly type: 'gossiped-batch'; readonly from: Peer; readonly batch: SignedBatch }
  /** Transactions admitted here, for the next batch of this validator. */
  | { readonly type: 'submit'; readonly txs: readonly Uint8Array[] }
  /** Answer to `assess`. `valid` false: at least one transaction is malformed, wrongly signed or stateless-invalid. */
  | {
      readonly type: 'assessed'
      readonly ref: BatchRef
      readonly valid: boolean
      readonly flags: readonly Flag[]
      readonly modelId: Digest
    }
  /** The application executed this height; ascending, one by one. */
  | { readonly type: 'executed'; readonly result: ExecutionResult }
  /** Bodies needed for execution that the driver does not hold. */
  | { readonly type: 'need-batches'; readonly certificates: readonly BatchCertificate[] }
  /** A hold falls due at this block time, or null: then the chain is not idle. */
  | { readonly type: 'next-due'; readonly timeMs: number | null }

export interface ExecutionResult {
  readonly height: number
  readonly timeMs: number
  readonly stateRoot: Digest
  readonly receiptsRoot: Digest
  /** Whether it had certificates or expiries, so that its results should be committed soon. */
  readonly hadWork: boolean
}

/** Records to be made durable. `delete` kinds need not be durable at once. */
export type StoreRecord =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  /** A proposal this node led or voted for; its block is stored apart. */
  | { readonly kind: 'proposal'; readonly proposal: ProposalMessage }
  | { readonly kind: 'block'; readonly digest: Digest; readonly block: Block }
  /** The block of this height is final; `finalization` covers it or a descendant. */
  | {
      readonly kind: 'finalized'
      readonly height: number
      readonly digest: Digest
      readonly finalization: Certificate
    }
  /** A checked batch with the ack bytes given for it (null: own author or follower without ack). */
  | { readonly kind: 'batch'; readonly batch: SignedBatch; readonly ack: Ack | null }
  | { readonly kind: 'delete-batch'; readonly ref: BatchRef }
  /** A block that can never be final: another one of its height is. */
  | { readonly kind: 'delete-block'; readonly digest: Digest }
  | { readonly kind: 'delete-certificates-below'; readonly view: number }

export type Effect =
  | { readonly type: 'store'; readonly record: StoreRecord }
  | { readonly type: 'send'; readonly to: Target; readonly message: Message }
  /** A new batch of this validator: for every validator, and whoever follows. */
  | { readonly type: 'publish-batch'; readonly batch: SignedBatch }
  /** For whoever follows: validators know it from votes. */
  | { readonly type: 'publish-block'; readonly finalized: FinalizedBlock }
  /** Check signatures and stateless rules of every transaction, score transfers; answer with `assessed`. */
  | { readonly type: 'assess'; readonly ref: BatchRef; readonly batch: SignedBatch }
  /** Final, in height order, each once per run. Bodies may still have to be fetched (`need-batches`). */
  | {
      readonly type: 'deliver'
      readonly digest: Digest
      readonly block: Block
      readonly finalization: Certificate
    }
  /** Bodies asked for by `need-batches` or fetched for other reasons have come and were stored. */
  | { readonly type: 'batches-held'; readonly refs: readonly BatchRef[] }
  /** A validator signed what no honest one does; the evidence proves it. May be told again. */
  | { readonly type: 'offence'; readonly offence: Offence; readonly evidence: Evidence }
  | { readonly type: 'penalize'; readonly peer: Peer; readonly why: Misbehaviour; readonly detail: string }
  /** For logs and metrics; no protocol meaning. */
  | { readonly type: 'note'; readonly note: Note }

export type Note =
  | {
      readonly kind: 'view-entered'
      readonly view: number
      readonly by: 'start' | 'notarize' | 'nullify' | 'finalize'
    }
  | { readonly kind: 'vote-cast'; readonly vote: 'notarize' | 'nullify' | 'finalize'; readonly view: number }
  | {
      readonly kind: 'vote-refused'
      readonly vote: 'notarize' | 'nullify' | 'finalize'
      readonly view: number
      readonly reason: string
    }
  | {
      readonly kind: 'standstill'
      readonly view: number
      readonly lastFinalView: number
      readonly missing: readonly ValidatorIndex[]
    }
  | {
      readonly kind: 'result-mismatch'
      readonly height: number
      readonly own: string
      readonly claimed: string
    }
  /** A valid vote of the own key that this signer never gave: another instance runs with the key. It stopped voting (P11). */
  | {
      readonly kind: 'key-used-elsewhere'
      readonly vote: 'notarize' | 'nullify' | 'finalize'
      readonly view: number
    }
  /** The signing state was lost; votes are cast again above the finalization of `view`, which is to come (P10). */
  | { readonly kind: 'voting-waits'; readonly view: number }
  /** The wait is over: votes are cast again, above this view (P10). */
  | { readonly kind: 'voting-resumed'; readonly view: number }
  /** More heights are missing than are fetched block by block: the node needs a snapshot. */
  | { readonly kind: 'too-far-behind'; readonly deliveredHeight: number; readonly finalHeight: number }
  | { readonly kind: 'batch-certified'; readonly ref: BatchRef; readonly txCount: number }
  | { readonly kind: 'batch-dropped'; readonly ref: BatchRef; readonly reason: string }

/** Everything a replica is rebuilt from (consensus.md P5–P6). */
export interface Restored {
  readonly certificates: readonly Certificate[]
  readonly proposals: readonly ProposalMessage[]
  /** Stored blocks that are not final, and the newest final one. */
  readonly blocks: readonly { readonly digest: Digest; readonly block: Block }[]
  /** Newest finalized height with its block, or null: only genesis. Everything below is in the store. */
  readonly delivered: { readonly height: number; readonly digest: Digest } | null
  /**
   * Final blocks, ascending: all above the newest executed height, and below it those whose time is at most
   * batchTtlMs + maxClockDriftMs before that of the newest executed one. What they order is open no longer, whatever
   * `batches` says: the mark of an ordered batch need not be durable.
   */
  readonly finalBlocks: readonly Block[]
  /** Checked batches that are not ordered in an executed block, with the acks given. */
  readonly batches: readonly { readonly batch: SignedBatch; readonly ack: Ack | null }[]
  /** Results of the newest executed heights, ascending: at least those above `executed.height` of the newest final header. */
  readonly executed: readonly ExecutionResult[]
}

/** What a node restores that has never run. */
export const NOTHING_RESTORED: Restored = {
  certificates: [],
  proposals: [],
  blocks: [],
  delivered: null,
  finalBlocks: [],
  batches: [],
  executed: [],
}

/** What the protocol needs to know of the application's genesis. */
export interface ChainStart {
  readonly genesisHash: Digest
  readonly createdMs: number
  /** State root before the first block. */
  readonly stateRoot: Digest
}

/** Checks one signature; synchronous, and free to remember answers. */
export interface Verifier {
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
}

/**
 * The only holder of the validator's key (consensus.md §4, §9 P1, P8). Every vote goes through its guard table: it
 * returns the signature, the same one if asked the same again, or the reason why it refuses. What it returned may leave
 * the process only after `flush`.
 */
export interface Signer {
  readonly index: ValidatorIndex
  /** Votes of this key at or below this view may be missing in the table: pruned, or imported without their rows. */
  readonly knownAbove: number
  /** Why nothing is signed that could contradict earlier votes or batches; null: it signs. */
  readonly abstention: Abstention | null
  notarize(view: number, pid: Digest): SignerAnswer
  nullify(view: number): SignerAnswer
  finalize(view: number, pid: Digest): SignerAnswer
  /** The next number for a batch of this author; from the durably reserved range, or null while none is reserved. */
  nextBatchSeq(): number | null
  signBatch(digest: Digest): Uint8Array
  /** `message` is `ackMessage(...)` of wire.ts. */
  signAck(message: Uint8Array): Uint8Array
  /** `message` binds this validator to a peer id (hello). */
  signHello(message: Uint8Array): Uint8Array
  /** Own votes above the floor, for the pool after a restart (P6). */
  ownVotes(): readonly {
    readonly kind: 'notarize' | 'nullify' | 'finalize'
    readonly view: number
    readonly pid: Digest | null
    readonly signature: Uint8Array
  }[]
  /** Rows at or below `view` may go; votes there are refused for ever. */
  raiseFloor(view: number): void
  /** A vote of this key that is not in the table: from now on, also after a restart, `key-used-elsewhere` (P11). */
  stop(conflict: { readonly kind: VoteKind; readonly view: number; readonly pid: Digest | null }): void
  /** Ends an abstention: votes above `view` are signed (P10). */
  resumeAbove(view: number): void
  /** Whether something waits for `flush`. */
  readonly dirty: boolean
  /** Makes everything durable that was returned so far, batch-number reservations included. */
  flush(): Promise<void>
  close(): Promise<void>
}

/**
 * Why a validator follows without signing. `signer-lost`: earlier votes of its key are not known, and it waits until they
 * cannot matter any more (P10). `key-used-elsewhere`: another process signs with its key (P11).
 */
export type Abstention = 'signer-lost' | 'key-used-elsewhere'

export type SignerAnswer =
  | { readonly ok: true; readonly signature: Uint8Array; readonly repeated: boolean }
  | { readonly ok: false; readonly reason: string }
