/**
 * The operator methods of a node as types: JSON-RPC 2.0 over HTTP POST `/` on a port of their own, with a token in
 * `Authorization: Bearer …`.
 */
import type { Scope } from '../config/tokens.ts'

/** Whose token it is, and of which node. */
export interface OperatorIdentity {
  /** Name of the token. */
  readonly token: string
  readonly scope: Scope
  readonly expiresMs: number | null
  /** Name of the validator that the node is, or null: a full node. */
  readonly validator: string | null
  readonly version: string
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
  /** Transfers that both have scored. */
  readonly transfers: number
  readonly flagged: ModelFlags
  /** Holds whose outcome is known, and how many of them each model would have flagged. */
  readonly fraud: ModelFlags & { readonly holds: number }
  readonly legitimate: ModelFlags & { readonly holds: number }
}

/** method → parameters (an object) and result. */
export interface OperatorMethods {
  operator_whoami: { params: Record<string, never>; result: OperatorIdentity }
  model_list: { params: Record<string, never>; result: readonly ModelInfo[] }
  model_get: { params: { readonly model: string }; result: ModelInfo }
  model_add: { params: { readonly file: string }; result: ModelInfo }
  model_use: { params: { readonly model: string }; result: ModelInfo }
  model_rollback: { params: Record<string, never>; result: ModelInfo }
  model_shadow: { params: { readonly model: string | null }; result: ModelInfo | null }
  model_report: { params: Record<string, never>; result: ShadowReport | null }
}

export type OperatorMethod = keyof OperatorMethods
export type OperatorParams<Method extends OperatorMethod> = OperatorMethods[Method]['params']
export type OperatorResult<Method extends OperatorMethod> = OperatorMethods[Method]['result']
