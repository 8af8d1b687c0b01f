/** The node's operator port: JSON-RPC over POST `/`, for those who have a token. */
import type { OperatorMethod, OperatorParams, OperatorResult } from '../../client/operator-api.ts'
import { CordonError } from '../../config/errors.ts'
import { LIMITS } from '../../config/limits.ts'
import { covers, type Token } from '../../config/tokens.ts'
import { answerPost, httpRate, listen, makeApp, urlHost } from './http.ts'
import { JsonRpc } from './json-rpc.ts'
import { OPERATOR_METHODS, OPERATOR_TABLE } from './operator-schemas.ts'
import type { CallContext, RpcLog } from './service.ts'
import type { TokenKeeper } from './token-keeper.ts'

export interface OperatorContext extends CallContext {
  /** Whose call it is. */
  readonly token: Token
}

/** The methods. Token, scope and parameters have been checked. */
export type OperatorService = {
  readonly [Method in OperatorMethod]: (
    params: OperatorParams<Method>,
    context: OperatorContext,
  ) => Promise<OperatorResult<Method>>
}

export interface OperatorServerOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly service: OperatorService
  readonly tokens: TokenKeeper
  readonly log: RpcLog
}

export interface OperatorServer {
  /** `http://HOST:PORT`. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts listening.
 * @throws CordonError `port-in-use`, or `config-invalid` if the address cannot be listened on.
 */
export async function startOperatorServer(options: OperatorServerOptions): Promise<OperatorServer> {
  const { host, port, tokens, log } = options
  const rpc = new JsonRpc(OPERATOR_TABLE, options.service, log, requireScope)
  const app = await makeApp(host, log)
  app.post(
    '/',
    { config: { rateLimit: httpRate(LIMITS.operatorRequestsPerSecond) } },
    // The body of somebody without a token is read, up to its limit, and not looked at.
    (request, reply) => {
      const token = tokens.authenticate(request.headers.authorization, Date.now())
      return answerPost(request, reply, (text, signal) => rpc.answer(text, { signal, token }))
    },
  )
  try {
    const chosen = await listen(app, { table: 'operator', host, port })
    return { url: `http://${urlHost(host)}:${chosen}`, close: () => app.close() }
  } catch (error) {
    await app.close()
    throw error
  }
}

/** @throws CordonError `forbidden`. */
function requireScope(method: OperatorMethod, { token }: OperatorContext): void {
  const { scope } = OPERATOR_METHODS[method]
  if (covers(token.scope, scope)) return
  throw new CordonError(
    'forbidden',
    `${method} needs a token with scope ${scope}; ${token.name} has ${token.scope}`,
    { token: token.name, scope: token.scope, needed: scope },
  )
}
