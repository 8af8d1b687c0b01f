/**
 * The JSON-RPC surface as types. JSON-RPC 2.0 over HTTP POST `/` and WebSocket `/`, on one port with `/healthz`,
 * `/readyz` and `/metrics`. Amounts and 64-bit integers are decimal strings; heights, times and counts are numbers;
 * hashes and ids lower-case hex; accounts bech32m addresses.
 */

export interface ChainStatus {
  readonly network: string
  readonly genesisHash: string
  readonly version: string
  /** Name of the validator this node is, or null: a full node. */
  readonly validator: string | null
  readonly height: number
  readonly blockHash: string
  readonly blockTimeMs: number
  /** After executing `executedHeight`. */
  readonly stateRoot: string
  readonly executedHeight: number
  readonly executedTimeMs: number
  readonly view: number
  readonly peers: number
  readonly totalSupply: string
  readonly openHolds: number
  readonly pendingTxs: number
  readonly finality: { readonly p50Ms: number | null; readonly p95Ms: number | null }
  readonly settledTotal: number
  readonly heldTotal: number
  readonly failedTotal: number
  /** Of the node's clock from those of the other validators; above 0 it is ahead. Null: too little was heard lately. */
  readonly clockSkewMs: number | null
  readonly model: {
    readonly id: string
    readonly backend: string
    readonly healthy: boolean
    readonly problem: string | null
  }
}

/** One thing that is out of range, as `/healthz` and `/readyz` tell it. */
export interface Problem {
  readonly what: string
  readonly detail: string
  /** What to do or where to look. */
  readonly hint: string
}

export interface ChainInfo {
  readonly network: string
  readonly genesisHash: string
  /** 8 bytes, hex. */
  readonly chainId: string
  readonly addressPrefix: string
  readonly minFee: string
  readonly walletValidityMs: number
  readonly quarantineMs: number
  readonly onExpiry: 'release' | 'return'
  readonly parameters: Readonly<Record<string, number | string>>
}

export interface BlockInfo {
  readonly height: number
  readonly hash: string
  readonly parentHash: string
  readonly timeMs: number
  readonly author: string
  readonly view: number
  readonly certificates: number
  readonly transactions: number
  /** After executing this block; null until executed. */
  readonly stateRoot: string | null
  readonly receiptsRoot: string | null
}

export interface ValidatorInfo {
  readonly index: number
  readonly name: string
  readonly publicKey: string
  readonly operator: string
  readonly stake: string
  readonly shareBps: number
  readonly inSet: boolean
  readonly inNextSet: boolean
  readonly connected: boolean
  /** Its flags on holds that a review, or a guardian of an old account, has decided: returned, and released. */
  readonly flagsConfirmed: number
  readonly flagsRefuted: number
}

/** What happens to a payment between a client and its receipt, in this order; `docs/performance.md` says what each is. */
export type TraceStage =
  | 'submitted'
  | 'batched'
  | 'assessed'
  | 'acked'
  | 'certified'
  | 'proposed'
  | 'notarized'
  | 'finalized'
  | 'final'
  | 'executed'

/** When the stages of an executed payment were, as the asked node saw them, by its clock. */
export interface PaymentTrace {
  readonly txId: string
  readonly height: number
  /** Names: of the validator whose batch it was in, and of the leader of the block. */
  readonly author: string
  readonly leader: string
  /** Without those that this node had no part in. `atMs`: Unix time with fractions. */
  readonly stages: readonly { readonly stage: TraceStage; readonly atMs: number }[]
}

/** The strongest vote of a validator for a block; `none`: no vote was heard. */
export type VoteState = 'none' | 'notarize' | 'finalize'

/** A final block, and who voted for it, as the asked node heard it. */
export interface BlockVotes {
  readonly height: number
  readonly view: number
  readonly timeMs: number
  /** From the time in its header to its finality at the asked node. */
  readonly latencyMs: number
  /** Name. */
  readonly author: string
  /** One for each validator, in the order of `chain_validators`. */
  readonly votes: readonly VoteState[]
}

/** Votes of one kind for one thing in the current view. */
export interface VoteTally {
  readonly kind: 'notarize' | 'nullify' | 'finalize'
  /** Hex; null for nullify votes. */
  readonly proposalId: string | null
  /** Names. */
  readonly validators: readonly string[]
  readonly shareBps: number
}

/** What the next block waits for, as the asked node sees it. */
export interface ChainProgress {
  /** Whether nothing became final for `stallMs`. */
  readonly stalled: boolean
  readonly stallMs: number
  /** Since the newest final block, or since the node's start. */
  readonly sinceFinalMs: number
  readonly height: number
  readonly lastFinalView: number
  readonly view: number
  /** Null: a full node, which has no timers. */
  readonly inViewMs: number | null
  readonly leader: string
  readonly votes: readonly VoteTally[]
  /** Who has cast no vote in this view that would end it. */
  readonly missing: readonly {
    readonly name: string
    readonly shareBps: number
    readonly connected: boolean
  }[]
  /** Share of the stake of this node and the validators it is connected to, and what a quorum needs. */
  readonly connectedBps: number
  readonly quorumBps: number
  /** The certificate that would let the chain go on. */
  readonly lacking: string
  /** Sentences for people, the most important first. */
  readonly findings: readonly string[]
  readonly advice: string
}

export interface AccountInfo {
  readonly address: string
  readonly exists: boolean
  readonly balance: string
  /** Less what this node has pending for the account. */
  readonly available: string
  readonly sequence: string
  readonly heldOut: string
  readonly guardian: GuardianInfo
}

/** Who may confirm held payments of an account. Addresses; null: nobody. */
export interface GuardianInfo {
  readonly current: string | null
  /** A change that is not in force yet, or null. */
  readonly change: { readonly to: string | null; readonly fromMs: number } | null
}

export type TxStatus = 'pending' | 'settled' | 'held' | 'failed' | 'expired' | 'unknown'

export interface TransferInfo {
  readonly to: string
  readonly amount: string
  readonly memo: string
  /** The hold it went into, or null. */
  readonly holdId: string | null
}

export interface TxInfo {
  readonly txId: string
  readonly status: TxStatus
  /** Null until final. */
  readonly height: number | null
  readonly timeMs: number | null
  readonly fee: string | null
  readonly failure: string | null
  readonly holds: readonly string[]
  readonly sender: string | null
  readonly validUntilMs: number | null
  readonly transfers: readonly TransferInfo[]
  /**
   * Time of the newest executed block. A payment is expired only when this has passed its validity, or when another one
   * was executed with its sequence.
   */
  readonly executedTimeMs: number
}

export interface SubmitResult {
  readonly txId: string
  /** `accepted`: durable here. `known`: was submitted before; the status says how it stands. */
  readonly result: 'accepted' | 'known'
  readonly status: TxStatus
}

/** A class of reasons, and what it means. Numbers are for operators: `review_hold`. */
export interface ReasonClass {
  readonly name: string
  readonly text: string
}

export interface HoldInfo {
  readonly id: string
  readonly txId: string
  readonly payer: string
  readonly payee: string
  readonly amount: string
  readonly createdMs: number
  readonly expiresMs: number
  readonly onExpiry: 'release' | 'return'
  /** Names of the reason bits set by any flagger. */
  readonly reasons: readonly string[]
  /** Weight that flagged it, in basis points of the total. */
  readonly flaggedBps: number
  readonly flaggers: readonly {
    readonly validator: string
    readonly score: number
    readonly reasons: readonly string[]
  }[]
  readonly reviews: readonly { readonly validator: string; readonly side: 'release' | 'return' }[]
  /** The only account that may confirm it: the payer's guardian when it was held. Null: nobody. */
  readonly guardian: string | null
  readonly status:
    | 'open'
    | 'recalled'
    | 'released'
    | 'returned'
    | 'expired-returned'
    | 'expired-released'
    | 'confirmed'
  readonly endedMs: number | null
  /** Why, in words for the payer: classes of the reasons, without numbers. */
  readonly classes: readonly ReasonClass[]
}

export interface HistoryItem {
  readonly txId: string
  readonly height: number
  readonly timeMs: number
  readonly direction: 'in' | 'out' | 'other'
  readonly counterparty: string | null
  readonly amount: string
  readonly fee: string
  readonly memo: string
  readonly status: 'settled' | 'held' | 'failed' | 'recalled' | 'released' | 'returned'
}

/** Something that happened to a payment, in the order in which the chain has it. */
export interface PaymentEvent {
  /** `released`, `returned` and `recalled` are ends of a hold. */
  readonly event: 'settled' | 'held' | 'failed' | 'released' | 'returned' | 'recalled'
  /** Goes on after this event. The same at every node of the chain. */
  readonly cursor: string
  readonly height: number
  readonly timeMs: number
  /** Of a hold's end: the transaction that made the hold. */
  readonly txId: string
  readonly payer: string
  readonly payee: string
  readonly amount: string
  /** Null at the end of a hold, which knows none. */
  readonly memo: string | null
  /** The hold made or ended, or null. */
  readonly holdId: string | null
  /** Why it failed, or null. */
  readonly failure: string | null
}

export interface PaymentEvents {
  /** Oldest first. */
  readonly items: readonly PaymentEvent[]
  /** Goes on after everything that was looked at. */
  readonly cursor: string
  /** Newest height that the node has executed; a cursor beyond it has seen everything. */
  readonly executedHeight: number
}

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Give it back to go on; null: the end. */
  readonly cursor: string | null
}

export interface DryRun {
  readonly txId: string
  readonly fee: string
  readonly balanceAfter: string
  /** Whether this node would flag it. */
  readonly wouldHold: boolean
  readonly classes: readonly ReasonClass[]
}

/** A validator that signed two things which contradict each other, as recorded on the ledger. */
export interface OffenceInfo {
  readonly validator: string
  readonly index: number
  readonly kind:
    | 'double-notarize'
    | 'double-finalize'
    | 'nullify-finalize'
    | 'notarize-finalize'
    | 'double-batch'
  readonly epoch: number
  /** The view; of a double batch the batch number. */
  readonly position: number
  /** Of the block that recorded it. */
  readonly height: number
  readonly timeMs: number
  /** The transaction that holds the proof. */
  readonly txId: string
}

/** One notification per executed block to those who subscribed. */
export interface BlockEvent {
  readonly height: number
  readonly hash: string
  readonly timeMs: number
  readonly results: readonly {
    readonly txId: string
    readonly status: 'settled' | 'held' | 'failed'
    readonly holds: readonly string[]
  }[]
  readonly expired: readonly string[]
}

/** method → parameters (an object) and result. */
export interface RpcMethods {
  'rpc.discover': { params: Record<string, never>; result: object }
  chain_status: { params: Record<string, never>; result: ChainStatus }
  chain_info: { params: Record<string, never>; result: ChainInfo }
  chain_block: { params: { height: number }; result: BlockInfo }
  /** Of the newest final blocks, from `fromHeight` on, lowest first; the node keeps some hundreds since its start. */
  chain_votes: { params: { fromHeight?: number }; result: readonly BlockVotes[] }
  chain_validators: { params: Record<string, never>; result: readonly ValidatorInfo[] }
  evidence_list: { params: Record<string, never>; result: readonly OffenceInfo[] }
  /** Why nothing becomes final, if so. */
  chain_progress: { params: Record<string, never>; result: ChainProgress }
  account_get: { params: { address: string }; result: AccountInfo }
  account_history: { params: { address: string; cursor?: string; limit?: number }; result: Page<HistoryItem> }
  /** From `cursor` on (default: the next block), of one account or of all; waits up to `timeoutMs` if there is nothing yet. */
  payments_follow: {
    params: { address?: string; cursor?: string; limit?: number; timeoutMs?: number }
    result: PaymentEvents
  }
  /** `tx`: hex of the canonical encoding. */
  tx_submit: { params: { tx: string }; result: SubmitResult }
  tx_get: { params: { txId: string }; result: TxInfo }
  /** Answers when the transaction is final or expired, or when the time is up (then with its status so far). */
  tx_wait: { params: { txId: string; timeoutMs: number }; result: TxInfo }
  /** The signatures are not looked at: only their number and keys must be right. */
  tx_dryRun: { params: { tx: string }; result: DryRun }
  /** Waits until the portable proof exists, at most `timeoutMs`; null: not yet. `file`: the canonical text (`receipt.ts`). */
  tx_receipt: { params: { txId: string; timeoutMs?: number }; result: { file: string } | null }
  /** Null: it is not executed, or too long ago for the node to remember. */
  tx_trace: { params: { txId: string }; result: PaymentTrace | null }
  quarantine_list: {
    params: { cursor?: string; limit?: number; status?: 'open' | 'ended' }
    result: Page<HoldInfo>
  }
  quarantine_get: { params: { id: string }; result: HoldInfo }
  /** WebSocket only. From `fromHeight` (default: the next block) on; notifications have method `blocks_event`. */
  blocks_subscribe: { params: { fromHeight?: number }; result: { subscription: string } }
  blocks_unsubscribe: { params: { subscription: string }; result: boolean }
}

export type RpcMethod = keyof RpcMethods
export type RpcParams<Method extends RpcMethod> = RpcMethods[Method]['params']
export type RpcResult<Method extends RpcMethod> = RpcMethods[Method]['result']

/** `error.data` of a JSON-RPC error answer. */
export interface RpcErrorData {
  /** Code of `config/errors.ts`. */
  readonly code: string
  readonly retryAfterMs?: number
}
