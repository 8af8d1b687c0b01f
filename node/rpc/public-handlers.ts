/** The public methods as handlers: those of the service, the description of all of them, and the subscriptions. */
import type { RpcMethod } from '../../client/api.ts'
import { CordonError } from '../../config/errors.ts'
import type { Handlers } from './json-rpc.ts'
import { openRpcDocument } from './openrpc.ts'
import type { RpcService } from './service.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { RpcContext } from './websocket.ts'

export function publicHandlers(service: RpcService): Handlers<RpcMethod, RpcContext> {
  const document = openRpcDocument()
  return {
    ...service,
    'rpc.discover': () => Promise.resolve(document),
    blocks_subscribe: async (params: { fromHeight?: number }, context) =>
      subscriptionsOf(context).subscribe(params.fromHeight),
    blocks_unsubscribe: async (params: { subscription: string }, context) =>
      subscriptionsOf(context).unsubscribe(params.subscription),
  }
}

function subscriptionsOf(context: RpcContext): Subscriptions {
  if (context.subscriptions === null) {
    throw new CordonError(
      'rpc-method',
      'subscriptions need a WebSocket; connect to the same address with ws:// instead of POST',
    )
  }
  return context.subscriptions
}
