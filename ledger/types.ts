/** What the ledger takes in and hands out. Amounts are bigint uCRD; times are ms from block headers. */

import type { Guardian } from './guardian.ts'

export type Bytes32 = Uint8Array

/** A transfer that the validators' verdict holds, as counted in the certificate (dissemination.md, The verdict). */
export interface HeldTransfer {
  readonly tx: number
  readonly action: number
  readonly flaggedWeight: bigint
  readonly flaggers: readonly Flagger[]
}

export interface Flagger {
  /** Validator index. */
  readonly signer: number
  readonly weight: bigint
  /** 0–255. */
  readonly score: number
  readonly reasons: number
}

/** One certificate of a final block, with the body it certifies. */
export interface ExecutionBatch {
  readonly epoch: number
  readonly author: number
  readonly seq: number
  readonly createdMs: number
  readonly digest: Bytes32
  /** Null exactly if `Ledger.skips` said that this batch is skipped: then no body is needed. */
  readonly txs: readonly Uint8Array[] | null
  readonly held: readonly HeldTransfer[]
}

export interface ExecutionBlock {
  readonly height: number
  /** Block digest, 32 bytes. */
  readonly digest: Bytes32
  readonly timeMs: number
  readonly batches: readonly ExecutionBatch[]
}

export interface Account {
  readonly id: Bytes32
  readonly balance: bigint
  /** Of the last ordered transaction; 0: none yet. */
  readonly sequence: bigint
  readonly createdMs: number
  /** Null: it never named one that is in force or waited for. */
  readonly guardian: Guardian | null
}

export type Outcome = 'settled' | 'held' | 'failed'

/** Why a transaction failed: stable codes, part of the receipt. */
export type FailureCode =
  | 'insufficient-funds'
  | 'fee-not-covered'
  | 'hold-unknown'
  | 'hold-not-yours'
  | 'hold-ended'
  | 'hold-due'
  | 'not-an-operator'
  | 'already-voted'
  | 'not-the-guardian'
  | 'account-unknown'

export interface Receipt {
  readonly txId: Bytes32
  readonly height: number
  /** Position among the receipts of its block. */
  readonly index: number
  readonly timeMs: number
  readonly outcome: Outcome
  /** Taken, in uCRD. */
  readonly fee: bigint
  /** Null unless failed. */
  readonly failure: FailureCode | null
  /** Holds made by this transaction, ascending by action. */
  readonly holds: readonly { readonly action: number; readonly holdId: Bytes32 }[]
}

/**
 * No trace in the state: id already live, outside its validity, or wrong sequence. `invalid` breaks a stateless rule,
 * which q signers of its batch vouched against: it never happens with at most F faulty.
 */
export interface VoidTransaction {
  readonly txId: Bytes32
  readonly reason: 'duplicate' | 'expired' | 'not-yet-valid' | 'sequence' | 'invalid'
}

export type HoldEnd =
  | 'recalled'
  | 'released'
  | 'returned'
  | 'expired-returned'
  | 'expired-released'
  | 'confirmed'

export interface Hold {
  readonly id: Bytes32
  readonly kind: 'quarantine'
  readonly txId: Bytes32
  readonly action: number
  readonly payer: Bytes32
  readonly payee: Bytes32
  readonly amount: bigint
  readonly createdMs: number
  readonly expiresMs: number
  readonly onExpiry: 'release' | 'return'
  readonly flaggers: readonly Flagger[]
  /** The payer's guardian in force when the hold was made: the only one who may confirm it. Null: nobody. */
  readonly guardian: Bytes32 | null
  /** Reviews so far, ascending by validator. */
  readonly reviews: readonly { readonly validator: number; readonly side: 'release' | 'return' }[]
  /** Null while open. */
  readonly end: { readonly how: HoldEnd; readonly atMs: number; readonly height: number } | null
}

/** Kinds of proven contradictions (consensus.md §10). Numbers in stored entries follow this order and are never reused. */
export const OFFENCE_KINDS = [
  'double-notarize',
  'double-finalize',
  'nullify-finalize',
  'notarize-finalize',
  'double-batch',
] as const

export type OffenceKind = (typeof OFFENCE_KINDS)[number]

/** What a piece of evidence proves. */
export interface ProvenOffence {
  readonly kind: OffenceKind
  /** Index. */
  readonly validator: number
  readonly epoch: number
  /** The view; of a double batch the batch number. */
  readonly position: number
}

/** Says what encoded evidence proves, or null: nothing. Pure; signatures are checked. */
export type EvidenceJudge = (evidence: Uint8Array) => ProvenOffence | null

/** The first proven offence of a validator, as recorded. */
export interface Offence {
  readonly kind: OffenceKind
  readonly epoch: number
  readonly position: number
  readonly atMs: number
  readonly height: number
  /** The transaction that holds the evidence. */
  readonly txId: Bytes32
}

/** A transfer as executed, for whoever learns from the ledger. */
export interface ExecutedTransfer {
  readonly txId: Bytes32
  readonly action: number
  readonly payer: Bytes32
  readonly payee: Bytes32
  readonly amount: bigint
  readonly timeMs: number
  readonly held: boolean
  /** Balance of the payer right before this transfer. */
  readonly payerBalanceBefore: bigint
}

export interface BlockExecution {
  readonly height: number
  readonly digest: Bytes32
  readonly timeMs: number
  readonly stateRoot: Bytes32
  readonly receiptsRoot: Bytes32
  /** Whether the block had certificates or ended holds. */
  readonly hadWork: boolean
  readonly receipts: readonly Receipt[]
  readonly voids: readonly VoidTransaction[]
  readonly transfers: readonly ExecutedTransfer[]
  readonly endedHolds: readonly Hold[]
  /** Validators whose first offence this block recorded. */
  readonly offenders: readonly number[]
  /** `expiresMs` of the hold that falls due next, or null. */
  readonly nextDueMs: number | null
}

/** Where all value is. Their sum never changes (no minting yet). uCRD. */
export interface Totals {
  readonly balances: bigint
  readonly holds: bigint
  readonly stake: bigint
  readonly fees: bigint
}
