/** What the RPC server asks the node for. The server adds `rpc.discover` and the subscriptions itself. */
import type { Source } from '../source.ts'
import type { BlockEvent, RpcMethod, RpcParams, RpcResult, Problem } from '../../client/api.ts'

export interface CallContext {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  readonly source: Source
}

export type ServerMethod = 'rpc.discover' | 'blocks_subscribe' | 'blocks_unsubscribe'

/** Every method but those of the server. Parameters have been checked against `schemas.ts`. */
export type RpcService = {
  readonly [Method in Exclude<RpcMethod, ServerMethod>]: (
    params: RpcParams<Method>,
    context: CallContext,
  ) => Promise<RpcResult<Method>>
}

/** Executed blocks, for those who follow. */
export interface BlockEvents {
  executedHeight(): number
  /** The event of an executed height. @throws CordonError if it is not kept any more. */
  at(height: number): Promise<BlockEvent>
  /** Calls `listener` after each executed block. @returns how to stop it. */
  onExecuted(listener: () => void): () => void
}

/** Behind `/healthz` and `/readyz`. */
export interface HealthSource {
  problems(): readonly Problem[]
  obstacles(query: { readonly minPeers?: number; readonly maxBlocksBehind?: number }): readonly Problem[]
}

export interface RpcLog {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
