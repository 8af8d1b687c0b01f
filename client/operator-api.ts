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

/** method → parameters (an object) and result. */
export interface OperatorMethods {
  operator_whoami: { params: Record<string, never>; result: OperatorIdentity }
}

export type OperatorMethod = keyof OperatorMethods
export type OperatorParams<Method extends OperatorMethod> = OperatorMethods[Method]['params']
export type OperatorResult<Method extends OperatorMethod> = OperatorMethods[Method]['result']
