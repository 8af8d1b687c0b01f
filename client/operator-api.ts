/**
 * The operator methods of a node as types: JSON-RPC 2.0 over HTTP POST `/` on a port of their own, with a token in
 * `Authorization: Bearer …`. Ids and accounts are written as in `api.ts`.
 */
import type { Scope } from '../config/scopes.ts'
import type { HoldInfo, TxStatus } from './api.ts'

/** Whose token it is, and of which node. */
export interface OperatorIdentity {
  /** Name of the token. */
  readonly token: string
  readonly scope: Scope
  readonly expiresMs: number | null
  /** Name of the validator that the node is, or null: a full node. */
  readonly validator: string | null
  readonly version: string
  /** As whom this node votes on holds when it is told to, or null: it has no key for that. */
  readonly reviewer: Reviewer | null
}

/** The operator account that a node votes with. */
export interface Reviewer {
  readonly address: string
  /** Names of the validators whose stake it votes with. */
  readonly validators: readonly string[]
}

/** A vote that the node signed and submitted, and how the hold stands after it. */
export interface HoldDecision {
  readonly txId: string
  /** `settled`: the vote counts. `pending`: it is not final yet. */
  readonly status: TxStatus
  /** Why it did not count, or null. */
  readonly failure: string | null
  readonly hold: HoldInfo
}

/** A fraud model that the node has. */
export interface ModelInfo {
  /** As in acks, 32 bytes hex. */
  readonly id: string
  readonly name: string
  /** From the configuration, learned by this node, or added by an operator. */
  readonly origin: 'configured' | 'learned' | 'added'
  readonly addedMs: number
  /** What it learned from. */
  readonly about: string
  /** Votes now; would vote after a rollback; scores in the shadow of the one that votes; or null. */
  readonly role: 'votes' | 'previous' | 'shadow' | null
}

/** Transfers that models would flag. */
export interface ModelFlags {
  readonly voting: number
  readonly shadow: number
  readonly both: number
}

/** The model in the shadow beside the one that votes, since it was put there or the node was started. */
export interface ShadowReport {
  readonly voting: ModelInfo
  readonly shadow: ModelInfo
  /** Executed transfers that both have scored. */
  readonly transfers: number
  readonly flagged: ModelFlags
  /** Holds whose outcome is known, and how many of them each model would have flagged. */
  readonly fraud: ModelFlags & { readonly holds: number }
  readonly legitimate: ModelFlags & { readonly holds: number }
}

/** One number behind a flag of this node. */
export interface HoldReason {
  readonly feature: string
  readonly value: number
  /** The account's own usual value where that is known, else everybody's; null: neither is. */
  readonly usual: number | null
  /** Where most values lie, one deviation below and above the usual one, and whose they are; null: unknown. */
  readonly usualRange: {
    readonly from: number
    readonly to: number
    readonly of: 'account' | 'network'
  } | null
  readonly share: number
  readonly text: string
}

export type CaseOutcome = 'confirmed-fraud' | 'false-positive' | 'inconclusive'

/** One suspicious payment, and what people have done about it. */
export interface CaseInfo {
  /** The id that a hold of this payment has, whether it is held or not. */
  readonly id: string
  /** `closing`: has an outcome that a second reviewer has to confirm. */
  readonly status: 'open' | 'closing' | 'closed'
  /** What opened it: a score at the lower threshold, at the upper one, a watch entry, or a hold by others. */
  readonly cause: 'alert' | 'flag' | 'watch' | 'hold'
  readonly openedMs: number
  readonly txId: string
  readonly payer: string
  readonly payee: string
  readonly amount: string
  /** Of this node's model, 0–255. */
  readonly score: number
  readonly reasons: readonly string[]
  /** Sentences with numbers. */
  readonly details: readonly string[]
  /** Null: the ledger does not hold it. */
  readonly hold: {
    readonly expiresMs: number
    readonly end: { readonly how: string; readonly atMs: number } | null
  } | null
  readonly outcome: CaseOutcome | null
  /** Tokens of those who gave the outcome and confirmed it. */
  readonly reviewers: readonly string[]
  /** Votes on the hold that this node signed, for which token. Whether they counted, `hold.reviews` says. */
  readonly votes: readonly {
    readonly actor: string
    readonly timeMs: number
    readonly side: 'release' | 'return'
    readonly txId: string
  }[]
  readonly notes: readonly { readonly actor: string; readonly timeMs: number; readonly text: string }[]
}

/** A hold that has ended, whose reasons are like those of another. */
export interface SimilarHold {
  readonly id: string
  readonly openedMs: number
  readonly amount: string
  /** Of this node's model, 0–255; 0: only others flagged it. */
  readonly score: number
  readonly reasons: readonly string[]
  /** Those of them that both have. */
  readonly common: readonly string[]
  /** On the ledger. */
  readonly end: { readonly how: string; readonly atMs: number }
  /** Of its case, or null: nobody has closed it. */
  readonly outcome: CaseOutcome | null
}

/** What this node knows of a hold beyond the ledger. */
export interface HoldReview {
  readonly hold: HoldInfo
  /** Numbers behind this node's own flag; empty if it did not flag, or no longer knows. */
  readonly details: readonly HoldReason[]
  readonly case: CaseInfo | null
  /** Past holds like it, the most similar first, a few at most. Null: the token does not allow to review. */
  readonly similar: readonly SimilarHold[] | null
}

/** A peer of the asked node. */
export interface PeerReport {
  readonly id: string
  /** Name, if the peer proved to be that validator. */
  readonly validator: string | null
  readonly addresses: readonly string[]
  /** Who dialled. */
  readonly direction: 'inbound' | 'outbound'
  readonly connectedMs: number
  /** Since anything came from it: a message, gossip or a request. Null: nothing yet. */
  readonly sinceHeardMs: number | null
  /** Of the newest answered ping, whole milliseconds; null: none was answered yet. */
  readonly roundTripMs: number | null
  readonly userAgent: string
  /** Of offences; 0 is a clean slate, and a low one is a ban. */
  readonly score: number
}

/** How a process and its machine are. Sizes in bytes. */
export interface NodeReport {
  readonly uptimeMs: number
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number; readonly heapLimitBytes: number }
  /** How late the event loop came to its timers; null: nobody looked until now, so nothing was measured. */
  readonly loopDelay: {
    readonly p50Ms: number
    readonly p99Ms: number
    readonly maxMs: number
    readonly overMs: number
  } | null
  readonly disk: {
    readonly stores: readonly { readonly store: string; readonly bytes: number }[]
    readonly freeBytes: number
  }
  /** What waits, by where it does. */
  readonly queues: readonly { readonly queue: string; readonly about: string; readonly length: number }[]
}

export type EntryKind = 'allow' | 'watch' | 'snooze'

/** Whom or what an entry is about: a pair, an account on either side, or a rule or reason of the model. */
export interface EntrySubject {
  readonly payer?: string
  readonly payee?: string
  readonly account?: string
  readonly rule?: string
}

export interface EntryInfo extends EntrySubject {
  /** By which it is removed. */
  readonly entry: number
  readonly kind: EntryKind
  readonly why: string
  /** Token that made it. */
  readonly actor: string
  readonly expiresMs: number
}

/** method → parameters (an object) and result. */
export interface OperatorMethods {
  operator_whoami: { params: Record<string, never>; result: OperatorIdentity }
  /** Who this node is connected to, validators first. */
  operator_peers: { params: Record<string, never>; result: readonly PeerReport[] }
  operator_node: { params: Record<string, never>; result: NodeReport }
  model_list: { params: Record<string, never>; result: readonly ModelInfo[] }
  model_get: { params: { readonly model: string }; result: ModelInfo }
  model_add: { params: { readonly file: string }; result: ModelInfo }
  model_use: { params: { readonly model: string }; result: ModelInfo }
  model_rollback: { params: Record<string, never>; result: ModelInfo }
  model_shadow: { params: { readonly model: string | null }; result: ModelInfo | null }
  model_report: { params: Record<string, never>; result: ShadowReport | null }
  review_hold: { params: { id: string }; result: HoldReview }
  /** Votes with the operator account of this node. */
  review_decide: { params: { id: string; side: 'release' | 'return' }; result: HoldDecision }
  /** `total`: how many there are, of which the first `limit` are given. */
  review_cases: {
    params: { status?: 'open' | 'closed'; limit?: number }
    result: { readonly cases: readonly CaseInfo[]; readonly total: number }
  }
  review_case: { params: { id: string }; result: CaseInfo }
  review_note: { params: { id: string; text: string }; result: CaseInfo }
  review_close: { params: { id: string; outcome: CaseOutcome }; result: CaseInfo }
  review_confirm: { params: { id: string }; result: CaseInfo }
  review_entries: { params: Record<string, never>; result: { readonly entries: readonly EntryInfo[] } }
  review_addEntry: {
    params: { kind: EntryKind; why: string; forMs: number } & EntrySubject
    result: EntryInfo
  }
  review_removeEntry: { params: { entry: number }; result: boolean }
  /** Lines of the review log as they are stored; `next`: the `since` to go on with; `events`: how many the log has. */
  review_export: {
    params: { since?: number; limit?: number }
    result: { readonly lines: readonly string[]; readonly next: number; readonly events: number }
  }
}

export type OperatorMethod = keyof OperatorMethods
export type OperatorParams<Method extends OperatorMethod> = OperatorMethods[Method]['params']
export type OperatorResult<Method extends OperatorMethod> = OperatorMethods[Method]['result']
